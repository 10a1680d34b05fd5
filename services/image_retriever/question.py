"""Says what may be asked of the vectors of products."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.image_retriever.exact import Mask, Rows, Vectors

VOTERS = 5
"""How many products tell the kind of a picture."""
KIND_SHARE = 0.5
"""What agreement in kind weighs beside a cosine."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What no hit may look like.

    Attributes:
        vectors: Unit rows float32 ``[k, dim]``.
        least: Cosine with one of them from which on a product looks the same.
    """

    vectors: Vectors
    least: float

    def of(self, rows: Vectors) -> Mask:
        """Tells of unit rows float32 ``[n, dim]`` which look like one of these, bool ``[n]``."""
        return np.asarray((rows @ self.vectors.T >= self.least).any(axis=1))


@dataclass(frozen=True, slots=True)
class Kinds:
    """Whose kind the hits should be of: that of the products nearest to a picture.

    Attributes:
        vector: Unit vector of the picture, float32 ``[dim]``.
        numbers: Returns the number of the kind of each row, 0 where there is none.
    """

    vector: Vectors
    numbers: Callable[[Rows], NDArray[np.int32]]

    def lift(self, rows: Rows, nearest: Rows) -> Vectors:
        """Returns what is added to the cosine of rows, float32 ``[n]``.

        Half the share of the row's kind among the rows nearest to the picture. Neighbours tell the
        kind of a picture better than the distance to any one of them (Cover, Hart, IEEE
        Transactions on Information Theory 1967).
        """
        voted = self.numbers(nearest)
        kinds, counts = np.unique(voted[voted > 0], return_counts=True)
        shares = counts / max(1, len(nearest))
        same = self.numbers(rows)[:, None] == kinds[None, :]
        return np.asarray(KIND_SHARE * (same @ shares), np.float32)


@dataclass(frozen=True, slots=True)
class Reorder:
    """How what was found is ordered anew: by its cosine with another vector.

    Attributes:
        vector: Unit vector float32 ``[dim]``.
        depth: How many products are found first.
        kinds: Which kind is lifted; None lifts none.
    """

    vector: Vectors
    depth: int
    kinds: Kinds | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A vector and what may come of it.

    Attributes:
        query: Unit vector float32 ``[dim]``.
        count: Most hits.
        floor: Least cosine of a hit; None is no floor.
        barred: Products that must not come.
        unlike: What no hit may look like; None: any look may come.
        reorder: How the nearest products are ordered anew; None: they stay as they are.
    """

    query: Vectors
    count: int
    floor: float | None
    barred: Collection[str]
    unlike: Likeness | None
    reorder: Reorder | None

    @property
    def depth(self) -> int:
        """How many products are to be found."""
        return max(self.count, self.reorder.depth) if self.reorder else self.count
