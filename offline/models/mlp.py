"""Learns from shopper and product by layers, where factors know a product of both only."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from offline.models.contract import Training, Validation
from offline.models.network_training import NetworkModel, Schedule, trained, unmet, widths
from offline.models.networks import Network, Tower
from offline.progress import Progress


@dataclass(frozen=True, slots=True)
class Mlp:
    """Multilayer perceptron over shopper and product, side by side (He et al., WWW 2017).

    Attributes:
        layers: Width of an embedding, then of each layer, joined by +.
        epochs: Passes over all pairs at most, 1 or more.
        batch: Pairs of one step, negatives among them.
        negatives: Products that the shopper never met for each pair.
        learning_rate: Of Adam, more than 0.
        decay: How much of every weight each step takes, times the learning rate.
        patience: Ends after so many epochs that found what is held out no better; 0: runs all.
        seed: Of all draws.
    """

    name: ClassVar[str] = "mlp"
    layers: tuple[str, ...] = ("32", "64", "32", "16")
    epochs: int = 40
    batch: int = 4096
    negatives: int = 8
    learning_rate: float = 0.01
    decay: float = 0.1
    patience: int = 4
    seed: int = 42

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> NetworkModel:
        """Learns.

        Raises:
            SetupError: An option makes no sense, or there is nothing to learn from.
        """
        layers = widths(self.layers)

        def make(part: Training) -> Network:
            users, products = part.confidences.shape
            draw = torch.Generator().manual_seed(self.seed)
            return Network(Tower(users, products, layers, draw))

        network, curve = trained(make, training, validation, Schedule.of(self), shown)
        return NetworkModel(network, unmet(training), curve)
