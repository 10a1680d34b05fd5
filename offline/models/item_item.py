"""Scores products by what they have in common with those that a shopper likes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from offline.models.contract import Floats, Rows

BLOCK = 1024
"""Products whose neighbours are computed at once: about 100 MB at 25,000 products."""


@dataclass(frozen=True, slots=True)
class ItemItemModel:
    """A history times a matrix of products by products.

    Attributes:
        liked: CSR float32 [users, products], what each user likes; nothing negative.
        weights: Float32 [products, products], CSR or dense: row j says how much a liking of
            product j speaks for each other product. The diagonal is 0.
    """

    liked: sparse.csr_matrix
    weights: sparse.csr_matrix | Floats

    def scores(self, users: Rows) -> Floats:
        """Float32 [len(users), products]."""
        found = self.liked[users] @ self.weights
        return np.asarray(found.toarray() if sparse.issparse(found) else found, np.float32)

    def neighbours(self, count: int) -> sparse.csr_matrix:
        """Returns the ``count`` strongest positive weights of each row, CSR float32."""
        parts = [
            strongest(sparse.csr_matrix(self.weights[part]), count)
            for part in blocks(self.weights.shape[0])
        ]
        return sparse.csr_matrix(sparse.vstack(parts))

    def save(self, folder: Path) -> None:
        """Writes ``weights.npy``, or the three arrays of a sparse matrix."""
        if not sparse.issparse(self.weights):
            np.save(folder / "weights.npy", self.weights, allow_pickle=False)
            return
        for name in ("data", "indices", "indptr"):
            np.save(folder / f"{name}.npy", getattr(self.weights, name), allow_pickle=False)


def likings(confidences: sparse.csr_matrix, *, weighted: bool) -> sparse.csr_matrix:
    """Returns the positive confidences, CSR float32; as ones where they are not ``weighted``."""
    liked = confidences.maximum(0).astype(np.float32)
    liked.eliminate_zeros()
    if not weighted:
        liked.data = np.ones_like(liked.data)
    return liked


def blocks(count: int, size: int = BLOCK) -> Iterator[slice]:
    """Yields slices that cover 0 to ``count``."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def strongest(rows: sparse.csr_matrix, count: int, *, first: int = -1) -> sparse.csr_matrix:
    """Keeps the ``count`` largest positive entries of each row; of equal ones the lower column.

    Args:
        rows: CSR float32 [n, columns].
        count: 1 or more.
        first: Where 0 or more, row r stands for column first + r, and that entry is dropped.
    """
    data, columns, starts = [], [], [0]
    for row in range(rows.shape[0]):
        part = slice(rows.indptr[row], rows.indptr[row + 1])
        values, places = rows.data[part], rows.indices[part]
        kept = values > 0
        if first >= 0:
            kept &= places != first + row
        values, places = values[kept], places[kept]
        if len(values) > count:
            # At the border, ties go by column: partition finds the border, no more.
            least = -np.partition(-values, count - 1)[count - 1]
            above, equal = values > least, np.flatnonzero(values == least)
            equal = equal[np.argsort(places[equal], kind="stable")][: count - int(above.sum())]
            above[equal] = True
            values, places = values[above], places[above]
        data.append(values)
        columns.append(places)
        starts.append(starts[-1] + len(values))
    kept_rows = sparse.csr_matrix(
        (
            np.concatenate(data).astype(np.float32),
            np.concatenate(columns).astype(np.int32),
            np.asarray(starts),
        ),
        shape=rows.shape,
    )
    kept_rows.sort_indices()
    return kept_rows
