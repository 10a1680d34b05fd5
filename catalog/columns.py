"""Keeps the attributes of all products as columns of numbers, and follows their changes."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from catalog.column_files import read_tables, write_tables
from catalog.column_rows import NO_PRICE, ProductRows, dictionaries
from catalog.column_tables import Tables, folded, tables_of
from catalog.column_view import ColumnsView
from catalog.feed import Change
from catalog.product import Product

__all__ = ["NO_PRICE", "Columns", "ColumnsView"]

_BATCH = 4096
_LEAST_PATCHES = 1024
_PATCHED_SHARE = 32


class Columns:
    """The columns of a catalogue: one thread writes, any thread takes a view.

    A product keeps its row from when it first came. What changes is written beside, into a patch
    that views lay over the first values, so a batch of changes costs what the changes cost and a
    view stays what it was. Once a row in 32 has changed, the patch is folded in: a copy of all
    columns, which views taken before do not see.

    Measured: 260 MB for a million products of ids of 10 characters, a third of it ids; at 100,000,
    a mask of three conditions takes 0.1 to 0.4 ms, 50 changes 0.5 ms.

    Args:
        tables: What the columns begin with; made by :meth:`build` or read from files.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._view = ColumnsView(tables, len(tables.ids), 0, np.ones(len(tables.ids), np.bool_))

    @classmethod
    def build(cls, products: Iterable[Product]) -> "Columns":
        """Builds the columns from a scan of the catalogue, one row a product in its order.

        Raises:
            ValueError: A product comes twice.
        """
        base = ProductRows(dictionaries())
        ids: list[str] = []
        stream = iter(products)
        while batch := list(islice(stream, _BATCH)):
            base.extend(batch)
            ids += [product.id for product in batch]
        return cls(tables_of(ids, base))

    @classmethod
    def open(cls, folder: Path) -> "Columns":
        """Opens what :meth:`write` wrote; the folder is not needed afterwards.

        Raises:
            ValueError: The files are not of one table of columns.
            OSError: A file cannot be read.
        """
        return cls(read_tables(folder))

    def write(self, folder: Path) -> None:
        """Writes the columns, without the rows of deleted products, into an empty folder."""
        tables, view = self._tables, self._view
        write_tables(folded(tables, len(view), len(tables.patched)), view.alive, folder)

    def view(self) -> ColumnsView:
        """Returns the columns as they are now."""
        return self._view

    def apply(self, changes: Sequence[Change]) -> None:
        """Applies changes; the same ones may come again. Called by one thread at a time."""
        tables, before = self._tables, self._view
        fresh: dict[str, Product] = {}
        changed: dict[int, Product] = {}
        dead: set[int] = set()
        for change in {each.product_id: each for each in changes}.values():
            row = tables.places.get(change.product_id)
            if change.product is None:
                dead |= set() if row is None else {row}
            elif row is None:
                fresh[change.product_id] = change.product
            else:
                changed[row] = change.product
        count = len(tables.ids) + len(fresh)
        self._append(fresh)
        tables.patch.extend(list(changed.values()))
        tables.patched.extend(np.fromiter(changed, np.int32, len(changed)))
        alive = before.alive
        if fresh or dead or not alive[list(changed)].all():
            alive = np.ones(count, np.bool_)
            alive[: len(before)] = before.alive
            alive[list(changed)] = True
            alive[list(dead)] = False
        self._view = ColumnsView(tables, count, len(tables.patched), alive)
        if len(tables.patched) > max(_LEAST_PATCHES, count // _PATCHED_SHARE):
            self._tables = folded(tables, count, len(tables.patched))
            self._view = ColumnsView(self._tables, count, 0, alive)

    def _append(self, fresh: dict[str, Product]) -> None:
        tables = self._tables
        tables.base.extend(list(fresh.values()))
        for product_id in fresh:
            # The id first: who finds the row finds its id as well.
            tables.ids.append(product_id)
            tables.places[product_id] = len(tables.ids) - 1
