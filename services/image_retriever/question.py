"""Says what may be asked of the vectors of products."""

from collections.abc import Callable, Collection, Sequence
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
    """Whose kind the hits should be of: that of the products nearest to each picture.

    Attributes:
        vectors: Unit rows of the pictures of which nobody knows the kind, float32 ``[k, dim]``.
        numbers: Returns the number of the kind of each row, 0 where there is none.
        known: Numbers of the kinds of products in the query, as the catalogue has them.
    """

    vectors: Vectors
    numbers: Callable[[Rows], NDArray[np.int32]]
    known: Sequence[int] = ()

    def lift(self, rows: Rows, nearest: Sequence[Rows]) -> Vectors:
        """Returns what is added to the cosine of rows, float32 ``[n]``.

        Half the share of the row's kind, at the mean over all pictures: among the rows nearest to
        one, or all of it where the catalogue knows the kind. Neighbours tell the kind of a picture
        better than the distance to any one of them (Cover, Hart, IEEE Transactions on Information
        Theory 1967).
        """
        shares: dict[int, float] = {}
        pictures = [self.numbers(found) for found in nearest]
        pictures += [np.array([kind], np.int32) for kind in self.known]
        for voted in pictures:
            kinds, counts = np.unique(voted[voted > 0], return_counts=True)
            for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
                share = count / (len(voted) * len(pictures))
                shares[kind] = shares.get(kind, 0.0) + share
        lifted = np.array(list(shares), np.int32), np.array(list(shares.values()))
        same = self.numbers(rows)[:, None] == lifted[0][None, :]
        return np.asarray(KIND_SHARE * (same @ lifted[1]), np.float32)


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
