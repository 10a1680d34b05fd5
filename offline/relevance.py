"""Measures ranked lists against what is relevant; ties never count in our favour."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.floating]

_DRAWS = 1000
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over queries with its 95 % bootstrap interval; all NaN-free, all 0 without queries."""

    mean: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{_short(self.mean)} [{_short(self.low)}, {_short(self.high)}]"


def ranked(scores: Scores, relevant: Flags) -> Flags:
    """Returns the relevance flags in the order of the scores, the worst order among equal scores.

    A scorer that gives every product the same score is so ranked as the worst one: whatever is
    irrelevant stands first.

    Args:
        scores: [n], higher is better; not NaN.
        relevant: [n], whether each product is relevant.
    """
    return relevant[np.lexsort((relevant, -scores))]


def worst_rank(scores: Scores, target: int) -> int:
    """Returns the rank, from 1, of one product, behind all that score as high as it does."""
    return int(np.count_nonzero(scores >= scores[target]))


def recall(flags: Flags, count: int, *, relevant: int) -> float:
    """Returns the share of all ``relevant`` products that stand among the first ``count``."""
    _check(flags, count, relevant)
    return float(np.count_nonzero(flags[:count])) / relevant


def precision(flags: Flags, count: int) -> float:
    """Returns the share of relevant products among ``count`` places; an empty place is a miss."""
    _check(flags, count, 1)
    return float(np.count_nonzero(flags[:count])) / count


def hit(flags: Flags, count: int) -> float:
    """Returns 1 if a relevant product stands among the first ``count``, else 0."""
    _check(flags, count, 1)
    return float(flags[:count].any())


def reciprocal_rank(flags: Flags) -> float:
    """Returns 1 / rank of the first relevant product, 0 without one."""
    found = np.flatnonzero(flags)
    return 1.0 / float(found[0] + 1) if found.size else 0.0


def ndcg(flags: Flags, count: int, *, relevant: int) -> float:
    """Returns the normalised discounted cumulative gain of the first ``count`` places.

    Gains are 0 and 1, the discount is log2(rank + 1); the ideal list holds all ``relevant``
    products that exist, not only those found (Järvelin, Kekäläinen, TOIS 2002).
    """
    _check(flags, count, relevant)
    discounts = 1.0 / np.log2(np.arange(2, count + 2))
    found = flags[:count]
    gain = float(discounts[: found.size][found].sum())
    return gain / float(discounts[: min(relevant, count)].sum())


def estimate(values: Sequence[float] | npt.NDArray[np.float64], *, seed: int = 0) -> Estimate:
    """Returns the mean of one value a query with a percentile bootstrap interval of 95 %.

    Queries are drawn with replacement 1,000 times (Efron, Tibshirani 1993, ch. 13); the seed
    makes the interval repeatable.
    """
    sample = np.asarray(values, np.float64)
    if not sample.size:
        return Estimate(0.0, 0.0, 0.0, 0)
    draw = np.random.default_rng(seed)
    means = [float(draw.choice(sample, sample.size).mean()) for _ in range(_DRAWS)]
    low, high = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Estimate(float(sample.mean()), float(low), float(high), int(sample.size))


def _short(value: float) -> str:
    text = f"{value:.3f}"
    return text.removeprefix("0") if value < 1 else text


def _check(flags: Flags, count: int, relevant: int) -> None:
    if count < 1 or relevant < 1:
        raise ValueError("a figure needs at least one place and one relevant product")
    if flags.dtype != np.bool_:
        raise ValueError("flags must be boolean")
