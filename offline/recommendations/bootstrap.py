"""Draws the same users for every model, so that differences between models have intervals too."""

import numpy as np
import numpy.typing as npt

from offline.relevance import Estimate

Values = npt.NDArray[np.float64]

DRAWS, LEVEL = 1000, 0.95
_DRAWS_AT_ONCE = 25


def estimates(values: Values, *, seed: int = 0) -> list[Estimate]:
    """Returns the mean of each column with a percentile bootstrap interval of 95 %.

    Rows are drawn with replacement 1,000 times (Efron, Tibshirani 1993, ch. 13), the same rows for
    all columns; the seed makes the intervals repeatable. A column of differences between two
    columns so gets the interval of the paired difference.

    Args:
        values: float64 [n, columns], one row a user.
        seed: Of the draws.
    """
    count = len(values)
    if not count:
        return [Estimate(0.0, 0.0, 0.0, 0)] * values.shape[1]
    rng = np.random.default_rng(seed)
    means = np.empty((DRAWS, values.shape[1]))
    for start in range(0, DRAWS, _DRAWS_AT_ONCE):
        drawn = min(_DRAWS_AT_ONCE, DRAWS - start)
        rows = rng.integers(0, count, (drawn, count)) + np.arange(drawn)[:, None] * count
        times = np.bincount(rows.ravel(), minlength=drawn * count).reshape(drawn, count)
        means[start : start + drawn] = times @ values / count
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    whole = values.mean(axis=0)
    return [
        Estimate(float(mean), float(least), float(most), count)
        for mean, least, most in zip(whole, low, high, strict=True)
    ]


def estimate(values: Values, *, seed: int = 0) -> Estimate:
    """Returns the mean of values [n] with its interval; see :func:`estimates`."""
    return estimates(values[:, None], seed=seed)[0]
