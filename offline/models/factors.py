"""Holds factors of users and products whose dot products are the scores."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from offline.models.contract import Floats, Rows


@dataclass(frozen=True, slots=True)
class FactorModel:
    """What a factorisation leaves behind; the ranking stage serves it.

    Attributes:
        user_factors: Float32 [users, k].
        item_factors: Float32 [products, k].
        regularization: More than 0; pulls a history that is folded in towards zero.
        alpha: More than 0; what the confidences of such a history are multiplied by.
        curve: One line for each look at a validation, with its ``step``.
    """

    user_factors: Floats
    item_factors: Floats
    regularization: float
    alpha: float
    curve: tuple[dict[str, float], ...] = ()

    def scores(self, users: Rows) -> Floats:
        """Float32 [len(users), products]."""
        return self.user_factors[users] @ self.item_factors.T

    def save(self, folder: Path) -> None:
        """Writes ``users.npy`` and ``items.npy``."""
        np.save(folder / "users.npy", self.user_factors, allow_pickle=False)
        np.save(folder / "items.npy", self.item_factors, allow_pickle=False)
