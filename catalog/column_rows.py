"""Keeps what filters and facets ask of products in columns that only grow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.dictionaries import EMPTY, Dictionary, Words, WordSets
from catalog.growing import Growing
from catalog.product import Product
from catalog.product_filter import (
    ATTRIBUTES,
    FLAGS,
    NUMBER,
    AllOf,
    AnyOf,
    Condition,
    Not,
    ProductFilter,
    values_of,
)
from catalog.searched import text_digest

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.int32] | npt.NDArray[np.int64] | npt.NDArray[np.uint64] | Mask

CODED = ("style_id", "brand", "kind", "gender", "colour", "season", "category", "size")
"""Columns of dictionary codes, int32."""
DTYPES: Mapping[str, npt.DTypeLike] = {
    **dict.fromkeys(CODED, np.int32),
    "in_stock": np.bool_,
    "has_photo": np.bool_,
    NUMBER: np.int64,
    "added_seq": np.int64,
    "text_digest": np.uint64,
}
"""Every column with one number a product, and its dtype."""
NO_PRICE = -1
_COMPARED = 4


def dictionaries() -> dict[str, Dictionary]:
    """Returns the empty dictionaries of the coded columns; attributes get theirs as they come."""
    return {name: WordSets() if name in ("category", "size") else Words() for name in CODED}


class AttributeColumn:
    """One attribute of the products that have it: their rows, ascending, and its codes."""

    __slots__ = ("codes", "rows")

    def __init__(self, rows: Rows, codes: npt.NDArray[np.int32]) -> None:
        self.rows = Growing(rows)
        self.codes = Growing(codes)

    def first(self, count: int) -> tuple[Rows, npt.NDArray[np.int32]]:
        """Returns the rows below ``count`` and their codes."""
        # The codes were appended before the rows.
        rows = self.rows.first(len(self.rows))
        rows = rows[: np.searchsorted(rows, count)]
        return rows, self.codes.first(len(rows))


class ProductRows:
    """Rows of products that are appended and never changed.

    One thread appends; any thread reads the first ``count`` rows, for a count that was told
    after they were there.

    Args:
        words: Dictionaries of the columns and of the attributes met so far; may be shared.
        dense: A column for each of :data:`DTYPES`, of equal lengths.
        attributes: The attributes' columns, by name.
    """

    __slots__ = ("attributes", "dense", "words")

    def __init__(
        self,
        words: dict[str, Dictionary],
        dense: Mapping[str, Numbers] | None = None,
        attributes: Mapping[str, tuple[Rows, npt.NDArray[np.int32]]] | None = None,
    ) -> None:
        self.words = words
        self.dense: dict[str, Growing[Any]] = {
            name: Growing(np.empty(0, dtype) if dense is None else dense[name])
            for name, dtype in DTYPES.items()
        }
        self.attributes = {name: AttributeColumn(*c) for name, c in (attributes or {}).items()}

    def __len__(self) -> int:
        """Returns how many rows there are."""
        return len(self.dense[NUMBER])

    def extend(self, products: Sequence[Product]) -> None:
        """Appends a row for each product."""
        start = len(self)
        self._extend_attributes(products, start)
        columns: dict[str, list[int]] = {
            name: [self.words[name].code(values_of(each, name)) for each in products]
            for name in CODED
        }
        columns["in_stock"] = [each.in_stock for each in products]
        columns["has_photo"] = [bool(each.images) for each in products]
        columns["added_seq"] = [each.added_seq for each in products]
        columns["text_digest"] = [text_digest(each) for each in products]
        columns[NUMBER] = [
            NO_PRICE if each.price_minor is None else each.price_minor for each in products
        ]
        for name, dtype in DTYPES.items():
            self.dense[name].extend(np.array(columns[name], dtype))

    def admitted(
        self, found: ProductFilter, count: int, by_id: Callable[[Sequence[str]], Mask]
    ) -> Mask:
        """Tells which of the first rows a filter admits, bool of shape [count].

        Args:
            found: A filter that passed its check.
            count: How many rows.
            by_id: Tells which rows are of the ids, in an array that may be written to.
        """
        match found:
            case AllOf(filters):
                parts = (self.admitted(each, count, by_id) for each in filters)
                return reduce(lambda a, b: np.logical_and(a, b, out=a), parts)
            case AnyOf(filters):
                parts = (self.admitted(each, count, by_id) for each in filters)
                return reduce(lambda a, b: np.logical_or(a, b, out=a), parts)
            case Not(inner):
                mask = self.admitted(inner, count, by_id)
                return np.logical_not(mask, out=mask)
            case Condition(field="id"):
                return by_id(found.values)
            case Condition():
                return self._holding(found, count)

    def codes_at(self, field: str, rows: Rows) -> tuple[npt.NDArray[np.int32], Dictionary]:
        """Returns the codes of a coded column or an attribute at rows, and their dictionary."""
        if field in CODED:
            return self.dense[field].first(len(self))[rows], self.words[field]
        codes = np.full(len(rows), EMPTY, np.int32)
        column = self.attributes.get(field)
        if column is not None:
            having, held = column.first(len(self))
            places = np.searchsorted(having, rows)
            places[places == len(having)] = 0
            if len(having):
                codes = np.where(having[places] == rows, held[places], EMPTY)
        return codes, self.words.get(field) or Words()

    def _holding(self, found: Condition, count: int) -> Mask:
        if found.field == NUMBER:
            return _priced(found, self.dense[NUMBER].first(count))
        if found.field in FLAGS:
            flags = self.dense[found.field].first(count)
            admitted = np.zeros(count, np.bool_)
            for value in set(found.values):
                admitted |= flags if value == "true" else ~flags
            return admitted
        words = self.words.get(found.field)
        codes = {code for value in found.values for code in words.holding(value)} if words else ()
        if found.field in CODED:
            return _among(self.dense[found.field].first(count), codes)
        return self._with_attribute(found.field, codes, count)

    def _with_attribute(self, field: str, codes: Iterable[int], count: int) -> Mask:
        column = self.attributes.get(field)
        if column is None:
            return np.zeros(count, np.bool_)
        rows, held = column.first(count)
        hit = _among(held, set(codes))
        if len(rows) == count:  # Every product has it.
            return hit
        admitted = np.zeros(count, np.bool_)
        admitted[rows[hit]] = True
        return admitted

    def _extend_attributes(self, products: Sequence[Product], start: int) -> None:
        found: dict[str, tuple[list[int], list[int]]] = {}
        for row, product in enumerate(products, start):
            for name, value in product.attributes.items():
                if value:
                    field = ATTRIBUTES + name
                    words = self.words.setdefault(field, Words())
                    rows, codes = found.setdefault(field, ([], []))
                    rows.append(row)
                    codes.append(words.code((value,)))
        for field, (rows, codes) in found.items():
            column = self.attributes.get(field)
            if column is None:
                column = AttributeColumn(np.empty(0, np.int32), np.empty(0, np.int32))
            column.codes.extend(np.array(codes, np.int32))
            column.rows.extend(np.array(rows, np.int32))
            self.attributes[field] = column


def _among(held: npt.NDArray[np.int32], codes: Iterable[int]) -> Mask:
    wanted = list(codes)
    if len(wanted) <= _COMPARED:
        hit = np.zeros(len(held), np.bool_)
        for code in wanted:
            hit |= held == code
        return hit
    table = np.zeros(max(int(held.max(initial=0)), *wanted) + 1, np.bool_)
    table[wanted] = True
    return np.take(table, held)


def _priced(found: Condition, prices: npt.NDArray[np.int64]) -> Mask:
    if found.has_range:
        least, most = found.interval
        return (prices >= max(least, 0)) & (prices <= most)
    wanted = np.unique(np.array([int(value) for value in found.values], np.int64))
    if len(wanted) <= _COMPARED:
        hit = np.zeros(len(prices), np.bool_)
        for price in wanted:
            hit |= prices == price
        return hit
    return np.isin(prices, wanted)
