"""Measures how well Korean queries find what an English catalogue describes."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from offline import relevance
from offline.drawn_search import drawn_shop
from offline.drawn_truth import Label
from offline.layout import DataDir
from offline.relevance import Estimate
from offline.suite_korean_names import korean_names
from offline.suite_report import Row, SuiteReport
from runtime.errors import Internal, SetupError
from services.gateway.parts import Part, Words
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import MAX_BUDGET_MS, Query
from services.gateway.query_options import Understand

QUERIES = Path(__file__).parents[1] / "benchmarks" / "queries" / "korean.jsonl"
DEPTH = 10
WORDS, BOTH = "words alone", "words and picture"
KOREAN, ENGLISH, LITERAL = "Korean", "the same in English", "Korean, nothing understood"
SHARE = "share of the English P@10"
_LEGS: Mapping[str, tuple[str, ...]] = {WORDS: ("text",), BOTH: ("text", "image")}
_DRAWS = 1_000


@dataclass(frozen=True, slots=True)
class KoreanQuery:
    """A query in Korean, the same in English, and what a right result must be."""

    korean: str
    english: str
    wanted: tuple[Label, ...]


def korean(data: DataDir | None, dataset: Path | None) -> list[SuiteReport]:
    """Measures the Korean queries on the drawn catalogue of ``data``, and queries for the names
    of a Korean shop in ``dataset``; leaves out what is None.

    Raises:
        SetupError: What is asked for is not there.
    """
    reports = [] if data is None else [korean_queries(data)]
    return reports if dataset is None else [*reports, korean_names(dataset)]


def korean_queries(data: DataDir, queries: Path = QUERIES) -> SuiteReport:
    """Asks the drawn catalogue each query in Korean and in English, by one and the same pipeline.

    Raises:
        SetupError: The catalogue is not drawn, or has no encoder or index; or there are no queries.
    """
    every = list(read_queries(queries))
    with drawn_shop(data) as shop:
        asked = [query for query in every if shop.truth.right(query.wanted)]
        rights = [shop.truth.right(query.wanted) for query in asked]
        rows = [row for legs in _LEGS for row in _rows(shop.pipeline, asked, rights, legs)]
        best = [min(len(right), DEPTH) / DEPTH for right in rights]
        rows.append(Row("the best there is", f"P@{DEPTH}", relevance.estimate(best)))
    return SuiteReport(
        "korean_queries",
        f"Korean queries on {len(shop.products)} drawn products",
        tuple(rows),
        (
            "A result is right where all that its query wants is true of how the product was "
            "drawn (offline/drawn_truth.toml).",
            f"{len(every) - len(asked)} queries want what no product of this catalogue is, and are "
            "left out. Many want what fewer than ten are: the best there is says how far one can "
            "get.",
        ),
    )


def read_queries(path: Path) -> Iterator[KoreanQuery]:
    """Yields the labelled queries of a file, an object of JSON a line.

    Raises:
        SetupError: There is no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SetupError(f"no Korean queries: {path} cannot be read") from error
    for line in lines:
        row = json.loads(line)
        wanted = tuple(Label(label["aspect"], label["word"]) for label in row["wanted"])
        yield KoreanQuery(row["korean"], row["english"], wanted)


def _rows(
    pipeline: SearchPipeline,
    queries: Sequence[KoreanQuery],
    rights: Sequence[frozenset[str]],
    legs: str,
) -> list[Row]:
    def precisions(texts: Sequence[str], *, understood: bool = True) -> list[float]:
        found = asyncio.run(_asked(pipeline, texts, _LEGS[legs], understood))
        return [
            relevance.precision(np.array([each in right for each in ids], bool), DEPTH)
            for ids, right in zip(found, rights, strict=True)
        ]

    texts = [query.korean for query in queries]
    in_korean = precisions(texts)
    in_english = precisions([query.english for query in queries])
    literal = precisions(texts, understood=False)
    figures = {KOREAN: in_korean, ENGLISH: in_english, LITERAL: literal}
    return [
        *(
            Row(f"{name}, {legs}", f"P@{DEPTH}", relevance.estimate(values))
            for name, values in figures.items()
        ),
        Row(f"{KOREAN}, {legs}", SHARE, share(in_korean, in_english)),
    ]


async def _asked(
    pipeline: SearchPipeline, texts: Sequence[str], legs: tuple[str, ...], understood: bool
) -> list[list[str]]:
    found = []
    for text in texts:
        answer = await pipeline.search(
            Query(
                parts=(Part(Words(text), "text"),),
                page_size=DEPTH,
                retrievers=legs,
                understand=Understand(enabled=understood),
                budget_ms=MAX_BUDGET_MS,
            )
        )
        if answer.degraded:
            raise Internal(f"a stage did not answer: {', '.join(answer.degraded_reasons)}")
        found.append([hit.product.id for hit in answer.hits])
    return found


def share(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0) -> Estimate:
    """Returns the mean of one list as a share of that of another, over the same queries.

    The interval of 95 % draws queries, not values: both lists together (Efron, Tibshirani 1993,
    ch. 13). Draws in which the other mean is 0 count as 1.
    """
    pairs = np.array([ours, theirs], np.float64).T
    if not len(pairs):
        return Estimate(0.0, 0.0, 0.0, 0)
    draw = np.random.default_rng(seed)
    means = [pairs[draw.integers(len(pairs), size=len(pairs))].mean(axis=0) for _ in range(_DRAWS)]
    low, high = np.quantile([_ratio(*mean) for mean in means], [0.025, 0.975])
    return Estimate(_ratio(*pairs.mean(axis=0)), float(low), float(high), len(pairs))


def _ratio(ours: float, theirs: float) -> float:
    return float(ours / theirs) if theirs > 0 else 1.0
