"""Holds every way to merge rankings to its inputs: on a catalogue, and on test collections."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from catalog.lexicon import Lexicon
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.words import WordTable
from offline.dense_rankings import LatentRankings
from offline.evaluate_retrieval import Candidates, held_out_candidates, indexed
from offline.fusion_queries import catalogue_queries
from offline.fusion_report import GAINED, NDCG, rows_of, verdicts
from offline.fusion_runs import Labelled, Run, recorded_runs
from offline.fusion_trials import DEPTH as SCORED
from offline.fusion_trials import Trials, trial_of
from offline.hidden_words import scored_words, without_words
from offline.judged_collections import found_by_words, read_collection, write_index
from offline.layout import DataDir
from offline.local_stages import KeptVectors
from offline.photo_bias import half_of, photo_bias
from offline.progress import progress
from offline.suite_report import Row, SuiteReport
from offline.tune_fusion import by_class, halves
from runtime.errors import SetupError
from services.gateway.query import DEFAULT_FACTOR, DEFAULT_PAGE_SIZE, Fusion
from services.gateway.tuned_fusion import CLASSES, default_fusion
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary

COLLECTIONS = ("scifact", "cranfield")
FOUND = DEFAULT_FACTOR * DEFAULT_PAGE_SIZE
BIAS = "without a photo ahead"
_MERGED: Mapping[str, Callable[[str], Fusion]] = MappingProxyType(
    {"rrf, equal weights": lambda kind: Fusion(), "default": default_fusion}
)


def fusion(data: DataDir | None, dataset: Path | None) -> SuiteReport:
    """Tunes on one half of the queries and scores on the other.

    Args:
        data: A catalogue with an encoder; its held-out products are searched. Its text is indexed
            as it is, and with the labels of half of the products taken away.
        dataset: Folder of ``scifact`` and ``cranfield``, or None. Their dense side is made by
            latent semantic analysis.

    Raises:
        SetupError: There is neither, or something of it cannot be read.
    """
    rows: list[Row] = []
    notes: list[str] = []
    if data is not None:
        rows, notes = _catalogue(held_out_candidates(data))
    for name in COLLECTIONS if dataset is not None else ():
        if dataset is not None and (dataset / name).is_dir():
            found = _collection(dataset / name)
            rows += [row for trials in found for row in rows_of(trials, prefix=f"{name}, ")]
            notes += [f"{name}, {sentence}" for sentence in verdicts(found)]
    if not rows:
        raise SetupError("there is neither a catalogue nor a test collection to merge rankings of")
    title = f"Merging rankings: NDCG@{SCORED} on queries that nothing was chosen by"
    return SuiteReport("fusion", title, tuple(rows), tuple(notes))


def _catalogue(candidates: Candidates) -> tuple[list[Row], list[str]]:
    queries = catalogue_queries(candidates.products)
    vectors = KeptVectors()
    rows: list[Row] = []
    notes: list[str] = []
    for name, products in {
        "all labelled": candidates.products,
        "half labelled": _half_labelled(candidates.products),
    }.items():
        asked = _asked(candidates, products, queries, vectors)
        found = by_class(queries, asked, CLASSES)
        for trials in found:
            rows += rows_of(trials, prefix=f"{name}, ")
            rows += _default_rows(f"{name}, ", trials, queries, asked)
        notes += [f"{name}, {sentence}" for sentence in verdicts(found)]
        rows += _bias_rows(f"{name}, ", asked, [product.id for product in products])
    return rows, notes


def _default_rows(
    prefix: str, trials: Trials, queries: Sequence[Labelled], asked: Sequence[Run]
) -> list[Row]:
    """The figures of what is served where nothing was tuned."""
    scored = halves(trials.kind, queries, asked)[True]
    trial = trial_of(lambda run: default_fusion(run.kind, run.labelled), scored, trials.best_input)
    system = f"{prefix}{trials.kind}: default"
    return [Row(system, NDCG, trial.ndcg), Row(system, GAINED, trial.gained)]


def _bias_rows(prefix: str, asked: Sequence[Run], product_ids: Sequence[str]) -> list[Row]:
    """The figures of products whose photo is taken away, merged as by default."""
    dark = half_of(product_ids)
    runs = [run for run in asked if {"text", "image"} <= run.rankings.keys()]
    rows = []
    for name, hidden, imputed in (
        ("all photos", False, False),
        ("half of the photos, nothing imputed", True, False),
        ("half of the photos, imputed", True, True),
    ):
        for how, fusion_of in _MERGED.items():
            bias = photo_bias(runs, dark, fusion_of, hidden=hidden, imputed=imputed)
            rows.append(Row(f"{prefix}{name}, {how}", NDCG, bias.ndcg))
            rows.append(Row(f"{prefix}{name}, {how}", BIAS, bias.ahead))
    return rows


def _asked(
    candidates: Candidates,
    products: Sequence[Product],
    queries: Sequence[Labelled],
    vectors: KeptVectors,
) -> list[Run]:
    vocabulary = Vocabulary.gather(products, table=WordTable.default(), lexicon=Lexicon.default())
    with tempfile.TemporaryDirectory() as scratch, progress("Asking", len(queries)) as shown:
        pipeline = indexed(candidates, products, Path(scratch), vectors, Understanding(vocabulary))
        return asyncio.run(recorded_runs(pipeline, queries, shown))


def _half_labelled(products: Sequence[Product]) -> list[Product]:
    """Returns the products with the words of half of them taken away, drawn."""
    normalizer = Normalizer()
    masked = without_words(products, scored_words(products, normalizer), normalizer)
    hidden = half_of([product.id for product in products], seed=1)
    return [
        bare if bare.id in hidden else whole for bare, whole in zip(masked, products, strict=True)
    ]


def _collection(folder: Path) -> list[Trials]:
    collection = read_collection(folder)
    texts = [f"{each.title} {each.description}" for each in collection.products]
    latent = LatentRankings([each.id for each in collection.products], texts)
    runs = []
    with tempfile.TemporaryDirectory() as scratch:
        index = write_index(collection, Path(scratch))
        for query in collection.queries:
            rankings = {
                "text": found_by_words(index, query.text, FOUND),
                "image": latent.search(query.text, FOUND),
            }
            runs.append(Run("words_long", rankings, query.gains))
    return by_class(collection.queries, runs, ("words_long",))
