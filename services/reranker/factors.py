"""Holds the factors of shoppers and products, and says how well they fit each other."""

import math
from collections.abc import Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.reranker.factor_tables import FactorTables, Vector, read_tables, write_tables

__all__ = ["FORMAT", "INDIFFERENT", "FactorTables", "Factors", "Tastes", "Vector"]

FORMAT = 1
INDIFFERENT = 0.5
# A spread of the dot products below this share of |u| * rms(|v|) is rounding noise of float32.
_NOISE = 1e-6

Flags = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


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
        self.product_ids = tuple(tables.product_ids)
        self._rows = {product_id: row for row, product_id in enumerate(tables.product_ids)}
        self._users = {user_id: row for row, user_id in enumerate(tables.user_ids)}
        self._user_factors = tables.user_factors
        # The last row stands for every unknown product, so that one lookup serves all.
        self._items = np.vstack([tables.item_factors, np.zeros((1, dim), np.float32)])
        self._alpha = tables.alpha
        self._mean, self._covariance, self._gram = _statistics(tables.item_factors)
        self._ridge = self._gram + tables.regularization * np.eye(dim)
        self._item_rms = math.sqrt(float(np.trace(self._gram)) / max(count, 1))
        lengths = np.linalg.norm(tables.item_factors, axis=1)
        self._lengths = np.maximum(lengths, np.finfo(np.float32).tiny).astype(np.float32)

    @staticmethod
    def write(tables: FactorTables, folder: Path) -> Mapping[str, object]:
        """Writes the factors into a folder and returns the facts for its manifest.

        Raises:
            ValueError: The tables do not fit each other.
        """
        return write_tables(tables, folder)

    @classmethod
    def open(cls, folder: Path) -> "Factors":
        """Reads what :meth:`write` wrote.

        Raises:
            ArtifactRefused: The files do not hold factors that fit each other.
        """
        return cls(read_tables(folder))

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
        weighed = self._weighed(product_ids, confidences)
        if not weighed:
            return None
        items, scaled = self._scaled(weighed)
        right = np.maximum(scaled, 0.0) @ items
        return np.linalg.solve(self._left(items, scaled), right).astype(np.float32)

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

    def row_of(self, product_id: str) -> int | None:
        """Returns the row of a product, or None where the model does not know it."""
        return self._rows.get(product_id)

    def fits(self, vector: Vector, product_ids: Sequence[str]) -> Vector:
        """Returns the dot products with products, float32 [n]; unknown ones get their mean."""
        rows = self._rows_of(product_ids)
        known = rows < self.product_count
        dots = self._items[rows] @ vector
        if not known.all():
            dots[~known] = dots[known].mean() if known.any() else 0.0
        return dots

    def dots(self, vector: Vector, rows: Rows | None = None) -> Vector:
        """Returns the dot product of a vector [k] with rows of products; None means all of them."""
        items = self._items[: self.product_count] if rows is None else self._items[rows]
        return items @ vector

    def alike(self, product_id: str) -> Vector | None:
        """Returns the cosine of all products to one, float32 [products], or None if unknown."""
        row = self._rows.get(product_id)
        if row is None:
            return None
        cosines: Vector = self.dots(self._items[row]) / (self._lengths * self._lengths[row])
        return cosines

    def because(
        self, product_ids: Sequence[str], confidences: Sequence[float], rows: Rows
    ) -> npt.NDArray[np.int32]:
        """Tells which product of a history says most for each of some products.

        A folded-in score is a sum over the history, ``x.y_j = sum c_i y_it A^-1 y_j`` with the A
        of :meth:`fold_in` (Hu, Koren, Volinsky, ICDM 2008, section 5): the largest term speaks.

        Args:
            product_ids: The history; the first place counts where a product stands twice.
            confidences: One a product.
            rows: Rows of the products to be explained.

        Returns:
            Places in the history, int32 [rows]; -1 where nothing of it speaks for a product.
        """
        weighed = self._weighed(product_ids, confidences)
        if not weighed or not len(rows):
            return np.full(len(rows), -1, np.int32)
        items, scaled = self._scaled(weighed)
        wanted = self._items[rows].astype(np.float64)
        said = items @ np.linalg.solve(self._left(items, scaled), wanted.T)
        said *= np.maximum(scaled, 0.0)[:, None]
        most = said.argmax(axis=0)
        first = {row: place for place, row in reversed([*enumerate(self._rows_of(product_ids))])}
        places = np.array([first[row] for row in weighed], np.int32)
        return np.where(said.max(axis=0) > 0, places[most], np.int32(-1))

    def _weighed(
        self, product_ids: Sequence[str], confidences: Sequence[float] | None
    ) -> dict[int, float]:
        """The rows of a history that the model knows, with the sum of the confidences of each."""
        weighed: dict[int, float] = {}
        find = self._rows.get
        weights = repeat(1.0) if confidences is None else confidences
        for product_id, weight in zip(product_ids, weights, strict=confidences is not None):
            row = find(product_id)
            if row is not None:
                weighed[row] = weighed.get(row, 0.0) + weight
        return weighed

    def _scaled(self, weighed: Mapping[int, float]) -> tuple[Matrix, Matrix]:
        """The factors [n, k] of rows, and their confidences [n] times ``alpha``."""
        rows = np.fromiter(weighed, np.intp, len(weighed))
        scaled = self._alpha * np.fromiter(weighed.values(), np.float64, len(weighed))
        return np.take(self._items, rows, axis=0).astype(np.float64), scaled

    def _left(self, items: Matrix, scaled: Matrix) -> Matrix:
        """The matrix A [k, k] of a fold-in."""
        return self._ridge + (items.T * (np.abs(scaled) - 1.0)) @ items

    def _rows_of(self, product_ids: Sequence[str]) -> npt.NDArray[np.intp]:
        found = map(self._rows.get, product_ids, repeat(self.product_count))
        return np.fromiter(found, np.intp, len(product_ids))


def _statistics(item_factors: Vector) -> tuple[Matrix, Matrix, Matrix]:
    """Returns mean [k], covariance [k, k] and YtY [k, k] of the item factors, in float64."""
    wide = item_factors.astype(np.float64)
    gram = wide.T @ wide
    mean = wide.mean(axis=0)
    return mean, gram / len(wide) - np.outer(mean, mean), gram
