"""Sorts the products of a result and gathers them into styles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.gateway.query import RELEVANCE, Query
from services.gateway.stages import Rows

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one product: its style's number, its price, when it came in."""

    style: int = UNKNOWN
    price: int = UNKNOWN
    added: int = 0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The products of a result in groups, one after the other.

    ``sizes`` counts the products of each group; ``ungrouped`` are the products as they were sorted,
    before they were gathered.
    """

    ids: Sequence[str]
    sizes: Sequence[int]
    ungrouped: Sequence[str]


def rows_by_id(product_ids: Sequence[str], rows: Rows) -> dict[str, Row]:
    """The rows of products by their ids."""
    columns = zip(product_ids, rows.styles, rows.prices, rows.added, strict=True)
    return {product_id: Row(style, price, added) for product_id, style, price, added in columns}


def needs_rows(query: Query) -> bool:
    """Whether the order of the query follows from more than the scores."""
    return query.collapse or query.sort != RELEVANCE


def arrange(ranked: Sequence[str], query: Query, rows: Mapping[str, Row]) -> Arrangement:
    """Sorts, then gathers into styles; without either, the products stay as they are.

    Args:
        ranked: The products by score, best first.
        query: Says how to sort, and whether to collapse.
        rows: What is known of the products; one that is not there is of a style of its own.
    """
    is_sorted = query.sort != RELEVANCE
    products = in_order(ranked, query.sort, rows) if is_sorted else ranked
    if not query.collapse:
        return Arrangement(products, [1] * len(products), products)
    groups = by_style(products, rows)
    ids = [product_id for group in groups for product_id in group]
    return Arrangement(ids, [len(group) for group in groups], products)


def in_order(products: Sequence[str], sort: str, rows: Mapping[str, Row]) -> list[str]:
    """The products by ``price_asc``, ``price_desc`` or ``newest``; equal ones by id.

    A product without a price is the last by price, either way.
    """
    nothing = Row()

    def key(product_id: str) -> tuple[bool, int, str]:
        row = rows.get(product_id, nothing)
        if sort == "price_asc":
            return row.price < 0, row.price, product_id
        if sort == "price_desc":
            return row.price < 0, -row.price, product_id
        return False, -row.added, product_id

    return sorted(products, key=key)


def by_style(products: Sequence[str], rows: Mapping[str, Row]) -> list[list[str]]:
    """The products in groups of one style, in the order of the first of each."""
    groups: dict[int | str, list[str]] = {}
    nothing = Row()
    for product_id in products:
        style = rows.get(product_id, nothing).style
        groups.setdefault(product_id if style == UNKNOWN else style, []).append(product_id)
    return list(groups.values())
