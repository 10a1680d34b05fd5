"""Draws products for each user that nobody says the user wants."""

from dataclasses import replace

import numpy as np

from offline.recommendations.scoring import unseen
from offline.recommendations.splits import Split
from runtime.errors import SetupError

_USERS_AT_ONCE = 256


def with_negatives(split: Split, *, count: int, seed: int = 0) -> Split:
    """Returns the split with negatives drawn evenly, without any twice, for each user.

    Figures against some negatives flatter, and may order models differently than the full ranking
    does (Krichene, Rendle, KDD 2020): they are for comparison with others' alone.

    Args:
        split: One relevant product a user.
        count: Negatives a user, 1 or more.
        seed: Of the draws.

    Raises:
        SetupError: A user has several relevant products, or fewer others than are asked for.
    """
    if count < 1 or split.relevant.nnz != len(split.users):
        raise SetupError("negatives are 1 or more, and stand against one product a user")
    draw = np.random.default_rng(seed)
    negatives = np.empty((len(split.users), count), np.intp)
    for start in range(0, len(split.users), _USERS_AT_ONCE):
        part = slice(start, start + _USERS_AT_ONCE)
        allowed = unseen(split, part)
        wanted = split.relevant[part].indices
        allowed[np.arange(len(wanted)), wanted] = False
        for row, flags in enumerate(allowed, start):
            others = np.flatnonzero(flags)
            if len(others) < count:
                raise SetupError(f"there are no {count} products that are new to every user")
            negatives[row] = draw.choice(others, count, replace=False)
    return replace(split, negatives=negatives)
