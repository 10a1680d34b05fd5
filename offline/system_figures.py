"""Scores the whole search on attribute queries, such as "red women dress"."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.product import Product
from offline import relevance
from offline.progress import Progress
from offline.relevance import Estimate
from runtime.errors import Internal
from services.gateway.parts import Part, Words
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import MAX_BUDGET_MS, Query

DEPTH = 10
PAGE = 100
SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "words alone": ("text",),
    "picture alone": ("image",),
    "words and picture": ("text", "image"),
}


@dataclass(frozen=True, slots=True)
class AttributeQuery:
    """Words, and the products that they ask for: all of equal colour, gender and kind."""

    text: str
    relevant: frozenset[str]


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """How one system orders the products, means over all queries.

    ``precision``, ``ndcg`` and ``recall`` look at the first ten, ``mrr`` at the first hundred;
    ``nothing`` is the share of queries that found no product at all.
    """

    precision: Estimate
    ndcg: Estimate
    recall: Estimate
    mrr: Estimate
    nothing: Estimate


def attribute_queries(products: Sequence[Product]) -> list[AttributeQuery]:
    """Returns a query for each colour, gender and kind that stand together in a product."""
    groups: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for product in products:
        if product.colour and product.gender and product.kind:
            groups[product.colour, product.gender, product.kind].add(product.id)
    return [
        AttributeQuery(" ".join(labels), frozenset(ids)) for labels, ids in sorted(groups.items())
    ]


async def searched(
    pipeline: SearchPipeline, queries: Sequence[AttributeQuery], system: str, shown: Progress
) -> SystemFigures:
    """Asks the pipeline each query, with the retrievers of a system, and scores the answers.

    Raises:
        Internal: A stage did not answer; figures over half an answer would be wrong.
    """
    rankings: list[list[str]] = []
    for query in queries:
        answer = await pipeline.search(
            Query(
                parts=(Part(Words(query.text), "text"),),
                page_size=PAGE,
                retrievers=SYSTEMS[system],
                budget_ms=MAX_BUDGET_MS,
            )
        )
        if answer.degraded:
            raise Internal(f"a stage did not answer: {', '.join(answer.degraded_reasons)}")
        rankings.append([hit.product.id for hit in answer.hits])
        shown.advance()
    return figures(rankings, queries)


def at_best(queries: Sequence[AttributeQuery]) -> SystemFigures:
    """Returns the figures of the ideal order: what no system can pass."""
    return figures([sorted(query.relevant)[:PAGE] for query in queries], queries)


def at_random(
    products: Sequence[Product], queries: Sequence[AttributeQuery], *, seed: int = 0
) -> SystemFigures:
    """Returns the figures of an order drawn anew for each query."""
    draw = np.random.default_rng(seed)
    ids = np.array([product.id for product in products])
    return figures([draw.permutation(ids)[:PAGE].tolist() for _ in queries], queries)


def by_popularity(
    products: Sequence[Product],
    queries: Sequence[AttributeQuery],
    liked: Mapping[str, int],
) -> SystemFigures:
    """Returns the figures of one order for all queries: by how many shoppers like a product."""
    scores = np.array([float(liked.get(product.id, 0)) for product in products])
    rankings = []
    for query in queries:
        relevant = np.array([product.id in query.relevant for product in products], bool)
        order = np.lexsort((relevant, -scores))[:PAGE]
        rankings.append([products[place].id for place in order])
    return figures(rankings, queries)


def figures(rankings: Sequence[Sequence[str]], queries: Sequence[AttributeQuery]) -> SystemFigures:
    """Scores ranked ids, one list a query."""
    flags = [
        np.array([product_id in query.relevant for product_id in ranking], bool)
        for ranking, query in zip(rankings, queries, strict=True)
    ]
    counts = [len(query.relevant) for query in queries]
    pairs = list(zip(flags, counts, strict=True))
    return SystemFigures(
        relevance.estimate([relevance.precision(each, DEPTH) for each in flags]),
        relevance.estimate([relevance.ndcg(each, DEPTH, relevant=count) for each, count in pairs]),
        relevance.estimate(
            [relevance.recall(each, DEPTH, relevant=count) for each, count in pairs]
        ),
        relevance.estimate([relevance.reciprocal_rank(each) for each in flags]),
        relevance.estimate([float(not each.size) for each in flags]),
    )
