"""Lets a factorisation start from what products look like."""

import numpy as np
import numpy.typing as npt

from offline.models.contract import Floats, ProductSide

LENGTH = 0.01


def warm_start(side: ProductSide, k: int, seed: int) -> Floats:
    """Returns first item factors in which products that look alike stand close together.

    Photo vectors, a random vector where there is no photo, at unit length, times a random Gaussian
    matrix (which keeps angles nearly: Johnson, Lindenstrauss, 1984), at unit length again, times
    .01: as small as the random factors that they replace.

    Args:
        side: What is known of the products.
        k: Width of a factor, 1 or more.
        seed: Of the draws.

    Returns:
        Float32 [products, k], each of length .01. Without any photo they are random.
    """
    draw = np.random.default_rng(seed)
    vectors = np.array(side.vectors, np.float64)
    if not vectors.shape[1]:
        vectors = np.zeros((len(vectors), k))
    missing = ~vectors.any(axis=1)
    vectors[missing] = draw.normal(size=(int(missing.sum()), vectors.shape[1]))
    turned = _unit(vectors) @ draw.normal(size=(vectors.shape[1], k))
    return np.asarray(LENGTH * _unit(turned), np.float32)


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return np.asarray(unit, np.float64)
