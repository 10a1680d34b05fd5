"""Compares products by the shoppers whom they share."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from offline.models.contract import Training, Validation
from offline.models.item_item import ItemItemModel, blocks, likings, strongest
from offline.progress import Progress
from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class ItemKnn:
    """Nearest neighbours by the cosine of columns (Sarwar et al., WWW 2001).

    ``s_ij = x_i . x_j / (|x_i| |x_j| + shrink)``; the score of product i adds up ``s_ij`` over
    what a shopper likes among the ``neighbours`` nearest of i.

    Attributes:
        neighbours: Nearest products that speak for a product, 1 or more.
        shrink: Added to the denominator, 0 or more: distrusts what few shoppers share.
        idf: Whether a shopper who likes everything says less: each of his likings is weighed by
            ``ln(1 + products / likings)``.
        weighted: Whether the size of a confidence counts, or only that there is one.
    """

    name: ClassVar[str] = "item-knn"
    neighbours: int = 100
    shrink: float = 20.0
    idf: bool = False
    weighted: bool = False

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> ItemItemModel:
        """Compares all products with all.

        Raises:
            SetupError: An option makes no sense.
        """
        if self.neighbours < 1 or self.shrink < 0:
            raise SetupError("neighbours must be 1 or more, shrink 0 or more")
        liked = likings(training.confidences, weighted=self.weighted)
        columns = liked.copy()
        if self.idf:
            spread = np.log1p(liked.shape[1] / np.maximum(liked.getnnz(axis=1), 1))
            columns = sparse.csr_matrix(sparse.diags(spread.astype(np.float32)) @ liked)
        turned = sparse.csr_matrix(columns.T)
        norms = np.sqrt(np.asarray(turned.multiply(turned).sum(axis=1), np.float32).ravel())
        parts = []
        for part in blocks(liked.shape[1]):
            shared = sparse.csr_matrix(turned[part] @ columns)
            # A row may be empty; its entries are then none, so nothing is divided by 0.
            lengths = np.repeat(norms[part], np.diff(shared.indptr))
            shared.data /= lengths * norms[shared.indices] + np.float32(self.shrink)
            parts.append(strongest(shared, self.neighbours, first=part.start))
            shown.advance(part.stop - part.start)
        # Row i holds the neighbours of i; a history asks which rows its products stand in.
        return ItemItemModel(liked, sparse.csr_matrix(sparse.vstack(parts).T))
