"""Measures how often a search shows what its query says it does not want."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from offline import relevance
from offline.drawn_search import DrawnShop, drawn_shop
from offline.drawn_truth import DrawnTruth, Label
from offline.layout import DataDir
from offline.suite_report import Row, SuiteReport
from runtime.errors import SetupError
from services.gateway.parts import Part, Words
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import MAX_BUDGET_MS, Query
from services.gateway.query_options import Understand

_HOME = Path(__file__).parents[1] / "benchmarks" / "queries"
QUERIES, UNSEEN = _HOME / "exclusions.jsonl", _HOME / "exclusions_unseen.jsonl"
"""The set that the reading of exclusions was mended by, and one that it was not."""
DEPTH = 10
UNDERSTOOD, WORDS_ONLY = "understood", "understood, words alone"
LITERAL = "nothing understood"
VIOLATIONS, RIGHT, SHOWN = "violations in the top 10", "P@10", "shown"


@dataclass(frozen=True, slots=True)
class ExclusionQuery:
    """A query that says what it does not want; ``wanted`` and ``excluded`` are its labels."""

    text: str
    wanted: tuple[Label, ...]
    excluded: tuple[Label, ...]


def exclusions(data: DataDir | None, dataset: Path | None) -> list[SuiteReport]:
    """Asks the drawn catalogue of ``data`` both labelled sets; no other dataset is of use.

    A violation is a product among the first ten of which an excluded label holds, by how it was
    drawn; the figure is the mean of their share among the products that a query shows. Labels that
    drawing does not decide are left out, and counted in the notes.

    Raises:
        SetupError: There is no drawn catalogue, or no queries.
    """
    if data is None:
        raise SetupError("the exclusions are labelled for a drawn catalogue: name its --data")
    with drawn_shop(data) as shop:
        return [
            _report("exclusions", shop, list(read_queries(QUERIES))),
            _report("exclusions_unseen", shop, list(read_queries(UNSEEN))),
        ]


def _report(name: str, shop: DrawnShop, queries: Sequence[ExclusionQuery]) -> SuiteReport:
    systems = {
        UNDERSTOOD: _found(shop.pipeline, queries, Understand(), ()),
        WORDS_ONLY: _found(shop.pipeline, queries, Understand(), ("text",)),
        LITERAL: _found(shop.pipeline, queries, Understand(enabled=False), ()),
    }
    rows = [row for system, found in systems.items() for row in _rows(shop, queries, system, found)]
    return SuiteReport(
        name,
        f"{len(queries)} queries that exclude something, {len(shop.products)} drawn products",
        tuple(rows),
        tuple(_notes(shop.truth, queries)),
    )


def read_queries(path: Path) -> Iterator[ExclusionQuery]:
    """Yields the labelled queries of a file, an object of JSON a line.

    Raises:
        SetupError: There is no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SetupError(f"no queries: {path} cannot be read") from error
    for line in lines:
        row = json.loads(line)
        yield ExclusionQuery(row["query"], _labels(row["wanted"]), _labels(row["excluded"]))


def _labels(found: Sequence[Mapping[str, str]]) -> tuple[Label, ...]:
    return tuple(Label(each["aspect"], each["word"]) for each in found)


def _found(
    pipeline: SearchPipeline,
    queries: Sequence[ExclusionQuery],
    understand: Understand,
    retrievers: tuple[str, ...],
) -> list[list[str]]:
    """The first ten products of each query."""

    async def each() -> list[list[str]]:
        found = []
        for query in queries:
            asked = Query(
                (Part(Words(query.text), "text"),),
                page_size=DEPTH,
                retrievers=retrievers,
                understand=understand,
                budget_ms=MAX_BUDGET_MS,
            )
            answer = await pipeline.search(asked)
            found.append([hit.product.id for hit in answer.hits])
        return found

    return asyncio.run(each())


def _rows(
    shop: DrawnShop, queries: Sequence[ExclusionQuery], system: str, found: Sequence[Sequence[str]]
) -> Iterator[Row]:
    truth = shop.truth
    violations: list[float] = []
    right: list[float] = []
    for query, ids in zip(queries, found, strict=True):
        wrong = [each for label in query.excluded for each in (truth.holding(label),)]
        bad = frozenset[str]().union(*wrong)
        if query.excluded and any(truth.knows(label) for label in query.excluded):
            violations.append(sum(name in bad for name in ids) / max(len(ids), 1))
        good = truth.right(query.wanted) - bad
        if good:
            right.append(sum(name in good for name in ids) / DEPTH)
    yield Row(system, VIOLATIONS, relevance.estimate(violations))
    yield Row(system, RIGHT, relevance.estimate(right))
    yield Row(system, SHOWN, relevance.estimate([len(ids) / DEPTH for ids in found]))


def _notes(truth: DrawnTruth, queries: Sequence[ExclusionQuery]) -> Iterator[str]:
    labels = [label for query in queries for label in query.excluded]
    unknown = sorted({f"{each.aspect} {each.word}" for each in labels if not truth.knows(each)})
    yield (
        f"{len(labels)} labels say what is excluded; {len(unknown)} of them the drawing does not "
        f"decide: {', '.join(unknown) or 'none'}."
    )
    nothing = sum(not query.excluded for query in queries)
    yield f"{nothing} queries hold a word of negation that excludes nothing."
