"""Lists products without words, and tells what the products of a list hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from catalog.columns import NO_PRICE, ColumnsView
from catalog.facet import Facet
from catalog.product_filter import ProductFilter

Order: TypeAlias = Literal["id", "price_asc", "price_desc", "newest"]

_LAST = np.iinfo(np.int64).max
_ABSENT = -1


@dataclass(frozen=True, slots=True)
class Listing:
    """Ids in order, and how many products, or styles where collapsed, there are in all."""

    ids: list[str]
    total: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Of each product asked for: style, price, when it was added, brand and colour.

    Attributes:
        styles: Numbers of styles, int32 of shape [products], -1 for a product that is not there.
        prices: Minor units, int64 of shape [products], -1 where there is none.
        added: Numbers of changes, int64 of shape [products], 0 for a product that is not there.
        brands: Numbers of brands, int32 of shape [products], -1 where there is none.
        colours: Numbers of colours, int32 of shape [products], -1 where there is none.
    """

    styles: npt.NDArray[np.int32]
    prices: npt.NDArray[np.int64]
    added: npt.NDArray[np.int64]
    brands: npt.NDArray[np.int32]
    colours: npt.NDArray[np.int32]


def browse(
    columns: ColumnsView,
    found: ProductFilter | None,
    *,
    order: Order,
    count: int,
    collapse: bool = False,
) -> Listing:
    """Lists what a filter admits, all of it counted, equal ones in the order of their ids.

    Args:
        columns: The catalogue.
        found: A filter that passed its check; None admits all.
        order: How the list is ordered; products without a price come last by price.
        count: Most products wanted, 1 or more.
        collapse: Whether only the first product of each style is listed.
    """
    rows = np.flatnonzero(columns.mask(found)).astype(np.int32)
    keys = _keys(columns, rows, order)
    if collapse:
        rows, keys = _first_of_styles(columns, rows, keys)
    total = len(rows)
    rows, keys = _front(columns, rows, keys, count)
    best = np.lexsort((columns.id_ranks(rows), keys))
    return Listing([columns.ids[row] for row in rows[best].tolist()], total)


def count_facets(
    columns: ColumnsView, ids: Sequence[str], fields: Sequence[str], *, collapse: bool
) -> list[Facet]:
    """Counts the values of fields over products; those that are not there count nowhere."""
    rows = columns.rows_of(ids)
    rows = rows[rows >= 0]
    styles = columns.at("style_id", rows) if collapse else None
    return [columns.facet(rows, field, styles) for field in fields]


def product_rows(columns: ColumnsView, ids: Sequence[str]) -> Rows:
    """Returns what sorting and collapsing need to know of products, in the order of the ids."""
    rows = columns.rows_of(ids)
    there = rows >= 0
    held = rows[there]
    told = Rows(
        np.full(len(rows), _ABSENT, np.int32),
        np.full(len(rows), NO_PRICE, np.int64),
        np.zeros(len(rows), np.int64),
        np.full(len(rows), _ABSENT, np.int32),
        np.full(len(rows), _ABSENT, np.int32),
    )
    told.styles[there] = columns.at("style_id", held)
    told.prices[there] = columns.at("price_minor", held)
    told.added[there] = columns.at("added_seq", held)
    # Code 0 says that a product has no value.
    told.brands[there] = columns.at("brand", held) - 1
    told.colours[there] = columns.at("colour", held) - 1
    return told


def without_photo(columns: ColumnsView, ids: Sequence[str]) -> list[int]:
    """Returns the places among the ids, ascending, of products that have no photo."""
    rows = columns.rows_of(ids)
    there = np.flatnonzero(rows >= 0)
    return [*map(int, there[~columns.at("has_photo", rows[there])])]


def _keys(columns: ColumnsView, rows: npt.NDArray[np.int32], order: Order) -> npt.NDArray[np.int64]:
    """Returns a number for each row; the smallest comes first."""
    if order == "id":
        return np.zeros(len(rows), np.int64)
    if order == "newest":
        return -columns.added[rows]
    prices = columns.prices[rows]
    return np.where(prices == NO_PRICE, _LAST, prices if order == "price_asc" else -prices)


def _first_of_styles(
    columns: ColumnsView, rows: npt.NDArray[np.int32], keys: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    styles = columns.styles[rows]
    if not len(styles):
        return rows, keys
    for by in (keys, None):
        values = columns.id_ranks(rows) if by is None else by
        best = np.full(int(styles.max()) + 1, _LAST, np.int64)
        np.minimum.at(best, styles, values)
        is_best = values == best[styles]
        rows, keys, styles = rows[is_best], keys[is_best], styles[is_best]
    return rows, keys


def _front(
    columns: ColumnsView, rows: npt.NDArray[np.int32], keys: npt.NDArray[np.int64], count: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Returns the rows that come among the first, in no order, without sorting the others."""
    if len(rows) <= count:
        return rows, keys
    last = np.partition(keys, count - 1)[count - 1]
    ahead = np.flatnonzero(keys < last)
    ties = np.flatnonzero(keys == last)
    ranks = columns.id_ranks(rows[ties])
    left = count - len(ahead)
    chosen = np.concatenate([ahead, ties[np.argpartition(ranks, left - 1)[:left]]])
    return rows[chosen], keys[chosen]
