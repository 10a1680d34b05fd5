"""Cuts a page from a result: reads the winners, drops those that are gone, and fills it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.product import Product
from catalog.product_filter import admits
from services.gateway.answer import Explanation, Move, RankedProduct
from services.gateway.query import Query
from services.gateway.result_set import Candidate, ResultSet
from services.gateway.stages import Documents

MAX_VARIANTS = 12
_LEAST_READ = 50  # many deleted products at the top must not mean many small reads
_WHY_GONE = "products before it are no longer there"


@dataclass(frozen=True, slots=True)
class Page:
    """Hits of one page.

    ``end`` is the number of groups of the result up to the end of the page, ``shown`` the number
    of hits up to there: the others were gone.
    """

    hits: Sequence[RankedProduct]
    end: int
    shown: int


async def cut(
    results: ResultSet, query: Query, documents: Documents, *, offset: int = 0, shown: int = 0
) -> Page:
    """The page that starts at a group of the result.

    A product that was deleted meanwhile, or that the filter of the query no longer admits, is
    dropped, and the next one moves up; where it has variants, the best of them takes its place.

    Args:
        results: The whole result.
        query: Says the filter and how many hits a page has.
        documents: The products.
        offset: Groups of the result before the page.
        shown: Hits before the page.
    """
    hits: list[RankedProduct] = []
    start = offset
    while len(hits) < query.page_size and start < len(results.groups):
        wanted = query.page_size - len(hits)
        batch = results.groups[start : start + (wanted if start == offset else _most(wanted))]
        ids = [each.product_id for group in batch for each in group]
        found = _admitted(await documents.read(ids), query)
        for group in batch:
            start += 1
            hit = _hit(group, found, query, shown + len(hits) + 1, start)
            if hit is not None:
                hits.append(hit)
            if len(hits) == query.page_size:
                break
    return Page(hits, start, shown + len(hits))


def _most(wanted: int) -> int:
    return max(wanted, _LEAST_READ)


def _admitted(found: Mapping[str, Product], query: Query) -> Mapping[str, Product]:
    condition = query.filter
    if condition is None:
        return found
    return {name: product for name, product in found.items() if admits(condition, product)}


def _hit(
    group: Sequence[Candidate], found: Mapping[str, Product], query: Query, rank: int, place: int
) -> RankedProduct | None:
    """The hit of the group at a place of the result, from 1; None if all of it is gone."""
    there = [each for each in group if each.product_id in found]
    if not there:
        return None
    best = there[0]
    variants = [found[each.product_id] for each in there[1 : MAX_VARIANTS + 1]]
    return RankedProduct(
        rank,
        best.score,
        found[best.product_id],
        _moved(best.explanation, place, rank),
        variants if query.collapse else None,
    )


def _moved(explanation: Explanation | None, place: int, rank: int) -> Explanation | None:
    if explanation is None or place == rank:
        return explanation
    move = Move("gone", place, rank, _WHY_GONE)
    return replace(explanation, moves=[*explanation.moves, move])
