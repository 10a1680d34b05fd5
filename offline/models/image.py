"""Learns taste from the photos of what a shopper liked, and from nothing else."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offline.models.contract import Floats, ProductSide, Training, Validation
from offline.models.factors import FactorModel
from offline.models.folding import folded_in
from offline.progress import Progress
from runtime.errors import SetupError

_LEAST = 1e-6
"""Directions with less than this share of the widest one's spread are rounding noise."""


@dataclass(frozen=True, slots=True)
class Image:
    """The photos are the factors; a shopper is what fits the photos that they liked.

    Photo vectors are centred and turned so that all directions spread alike: what every garment
    has in common says nothing about taste. A shopper is folded in by least squares, as with any
    factors, so that the ranking stage serves the model. A product is judged as soon as it has a
    photo, whether anybody met it or not; one without a photo is unknown.

    Attributes:
        factors: Directions to keep, those of the widest spread; 1 or more.
        regularization: Pulls a taste towards zero, more than 0.
        alpha: What every confidence is multiplied by, more than 0.
    """

    name: ClassVar[str] = "image"
    factors: int = 128
    regularization: float = 10.0
    alpha: float = 10.0

    @property
    def sided(self) -> bool:
        """Whether the photos are asked for: always."""
        return True

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> FactorModel:
        """Learns; there is nothing to stop early or to choose.

        Raises:
            SetupError: No product has a photo, or an option makes no sense.
        """
        del validation
        if self.factors < 1 or self.regularization <= 0 or self.alpha <= 0:
            raise SetupError("factors must be 1 or more, regularization and alpha more than 0")
        items = even(pictured(training.side), self.factors)
        users = folded_in(
            items, training.confidences, regularization=self.regularization, alpha=self.alpha
        )
        shown.advance()
        return FactorModel(users, items, self.regularization, self.alpha)


def pictured(side: ProductSide | None) -> Floats:
    """Returns the photo vectors, float32 [products, d].

    Raises:
        SetupError: Nothing is known of the products, or none has a photo.
    """
    if side is None or not side.vectors.any():
        raise SetupError("no product has a photo that is indexed: run hemline build first")
    return side.vectors


def even(vectors: Floats, most: int) -> Floats:
    """Centres vectors and turns them so that all directions spread alike (PCA whitening).

    Args:
        vectors: float32 [n, d]; rows of zeros stand for what has none, and stay zero.
        most: Directions to keep at most, those of the widest spread.

    Returns:
        Float32 [n, k], k <= most; the squared length of the others is 1 in the mean.
    """
    has = vectors.any(axis=1)
    known = vectors[has].astype(np.float64)
    known -= known.mean(axis=0)
    left, spread, _ = np.linalg.svd(known, full_matrices=False)
    kept = min(most, int((spread > _LEAST * max(spread[0], _LEAST)).sum()))
    rows = np.zeros((len(vectors), max(kept, 1)), np.float32)
    if kept:
        rows[has] = left[:, :kept] * np.sqrt(len(known) / kept)
    return rows
