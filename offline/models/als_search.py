"""Looks for the options of ALS that find again what was held out, and trains with them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from offline.models.als import Als
from offline.models.contract import Training, Validation
from offline.models.factors import FactorModel
from offline.models.held_out import HeldOutOne, checked, ndcg
from offline.progress import Progress
from runtime.errors import SetupError

_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class AlsSearch:
    """ALS whose options are chosen on a validation, one after the other.

    Each option is tried with all its values while the others stand, twice around or until nothing
    changes; the measure is NDCG@10 of the held-out products among all products. The final
    training learns from everything.

    Attributes:
        alpha: Values to try, joined by +.
        regularization: Values to try, joined by +.
        factors: Values to try, joined by +.
        iterations: Passes over shoppers and products, 1 or more.
        users: Most shoppers to look at, drawn at random; 0: all.
        seed: Of the draws and of the first factors.
    """

    name: ClassVar[str] = "als-search"
    alpha: tuple[str, ...] = ("4", "10", "20", "40")
    regularization: tuple[str, ...] = ("1", "10", "60", "120")
    factors: tuple[str, ...] = ("32", "64", "128")
    iterations: int = 15
    users: int = 5000
    seed: int = 42

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> FactorModel:
        """Searches, then trains.

        Raises:
            SetupError: A value is no number, or an option makes no sense.
        """
        values: dict[str, Sequence[float]] = {
            "alpha": _numbers(self.alpha),
            "regularization": _numbers(self.regularization),
            "factors": _numbers(self.factors),
        }
        split = checked(training, validation, users=self.users, seed=self.seed)
        trials = _Trials(split, self._first(values), shown)
        for _ in range(_ROUNDS):
            before = trials.best
            for name, each in values.items():
                for value in each:
                    trials.run(_with(trials.best, name, value))
            if trials.best == before:
                break
        found = trials.best.fit(training, None, shown)
        return replace(found, curve=tuple(trials.curve))

    def _first(self, values: dict[str, Sequence[float]]) -> Als:
        start = Als(iterations=self.iterations, seed=self.seed)
        for name, each in values.items():
            start = _with(start, name, each[len(each) // 2])
        return start


class _Trials:
    """Runs recipes, each once, and remembers the best; of equal ones the first."""

    def __init__(self, split: HeldOutOne, first: Als, shown: Progress) -> None:
        self._split = split
        self._shown = shown
        self._figures: dict[Als, float] = {}
        self.curve: list[dict[str, float]] = []
        self.best = first
        self.run(first)

    def run(self, recipe: Als) -> None:
        """Trains and looks, where that was not done before."""
        if recipe in self._figures:
            return
        found = recipe.fit(self._split.training, None, self._shown)
        figure = ndcg(found, self._split.training, self._split.validation)
        self._figures[recipe] = figure
        self.curve.append(
            {
                "step": len(self._figures),
                "factors": recipe.factors,
                "regularization": recipe.regularization,
                "alpha": recipe.alpha,
                "ndcg@10": figure,
            }
        )
        if figure > self._figures[self.best]:
            self.best = recipe
        self._shown.note(f"best NDCG@10 {self._figures[self.best]:.4f}")


def _with(recipe: Als, name: str, value: float) -> Als:
    if name == "factors":
        return replace(recipe, factors=int(value))
    if name == "alpha":
        return replace(recipe, alpha=value)
    return replace(recipe, regularization=value)


def _numbers(texts: Sequence[str]) -> Sequence[float]:
    try:
        return [float(text) for text in texts]
    except ValueError as problem:
        raise SetupError("what to try is numbers joined by +, such as 1+4+10") from problem
