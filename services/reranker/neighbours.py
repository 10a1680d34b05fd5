"""Holds for each product the products that shoppers take together with it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from runtime.artifacts import ArtifactRefused

KIND = "neighbours"
FORMAT = 1
MOST = 100
"""Most neighbours of a product that are kept."""

_ROWS_AT_ONCE = 4096

Rows = npt.NDArray[np.int32]
Scores = npt.NDArray[np.float32]
Starts = npt.NDArray[np.int64]


class CsrMatrix(Protocol):
    """A matrix in compressed rows, as scipy has it: what is served needs no scipy."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    @property
    def indptr(self) -> npt.NDArray[Any]:
        """Where each row begins, integers [rows + 1]."""

    @property
    def indices(self) -> npt.NDArray[Any]:
        """Column of each entry, integers [entries]."""

    @property
    def data(self) -> npt.NDArray[Any]:
        """Value of each entry, floats [entries]."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a history speaks for.

    Attributes:
        rows: Products, int32 [n], ascending, each once.
        scores: How much is said for each, float32 [n].
        because: Place in the history of the product that says most for each, int32 [n].
    """

    rows: Rows
    scores: Scores
    because: Rows


class Neighbours:
    """One generation of item-item similarities, opened from an artifact; it never changes.

    Args:
        product_ids: The products, one a row.
        starts: Where the neighbours of each row begin, int64 [products + 1].
        columns: Rows of the neighbours, best first, int32 [entries].
        scores: Their similarities, float32 [entries], > 0.
    """

    def __init__(
        self, product_ids: Sequence[str], starts: Starts, columns: Rows, scores: Scores
    ) -> None:
        self.product_ids = tuple(product_ids)
        self._starts = starts
        self._columns = columns
        self._scores = scores
        self._rows = {product_id: row for row, product_id in enumerate(self.product_ids)}

    @staticmethod
    def write(product_ids: Sequence[str], matrix: CsrMatrix, folder: Path) -> Mapping[str, object]:
        """Writes the best neighbours of each product into a folder; returns facts of it.

        Args:
            product_ids: One a row and column of the matrix.
            matrix: CSR float32 [products, products]: row i says how much somebody who took i
                speaks for each other product. Of a row the :data:`MOST` greatest positive entries
                are kept, equal ones in the order of the columns; the diagonal is left out.
            folder: Empty.

        Raises:
            ValueError: The ids do not fit the matrix, there are none, or an entry is not finite.
        """
        count = len(product_ids)
        if not count or matrix.shape != (count, count) or len(set(product_ids)) != count:
            raise ValueError(f"{count} products for a matrix of shape {matrix.shape}")
        parts = [
            _best(matrix, start, min(start + _ROWS_AT_ONCE, count))
            for start in range(0, count, _ROWS_AT_ONCE)
        ]
        lengths, columns, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
        if not np.isfinite(scores).all():
            raise ValueError("an entry is not finite")
        starts = np.concatenate([[0], np.cumsum(lengths)])
        np.save(folder / "starts.npy", starts.astype(np.int64), allow_pickle=False)
        np.save(folder / "columns.npy", columns.astype(np.int32), allow_pickle=False)
        np.save(folder / "scores.npy", scores.astype(np.float32), allow_pickle=False)
        (folder / "items.json").write_text(json.dumps(list(product_ids)), encoding="utf-8")
        return {"products": count, "entries": len(columns)}

    @classmethod
    def open(cls, folder: Path) -> "Neighbours":
        """Reads what :meth:`write` wrote.

        Raises:
            ArtifactRefused: The files do not hold neighbours that fit each other.
        """
        try:
            ids = json.loads((folder / "items.json").read_text(encoding="utf-8"))
            starts = np.load(folder / "starts.npy", allow_pickle=False)
            columns = np.load(folder / "columns.npy", allow_pickle=False)
            scores = np.load(folder / "scores.npy", allow_pickle=False)
        except (OSError, ValueError, RecursionError) as error:
            raise ArtifactRefused(
                "neighbours_unreadable", f"cannot read {folder}: {error}"
            ) from error
        problem = _problem(ids, starts, columns, scores)
        if problem:
            raise ArtifactRefused("neighbours_inconsistent", f"{folder}: {problem}")
        return cls(ids, starts, columns, scores)

    def row_of(self, product_id: str) -> int | None:
        """Returns the row of a product, or None where nobody took it."""
        return self._rows.get(product_id)

    def of(self, row: int) -> tuple[Rows, Scores]:
        """Returns the neighbours of a row, best first, and their scores."""
        start, end = self._starts[row], self._starts[row + 1]
        return self._columns[start:end], self._scores[start:end]

    def spoken_for(self, product_ids: Sequence[str], weights: Sequence[float]) -> Spoken:
        """Adds up what a history says for other products: ``sum w_i s_ij``.

        Args:
            product_ids: The history, such as what was looked at lately; unknown products and
                those of a weight that is not above 0 say nothing.
            weights: One a product.
        """
        places, rows = self._telling(product_ids, weights)
        lists = [self.of(row) for row in rows]
        if not lists:
            return Spoken(np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int32))
        said_by = np.repeat(np.array(places, np.int32), [len(found) for found, _ in lists])
        said_for = np.concatenate([found for found, _ in lists])
        said = np.concatenate([scores for _, scores in lists])
        said = said * np.asarray(weights, np.float32)[said_by]
        # By product, what says most of it first; of equals the first of the history.
        order = np.lexsort((said_by, -said, said_for))
        said_for, said, said_by = said_for[order], said[order], said_by[order]
        found, first = np.unique(said_for, return_index=True)
        sums = np.add.reduceat(said, first) if len(first) else said
        return Spoken(found, sums.astype(np.float32), said_by[first])

    def _telling(
        self, product_ids: Sequence[str], weights: Sequence[float]
    ) -> tuple[list[int], list[int]]:
        """The places in the history of those that say something, and their rows."""
        places: list[int] = []
        rows: list[int] = []
        for place, (product_id, weight) in enumerate(zip(product_ids, weights, strict=True)):
            row = self._rows.get(product_id)
            if row is not None and weight > 0:
                places.append(place)
                rows.append(row)
        return places, rows


def _best(matrix: CsrMatrix, start: int, end: int) -> tuple[Starts, Rows, Scores]:
    """How many neighbours each of some rows keeps, and which, row after row, best first."""
    lengths = np.diff(matrix.indptr[start : end + 1])
    rows = np.repeat(np.arange(len(lengths)), lengths)
    part = slice(int(matrix.indptr[start]), int(matrix.indptr[end]))
    columns, scores = matrix.indices[part], matrix.data[part]
    kept = ~(scores <= 0) & (columns != rows + start)  # so that NaN is told, not lost
    rows, columns, scores = rows[kept], columns[kept], scores[kept]
    order = np.lexsort((columns, -scores, rows))
    rows, columns, scores = rows[order], columns[order], scores[order]
    firsts = np.searchsorted(rows, np.arange(len(lengths)))
    among = np.arange(len(rows)) - firsts[rows] < MOST
    counts = np.bincount(rows[among], minlength=len(lengths))
    return counts.astype(np.int64), columns[among], scores[among]


def _problem(ids: object, starts: Starts, columns: Rows, scores: Scores) -> str:
    """Says why the arrays cannot be neighbours of one list of products; empty if they can."""
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        return "items.json is not a list of ids"
    if len(set(ids)) != len(ids):
        return "an id stands twice"
    if starts.dtype != np.int64 or columns.dtype != np.int32 or scores.dtype != np.float32:
        return "an array is of another type"
    if starts.shape != (len(ids) + 1,) or columns.ndim != 1 or columns.shape != scores.shape:
        return "the arrays do not match the ids in number"
    if starts[0] != 0 or starts[-1] != len(columns) or (np.diff(starts) < 0).any():
        return "the lists do not follow each other"
    if len(columns) and not 0 <= int(columns.min()) <= int(columns.max()) < len(ids):
        return "a neighbour is no product"
    if not (np.isfinite(scores).all() and (scores > 0).all()):
        return "a score is not a positive number"
    return ""
