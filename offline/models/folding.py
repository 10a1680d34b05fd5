"""Computes the factors of many users from what they did, as the ranking stage does for one."""

import numpy as np
from scipy import sparse

from offline.models.contract import Floats


def folded_in(
    items: Floats, confidences: sparse.csr_matrix, *, regularization: float, alpha: float
) -> Floats:
    """Takes half a step of alternating least squares (Hu, Koren, Volinsky, ICDM 2008, eq. 4).

    ``(YtY + reg I + sum (|c| - 1) y yt) x = sum max(c, 0) y`` with ``c = alpha * confidence``: a
    negative confidence means dislike.

    Args:
        items: float32 [products, k].
        confidences: CSR float32 [users, products].
        regularization: More than 0.
        alpha: More than 0.

    Returns:
        Float32 [users, k]; zeros for a user without a confidence.
    """
    wide = items.astype(np.float64)
    gram = wide.T @ wide + regularization * np.eye(wide.shape[1])
    users = np.zeros((confidences.shape[0], wide.shape[1]), np.float32)
    for row in np.flatnonzero(np.diff(confidences.indptr)).tolist():
        part = slice(confidences.indptr[row], confidences.indptr[row + 1])
        met = wide[confidences.indices[part]]
        scaled = alpha * confidences.data[part].astype(np.float64)
        left = gram + (met.T * (np.abs(scaled) - 1.0)) @ met
        users[row] = np.linalg.solve(left, np.maximum(scaled, 0.0) @ met)
    return users
