"""Mixes the rankings of two models."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from offline.models.contract import Floats, Model, Recipe, Rows, Sided, Training, Validation
from offline.models.held_out import HeldOutOne, checked, ndcg_of, ranks_of
from offline.progress import Progress
from runtime.errors import SetupError

WAYS = ("zscore", "rank")
_STEPS = 20
_USERS_AT_ONCE = 256
_RANK_K = 60.0


@dataclass(frozen=True, slots=True)
class Blend:
    """``(1 - weight) a + weight b`` of two models' scores, each first put on one scale by user.

    Attributes:
        first: A recipe with options, such as ``als`` or ``als/factors=256/alpha=10``.
        second: Another one.
        way: ``zscore`` takes the mean away and divides by the standard deviation of a user's
            scores; ``rank`` takes ``61 / (60 + rank)``.
        weight: Of the second, 0 to 1; below 0, it is the one of 0, .05 to 1 with the best NDCG@10
            on the validation.
        users: Most shoppers to look at for the weight, drawn at random; 0: all.
        negatives: Products, drawn for each shopper, among which the held-out one is to be found
            while the weight is chosen; 0: all products. For sets that are measured so.
        seed: Of the draws.
    """

    name: ClassVar[str] = "blend"
    first: str = "als"
    second: str = "rp3beta"
    way: str = "zscore"
    weight: float = -1.0
    users: int = 5000
    negatives: int = 0
    seed: int = 42

    @property
    def sided(self) -> bool:
        """Whether one of the parts asks for what is known of the products."""
        return any(
            isinstance(part, Sided) and part.sided
            for part in (_part(self.first), _part(self.second))
        )

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> "BlendModel":
        """Finds the weight with models that have not seen the validation, then learns from all.

        Raises:
            SetupError: An option makes no sense, or one of a part's does.
        """
        if self.way not in WAYS or self.weight > 1 or self.negatives < 0:
            raise SetupError(
                f"way is one of {', '.join(WAYS)}, weight at most 1, negatives 0 or more"
            )
        parts = (_part(self.first), _part(self.second))
        weight = self.weight
        curve: tuple[dict[str, float], ...] = ()
        if weight < 0:
            split = checked(training, validation, users=self.users, seed=self.seed)
            looked = _fitted(parts, split.training, None, shown)
            curve = self._curve(BlendModel(looked, 0.0, self.way), split)
            weight = max(curve, key=lambda line: line["ndcg@10"])["weight"]
            shown.note(f"weight {weight:.2f}")
            del looked  # before there is a second one: each may be large
        return BlendModel(_fitted(parts, training, validation, shown), weight, self.way, curve)

    def _curve(self, model: "BlendModel", split: HeldOutOne) -> tuple[dict[str, float], ...]:
        """Returns the NDCG@10 of each weight."""
        weights = [step / _STEPS for step in range(_STEPS + 1)]
        found = np.empty((len(weights), len(split.validation.users)), np.float32)
        draw = np.random.default_rng(self.seed)
        for start in range(0, found.shape[1], _USERS_AT_ONCE):
            part = slice(start, start + _USERS_AT_ONCE)
            users, products = split.validation.users[part], split.validation.products[part]
            met = split.training.confidences[users]
            if self.negatives:
                met = _all_but(met, products, self.negatives, draw)
            first, second = model.scaled(users)
            for row, weight in enumerate(weights):
                found[row, part] = ranks_of(mixed(first, second, weight), met, products)
        return tuple(
            {"step": row, "weight": weight, "ndcg@10": ndcg_of(found[row])}
            for row, weight in enumerate(weights)
        )


@dataclass(frozen=True, slots=True)
class BlendModel:
    """Two models and how they are mixed.

    Attributes:
        parts: The two.
        weight: Of the second, 0 to 1.
        way: One of :data:`WAYS`.
        curve: One line for each weight that was tried, with its ``step``.
    """

    parts: tuple[Model, Model]
    weight: float
    way: str
    curve: tuple[dict[str, float], ...] = ()

    def scores(self, users: Rows) -> Floats:
        """Float32 [len(users), products]."""
        first, second = self.scaled(users)
        return mixed(first, second, self.weight)

    def scaled(self, users: Rows) -> tuple[Floats, Floats]:
        """Returns both models' scores, each float32 [len(users), products] on the one scale."""
        scale = _zscores if self.way == "zscore" else _reciprocal_ranks
        return scale(self.parts[0].scores(users)), scale(self.parts[1].scores(users))


def mixed(first: Floats, second: Floats, weight: float) -> Floats:
    """Returns ``(1 - weight) first + weight second``."""
    return np.float32(1.0 - weight) * first + np.float32(weight) * second


def _fitted(
    parts: tuple[Recipe, Recipe], training: Training, validation: Validation | None, shown: Progress
) -> tuple[Model, Model]:
    return parts[0].fit(training, validation, shown), parts[1].fit(training, validation, shown)


def _all_but(
    met: sparse.csr_matrix, products: Rows, negatives: int, draw: np.random.Generator
) -> sparse.csr_matrix:
    """Returns all that must not stand in a row: what was met, and what was not drawn."""
    left_out = np.ones(met.shape, bool)
    for row, product in enumerate(products):
        free = np.setdiff1d(np.arange(met.shape[1]), [*met[row].indices, product])
        left_out[row, draw.choice(free, min(negatives, len(free)), replace=False)] = False
        left_out[row, product] = False
    return sparse.csr_matrix(left_out)


def _zscores(scores: Floats) -> Floats:
    spread = scores.std(axis=1, keepdims=True)
    centred = scores - scores.mean(axis=1, keepdims=True)
    # A model to which all products are equal has nothing to say.
    return np.asarray(centred / np.where(spread > 0, spread, 1.0), np.float32)


def _reciprocal_ranks(scores: Floats) -> Floats:
    """Returns ``61 / (60 + rank)``, where equal scores share the mean of their ranks."""
    from scipy.stats import rankdata

    places = rankdata(-scores, method="average", axis=1)
    return np.asarray((_RANK_K + 1.0) / (_RANK_K + places), np.float32)


def _part(text: str) -> Recipe:
    from offline.models.recipes import recipe_of

    return recipe_of(text.replace("/", ":"))
