"""Keeps the vectors of products in rows that are appended and superseded while others search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.image_retriever.exact import ExactRows, Mask, Rows, Vectors
from services.image_retriever.gpu_index import FirstRows, GpuRows
from services.image_retriever.nearest import InvertedLists, Nearest, unit
from services.image_retriever.view import VectorView

_Number = TypeVar("_Number", bound=np.generic)
Shas = NDArray[np.uint8]
Places = NDArray[np.int32]
SHA_BYTES = 32
_SPARE_ROWS = 1024
# Rows beside the lists are compared one by one, a thousand in 0.05 ms. To sort them into lists
# keeps the changes behind them waiting, some 0.1 ms a row.
_MOST_BESIDE, _BESIDE_SHARE = 1024, 0.005


@dataclass(frozen=True, slots=True)
class ListedRows:
    """Lists over the first rows, and the rows behind them compared one by one.

    Attributes:
        lists: The lists.
        vectors: Unit rows float32 ``[n, dim]``, those of the lists first.
    """

    lists: InvertedLists
    vectors: Vectors

    def candidates(
        self, queries: Vectors, count: int, allowed: Mask | None
    ) -> tuple[list[Rows], bool]:
        """See :class:`~services.image_retriever.nearest.Nearest`."""
        listed = self.lists.shape[0]
        first = last = None
        if allowed is not None:
            first, last = allowed[:listed], allowed[listed:]
        found, _ = self.lists.candidates(queries, count, first)
        if len(self.vectors) > listed:
            beside, _ = ExactRows(self.vectors[listed:]).candidates(queries, count, last)
            found = [np.append(a, b + listed) for a, b in zip(found, beside, strict=True)]
        return found, False


class VectorTable:
    """Rows of vectors, one alive for each product that has one; written by one thread.

    A view never changes: a product's new vector is another row, its old row is marked superseded
    in a copy of the marks, and the matrix grows by doubling beside the one that views hold.

    Args:
        ids: Product of each row.
        vectors: Unit rows float32 ``[n, dim]``.
        faces: SHA-256 of the photo of each row, uint8 ``[n, 32]``.
        places: Row of each product in the columns, int32 ``[n]``.
        lists: Lists over these rows, or None.
        device: Where to search: ``cpu`` or ``cuda``.
    """

    def __init__(
        self,
        ids: list[str],
        vectors: Vectors,
        faces: Shas,
        places: Places,
        lists: InvertedLists | None,
        device: str,
    ) -> None:
        self._ids = ids
        self._vectors, self._faces, self._places = vectors, faces, places
        self._alive = np.ones(len(ids), np.bool_)
        self._count = len(ids)
        self._rows = {product_id: row for row, product_id in enumerate(ids)}
        self._gpu = GpuRows(vectors, device) if device != "cpu" else None
        self.lists = None if self._gpu is not None else lists

    def __len__(self) -> int:
        """Returns how many products have a vector."""
        return len(self._rows)

    @property
    def rows(self) -> int:
        """How many rows there are, superseded ones included."""
        return self._count

    @property
    def superseded_share(self) -> float:
        """Share of the rows that are superseded, 0 to 1."""
        return 1 - len(self._rows) / self._count if self._count else 0.0

    @property
    def is_on_gpu(self) -> bool:
        """Whether a GPU searches."""
        return self._gpu is not None

    def face_of(self, product_id: str) -> str | None:
        """Returns the SHA-256 of the photo that a product's vector is of; None without one."""
        row = self._rows.get(product_id)
        return None if row is None else self._faces[row].tobytes().hex()

    def vector_of(self, product_id: str) -> Vectors | None:
        """Returns the unit vector float32 ``[dim]`` of a product as it is now; from any thread."""
        row = self._rows.get(product_id)
        # The matrix after the row: one that holds the row is in place before the row is told.
        return None if row is None else unit(self._vectors[row][None])[0]

    def vectors_of(self, products: Sequence[str]) -> Vectors:
        """Returns the unit vectors of products, float32 ``[n, dim]``; zeros where there is none.

        From any thread; see :meth:`vector_of`.
        """
        rows = [self._rows.get(each, -1) for each in products]
        found = np.zeros((len(rows), self._vectors.shape[1]), np.float32)
        there = [place for place, row in enumerate(rows) if row >= 0]
        found[there] = unit(self._vectors[[rows[place] for place in there]])
        return found

    def remove(self, products: Sequence[str]) -> None:
        """Supersedes the rows of products; those that have none are passed over."""
        dead = [self._rows.pop(each) for each in products if each in self._rows]
        if dead:
            alive = self._alive.copy()
            alive[dead] = False
            self._alive = alive

    def put(self, ids: Sequence[str], vectors: Vectors, faces: Shas, places: Places) -> None:
        """Gives products a vector, superseding what they had; each product once.

        Args:
            ids: Products.
            vectors: Unit rows float32 ``[k, dim]``.
            faces: Their photos, uint8 ``[k, 32]``.
            places: Their rows in the columns, int32 ``[k]``.

        Raises:
            Overloaded: The GPU has no room for more rows; nothing is changed.
        """
        if not ids:
            return
        start, end = self._count, self._count + len(ids)
        if self._gpu is not None:
            self._gpu.write(start, vectors)
        self._vectors = _room(self._vectors, start, end)
        self._faces = _room(self._faces, start, end)
        self._places = _room(self._places, start, end)
        self._vectors[start:end], self._faces[start:end] = vectors, faces
        self._places[start:end] = places
        self._ids.extend(ids)
        self.remove(ids)
        self._alive = np.append(self._alive, np.ones(len(ids), np.bool_))
        self._count = end
        for row, product_id in enumerate(ids, start):
            self._rows[product_id] = row

    def carry_over(self, old: "VectorTable", since: "TableView") -> None:
        """Does again what was done to a table since a view of it, of which this one was made."""
        before = len(since.places)
        was = since.searched.alive
        gone = ~old._alive[:before] if was is None else was & ~old._alive[:before]
        self.remove([old._ids[row] for row in np.flatnonzero(gone).tolist()])
        new = before + np.flatnonzero(old._alive[before : old._count])
        self.put(
            [old._ids[row] for row in new.tolist()],
            old._vectors[new],
            old._faces[new],
            old._places[new],
        )

    def view(self) -> "TableView":
        """Returns the rows as they are now."""
        count = self._count
        vectors = self._vectors[:count]
        nearest: Nearest
        if self._gpu is not None:
            nearest = FirstRows(self._gpu, count)
        elif self.lists is not None:
            self.lists = _extended(self.lists, vectors)
            nearest = ListedRows(self.lists, vectors)
        else:
            nearest = ExactRows(vectors)
        alive = None if len(self._rows) == count else self._alive
        searched = VectorView(self._ids, vectors, nearest, alive)
        return TableView(searched, self._ids, self._faces[:count], self._places[:count])


@dataclass(frozen=True, slots=True)
class TableView:
    """The rows of a table at one moment.

    Attributes:
        searched: The vectors; its mask says which rows are superseded.
        ids: Product of each row; more may stand behind those of this view.
        faces: SHA-256 of the photo of each row, uint8 ``[n, 32]``.
        places: Row of each product in the columns, int32 ``[n]``.
    """

    searched: VectorView
    ids: list[str]
    faces: Shas
    places: Places


def _extended(lists: InvertedLists, vectors: Vectors) -> InvertedLists:
    listed = lists.shape[0]
    beside = len(vectors) - listed
    if beside <= max(_MOST_BESIDE, _BESIDE_SHARE * listed):
        return lists
    return lists.extended(vectors[listed:])


def _room(held: NDArray[_Number], count: int, wanted: int) -> NDArray[_Number]:
    """Returns an array with room for ``wanted`` rows that begins with the first ``count``."""
    if wanted <= len(held):
        return held
    grown = np.empty((max(wanted, 2 * count) + _SPARE_ROWS, *held.shape[1:]), held.dtype)
    grown[:count] = held[:count]
    return grown
