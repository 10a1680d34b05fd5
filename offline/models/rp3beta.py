"""Walks from a product to its shoppers and on to what else they like."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from offline.models.contract import Training, Validation
from offline.models.item_item import ItemItemModel, blocks, likings, strongest
from offline.progress import Progress
from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class Rp3Beta:
    """Random walks of three steps (Paudel et al., ACM TiiS 2017).

    The defaults suit what shops know, little of each shopper: flat steps, and what is popular
    hardly held back. For neighbours that are particular to a product, raise both powers.

    The weight of product j for product i is the probability to walk from j over a shopper to i,
    each step's probability raised to ``alpha``, divided by ``popularity_i ^ beta``.

    Attributes:
        alpha: Sharpens (above 1) or flattens the steps, more than 0.
        beta: How much popular products are held back, 0 or more.
        neighbours: Products kept for each product, 1 or more.
        normalised: Whether the weights of each product are made to add up to 1.
        weighted: Whether the size of a confidence counts, or only that there is one.
    """

    name: ClassVar[str] = "rp3beta"
    alpha: float = 0.3
    beta: float = 0.1
    neighbours: int = 1000
    normalised: bool = False
    weighted: bool = False

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> ItemItemModel:
        """Walks from every product.

        Raises:
            SetupError: An option makes no sense.
        """
        if self.neighbours < 1 or self.alpha <= 0 or self.beta < 0:
            raise SetupError("alpha must be more than 0, beta 0 or more, neighbours 1 or more")
        liked = likings(training.confidences, weighted=self.weighted)
        onward = _steps(liked, self.alpha)
        outward = _steps(sparse.csr_matrix(liked.T), self.alpha)
        counts = np.maximum(liked.getnnz(axis=0), 1).astype(np.float32)
        held_back = counts ** np.float32(-self.beta)
        parts = []
        for part in blocks(liked.shape[1]):
            walked = sparse.csr_matrix(outward[part] @ onward)
            walked.data *= held_back[walked.indices]
            parts.append(strongest(walked, self.neighbours, first=part.start))
            shown.advance(part.stop - part.start)
        weights = sparse.csr_matrix(sparse.vstack(parts))
        return ItemItemModel(liked, _rows_to_one(weights) if self.normalised else weights)


def _steps(likings_of: sparse.csr_matrix, alpha: float) -> sparse.csr_matrix:
    """Returns the probability of each step from a row to a column, raised to ``alpha``."""
    steps = _rows_to_one(likings_of)
    steps.data **= np.float32(alpha)
    return steps


def _rows_to_one(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    sums = np.asarray(matrix.sum(axis=1), np.float32).ravel()
    inverse = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)
    return sparse.csr_matrix(sparse.diags(inverse) @ matrix)
