"""Sorts the products of a result and gathers them into styles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.gateway.answer import Move
from services.gateway.query import RELEVANCE, Query
from services.gateway.stages import Rows

UNKNOWN = -1
_WHY = {
    "price_asc": "by price, the cheapest first",
    "price_desc": "by price, the dearest first",
    "newest": "by the time it came in, the newest first",
}
_WHY_COLLAPSED = "products before it became variants of their style's best"
_WHY_VARIANT = "it stands with its style"


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one product: its style's number, its price, when it came in."""

    style: int = UNKNOWN
    price: int = UNKNOWN
    added: int = 0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The products of a result in groups, one after the other, and how each came to its place.

    ``sizes`` counts the products of each group; ``moves`` is empty where nobody asked.
    """

    ids: Sequence[str]
    sizes: Sequence[int]
    moves: Mapping[str, Sequence[Move]] = field(default_factory=dict)


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
        query: Says how to sort, whether to collapse, and whether to tell the moves.
        rows: What is known of the products; one that is not there is of a style of its own.
    """
    moves: dict[str, list[Move]] = {}
    products = ranked
    if query.sort != RELEVANCE:
        products = in_order(ranked, query.sort, rows)
    if query.explain:
        _note(moves, ranked, products, query.sort)
    if not query.collapse:
        return Arrangement(products, [1] * len(products), moves)
    groups = by_style(products, rows)
    if query.explain:
        _note_collapsed(moves, products, groups)
    ids = [product_id for group in groups for product_id in group]
    return Arrangement(ids, [len(group) for group in groups], moves)


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


def _note(
    moves: dict[str, list[Move]], before: Sequence[str], after: Sequence[str], sort: str
) -> None:
    places = {product_id: place for place, product_id in enumerate(before, 1)}
    for place, product_id in enumerate(after, 1):
        if places[product_id] != place:
            moves[product_id] = [Move("sort", places[product_id], place, _WHY[sort])]


def _note_collapsed(
    moves: dict[str, list[Move]], before: Sequence[str], groups: Sequence[Sequence[str]]
) -> None:
    places = {product_id: place for place, product_id in enumerate(before, 1)}
    for place, group in enumerate(groups, 1):
        for at, product_id in enumerate(group):
            if places[product_id] != place:
                why = _WHY_VARIANT if at else _WHY_COLLAPSED
                move = Move("collapse", places[product_id], place, why)
                moves.setdefault(product_id, []).append(move)
