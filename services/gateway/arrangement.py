"""Puts the products of a result in the order of its pages: sorted, gathered, mixed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.gateway.query import RELEVANCE, Query
from services.gateway.quotas import in_pages
from services.gateway.stages import Rows

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one product.

    The numbers of its style, brand and colour, its price, and when it came in.
    """

    style: int = UNKNOWN
    price: int = UNKNOWN
    added: int = 0
    brand: int = UNKNOWN
    colour: int = UNKNOWN


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The products of a result in groups, one after the other.

    Attributes:
        groups: The products of each group, 1 or more, the best first.
        ungrouped: The products as they were sorted, before they were gathered.
        gathered: Place, from 1, of each group before diversity and quotas; empty where neither
            was asked for.
        diverse: Place, from 1, of each group between the two; empty where neither was.
    """

    groups: Sequence[Sequence[str]]
    ungrouped: Sequence[str]
    gathered: Sequence[int] = ()
    diverse: Sequence[int] = ()

    @property
    def ids(self) -> list[str]:
        """The products, group after group."""
        return [product_id for group in self.groups for product_id in group]

    @property
    def sizes(self) -> list[int]:
        """How many products each group has."""
        return [len(group) for group in self.groups]


def rows_by_id(product_ids: Sequence[str], rows: Rows) -> dict[str, Row]:
    """The rows of products by their ids."""
    columns = (rows.styles, rows.prices, rows.added, rows.brands, rows.colours)
    told = zip(product_ids, *columns, strict=True)
    return {product_id: Row(*values) for product_id, *values in told}


def needs_rows(query: Query) -> bool:
    """Whether the order of the query follows from more than scores and likeness."""
    return query.collapse or query.sort != RELEVANCE or bool(query.quotas)


def arrange(ranked: Sequence[str], query: Query, rows: Mapping[str, Row]) -> Arrangement:
    """Sorts, then gathers into styles; without either, the products stay as they are.

    Args:
        ranked: The products by score, best first.
        query: Says how to sort, and whether to collapse.
        rows: What is known of the products; one that is not there is of a style of its own.
    """
    is_sorted = query.sort != RELEVANCE
    products = in_order(ranked, query.sort, rows) if is_sorted else ranked
    groups = by_style(products, rows) if query.collapse else [[name] for name in products]
    return Arrangement(groups, products)


def mixed(
    arranged: Arrangement, order: Sequence[int], query: Query, rows: Mapping[str, Row]
) -> Arrangement:
    """Takes diversity in, then the quotas; without either, the groups stay as they are.

    Args:
        arranged: What was sorted and gathered.
        order: The places, from 0, of the first groups in the order of their diversity; the others
            stay where they are.
        query: Says the quotas, and how many hits a page has.
        rows: What is known of the products; one that is not there counts for no quota.
    """
    if not order and not query.quotas:
        return arranged
    diverse = [*order, *range(len(order), len(arranged.groups))]
    paged = list(range(len(diverse)))
    if query.quotas:
        nothing = Row()
        heads = [rows.get(arranged.groups[at][0], nothing) for at in diverse]
        columns = {name: [_value(row, name) for row in heads] for name in query.quotas}
        paged = in_pages(columns, query.quotas, query.page_size)
    return replace(
        arranged,
        groups=[arranged.groups[diverse[at]] for at in paged],
        gathered=[diverse[at] + 1 for at in paged],
        diverse=[at + 1 for at in paged],
    )


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


def _value(row: Row, name: str) -> int:
    """The number of what a quota counts."""
    match name:
        case "brand":
            return row.brand
        case "colour":
            return row.colour
        case _:
            return row.style
