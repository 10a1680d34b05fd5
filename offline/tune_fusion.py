"""Chooses how rankings are merged by labelled queries, and releases the choice unless it loses."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.store import CatalogStore
from offline.fusion_report import rows_of, verdicts
from offline.fusion_runs import Labelled, Run, recorded_runs
from offline.fusion_trials import LEAST_QUERIES, Trials, held_out, tried
from offline.labelled_queries import CLICK_KINDS, from_clicks, read_labelled
from offline.layout import DataDir
from offline.progress import progress, say
from offline.publish import in_force, publish
from offline.released_search import Released, released_search
from offline.suite_report import SuiteReport
from runtime.artifacts import Artifact, ArtifactStore
from runtime.errors import SetupError
from services.gateway.tuned_fusion import CLASSES, FORMAT, KIND, TunedFusion

MAX_QUERIES = 5_000


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """How to tune.

    Attributes:
        queries: File or folder of labelled queries; None takes what shoppers did.
        classes: Classes to tune; empty: all for which there are queries.
        release: Whether a choice that wins is put in force.
        report: Folder for ``fusion.json`` and ``fusion.md``, or None.
        as_json: Whether JSON is printed.
    """

    queries: Path | None = None
    classes: tuple[str, ...] = ()
    release: bool = True
    report: Path | None = None
    as_json: bool = False


def tune_fusion(data: DataDir, options: TuneOptions) -> bool:
    """Tunes each class of queries on half of them, scores on the other half, and releases.

    A class whose choice is worse than one of its inputs at the mean is told and left as it is
    served now, as are classes that are not tuned.

    Returns:
        Whether something was chosen that does not lose.

    Raises:
        SetupError: There is no release, no labelled query, or a file cannot be read.
    """
    for name in options.classes:
        if name not in CLASSES:
            raise SetupError(f"--class is one of {', '.join(CLASSES)}, and {name} is none")
    released = released_search(data)
    labelled = _sampled(_existing(released, _labelled(data, options.queries)))
    if not labelled:
        raise SetupError(
            "there is no labelled query to tune by: none that was judged or clicked has a product "
            "of the catalogue"
        )
    with progress("Asking", len(labelled)) as shown:
        asked = asyncio.run(recorded_runs(released.pipeline, labelled, shown))
    found = by_class(labelled, asked, options.classes or CLASSES)
    winning = [trials for trials in found if not trials.loses]
    if not found:
        say(f"Nothing is tuned: no class has {LEAST_QUERIES} queries to tune and as many to score")
        return False
    _report(found, labelled, asked).publish(options.report, as_json=options.as_json)
    for trials in found:
        if trials.loses:
            say(
                f"Refused: {trials.kind} merged is worse than {trials.best_input} alone "
                f"({trials.tuned.gained}): it stays as it is served now; bring more queries"
            )
    if not winning:
        return False
    made = put_down(data, released, winning, _digest(labelled))
    if options.release:
        publish(data, {KIND: made.generation})
    else:
        say(
            f"Made, and not in force: hemline publish --data {data.root} --fusion {made.generation}"
        )
    return True


def by_class(
    labelled: Sequence[Labelled], asked: Sequence[Run], classes: Sequence[str]
) -> list[Trials]:
    """Tries fusions for each class that both retrievers answer, if it has queries enough."""
    found = []
    for kind in classes:
        sides = halves(kind, labelled, asked)
        if min(map(len, sides.values())) >= LEAST_QUERIES:
            found.append(tried(kind, sides[False], sides[True]))
    return found


def halves(
    kind: str, labelled: Sequence[Labelled], asked: Sequence[Run]
) -> Mapping[bool, list[Run]]:
    """Returns the runs of a class that choose, by False, and those that are scored, by True.

    They are those that both retrievers answer.
    """
    pairs = [
        (query, run)
        for query, run in zip(labelled, asked, strict=True)
        if run.kind == kind and {"text", "image"} <= run.rankings.keys()
    ]
    sides: dict[bool, list[Run]] = {False: [], True: []}
    for side, (_, run) in zip(held_out([query for query, _ in pairs]), pairs, strict=True):
        sides[side].append(run)
    return sides


def put_down(data: DataDir, released: Released, found: Sequence[Trials], queries: str) -> Artifact:
    """Publishes the choices as an artifact, beside those of other classes that are in force."""
    store = ArtifactStore(data.artifacts)
    before = in_force(store, KIND)
    kept = TunedFusion.open(before[KIND].folder).by_class if KIND in before else {}
    chosen = {**kept, **{trials.kind: trials.chosen for trials in found}}

    def write(folder: Path) -> Mapping[str, object]:
        evidence = {
            trials.kind: {
                "queries": trials.tuned.ndcg.count,
                "inputs": {name: each.mean for name, each in trials.inputs.items()},
                "tuned": trials.tuned.ndcg.mean,
                "gained": [trials.tuned.gained.low, trials.tuned.gained.high],
            }
            for trials in found
        }
        return {**TunedFusion.write(chosen, folder), "evidence": evidence}

    inputs = {"queries": queries, **released.generations}
    return store.publish(KIND, format=FORMAT, seq=released.seq, write=write, inputs=inputs)


def _labelled(data: DataDir, queries: Path | None) -> list[Labelled]:
    if queries is not None:
        return read_labelled(queries)
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        return from_clicks(store.interactions(kinds=CLICK_KINDS))
    finally:
        store.close()


def _existing(released: Released, labelled: Sequence[Labelled]) -> list[Labelled]:
    """The queries of which a right product, and the one that is liked, are in the catalogue."""
    named = {name for each in labelled for name in (*each.gains, *filter(None, (each.like,)))}
    held = asyncio.run(released.pipeline.documents.read(sorted(named)))
    gone = sorted(named - held.keys())
    if gone:
        say(
            f"{len(gone)} of {len(named)} products that queries name are not in the catalogue, "
            f"such as {gone[0]}: they are left out"
        )
    kept = (
        replace(each, gains={name: worth for name, worth in each.gains.items() if name in held})
        for each in labelled
        if not each.like or each.like in held
    )
    return [each for each in kept if each.gains]


def _sampled(labelled: Sequence[Labelled]) -> list[Labelled]:
    """At most 5,000 queries, drawn by a hash, so that the same ones are drawn again."""

    def drawn(query: Labelled) -> str:
        return hashlib.sha256(f"drawn\n{query.text}\n{query.like}".encode()).hexdigest()

    return sorted(labelled, key=drawn)[:MAX_QUERIES]


def _digest(labelled: Sequence[Labelled]) -> str:
    told = sorted((each.text, each.like, sorted(each.gains.items())) for each in labelled)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _report(
    found: Sequence[Trials], labelled: Sequence[Labelled], asked: Sequence[Run]
) -> SuiteReport:
    kinds = [run.kind for run in asked]
    left_out = [
        f"{kind}: {kinds.count(kind)} queries, not tuned."
        for kind in CLASSES
        if kind in kinds and kind not in {trials.kind for trials in found}
    ]
    return SuiteReport(
        "fusion",
        f"{len(labelled)} labelled queries: one half chooses, the other half is scored.",
        tuple(row for trials in found for row in rows_of(trials)),
        (*verdicts(found), *left_out),
    )
