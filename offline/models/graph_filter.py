"""Smooths what a shopper likes over the graph of shoppers and products."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from offline.models.contract import Floats, Rows, Training, Validation
from offline.models.item_item import blocks, likings, strongest
from offline.progress import Progress
from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class GraphFilter:
    """A linear filter and an ideal low-pass one, after GF-CF (Shen et al., CIKM 2021).

    ``score = x (R'R + share V V')`` with ``R = D_u^-1/2 X D_i^-1/2`` and V the ``rank`` first
    right singular vectors of R. The first term reaches what a neighbour likes, the second all
    products, those without a common shopper among them. Other than in the paper the second one is
    not scaled by the popularity of products.

    Attributes:
        rank: Singular vectors, 1 or more and fewer than shoppers and products.
        share: Of the low-pass filter, 0 or more.
        neighbours: Products kept for each product in the first term, 1 or more.
        weighted: Whether the size of a confidence counts, or only that there is one.
        seed: Of the first vector of the singular ones.
    """

    name: ClassVar[str] = "graph-filter"
    rank: int = 64
    share: float = 0.3
    neighbours: int = 1000
    weighted: bool = False
    seed: int = 42

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> "GraphFilterModel":
        """Normalises, multiplies and takes the singular vectors.

        Raises:
            SetupError: An option makes no sense for this training.
        """
        liked = likings(training.confidences, weighted=self.weighted)
        if self.neighbours < 1 or self.share < 0 or not 1 <= self.rank < min(liked.shape):
            raise SetupError(
                "neighbours must be 1 or more, share 0 or more, rank 1 or more and fewer than "
                "there are shoppers and products"
            )
        smoothed = _normalised(liked)
        turned = sparse.csr_matrix(smoothed.T)
        parts = []
        for part in blocks(liked.shape[1]):
            near = sparse.csr_matrix(turned[part] @ smoothed)
            parts.append(strongest(near, self.neighbours, first=part.start))
            shown.advance(part.stop - part.start)
        first = np.random.default_rng(self.seed).random(min(liked.shape), np.float32)
        _, _, vectors = svds(smoothed, k=self.rank, v0=first)
        return GraphFilterModel(
            liked,
            sparse.csr_matrix(sparse.vstack(parts)),
            np.ascontiguousarray(vectors.T, np.float32),
            self.share,
        )


@dataclass(frozen=True, slots=True)
class GraphFilterModel:
    """Both filters.

    Attributes:
        liked: CSR float32 [users, products], what each user likes.
        near: CSR float32 [products, products], the linear filter.
        vectors: Float32 [products, rank], orthonormal columns.
        share: Of the low-pass filter.
    """

    liked: sparse.csr_matrix
    near: sparse.csr_matrix
    vectors: Floats
    share: float

    def scores(self, users: Rows) -> Floats:
        """Float32 [len(users), products]."""
        history = self.liked[users]
        low = (history @ self.vectors) @ self.vectors.T
        return np.asarray((history @ self.near).toarray() + np.float32(self.share) * low)

    def neighbours(self, count: int) -> sparse.csr_matrix:
        """Returns the ``count`` strongest positive weights of each row, CSR float32."""
        parts = []
        for part in blocks(len(self.vectors)):
            low = np.float32(self.share) * (self.vectors[part] @ self.vectors.T)
            both = sparse.csr_matrix(self.near[part].toarray() + low)
            parts.append(strongest(both, count, first=part.start))
        return sparse.csr_matrix(sparse.vstack(parts))

    def save(self, folder: Path) -> None:
        """Writes ``vectors.npy`` and the three arrays of the linear filter."""
        np.save(folder / "vectors.npy", self.vectors, allow_pickle=False)
        for name in ("data", "indices", "indptr"):
            np.save(folder / f"{name}.npy", getattr(self.near, name), allow_pickle=False)


def _normalised(liked: sparse.csr_matrix) -> sparse.csr_matrix:
    """Divides each entry by the square roots of its row's and its column's sum."""
    by_user, by_product = (
        1.0 / np.sqrt(np.maximum(np.asarray(liked.sum(axis=axis), np.float32).ravel(), 1e-12))
        for axis in (1, 0)
    )
    scaled = sparse.diags(by_user) @ liked @ sparse.diags(by_product)
    return sparse.csr_matrix(scaled, dtype=np.float32)
