"""Ranks by chance: the floor under every other figure."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offline.models.contract import Floats, Rows, Training, Validation
from offline.progress import Progress


@dataclass(frozen=True, slots=True)
class Random:
    """Draws every score.

    Attributes:
        seed: Of the draw.
    """

    name: ClassVar[str] = "random"
    seed: int = 42

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> "RandomModel":
        """Learns nothing but how many products there are."""
        shown.advance()
        return RandomModel(self.seed, training.confidences.shape[1])


@dataclass(frozen=True, slots=True)
class RandomModel:
    """Even draws, the same for the same seed and user whoever else is asked for."""

    seed: int
    products: int

    def scores(self, users: Rows) -> Floats:
        """Draws float32 [len(users), products] in [0, 1)."""
        drawn = np.empty((len(users), self.products), np.float32)
        for place, user in enumerate(users):
            chance = np.random.default_rng((self.seed, int(user)))
            chance.random(dtype=np.float32, out=drawn[place])
        return drawn
