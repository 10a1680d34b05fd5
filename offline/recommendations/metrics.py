"""Measures ranked products in the mean over all orders of equal scores."""

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


@dataclass(frozen=True, slots=True)
class Lists:
    """Scores of the candidates, one list a row, and the best of them.

    ``kept`` float32 [lists, products], -inf where a product is no candidate; ``top`` float32
    [lists, depth], falling, -inf behind the last candidate.
    """

    kept: Scores
    top: Scores

    @classmethod
    def of(cls, scores: Scores, allowed: Flags, depth: int) -> "Lists":
        """Looks for the best scores.

        Args:
            scores: float32 [lists, products], finite, higher is better.
            allowed: bool [lists, products], the candidates of each list.
            depth: How many places, 1 or more.

        Raises:
            ValueError: A score is not finite.
        """
        if not np.isfinite(scores).all():
            raise ValueError("a score is not a number")
        kept = np.where(allowed, scores, np.float32(-np.inf))
        top = np.full((len(kept), depth), -np.inf, np.float32)
        for row, least, best in zip(kept, _least(kept, depth), top, strict=True):
            values = np.sort(row[row >= least])[::-1][:depth]
            best[: len(values)] = values
        return cls(kept, top)


def _least(kept: Scores, depth: int) -> Scores:
    """Returns a score for each row that its ``depth`` best ones reach, float32 [rows].

    It is the ``depth`` th best of the best scores of blocks, of which there are more: a look at
    each score, where sorting or partitioning the row would take many.
    """
    width = kept.shape[1]
    size = width // (4 * depth)
    if size < 2:
        return np.full(len(kept), -np.inf, np.float32)
    count = width // size
    best = kept[:, : count * size].reshape(len(kept), count, size).max(axis=2)
    return np.asarray(np.partition(best, count - depth, axis=1)[:, count - depth], np.float32)


def places(lists: Lists, relevant: sparse.csr_matrix) -> Places:
    """Finds out what stands at the first places, to the depth of the lists.

    Args:
        lists: What is ranked.
        relevant: CSR bool [lists, products], of the candidates, at least one in each list.

    Raises:
        ValueError: Something relevant is no candidate.
    """
    found, top, kept = relevant.tocoo(), lists.top, lists.kept
    own = kept[found.row, found.col][:, None]
    if not np.isfinite(own).all():
        raise ValueError("something relevant is no candidate")
    starts = (top[:, :, None] < top[:, None, :]).sum(axis=2).astype(np.float64)
    sizes = (top[:, :, None] == top[:, None, :]).sum(axis=2).astype(np.float64)
    # A block that goes on behind the last place has more products than can be seen here.
    last = top[:, -1:]
    whole = (kept == last).sum(axis=1, keepdims=True)
    sizes = np.where(top == last, np.maximum(whole, sizes), sizes)
    hits, before = np.zeros_like(starts), np.zeros_like(starts)
    np.add.at(hits, found.row, own == top[found.row])
    np.add.at(before, found.row, own > top[found.row])
    total = np.bincount(found.row, minlength=len(top)).astype(np.float64)
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


def chances(lists: Lists, relevant: sparse.csr_matrix, found: Places, count: int) -> Floats:
    """Returns how likely each relevant product is among the first ``count``, in row order.

    Args:
        lists: What is ranked, to a depth of ``count`` or more.
        relevant: As for :func:`places`.
        found: What that returned.
        count: Places, 1 or more.
    """
    pairs = relevant.tocoo()
    row = pairs.row
    edge, own = lists.top[row, count - 1], lists.kept[row, pairs.col]
    start, size = found.starts[row, count - 1], found.sizes[row, count - 1]
    return np.where(own > edge, 1.0, np.where(own == edge, (count - start) / size, 0.0))


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


def first_products(lists: Lists, count: int, *, lot: Floats) -> list[npt.NDArray[np.intp]]:
    """Returns the first ``count`` candidates of each list, equal scores ordered by lot.

    Args:
        lists: What is ranked, to a depth of ``count`` or more.
        count: Places, 1 or more; lists with fewer candidates are shorter.
        lot: float64 [products], one order for all lists.
    """
    found = []
    for row, least in zip(lists.kept, lists.top[:, count - 1], strict=True):
        chosen = np.flatnonzero((row >= least) & np.isfinite(row))
        order = np.lexsort((lot[chosen], -row[chosen]))[:count]
        found.append(chosen[order])
    return found
