"""Learns factors of shoppers and products by what is liked and what was never met."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from offline.models.contract import Training, Validation
from offline.models.factors import FactorModel
from offline.models.network_training import Schedule, trained, unmet
from offline.models.networks import Network, Product
from offline.progress import Progress
from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class Gmf:
    """Generalised matrix factorisation (He et al., WWW 2017): ``sigmoid(h . (p * q))``.

    Its score is the dot product of p and h * q, so the ranking stage serves it.

    Attributes:
        factors: Width of a vector, 1 or more.
        epochs: Passes over all pairs at most, 1 or more.
        batch: Pairs of one step, negatives among them.
        negatives: Products that the shopper never met for each pair.
        learning_rate: Of Adam, more than 0.
        decay: How much of every weight each step takes, times the learning rate.
        patience: Ends after so many epochs that found what is held out no better; 0: runs all.
        regularization: Pulls a history that is folded in towards zero, more than 0.
        alpha: What the confidences of such a history are multiplied by, more than 0.
        seed: Of all draws.
    """

    name: ClassVar[str] = "gmf"
    factors: int = 32
    epochs: int = 60
    batch: int = 4096
    negatives: int = 8
    learning_rate: float = 0.003
    decay: float = 0.1
    patience: int = 3
    regularization: float = 300.0
    alpha: float = 10.0
    seed: int = 42

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> FactorModel:
        """Learns.

        Raises:
            SetupError: An option makes no sense, or there is nothing to learn from.
        """
        if self.factors < 1 or self.regularization <= 0 or self.alpha <= 0:
            raise SetupError("factors must be 1 or more, regularization and alpha more than 0")

        def make(part: Training) -> Network:
            draw = torch.Generator().manual_seed(self.seed)
            users, products = part.confidences.shape
            return Network(Product(users, products, self.factors, draw))

        network, curve = trained(make, training, validation, Schedule.of(self), shown)
        product = network.parts[0]
        if not isinstance(product, Product):
            raise TypeError("a factorisation is a product")
        users = product.users.detach().numpy().astype(np.float32)
        items = (product.mix * product.products).detach().numpy().astype(np.float32)
        items[unmet(training)] = 0.0
        users[np.diff(training.confidences.indptr) == 0] = 0.0
        # One number moves from one side to the other, so that both are of a like size, as they
        # are where a history is folded in.
        size = _size(items) / max(_size(users), 1e-9)
        return FactorModel(
            users * np.float32(size**0.5),
            items / np.float32(max(size**0.5, 1e-9)),
            self.regularization,
            self.alpha,
            curve,
        )


def _size(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> float:
    return float(np.sqrt((rows.astype(np.float64) ** 2).mean()))
