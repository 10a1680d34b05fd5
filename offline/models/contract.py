"""Says what a model of shoppers learns from, and what it can do afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from scipy import sparse

from offline.progress import Progress

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ProductSide:
    """What is known of the products without anybody's doing, one row a product.

    Attributes:
        vectors: float32 [products, d], unit length; a row of zeros where there is no photo.
        words: CSR float32 [products, terms], TF-IDF of titles and attributes, rows of unit length.
        kinds: int [products], codes from 0; -1 where the kind is not known.
        styles: int [products], codes from 0: variants of one style share one.
    """

    vectors: Floats
    words: sparse.csr_matrix
    kinds: Rows
    styles: Rows


@dataclass(frozen=True, slots=True)
class Training:
    """What a model learns from.

    Attributes:
        confidences: CSR float32 [users, products]; a negative entry is a dislike.
        last: Seconds since 1970 of the last event of each entry, in the order of
            ``confidences.data``; None where nobody knows when anything happened.
        side: The products themselves; None where nothing but their ids is known.
    """

    confidences: sparse.csr_matrix
    last: npt.NDArray[np.float64] | None = None
    side: ProductSide | None = None


@dataclass(frozen=True, slots=True)
class Validation:
    """One held-out product for each of some users, for early stopping and for searches.

    ``users`` and ``products`` are rows and columns of the training, both int [n]; the training
    does not hold the pairs.
    """

    users: Rows
    products: Rows


class Model(Protocol):
    """What a recipe made of a training."""

    def scores(self, users: Rows) -> Floats:
        """Scores [len(users), products] of all products for some users, higher is better."""
        ...


@runtime_checkable
class Factorised(Model, Protocol):
    """A model whose scores are dot products, so that the ranking stage can serve it.

    A row of zeros is a product or user of which the model knows nothing; it is not published. Two
    further attributes, ``regularization`` and ``alpha``, say how a history is folded in where the
    defaults (1 and 10) do not do.
    """

    @property
    def user_factors(self) -> Floats:
        """Float32 [users, k]."""
        ...

    @property
    def item_factors(self) -> Floats:
        """Float32 [products, k]."""
        ...


@runtime_checkable
class Curved(Protocol):
    """A model that remembers how its training went."""

    @property
    def curve(self) -> Sequence[Mapping[str, float]]:
        """One line for each look, the same columns in all, ``step`` first."""
        ...


@runtime_checkable
class Saved(Protocol):
    """A model that can be kept in a folder, beside what a release holds of it."""

    def save(self, folder: Path) -> None:
        """Writes files of ``.npy`` or ``.safetensors`` into an empty folder."""
        ...


@runtime_checkable
class Sided(Protocol):
    """A recipe that may need what is known of the products without anybody's doing."""

    @property
    def sided(self) -> bool:
        """Whether its training must have a ``side``, and a column for every product there is."""
        ...


class Recipe(Protocol):
    """A way to make a model; its fields are the options. Equal inputs give equal models."""

    name: ClassVar[str]

    def fit(self, training: Training, validation: Validation | None, shown: Progress) -> Model:
        """Learns.

        Args:
            training: What to learn from.
            validation: For early stopping and searches. None: who needs one takes it out of
                the training (``held_out.hold_out_one``), chooses by it, and may learn from
                everything afterwards.
            shown: Told of each step done.

        Raises:
            SetupError: The recipe needs something that the training does not have.
        """
        ...
