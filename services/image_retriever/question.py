"""Says what may be asked of the vectors of products."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from services.image_retriever.exact import Mask, Vectors


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
class Reorder:
    """How what was found is ordered anew: by its cosine with another vector.

    Attributes:
        vector: Unit vector float32 ``[dim]``.
        depth: How many products are found first.
    """

    vector: Vectors
    depth: int


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
