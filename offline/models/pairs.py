"""Draws pairs of shoppers and products to learn from, with products that the shopper never met."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from offline.models.contract import Floats, Rows

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs to learn from, one a row: ``users`` and ``products`` int [n], ``liked`` float32 [n].

    ``liked`` is 1 for what was liked, 0 for what was disliked or never met; ``weights`` float32
    [n] says how much each pair counts.
    """

    users: Rows
    products: Rows
    liked: Floats
    weights: Floats


class Pairs:
    """The pairs of a training, with fresh negatives in each epoch.

    A like weighs ``ln(1 + confidence)`` over its mean, a dislike likewise; a negative weighs 1.
    Negatives are drawn evenly among the products that others had to do with and the shopper had
    not: what nobody was ever shown was not passed over.

    Args:
        confidences: CSR float32 [users, products]; negative is a dislike.
        negatives: How many for each pair that is known, 1 or more.
        size: Pairs of one batch, negatives among them.
        seed: Of the draws.
    """

    def __init__(
        self, confidences: sparse.csr_matrix, *, negatives: int, size: int, seed: int
    ) -> None:
        count = np.diff(confidences.indptr)
        self._users = np.repeat(np.arange(confidences.shape[0]), count)
        self._products = confidences.indices.astype(np.intp)
        self._liked = (confidences.data > 0).astype(np.float32)
        told = np.log1p(np.abs(confidences.data))
        self._weights = (told / max(float(told.mean()) if len(told) else 1.0, 1e-9)).astype(
            np.float32
        )
        self._width = confidences.shape[1]
        self._met = np.unique(self._products)
        self._known = np.sort(self._keys(self._users, self._products))
        self._negatives = negatives
        self._size = max(size // (1 + negatives), 1)
        self._draw = np.random.default_rng(seed)

    def epoch(self) -> Iterator[Batch]:
        """Yields all known pairs in a new order, each batch with negatives of its own."""
        order = self._draw.permutation(len(self._users))
        for start in range(0, len(order), self._size):
            rows = order[start : start + self._size]
            users = np.repeat(self._users[rows], self._negatives)
            strangers = self._strangers(users)
            none = np.zeros(len(users), np.float32)
            yield Batch(
                np.concatenate([self._users[rows], users]),
                np.concatenate([self._products[rows], strangers]),
                np.concatenate([self._liked[rows], none]),
                np.concatenate([self._weights[rows], none + 1.0]),
            )

    def _strangers(self, users: Rows) -> Rows:
        """Draws for each user a product that the user did not meet, as far as there is one."""
        drawn = self._met[self._draw.integers(len(self._met), size=len(users))]
        for _ in range(_TRIES):
            met = np.flatnonzero(self._is_known(users, drawn))
            if not len(met):
                break
            drawn[met] = self._met[self._draw.integers(len(self._met), size=len(met))]
        return drawn

    def _is_known(self, users: Rows, products: Rows) -> npt.NDArray[np.bool_]:
        keys = self._keys(users, products)
        places = np.searchsorted(self._known, keys)
        return np.asarray(self._known[np.minimum(places, len(self._known) - 1)] == keys, np.bool_)

    def _keys(self, users: Rows, products: Rows) -> npt.NDArray[np.int64]:
        return np.asarray(users.astype(np.int64) * self._width + products, np.int64)
