"""Learns in closed form how much a liking of each product speaks for each other one."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from offline.models.contract import Floats, Training, Validation
from offline.models.item_item import ItemItemModel, blocks, likings
from offline.progress import Progress
from runtime.errors import SetupError

MOST_PRODUCTS = 30_000


@dataclass(frozen=True, slots=True)
class Ease:
    """Embarrassingly shallow autoencoder (Steck, WWW 2019).

    ``B = I - P / diag(P)`` by column with ``P = (XtX + regularization I)^-1``. The matrix is
    dense: n products take 4 n^2 bytes and n^3 steps, so 30,000 of them are the most.

    Attributes:
        regularization: Pull towards zero, more than 0.
        weighted: Whether the size of a confidence counts, or only that there is one.
    """

    name: ClassVar[str] = "ease"
    regularization: float = 250.0
    weighted: bool = False

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> ItemItemModel:
        """Inverts once, in the one matrix that there is.

        Raises:
            SetupError: An option makes no sense, or there are too many products.
        """
        if self.regularization <= 0:
            raise SetupError("regularization must be more than 0")
        count = training.confidences.shape[1]
        if count > MOST_PRODUCTS:
            raise SetupError(f"ease takes at most {MOST_PRODUCTS} products, and these are {count}")
        liked = likings(training.confidences, weighted=self.weighted)
        gram = _gram(liked)
        shown.advance()
        gram[np.diag_indices(count)] += np.float32(self.regularization)
        gram, failed = lapack.spotrf(gram, lower=1, overwrite_a=1, clean=0)
        shown.advance()
        if not failed:
            gram, failed = lapack.spotri(gram, lower=1, overwrite_c=1)
        if failed:
            raise SetupError("the products cannot be told apart: raise the regularization")
        shown.advance()
        return ItemItemModel(liked, _weights(gram))


def _gram(liked: sparse.csr_matrix) -> Floats:
    """Returns XtX, dense, in the order of columns that LAPACK works in without a copy."""
    gram = np.zeros((liked.shape[1],) * 2, np.float32, order="F")
    turned = sparse.csr_matrix(liked.T)
    for part in blocks(liked.shape[1]):
        # Of a symmetric matrix the columns are the rows.
        gram[:, part] = (turned[part] @ liked).toarray().T
    return gram


def _weights(inverse: Floats) -> Floats:
    """Turns the lower half of P into B in place; columns by ``-P_ij / P_jj``, the diagonal 0."""
    count = len(inverse)
    for part in blocks(count):
        # The upper half is what was there before: each block of rows is mirrored from columns.
        inverse[part, part.stop :] = inverse[part.stop :, part].T
        corner = np.tril(inverse[part, part])
        inverse[part, part] = corner + np.tril(corner, -1).T
    scale = -np.float32(1.0) / np.diagonal(inverse)
    for part in blocks(count):
        inverse[:, part] *= scale[part]
    inverse[np.diag_indices(count)] = 0.0
    return inverse
