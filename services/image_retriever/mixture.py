"""Mixes the vectors of texts, photos and products into the vector of one query."""

from collections.abc import Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from runtime.errors import InvalidArgument

Vectors = NDArray[np.float32]
MAX_WEIGHT = 10.0
_LEAST_NORM = 1e-4


class Kind(Enum):
    """What a query vector was made of."""

    TEXT = "text"
    PHOTO = "photo"
    MIXED = "mixed"


def mixed(vectors: Sequence[Vectors], weights: Sequence[float]) -> Vectors:
    """Returns the weighted sum of unit vectors, float32 ``[dim]``, made a unit vector again.

    Raises:
        InvalidArgument: The parts cancel each other out.
    """
    # In float64, so that the order of equal parts does not show in the result.
    total = np.array(weights, np.float64) @ np.stack(vectors).astype(np.float64)
    norm = float(np.linalg.norm(total))
    if norm < _LEAST_NORM:
        raise InvalidArgument("the parts cancel each other out", field="parts")
    unit: Vectors = (total / norm).astype(np.float32)
    return unit


def kind_of(words: int, pictures: int) -> Kind:
    """Returns the kind of a query with so many parts in words, and in photos or products."""
    if not pictures:
        return Kind.TEXT
    return Kind.MIXED if words else Kind.PHOTO
