"""Cuts a page from a result: reads the winners, drops those that are gone, and fills it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.product import Product
from catalog.product_filter import admits
from services.gateway.answer import RankedProduct
from services.gateway.query import Query
from services.gateway.quotas import Shelf
from services.gateway.result_set import ResultSet
from services.gateway.stages import Documents

MAX_VARIANTS = 12
_LEAST_READ = 50  # many deleted products at the top must not mean many small reads


@dataclass(frozen=True, slots=True)
class Page:
    """Hits of one page.

    ``start`` is the number of groups of the result before the page, ``end`` up to its end,
    ``shown`` the number of hits up to there: the others were gone.
    """

    hits: Sequence[RankedProduct]
    start: int
    end: int
    shown: int


async def cut(
    results: ResultSet, query: Query, documents: Documents, *, offset: int = 0, shown: int = 0
) -> Page:
    """The page that starts at a group of the result.

    A product that was deleted meanwhile, or that the filter of the query no longer admits, is
    dropped, and the next one moves up; where it has variants, the best of them takes its place.
    A page ends before a hit that its quotas do not admit, which is the first of the next.

    Args:
        results: The whole result.
        query: Says the filter and how many hits a page has.
        documents: The products.
        offset: Groups of the result before the page.
        shown: Hits before the page.
    """
    hits: list[RankedProduct] = []
    shelf = Shelf(query.quotas)
    group, start = offset, results.start_of(offset)
    while len(hits) < query.page_size and group < len(results.sizes):
        wanted = query.page_size - len(hits)
        sizes = results.sizes[group : group + (wanted if group == offset else _most(wanted))]
        found = _admitted(await documents.read(results.ids[start : start + sum(sizes)]), query)
        for size in sizes:
            there = [at for at in range(start, start + size) if results.ids[at] in found]
            if there and not shelf.takes(found[results.ids[there[0]]]):
                return Page(hits, offset, group, shown + len(hits))
            group, start = group + 1, start + size
            if there:
                rank = shown + len(hits) + 1
                hits.append(_hit(results, there, found, query, group, rank))
            if len(hits) == query.page_size:
                break
    return Page(hits, offset, group, shown + len(hits))


def _most(wanted: int) -> int:
    return max(wanted, _LEAST_READ)


def _admitted(found: Mapping[str, Product], query: Query) -> Mapping[str, Product]:
    condition = query.filter
    if condition is None:
        return found
    return {name: product for name, product in found.items() if admits(condition, product)}


def _hit(
    results: ResultSet,
    there: Sequence[int],
    found: Mapping[str, Product],
    query: Query,
    place: int,
    rank: int,
) -> RankedProduct:
    """The hit of what is there of the group at a place of the result, from 1."""
    best, reasons = there[0], results.reasons
    variants = [found[results.ids[at]] for at in there[1 : MAX_VARIANTS + 1]]
    return RankedProduct(
        rank,
        results.scores[best],
        found[results.ids[best]],
        reasons.of(best, query, place, rank) if reasons else None,
        variants if query.collapse else None,
    )
