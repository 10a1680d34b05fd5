"""Reads what models of shoppers learn from out of a catalogue."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy import sparse

from catalog.confidence_rules import DEFAULT_RULES, ConfidenceRules
from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.models.contract import ProductSide, Training
from offline.product_side import product_side
from offline.taste_matrix import TELLING_KINDS, TasteMatrix, hold_out, taste_matrix


@dataclass(frozen=True, slots=True)
class Lessons:
    """A training, and whose rows and columns it has.

    Attributes:
        user_ids: Of the rows, sorted.
        product_ids: Of the columns, sorted.
        training: What to learn from.
    """

    user_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    training: Training


@dataclass(frozen=True, slots=True)
class TimedLessons:
    """What was known at the moment ``cut``, and what each shopper took after it that was new."""

    cut: datetime
    before: Lessons
    taken: dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Teacher:
    """Gives lessons out of one catalogue.

    Attributes:
        store: The catalogue.
        minimum: Least products a shopper, and shoppers a product, to be learned from.
        rules: What says how much.
        side: What is known of the products, and the ids of its rows, sorted: then every product
            there is has a column. None: those that are learned from have one.
    """

    store: CatalogStore
    minimum: int
    rules: ConfidenceRules = DEFAULT_RULES
    side: tuple[tuple[str, ...], ProductSide] | None = None

    def all(self) -> Lessons:
        """Returns everything that there is to learn from."""
        events = self.store.interactions(kinds=TELLING_KINDS)
        return self._lessons(taste_matrix(events, minimum=self.minimum, rules=self.rules))

    def until(self, share: float) -> TimedLessons | None:
        """Holds out the last ``share`` of the time; None where nothing was taken in it."""
        split = hold_out(
            lambda: self.store.interactions(kinds=TELLING_KINDS),
            share=share,
            minimum=self.minimum,
            rules=self.rules,
        )
        if split is None:
            return None
        return TimedLessons(split.cut, self._lessons(split.before), split.taken)

    def _lessons(self, matrix: TasteMatrix) -> Lessons:
        if self.side is None:
            training = Training(matrix.confidences, matrix.last)
            return Lessons(matrix.user_ids, matrix.product_ids, training)
        product_ids, side = self.side
        columns = {product_id: column for column, product_id in enumerate(product_ids)}
        places = np.array([columns.get(each, -1) for each in matrix.product_ids], np.intp)
        return Lessons(matrix.user_ids, product_ids, _spread(matrix, places, side))


def read_side(data: DataDir, store: CatalogStore) -> tuple[tuple[str, ...], ProductSide]:
    """Returns the ids of all products, sorted, and what is known of them, a row each.

    Raises:
        SetupError: The released image index cannot be opened.
    """
    products = sorted(store.scan(), key=lambda product: product.id)
    return tuple(product.id for product in products), product_side(data, products)


def _spread(matrix: TasteMatrix, places: np.ndarray, side: ProductSide) -> Training:
    """Puts the columns at their ``places``; what is no longer in the catalogue (-1) is left out."""
    entries = matrix.confidences.tocoo()
    columns = places[entries.col]
    kept = columns >= 0
    shape = (matrix.confidences.shape[0], len(side.kinds))
    confidences = sparse.csr_matrix(
        (entries.data[kept], (entries.row[kept], columns[kept])), shape=shape
    )
    # Both stand by user and by sorted product, so the order of the entries is the same.
    return Training(confidences, matrix.last[kept], side)
