"""Finds the rows of a matrix that may be nearest to a vector, on the processor."""

from pathlib import Path
from typing import Protocol

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Stored = NDArray[np.float32] | NDArray[np.float16]

EXACT_BELOW = 20_000
RECALL = 0.99
_PROBES = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
# Two sums of the same float32 products in another order differ by less than this.
_ROUNDING = 1e-5


class Nearest(Protocol):
    """A way of finding candidates; the index scores them again."""

    def candidates(self, queries: Vectors, count: int) -> list[Rows]:
        """Returns for each query float32 ``[b, dim]`` at least its ``count`` likeliest rows.

        Fewer only where there are fewer; each row at most once, in any order.
        """


class ExactRows:
    """One matrix product with all rows: below 20,000 nothing is quicker.

    At 12,000 rows of 256 one thread takes 0.5 ms for one query and 4 ms for 32, where
    ``faiss.IndexFlatIP`` takes 0.5 ms and 17 ms.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._columns = torch.from_numpy(vectors).T

    def candidates(self, queries: Vectors, count: int) -> list[Rows]:
        """See :class:`Nearest`; rows that tie with the last one within rounding come too."""
        scores = torch.mm(torch.from_numpy(queries), self._columns).numpy()
        total = scores.shape[1]
        if count >= total:
            return [np.arange(total)] * len(queries)
        floors = np.partition(scores, total - count, axis=1)[:, total - count]
        return [
            np.flatnonzero(row >= floor - _ROUNDING)
            for row, floor in zip(scores, floors, strict=True)
        ]


class InvertedLists:
    """An inverted file of 8-bit vectors (``IVF,SQ8``): above 20,000 rows.

    Args:
        index: What :func:`train_lists` made.
        probes: Lists that one query reads.
    """

    def __init__(self, index: faiss.IndexIVF, probes: int) -> None:
        self._index = index
        self._parameters = faiss.SearchParametersIVF()
        self._parameters.nprobe = probes

    @classmethod
    def open(cls, path: Path, probes: int) -> "InvertedLists":
        """Reads the file into memory.

        Raises:
            RuntimeError, ValueError: It is no such file.
        """
        return cls(_inverted(faiss.read_index(str(path))), probes)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self._index.ntotal, self._index.d

    def candidates(self, queries: Vectors, count: int) -> list[Rows]:
        """See :class:`Nearest`; asks for twice as many, since 8 bits blur the order.

        One query after another: what is found for one must not depend on its company.
        """
        wanted = min(2 * count + 16, self._index.ntotal)
        found = []
        for query in queries:
            _, rows = self._index.search(query[None], wanted, params=self._parameters)
            found.append(rows[0][rows[0] >= 0])
        return found


def train_lists(vectors: Vectors, path: Path) -> faiss.IndexIVF:
    """Builds an inverted file over unit rows, and writes it.

    About ``4 √n`` lists, a power of two: 1,024 for 100,000 rows, 4,096 for a million.
    """
    lists = 2 ** round(np.log2(4 * np.sqrt(len(vectors))))
    dim = vectors.shape[1]
    index = _inverted(faiss.index_factory(dim, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT))
    index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, str(path))
    return index


def choose_probes(
    index: faiss.IndexIVF, vectors: Vectors, queries: Vectors, *, depth: int = 50
) -> tuple[int, float]:
    """Returns the fewest probes whose recall against the exact search is .99, and that recall.

    Args:
        index: What :func:`train_lists` made of ``vectors``.
        vectors: Unit rows float32 ``[n, dim]``.
        queries: Unit rows float32 ``[q, dim]`` to measure with.
        depth: Hits that are compared.

    Returns:
        0 probes when not even reading every list is enough.
    """
    exact = _best(vectors, ExactRows(vectors), queries, depth)
    recall = 0.0
    for probes in _PROBES:
        lists = InvertedLists(index, min(probes, index.nlist))
        found = _best(vectors, lists, queries, depth)
        hits = sum(len(np.intersect1d(a, b)) for a, b in zip(exact, found, strict=True))
        recall = hits / sum(len(rows) for rows in exact)
        if recall >= RECALL:
            return min(probes, index.nlist), recall
        if probes >= index.nlist:
            break
    return 0, recall


def exact_scores(vectors: Stored, rows: Rows, query: Vectors) -> Vectors:
    """Returns the cosine of unit rows and a unit query as float32.

    Summed in float64, so that equal rows score equal wherever they stand and whatever else is
    asked at the same time. Not by BLAS, whose threads cost more than this sum on a busy machine.
    """
    scores = np.einsum("ij,j->i", vectors[rows].astype(np.float64), query.astype(np.float64))
    clipped: Vectors = np.clip(scores, -1.0, 1.0).astype(np.float32)
    return clipped


def ranked(rows: Rows, scores: Vectors, count: int) -> Rows:
    """Returns the places of the ``count`` best, best first; ties by row."""
    places: Rows = np.lexsort((rows, -scores))[:count]
    return places


def _best(vectors: Vectors, nearest: Nearest, queries: Vectors, count: int) -> list[Rows]:
    best = []
    for query in queries:
        (rows,) = nearest.candidates(query[None], count)
        best.append(rows[ranked(rows, exact_scores(vectors, rows, query), count)])
    return best


def _inverted(index: faiss.Index) -> faiss.IndexIVF:
    if not isinstance(index, faiss.IndexIVF):
        raise ValueError("not an inverted file")
    return index
