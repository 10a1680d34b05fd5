"""Lays the changes of columns over what they were first."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.column_rows import DTYPES, AttributeColumn, Mask, ProductRows, Rows
from catalog.growing import Growing

_SUPERSEDED = -1


@dataclass(frozen=True, slots=True)
class Tables:
    """What views look at: every part is only ever added to, by one thread.

    Attributes:
        ids: Product id of each row.
        places: Row of each id that was ever there.
        base: What each row was first.
        patch: What some rows became since, later ones later.
        patched: Row of each row of ``patch``.
        ordered: How many of the first rows come in ascending order of id.
    """

    ids: list[str]
    places: dict[str, int]
    base: ProductRows
    patch: ProductRows
    patched: Growing[np.int32]
    ordered: int


def tables_of(ids: list[str], base: ProductRows) -> Tables:
    """Returns tables without a patch.

    Raises:
        ValueError: A product comes twice.
    """
    places = {product_id: place for place, product_id in enumerate(ids)}
    if len(places) != len(ids):
        raise ValueError("a product comes twice")
    breaks = (place for place, (a, b) in enumerate(pairwise(ids), 1) if b <= a)
    return _tables(ids, places, base, next(breaks, len(ids)))


def folded(tables: Tables, count: int, patches: int) -> Tables:
    """Returns the tables with the first rows of the patch laid over the first rows of the base."""
    rows, slots = latest(tables, patches)
    is_changed = np.zeros(count, np.bool_)
    is_changed[rows] = True
    row_of_slot = np.full(patches, _SUPERSEDED, np.int32)
    row_of_slot[slots] = rows
    ours, theirs = tables.base.attributes, tables.patch.attributes
    attributes = {
        name: _merged(ours.get(name), theirs.get(name), is_changed, row_of_slot)
        for name in {**ours, **theirs}
    }
    dense = {name: overlaid(tables, name, count, patches) for name in DTYPES}
    base = ProductRows(tables.base.words, dense, attributes)
    return _tables(tables.ids, tables.places, base, tables.ordered)


def latest(tables: Tables, patches: int) -> tuple[Rows, Rows]:
    """Returns the rows that the patch changes, ascending, and its last row for each."""
    last_first = tables.patched.first(patches)[::-1]
    rows, places = np.unique(last_first, return_index=True)
    return rows, (patches - 1 - places).astype(np.int32)


def overlaid(tables: Tables, column: str, count: int, patches: int) -> npt.NDArray[Any]:
    """Returns the first rows of a column with the patch laid over them, read-only."""
    found = tables.base.dense[column].first(count)
    if patches:
        found = found.copy()
        # A row that changed twice stands here twice: the last assignment holds.
        found[tables.patched.first(patches)] = tables.patch.dense[column].first(patches)
        found.flags.writeable = False
    return found


def _tables(ids: list[str], places: dict[str, int], base: ProductRows, ordered: int) -> Tables:
    patched = Growing(np.empty(0, np.int32))
    return Tables(ids, places, base, ProductRows(base.words), patched, ordered)


def _merged(
    base: AttributeColumn | None,
    patch: AttributeColumn | None,
    is_changed: Mask,
    row_of_slot: Rows,
) -> tuple[Rows, Rows]:
    parts: list[tuple[Rows, Rows]] = []
    if base is not None:
        rows, codes = base.first(len(is_changed))
        kept = ~is_changed[rows]
        parts.append((rows[kept], codes[kept]))
    if patch is not None:
        slots, codes = patch.first(len(row_of_slot))
        rows = row_of_slot[slots]
        last = np.flatnonzero(rows != _SUPERSEDED)
        order = last[np.argsort(rows[last])]
        parts.append((rows[order], codes[order]))
    if len(parts) == 1:
        return parts[0]
    (rows, codes), (more, their_codes) = parts
    places = np.searchsorted(rows, more)
    return np.insert(rows, places, more), np.insert(codes, places, their_codes)
