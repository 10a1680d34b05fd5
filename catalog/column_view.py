"""Shows the columns of a catalogue as they were at one moment."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.column_rows import Mask, Rows
from catalog.column_tables import Tables, latest, overlaid
from catalog.dictionaries import Dictionary
from catalog.facet import Facet, facet_of_codes, facet_of_counts, facet_of_numbers
from catalog.product_filter import FLAGS, NUMBER, ProductFilter

_ABSENT = -1
_FLAG = ("false", "true")


class ColumnsView:
    """The columns at one moment; safe to use from many threads, for as long as wanted.

    A row is one product for as long as the columns live, whatever becomes of it; a deleted
    product keeps its row, which no mask then admits.

    Args:
        tables: Where the columns are.
        count: How many rows there were.
        patches: How many rows of the patch there were.
        alive: Which rows are not deleted, bool of shape [count].
    """

    def __init__(self, tables: Tables, count: int, patches: int, alive: Mask) -> None:
        self._tables = tables
        self._count = count
        self._patches = patches
        self._alive = alive
        self._alive.flags.writeable = False

    def __len__(self) -> int:
        """Returns how many rows there are, those of deleted products included."""
        return self._count

    @property
    def ids(self) -> Sequence[str]:
        """Product id of each row; it may go on past the rows of this view."""
        return self._tables.ids

    @property
    def alive(self) -> Mask:
        """Which rows are not deleted, bool of shape [rows], read-only."""
        return self._alive

    @cached_property
    def products(self) -> int:
        """How many products there are."""
        return int(np.count_nonzero(self._alive))

    @cached_property
    def styles(self) -> npt.NDArray[np.int32]:
        """Number of each row's style, shape [rows], read-only."""
        return self._whole("style_id")

    @cached_property
    def prices(self) -> npt.NDArray[np.int64]:
        """Price of each row in minor units, -1 where there is none, shape [rows], read-only."""
        return self._whole(NUMBER)

    @cached_property
    def added(self) -> npt.NDArray[np.int64]:
        """Number of the change that brought each row in, shape [rows], read-only."""
        return self._whole("added_seq")

    @cached_property
    def text_digest(self) -> npt.NDArray[np.uint64]:
        """Digest of each row's searched texts, shape [rows], read-only."""
        return self._whole("text_digest")

    def row_of(self, product_id: str) -> int | None:
        """Returns the row of a product, or None where it is not there."""
        row = self._tables.places.get(product_id)
        return None if row is None or row >= self._count or not self._alive[row] else row

    def rows_of(self, ids: Sequence[str]) -> Rows:
        """Returns the row of each product, -1 where it is not there, int32 of shape [ids]."""
        rows = self._placed(ids)
        rows[rows >= 0] = np.where(self._alive[rows[rows >= 0]], rows[rows >= 0], _ABSENT)
        return rows

    def mask(self, found: ProductFilter | None) -> Mask:
        """Tells which rows a filter admits, bool of shape [rows]; of deleted products, none.

        Args:
            found: A filter that passed its check; None admits all.
        """
        if found is None:
            return self._alive
        admitted = self._tables.base.admitted(found, self._count, self._by_id)
        if self._patches:
            patched = self._tables.patched.first(self._patches)
            again = self._tables.patch.admitted(
                found, self._patches, lambda ids: self._by_id(ids)[patched]
            )
            # A row that changed twice stands here twice: the last assignment holds.
            admitted[patched] = again
        return np.logical_and(admitted, self._alive, out=admitted)

    def at(self, column: str, rows: Rows) -> npt.NDArray[Any]:
        """Returns a column of :data:`catalog.column_rows.DTYPES` at rows, shape [rows]."""
        found = self._tables.base.dense[column].first(self._count)[rows]
        places, slots = self._changed_among(rows)
        found[places] = self._tables.patch.dense[column].first(self._patches)[slots]
        return found

    def numbers(self, field: str, rows: Rows) -> npt.NDArray[np.int32]:
        """Returns the number of each row's value of a field of words, int32 of shape [rows].

        Equal for equal values within a view, 0 where there is none.
        """
        return self._codes(field, rows)[0]

    def counts(self, field: str) -> dict[str, int]:
        """Returns how many products have each value of a field of words; none without products."""
        codes, dictionary = self._codes(field, np.flatnonzero(self._alive).astype(np.int32))
        found: Counter[str] = Counter()
        for code, count in enumerate(np.bincount(codes).tolist()):
            if count:
                for value in dictionary.values(code):
                    found[value] += count
        return dict(found)

    def facet(self, rows: Rows, field: str, styles: npt.NDArray[np.int32] | None = None) -> Facet:
        """Counts the values of a field over rows.

        Args:
            rows: Rows of products that are there, each once.
            field: A field of :func:`catalog.product_filter.check_field`.
            styles: Style of each of the rows; given, styles are counted instead of products.
        """
        if field == NUMBER:
            prices = self.at(NUMBER, rows)
            priced = prices >= 0
            return facet_of_numbers(
                field, prices[priced], styles=None if styles is None else styles[priced]
            )
        if field == "id":
            ids = self._tables.ids
            return facet_of_counts(field, {ids[row]: 1 for row in rows.tolist()})
        if field in FLAGS:
            flags = self.at(field, rows).astype(np.int32)
            return facet_of_codes(field, flags, lambda flag: (_FLAG[flag],), styles=styles)
        codes, dictionary = self._codes(field, rows)
        return facet_of_codes(field, codes, dictionary.values, styles=styles)

    def id_ranks(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Returns numbers in the order of the rows' ids, int64 of shape [rows]; no two are equal
        within a view.
        """
        ranks = (rows.astype(np.int64) + 1) << 32
        late = np.flatnonzero(rows >= self._tables.ordered)
        if len(late):
            ranks[late] = self._late_ranks[rows[late] - self._tables.ordered]
        return ranks

    @cached_property
    def _late_ranks(self) -> npt.NDArray[np.int64]:
        """Ranks of the rows past the ordered ones, between those of their neighbours."""
        ordered, ids = self._tables.ordered, self._tables.ids
        late = sorted(range(ordered, self._count), key=ids.__getitem__)
        ranks = np.empty(len(late), np.int64)
        before = 0
        for place, row in enumerate(late):
            before = bisect_left(ids, ids[row], before, ordered)
            ranks[row - ordered] = (before << 32) + place + 1
        return ranks

    @cached_property
    def _overlay(self) -> tuple[Rows, Rows]:
        """The rows that changed, ascending, and the last row of the patch for each."""
        return latest(self._tables, self._patches)

    def _changed_among(self, rows: Rows) -> tuple[npt.NDArray[np.intp], Rows]:
        """Returns the places among ``rows`` of those that changed, and their rows of the patch."""
        changed, slots = self._overlay
        if not len(changed):
            return np.empty(0, np.intp), slots
        found = np.minimum(np.searchsorted(changed, rows), len(changed) - 1)
        places = np.flatnonzero(changed[found] == rows)
        return places, slots[found[places]]

    def _codes(self, field: str, rows: Rows) -> tuple[npt.NDArray[np.int32], Dictionary]:
        codes, dictionary = self._tables.base.codes_at(field, rows)
        places, slots = self._changed_among(rows)
        if len(places):
            codes[places], dictionary = self._tables.patch.codes_at(field, slots)
        return codes, dictionary

    def _whole(self, column: str) -> npt.NDArray[Any]:
        return overlaid(self._tables, column, self._count, self._patches)

    def _by_id(self, ids: Sequence[str]) -> Mask:
        rows = self._placed(ids)
        admitted = np.zeros(self._count, np.bool_)
        admitted[rows[rows >= 0]] = True
        return admitted

    def _placed(self, ids: Sequence[str]) -> Rows:
        places = self._tables.places
        rows = np.fromiter((places.get(each, _ABSENT) for each in ids), np.int32, len(ids))
        rows[rows >= self._count] = _ABSENT
        return rows
