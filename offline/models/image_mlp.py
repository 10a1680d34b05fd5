"""Learns from shopper, product and picture together."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from offline.models.contract import Training, Validation
from offline.models.image import even, pictured
from offline.models.network_training import NetworkModel, Schedule, trained, unmet, widths
from offline.models.networks import Network, Tower
from offline.progress import Progress
from runtime.errors import SetupError

_DIRECTIONS = 64
"""Directions of the pictures that are looked at, those of the widest spread."""


@dataclass(frozen=True, slots=True)
class ImageMlp:
    """Multilayer perceptron over shopper, product and the product's picture, side by side.

    Some pairs are learned from the picture alone, so that a product that nobody met is judged by
    its picture.

    Attributes:
        layers: Width of an embedding, then of each layer, joined by +.
        blind: Share of the pairs that are learned without the product's own embedding, 0 to 1.
        epochs: Passes over all pairs at most, 1 or more.
        batch: Pairs of one step, negatives among them.
        negatives: Products that the shopper never met for each pair.
        learning_rate: Of Adam, more than 0.
        decay: How much of every weight each step takes, times the learning rate.
        patience: Ends after so many epochs that found what is held out no better; 0: runs all.
        seed: Of all draws.
    """

    name: ClassVar[str] = "image-mlp"
    layers: tuple[str, ...] = ("32", "64", "32", "16")
    blind: float = 0.2
    epochs: int = 40
    batch: int = 4096
    negatives: int = 8
    learning_rate: float = 0.01
    decay: float = 0.1
    patience: int = 4
    seed: int = 42

    @property
    def sided(self) -> bool:
        """Whether the photos are asked for: always."""
        return True

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> NetworkModel:
        """Learns.

        Raises:
            SetupError: No product has a photo, an option makes no sense, or nobody did anything.
        """
        layers = widths(self.layers)
        if not 0 <= self.blind <= 1:
            raise SetupError("the share learned from pictures alone lies between 0 and 1")
        looks = torch.from_numpy(even(pictured(training.side), _DIRECTIONS))

        def make(part: Training) -> Network:
            users, products = part.confidences.shape
            draw = torch.Generator().manual_seed(self.seed)
            return Network(Tower(users, products, layers, draw, pictures=looks, blind=self.blind))

        network, curve = trained(make, training, validation, Schedule.of(self), shown)
        # What nobody met is unknown only where it has no picture either.
        unseen = ~looks.numpy().any(axis=1)
        return NetworkModel(network, unmet(training) & unseen, curve)
