"""Sorts users by how much is known of them, and products by how popular they are."""

from dataclasses import dataclass

import numpy as np

from offline.models.contract import Rows
from offline.recommendations.event_log import Flags
from offline.recommendations.splits import Split

HISTORIES = ((0, 0), (1, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, None))
"""Least and most products that a user has had to do with, both included."""

COLD, TAIL, MIDDLE, HEAD = "never liked", "the rarer half", "in between", "the top tenth"
POPULARITIES = (COLD, TAIL, MIDDLE, HEAD)


@dataclass(frozen=True, slots=True)
class Band:
    """A name, and which rows belong to it."""

    name: str
    rows: Flags


def by_history(split: Split) -> list[Band]:
    """Sorts the users of a split by their products in the training; empty bands are left out.

    The first band, of no product, are the cold users.
    """
    lengths = np.diff(split.training.confidences.indptr)[split.users]
    bands = []
    for least, most in HISTORIES:
        rows = (lengths >= least) & (lengths <= (np.inf if most is None else most))
        if least == most:
            name = f"{least} (cold)" if not least else str(least)
        else:
            name = f"{least} to {most}" if most is not None else f"{least} or more"
        if rows.any():
            bands.append(Band(name, rows))
    return bands


def likings(split: Split) -> Rows:
    """Returns how many users like each product in the training, int [products]."""
    matrix = split.training.confidences
    return np.bincount(matrix.indices[matrix.data > 0], minlength=matrix.shape[1])


def by_popularity(split: Split) -> list[Band]:
    """Sorts the candidates of a split, bool [products]; empty bands are left out.

    Products that nobody likes in the training are ``never liked``; of the others, ordered by
    their number of likings, the first half is the rarer one and the last tenth the top one.
    """
    counts = likings(split)
    warm = np.flatnonzero((counts > 0) & split.candidates)
    order = warm[np.argsort(counts[warm], kind="stable")]
    half, tenth = len(order) // 2, len(order) - max(len(order) // 10, 1 if len(order) else 0)
    parts = {
        COLD: np.flatnonzero((counts == 0) & split.candidates),
        TAIL: order[:half],
        MIDDLE: order[half:tenth],
        HEAD: order[tenth:],
    }
    bands = []
    for name in POPULARITIES:
        rows = np.zeros(len(counts), bool)
        rows[parts[name]] = True
        if rows.any():
            bands.append(Band(name, rows))
    return bands
