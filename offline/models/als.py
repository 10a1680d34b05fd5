"""Factorises the confidences by alternating least squares."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from offline.models.contract import Training, Validation
from offline.models.factors import FactorModel
from offline.models.held_out import HeldOutOne, checked, ndcg
from offline.models.warm_start import warm_start
from offline.progress import Progress
from runtime.errors import SetupError

if TYPE_CHECKING:
    from implicit.cpu.als import AlternatingLeastSquares

_EVERY = 3
"""Passes between two looks at the validation."""


@dataclass(frozen=True, slots=True)
class Als:
    """Implicit feedback by alternating least squares (Hu, Koren, Volinsky, ICDM 2008).

    Attributes:
        factors: Width of a vector, 1 or more.
        regularization: Pull towards zero, more than 0.
        iterations: Passes over shoppers and products, 1 or more.
        alpha: What every confidence is multiplied by, more than 0.
        seed: Of the first factors.
        patience: Where more than 0, a first training without the validation (or one liking of
            each user) finds the best number of passes up to ``iterations``: it ends after so many
            looks in a row, one each 3 passes, that were no better than the best. The second one,
            of so many passes, learns from everything.
        warm: Whether the products start where their photos put them, and not at random.
    """

    name: ClassVar[str] = "als"
    factors: int = 64
    regularization: float = 1.0
    iterations: int = 15
    alpha: float = 10.0
    seed: int = 42
    patience: int = 0
    warm: bool = False

    @property
    def sided(self) -> bool:
        """Whether the photos are asked for."""
        return self.warm

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> FactorModel:
        """Learns.

        Raises:
            SetupError: An option makes no sense, or nothing is known of the products and ``warm``
                asks for it.
        """
        self._check(training)
        if not self.patience:
            return self._learned(training, self.iterations, shown)
        curve = self._looks(checked(training, validation), shown)
        best = max(curve, key=lambda line: line["ndcg@10"])
        found = self._learned(training, int(best["step"]), shown)
        return replace(found, curve=tuple(curve))

    def _learned(self, training: Training, iterations: int, shown: Progress) -> FactorModel:
        model = self._solver(training)
        model.iterations = iterations
        # Its own threads each call BLAS: threads of BLAS below them make it many times slower.
        with threadpool_limits(1, "blas"):
            model.fit(
                training.confidences, show_progress=False, callback=lambda *_: shown.advance()
            )
        return self._factors(model)

    def _solver(self, training: Training) -> "AlternatingLeastSquares":
        # implicit takes a second to import and is needed here alone.
        from implicit.cpu.als import AlternatingLeastSquares

        # It warns of threads of BLAS where it is made, though they are held back where it learns.
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=self.iterations,
                random_state=self.seed,
            )
        if self.warm and training.side is not None:
            model.item_factors = warm_start(training.side, self.factors, self.seed)
        return model

    def _looks(self, split: HeldOutOne, shown: Progress) -> list[dict[str, float]]:
        """Trains some passes at a time, each going on where the last ones ended, and looks."""
        model = self._solver(split.training)
        curve: list[dict[str, float]] = []
        best, waited, done = -1.0, 0, 0
        while done < self.iterations and waited < self.patience:
            model.iterations = min(_EVERY, self.iterations - done)
            with threadpool_limits(1, "blas"):
                model.fit(split.training.confidences, show_progress=False)
            done += model.iterations
            figure = ndcg(self._factors(model), split.training, split.validation)
            curve.append({"step": done, "ndcg@10": figure})
            shown.advance(model.iterations)
            shown.note(f"NDCG@10 {figure:.4f}")
            waited = 0 if figure > best else waited + 1
            best = max(best, figure)
        return curve

    def _factors(self, model: "AlternatingLeastSquares") -> FactorModel:
        return FactorModel(
            np.array(model.user_factors, np.float32),
            np.array(model.item_factors, np.float32),
            self.regularization,
            self.alpha,
        )

    def _check(self, training: Training) -> None:
        if min(self.factors, self.iterations) < 1 or self.patience < 0:
            raise SetupError("factors and iterations must be 1 or more, patience 0 or more")
        if self.regularization <= 0 or self.alpha <= 0:
            raise SetupError("regularization and alpha must be more than 0")
        if self.warm and training.side is None:
            raise SetupError("nothing is known of the products: there is nothing warm to start at")
