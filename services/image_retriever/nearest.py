"""Finds the rows of a matrix that may be nearest to a vector, by inverted lists."""

import math
from pathlib import Path
from typing import Protocol

import faiss
import numpy as np

from services.image_retriever.exact import ExactRows, Mask, Rows, Vectors, exact_scores

EXACT_BELOW = 20_000
RECALL = 0.99
_POINTS_A_LIST, _ROUNDS = 64, 10
# Beyond so many hits, so many rows are read for each.
_DEEP, _READ_FOR_EACH = 1_000, 8
_PROBES = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class Nearest(Protocol):
    """A way of finding candidates; the view scores them again."""

    def candidates(
        self, queries: Vectors, count: int, allowed: Mask | None
    ) -> tuple[list[Rows], bool]:
        """Returns for each query at least its ``count`` likeliest rows, each once, in any order.

        Args:
            queries: Unit rows float32 ``[b, dim]``.
            count: Rows wanted of each, 1 or more.
            allowed: Rows that may come, bool ``[n]``; None: all.

        Returns:
            The rows, and whether every allowed row was compared: only then do fewer than
            ``count`` good ones mean that there are no more.
        """


class InvertedLists:
    """An inverted file of 8-bit vectors (``IVF,SQ8``): above 20,000 rows.

    Immutable: what is added goes into a copy.

    Args:
        index: What :func:`train_lists` made.
        probes: Lists that one query reads.
    """

    def __init__(self, index: faiss.IndexIVF, probes: int) -> None:
        self._index = index
        self.probes = probes

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

    @property
    def lists(self) -> int:
        """Number of lists."""
        return int(self._index.nlist)

    def extended(self, vectors: Vectors) -> "InvertedLists":
        """Returns a copy with unit rows float32 ``[k, dim]`` added behind the others.

        A copy, since faiss cannot add while it searches: 16 ms at 100,000 rows of 256, during
        which searches go on.
        """
        copy = _inverted(faiss.clone_index(self._index))
        copy.add(np.ascontiguousarray(vectors))
        return InvertedLists(copy, self.probes)

    def refilled(self, vectors: Vectors) -> "InvertedLists":
        """Returns the same lists with other rows, float32 ``[n, dim]``: nothing is trained."""
        copy = _inverted(faiss.clone_index(self._index))
        copy.reset()
        copy.add(np.ascontiguousarray(vectors))
        return InvertedLists(copy, self.probes)

    def candidates(
        self, queries: Vectors, count: int, allowed: Mask | None
    ) -> tuple[list[Rows], bool]:
        """See :class:`Nearest`; asks for twice as many, since 8 bits blur the order.

        One query after another: what is found for one must not depend on its company.
        """
        wanted = min(2 * count + 16, self._index.ntotal)
        parameters = faiss.SearchParametersIVF()
        parameters.nprobe = self._probes_for(count)
        if allowed is not None:
            # faiss keeps no array alive: this name lives as long as the search.
            bits = np.packbits(allowed, bitorder="little")
            parameters.sel = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        found = []
        for query in queries:
            _, rows = self._index.search(query[None], wanted, params=parameters)
            found.append(rows[0][rows[0] >= 0])
        return found, False

    def _probes_for(self, count: int) -> int:
        """Returns how many lists to read: more for a deep search than the probes were chosen at."""
        if count <= _DEEP:
            return self.probes
        rows_a_list = max(1.0, self._index.ntotal / self._index.nlist)
        wanted = math.ceil(_READ_FOR_EACH * count / rows_a_list)
        return min(max(self.probes, wanted), int(self._index.nlist))


def train_lists(vectors: Vectors) -> faiss.IndexIVF:
    """Builds an inverted file over unit rows float32 ``[n, dim]``.

    About ``4 √n`` lists, a power of two: 1,024 for 100,000 rows, 4,096 for a million.
    """
    lists, dim = lists_for(len(vectors)), vectors.shape[1]
    index = _inverted(faiss.index_factory(dim, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT))
    # A tenth of the work that faiss' own 256 points and 25 rounds are at a million rows, for the
    # same probes and recall; the recall is measured afterwards in any case.
    index.cp.max_points_per_centroid = _POINTS_A_LIST
    index.cp.niter = _ROUNDS
    index.train(vectors)
    index.add(vectors)
    return index


def lists_for(rows: int) -> int:
    """Returns how many lists so many rows should have."""
    return int(2 ** round(np.log2(4 * np.sqrt(rows))))


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


def recall_queries(vectors: Vectors, count: int = 256) -> Vectors:
    """Returns mixtures of pairs of unit rows, float32 ``[count, dim]``, to measure recall with."""
    pairs = np.random.default_rng(0).integers(len(vectors), size=(2, count))
    return unit(vectors[pairs[0]] + vectors[pairs[1]])


def unit(rows: Vectors) -> Vectors:
    """Returns rows ``[n, dim]`` as unit rows float32; a zero row stays zero."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    made: Vectors = (rows / np.maximum(norms, 1e-6)).astype(np.float32)
    return made


def _best(vectors: Vectors, nearest: Nearest, queries: Vectors, count: int) -> list[Rows]:
    best = []
    for query in queries:
        (rows,), _ = nearest.candidates(query[None], count, None)
        scores = exact_scores(vectors, rows, query)
        best.append(rows[np.lexsort((rows, -scores))[:count]])
    return best


def _inverted(index: faiss.Index) -> faiss.IndexIVF:
    if not isinstance(index, faiss.IndexIVF):
        raise ValueError("not an inverted file")
    return index
