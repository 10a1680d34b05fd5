"""Holds the factors of shoppers and products, and says how well they fit each other."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from runtime.artifacts import ArtifactRefused

FORMAT = 1
INDIFFERENT = 0.5
# A spread of the dot products below this share of |u| * rms(|v|) is rounding noise of float32.
_NOISE = 1e-6

Vector = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FactorTables:
    """What a matrix factorisation leaves behind.

    ``item_factors`` is [len(product_ids), k] and ``user_factors`` [len(user_ids), k], both
    float32 and of the same training; ``regularization`` (> 0) and ``alpha`` (> 0, the factor of
    every confidence) are those of the training and are needed to fold a history in.
    """

    product_ids: Sequence[str]
    user_ids: Sequence[str]
    item_factors: Vector
    user_factors: Vector
    regularization: float
    alpha: float


class Tastes(NamedTuple):
    """The taste of one shopper for a list of candidates, in their order."""

    tastes: Vector
    """[n], 0 to 1; .5 is indifference; an unknown candidate has the mean of the known ones."""
    known: Flags
    """[n], whether the model knows the candidate."""
    dots: Vector
    """[n], dot product of both factors; 0 for an unknown candidate."""


class Factors:
    """One generation of factors, opened from an artifact; it never changes."""

    def __init__(self, tables: FactorTables) -> None:
        count, dim = tables.item_factors.shape
        self.dim = dim
        self.product_count = count
        self.user_count = len(tables.user_ids)
        self._rows = {product_id: row for row, product_id in enumerate(tables.product_ids)}
        self._users = {user_id: row for row, user_id in enumerate(tables.user_ids)}
        self._user_factors = tables.user_factors
        # The last row stands for every unknown product, so that one lookup serves all.
        self._items = np.vstack([tables.item_factors, np.zeros((1, dim), np.float32)])
        self._regularization = tables.regularization
        self._alpha = tables.alpha
        self._mean, self._covariance, self._gram = _statistics(tables.item_factors)
        self._item_rms = math.sqrt(float(np.trace(self._gram)) / max(count, 1))

    @staticmethod
    def write(tables: FactorTables, folder: Path) -> Mapping[str, object]:
        """Writes the factors into a folder and returns the facts for its manifest.

        Raises:
            ValueError: The tables do not fit each other.
        """
        problem = _problem(tables)
        if problem:
            raise ValueError(problem)
        np.save(folder / "items.npy", tables.item_factors, allow_pickle=False)
        np.save(folder / "users.npy", tables.user_factors, allow_pickle=False)
        (folder / "items.json").write_text(json.dumps(list(tables.product_ids)), encoding="utf-8")
        (folder / "users.json").write_text(json.dumps(list(tables.user_ids)), encoding="utf-8")
        scalars = {"regularization": tables.regularization, "alpha": tables.alpha}
        (folder / "model.json").write_text(json.dumps(scalars), encoding="utf-8")
        return {
            "products": len(tables.product_ids),
            "users": len(tables.user_ids),
            "factors": int(tables.item_factors.shape[1]),
            **scalars,
        }

    @classmethod
    def open(cls, folder: Path) -> "Factors":
        """Reads what :meth:`write` wrote.

        Raises:
            ArtifactRefused: The files do not hold factors that fit each other.
        """
        try:
            scalars = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            tables = FactorTables(
                product_ids=_read_ids(folder / "items.json"),
                user_ids=_read_ids(folder / "users.json"),
                item_factors=np.load(folder / "items.npy", allow_pickle=False),
                user_factors=np.load(folder / "users.npy", allow_pickle=False),
                regularization=float(scalars["regularization"]),
                alpha=float(scalars["alpha"]),
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ArtifactRefused("factors_unreadable", f"cannot read {folder}: {error}") from error
        problem = _problem(tables)
        if problem:
            raise ArtifactRefused("factors_inconsistent", f"{folder}: {problem}")
        return cls(tables)

    def user(self, user_id: str) -> Vector | None:
        """Returns the trained factors [k] of a shopper, or None."""
        row = self._users.get(user_id)
        return None if row is None else self._user_factors[row]

    def fold_in(
        self, product_ids: Sequence[str], confidences: Sequence[float] | None = None
    ) -> Vector | None:
        """Computes the factors of a shopper from a history that the training did not see.

        One half step of alternating least squares, as ``recalculate_user`` of implicit takes it
        (Hu, Koren, Volinsky, ICDM 2008, eq. 4): ``(YtY + reg I + sum (|c| - 1) y yt) x = sum c y``,
        where only positive confidences stand on the right: a negative one means dislike.

        Args:
            product_ids: The history; unknown products are passed over, the confidences of a
                product that stands twice are added.
            confidences: One a product, before ``alpha``, finite; None means 1 for each.

        Returns:
            The factors, float32 [k], or None if the model knows none of the products.
        """
        weights = np.ones(len(product_ids)) if confidences is None else np.asarray(confidences)
        rows = self._rows_of(product_ids)
        known = rows < self.product_count
        if not known.any():
            return None
        seen, place = np.unique(rows[known], return_inverse=True)
        scaled = self._alpha * np.bincount(place, weights=weights[known])
        items = self._items[seen].astype(np.float64)
        left = self._gram + self._regularization * np.eye(self.dim)
        left += (items.T * (np.abs(scaled) - 1.0)) @ items
        right = np.maximum(scaled, 0.0) @ items
        return np.linalg.solve(left, right).astype(np.float32)

    def tastes(self, vector: Vector, product_ids: Sequence[str]) -> Tastes:
        """Computes how well candidates fit a shopper, whatever the other candidates are.

        ``T = (1 + tanh(z / 2)) / 2`` with ``z = (u.v - u.m) / sqrt(ut C u)``, where m and C are
        mean and covariance of all item factors. A shopper to whom all items are equal (a zero
        vector, or no spread beyond rounding) is indifferent; so is one among whose candidates
        none is known.

        Args:
            vector: The shopper's factors u, float32 [k], finite.
            product_ids: The candidates.
        """
        rows = self._rows_of(product_ids)
        known = rows < self.product_count
        dots = self._items[rows] @ vector
        wide = vector.astype(np.float64)
        spread = math.sqrt(max(float(wide @ self._covariance @ wide), 0.0))
        if not spread > _NOISE * float(np.linalg.norm(wide)) * self._item_rms:
            return Tastes(np.full(len(rows), INDIFFERENT, np.float32), known, dots)
        half = (dots - np.float32(wide @ self._mean)) * np.float32(0.5 / spread)
        tastes = np.float32(0.5) * (np.float32(1.0) + np.tanh(half))
        if not known.all():
            tastes[~known] = tastes[known].mean() if known.any() else INDIFFERENT
        return Tastes(tastes, known, dots)

    def _rows_of(self, product_ids: Sequence[str]) -> npt.NDArray[np.intp]:
        found = map(self._rows.get, product_ids, repeat(self.product_count))
        return np.fromiter(found, np.intp, len(product_ids))


def _statistics(item_factors: Vector) -> tuple[Matrix, Matrix, Matrix]:
    """Returns mean [k], covariance [k, k] and YtY [k, k] of the item factors, in float64."""
    wide = item_factors.astype(np.float64)
    gram = wide.T @ wide
    mean = wide.mean(axis=0)
    return mean, gram / len(wide) - np.outer(mean, mean), gram


def _read_ids(path: Path) -> list[str]:
    ids = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise ValueError(f"{path.name} is not a list of ids")
    return ids


def _problem(tables: FactorTables) -> str:
    """Says why the tables cannot be factors of one model; empty if they can."""
    items, users = tables.item_factors, tables.user_factors
    if items.dtype != np.float32 or users.dtype != np.float32:
        return "factors are not float32"
    if items.ndim != 2 or users.ndim != 2 or items.shape[1] != users.shape[1]:
        return f"factors of different models: items {items.shape}, users {users.shape}"
    if not items.size:
        return "there are no item factors"
    if len(tables.product_ids) != len(items) or len(tables.user_ids) != len(users):
        return "the ids do not match the factors in number"
    for ids in (tables.product_ids, tables.user_ids):
        if len(set(ids)) != len(ids):
            return "an id stands twice"
    if not (np.isfinite(items).all() and np.isfinite(users).all()):
        return "a factor is not finite"
    if not (0 < tables.regularization < math.inf and 0 < tables.alpha < math.inf):
        return "regularization and alpha must be positive"
    return ""
