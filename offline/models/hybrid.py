"""Gives factors to products that nobody met yet, from their photos and words."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from offline.models.als import Als
from offline.models.contract import ProductSide, Training, Validation
from offline.models.factors import FactorModel
from offline.models.folding import folded_in
from offline.progress import Progress
from runtime.errors import SetupError

Wide = npt.NDArray[np.float64]
_SPARE, _ROUNDS = 8, 4


@dataclass(frozen=True, slots=True)
class Hybrid:
    """ALS whose item factors lean on what the products themselves are.

    ALS learns factors from what shoppers did. A ridge regression, in which a product counts by
    the number of shoppers who like it, then learns to tell factors from photos and words (attribute
    to feature mapping: Gantner et al., ICDM 2010). A product ends as ``n / (n + lean)`` of its own
    factors and the rest of the told ones, n being the shoppers who like it: one that nobody met
    has the told factors alone. Shoppers are folded in anew, as the ranking stage folds them in.

    Attributes:
        factors: Width of a vector, 1 or more.
        regularization: Pull of ALS towards zero, more than 0.
        iterations: Passes of ALS over shoppers and products, 1 or more.
        alpha: What every confidence is multiplied by, more than 0.
        lean: Shoppers at which a product's own factors weigh as much as the told ones; 0 or more.
        ridge: Pull of the regression towards zero, more than 0.
        topics: Width to which the words are reduced (latent semantic analysis); 0: no words.
        seed: Of the first factors, and of the reduction of the words.
    """

    name: ClassVar[str] = "hybrid"
    factors: int = 32
    regularization: float = 60.0
    iterations: int = 15
    alpha: float = 10.0
    lean: float = 20.0
    ridge: float = 10.0
    topics: int = 64
    seed: int = 42

    @property
    def sided(self) -> bool:
        """Whether photos and words are asked for: always."""
        return True

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> FactorModel:
        """Learns; there is nothing to stop early or to choose.

        Raises:
            SetupError: Nothing is known of the products, or an option makes no sense.
        """
        del validation
        if training.side is None:
            raise SetupError("nothing is known of the products: there is nothing to lean on")
        if self.lean < 0 or self.ridge <= 0 or self.topics < 0:
            raise SetupError("lean and topics must be 0 or more, ridge more than 0")
        als = Als(
            factors=self.factors,
            regularization=self.regularization,
            iterations=self.iterations,
            alpha=self.alpha,
            seed=self.seed,
        ).fit(training, None, shown)
        likes = np.asarray((training.confidences > 0).sum(axis=0), np.float64).ravel()
        features = _features(training.side, self.topics, self.seed)
        told = _told(features, als.item_factors.astype(np.float64), likes, self.ridge)
        own = (likes / np.maximum(likes + self.lean, 1e-9))[:, None]
        items = (own * als.item_factors + (1.0 - own) * told).astype(np.float32)
        users = folded_in(
            items, training.confidences, regularization=self.regularization, alpha=self.alpha
        )
        return FactorModel(users, items, self.regularization, self.alpha)


def _features(side: ProductSide, topics: int, seed: int) -> Wide:
    """Returns what a product looks like and is called, float64 [products, d]; zeros: nothing."""
    looks = side.vectors.astype(np.float64)
    has = looks.any(axis=1)
    if has.any():
        looks[has] -= looks[has].mean(axis=0)
    return np.hstack([looks, _topics(side.words, topics, seed)])


def _topics(words: sparse.csr_matrix, most: int, seed: int) -> Wide:
    """Reduces TF-IDF rows to the directions of the widest spread, float64 [products, k].

    By random projection and power iteration (Halko, Martinsson, Tropp, SIAM Review 2011): the same
    seed gives the same directions.
    """
    width = min(most, *words.shape)
    if not width or not words.nnz:
        return np.zeros((words.shape[0], 0))
    wide = words.astype(np.float64)
    draw = np.random.default_rng(seed)
    found = wide @ draw.normal(size=(wide.shape[1], min(width + _SPARE, wide.shape[1])))
    for _ in range(_ROUNDS):
        found = wide @ (wide.T @ np.linalg.qr(found)[0])
    frame = np.linalg.qr(found)[0]
    turn = np.linalg.svd((wide.T @ frame).T, full_matrices=False)[2]
    return np.asarray(wide @ turn[:width].T, np.float64)


def _told(features: Wide, factors: Wide, likes: Wide, ridge: float) -> Wide:
    """Returns the factors that the features tell, float64 [products, k].

    A product of which nothing is known is told nothing: zeros.
    """
    has = np.asarray(features.any(axis=1), np.bool_)
    known = np.hstack([features, np.ones((len(features), 1))])
    counted = known * likes[:, None]
    pull = ridge * np.eye(known.shape[1])
    pull[-1, -1] = 1e-6  # the constant is free
    turn = np.linalg.solve(known.T @ counted + pull, counted.T @ factors)
    return np.where(has[:, None], known @ turn, 0.0)
