"""Draws what a recipe may check itself on, out of the training and never out of the test."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from offline.models.contract import Training, Validation

MOST = 5_000


def draw_validation(training: Training, *, most: int = MOST, seed: int = 0) -> Validation | None:
    """Draws one liked product of each of some users: the last one, or any where none is last.

    The pairs **stay in the training**: a recipe that checks itself learns from
    :func:`without` first, and may learn from everything once its options are chosen.

    Args:
        training: What a recipe will be given.
        most: Users at most, drawn among those who like two products or more.
        seed: Another one draws others.

    Returns:
        None where no user likes two.
    """
    liked = training.confidences.tocoo()
    rng = np.random.default_rng(seed)
    # Equal moments, and none at all, are broken by lot.
    moments = np.zeros(liked.nnz) if training.last is None else training.last
    chosen = np.flatnonzero(liked.data > 0)
    order = chosen[np.lexsort((rng.random(len(chosen)), moments[chosen], liked.row[chosen]))]
    rows = liked.row[order]
    is_last = np.append(rows[1:] != rows[:-1], True) if len(rows) else np.zeros(0, bool)
    counts = np.bincount(rows, minlength=liked.shape[0])
    ends = order[is_last & (counts[rows] >= 2)]
    if not len(ends):
        return None
    if len(ends) > most:
        ends = np.sort(rng.choice(ends, most, replace=False))
    return Validation(liked.row[ends].astype(np.intp), liked.col[ends].astype(np.intp))


def without(training: Training, validation: Validation) -> Training:
    """Returns the training without the pairs of a validation; the shape stays."""
    whole = training.confidences.tocoo()
    width = whole.shape[1]
    pairs = whole.row.astype(np.int64) * width + whole.col
    held = validation.users.astype(np.int64) * width + validation.products
    kept = ~np.isin(pairs, held)
    matrix = sparse.csr_matrix((whole.data[kept], (whole.row[kept], whole.col[kept])), whole.shape)
    last = None if training.last is None else training.last[kept]
    return replace(training, confidences=matrix, last=last)
