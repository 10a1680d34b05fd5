"""Measures ranked products in the mean over all orders of equal scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

FIGURES = ("HR", "NDCG", "Recall", "MAP", "MRR")


@dataclass(frozen=True, slots=True)
class Places:
    """What stands at the first places of some lists, ties and all.

    Products of equal score share a block of places, in which each order is as likely as any
    other. One row a list, one column a place, from 1 to the depth; a place behind the last
    candidate belongs to a block without anything relevant.

    Attributes:
        starts: Places before the block of each place.
        sizes: Products of the block.
        hits: Relevant products of the block.
        before: Relevant products before the block.
        relevant: [lists], relevant products in all, 1 or more.
    """

    starts: Floats
    sizes: Floats
    hits: Floats
    before: Floats
    relevant: Floats


def places(scores: Scores, allowed: Flags, relevant: sparse.csr_matrix, depth: int) -> Places:
    """Finds out what stands at the first places.

    Args:
        scores: float32 [lists, products], finite, higher is better.
        allowed: bool [lists, products], the candidates of each list.
        relevant: CSR bool [lists, products], of the candidates, at least one in each list.
        depth: How many places, 1 or more.

    Raises:
        ValueError: A score is not finite, or something relevant is no candidate.
    """
    if not np.isfinite(scores).all():
        raise ValueError("a score is not a number")
    found = relevant.tocoo()
    if not allowed[found.row, found.col].all():
        raise ValueError("something relevant is no candidate")
    kept = np.where(allowed, scores, -np.inf)
    width = min(depth, kept.shape[1])
    top = -np.sort(np.partition(-kept, width - 1, axis=1)[:, :width], axis=1)
    top = np.pad(top, ((0, 0), (0, depth - width)), constant_values=-np.inf)
    last = top[:, width - 1 : width]
    above = top[:, :, None] < top[:, None, :]
    starts = above.sum(axis=2).astype(np.float64)
    sizes = (top[:, :, None] == top[:, None, :]).sum(axis=2).astype(np.float64)
    # A block that goes on behind the last place has more products than can be seen here.
    whole = (kept == last).sum(axis=1, keepdims=True)
    sizes = np.where(top == last, np.maximum(whole, sizes), sizes)
    own = kept[found.row, found.col][:, None]
    hits, before = np.zeros_like(starts), np.zeros_like(starts)
    np.add.at(hits, found.row, own == top[found.row])
    np.add.at(before, found.row, own > top[found.row])
    total = np.bincount(found.row, minlength=len(scores)).astype(np.float64)
    return Places(starts, sizes, hits, before, total)


def figures(found: Places, count: int) -> dict[str, Floats]:
    """Returns HR, NDCG, Recall, MAP and MRR at ``count`` places, one value a list.

    Each is its mean over all orders of equal scores, in closed form, so that a tie never favours
    what is relevant: who gives every product the same score gets what chance would give.

    HR: whether anything relevant is among them. Recall: the share of all that is relevant. NDCG:
    gains 0 and 1, discount log2(rank + 1), the ideal list holds all that is relevant (Järvelin,
    Kekäläinen, TOIS 2002). MAP: the precisions at the relevant places over ``min(relevant,
    count)``. MRR: 1 / rank of the first relevant product, 0 behind ``count``.

    Args:
        found: To a depth of ``count`` or more.
        count: Places, 1 or more.
    """
    if not 1 <= count <= found.starts.shape[1]:
        raise ValueError("a figure needs as many places as were looked at")
    rank = np.arange(1, count + 1)
    starts, sizes, hits, before = (
        each[:, :count] for each in (found.starts, found.sizes, found.hits, found.before)
    )
    chance = hits / sizes
    discounts = 1.0 / np.log2(rank + 1)
    whole = np.minimum(found.relevant, count)
    ideal = np.cumsum(discounts)[whole.astype(np.intp) - 1]
    # At place j of a block, (j - 1) places of it stand before, each as likely to hold another hit.
    others = (rank - starts - 1) * np.maximum(hits - 1, 0) / np.maximum(sizes - 1, 1)
    precision = (before + 1 + others) / rank
    met = _met(found, count)
    first = np.diff(met, axis=1, prepend=0.0)
    return {
        "HR": met[:, -1],
        "NDCG": (chance * discounts).sum(axis=1) / ideal,
        "Recall": chance.sum(axis=1) / found.relevant,
        "MAP": (chance * precision).sum(axis=1) / whole,
        "MRR": (first / rank).sum(axis=1),
    }


def chances(
    scores: Scores, allowed: Flags, relevant: sparse.csr_matrix, found: Places, count: int
) -> Floats:
    """Returns how likely each relevant product is among the first ``count``, in row order.

    The arguments are those of :func:`places`, and what it returned.
    """
    pairs = relevant.tocoo()
    kept = np.where(allowed, scores, -np.inf)
    row = pairs.row
    edge = _value_at(kept, count)[row]
    own = kept[row, pairs.col]
    start, size = found.starts[row, count - 1], found.sizes[row, count - 1]
    return np.where(own > edge, 1.0, np.where(own == edge, (count - start) / size, 0.0))


def _value_at(kept: Scores, count: int) -> npt.NDArray[np.float32]:
    if count > kept.shape[1]:
        return np.full(len(kept), -np.inf, np.float32)
    return np.asarray(-np.partition(-kept, count - 1, axis=1)[:, count - 1], np.float32)


def _met(found: Places, count: int) -> Floats:
    """Returns how likely something relevant stands among the first 1, 2, ... ``count`` places.

    Drawn without replacement: of a block of t products with r hits, s places miss all hits with
    chance prod((t - r - i) / (t - i)) for i < s.
    """
    met = np.zeros((len(found.relevant), count))
    missed = np.ones(len(met))
    for place in range(count):
        start, size = found.starts[:, place], found.sizes[:, place]
        inside = place - start
        fresh = inside == 0
        missed = np.where(fresh, 1.0, missed)
        missed = missed * np.maximum(size - found.hits[:, place] - inside, 0) / (size - inside)
        met[:, place] = np.where(found.before[:, place] > 0, 1.0, 1.0 - missed)
    return met


def first_products(
    scores: Scores, allowed: Flags, count: int, *, lot: Floats
) -> Sequence[npt.NDArray[np.intp]]:
    """Returns the first ``count`` candidates of each list, equal scores ordered by lot.

    Args:
        scores: As for :func:`places`.
        allowed: As for :func:`places`.
        count: Places, 1 or more; lists with fewer candidates are shorter.
        lot: float64 [products], one order for all lists.
    """
    kept = np.where(allowed, scores, -np.inf)
    edge = _value_at(kept, count)
    lists = []
    for row, least in zip(kept, edge, strict=True):
        chosen = np.flatnonzero((row >= least) & np.isfinite(row))
        order = np.lexsort((lot[chosen], -row[chosen]))[:count]
        lists.append(chosen[order])
    return lists
