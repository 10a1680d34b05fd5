"""Takes something out of a training, and says how well a model finds it again."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from offline.models.contract import Floats, Model, Rows, Training, Validation

_USERS_AT_ONCE = 256
TOP = 10


@dataclass(frozen=True, slots=True)
class HeldOutOne:
    """A training without one liking of each chosen user, and those likings."""

    training: Training
    validation: Validation


def hold_out_one(training: Training, *, users: int = 0, seed: int = 42) -> HeldOutOne:
    """Takes one liked product from users who like three or more.

    Where it is known when things happened it is the last one, else any; the shape stays.

    Args:
        training: What to take from; it stays as it is.
        users: Most users to take from, drawn at random; 0: all.
        seed: Of the draws.
    """
    matrix, draw = training.confidences, np.random.default_rng(seed)
    liked = matrix.data > 0
    counts = np.add.reduceat(np.append(liked, False), matrix.indptr[:-1], dtype=np.intp)
    counts[np.diff(matrix.indptr) == 0] = 0
    chosen = np.flatnonzero(counts >= 3)
    if users and len(chosen) > users:
        chosen = np.sort(draw.choice(chosen, users, replace=False))
    taken = np.empty(len(chosen), np.intp)
    for place, user in enumerate(chosen):
        entries = matrix.indptr[user] + np.flatnonzero(
            liked[matrix.indptr[user] : matrix.indptr[user + 1]]
        )
        if training.last is None:
            taken[place] = draw.choice(entries)
        else:
            taken[place] = entries[np.argmax(training.last[entries])]
    kept = np.ones(matrix.nnz, bool)
    kept[taken] = False
    return HeldOutOne(
        _kept(training, kept),
        Validation(chosen.astype(np.intp), matrix.indices[taken].astype(np.intp)),
    )


def checked(
    training: Training, validation: Validation | None, *, users: int = 0, seed: int = 42
) -> HeldOutOne:
    """Returns what to learn from and what to look for while options are chosen.

    Args:
        training: All there is to learn from, what is held out among it or not.
        validation: What somebody else held out; None: one liking of each user is held out here.
        users: Most users to look at, drawn at random; 0: all.
        seed: Of the draws.
    """
    if validation is None:
        return hold_out_one(training, users=users, seed=seed)
    if users and len(validation.users) > users:
        chosen = np.random.default_rng(seed).choice(len(validation.users), users, replace=False)
        chosen.sort()
        validation = Validation(validation.users[chosen], validation.products[chosen])
    return HeldOutOne(without(training, validation), validation)


def without(training: Training, validation: Validation) -> Training:
    """Returns a training that has none of the pairs of a validation; the shape stays."""
    matrix = training.confidences
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    pairs = rows * matrix.shape[1] + matrix.indices
    return _kept(
        training, ~np.isin(pairs, validation.users * matrix.shape[1] + validation.products)
    )


def _kept(training: Training, kept: npt.NDArray[np.bool_]) -> Training:
    """Keeps some entries, bool [entries] in the order of the data."""
    matrix = training.confidences
    starts = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    rest = sparse.csr_matrix((matrix.data[kept], matrix.indices[kept], starts), shape=matrix.shape)
    return Training(rest, None if training.last is None else training.last[kept], training.side)


def ranks(model: Model, training: Training, validation: Validation) -> Floats:
    """Returns the rank of each held-out product among all that its user has not met.

    Returns:
        Float32 [n], from 1; what has an equal score counts half, so that ties favour nobody.
    """
    found = np.empty(len(validation.users), np.float32)
    for start in range(0, len(found), _USERS_AT_ONCE):
        part = slice(start, start + _USERS_AT_ONCE)
        users, products = validation.users[part], validation.products[part]
        found[part] = ranks_of(model.scores(users), training.confidences[users], products)
    return found


def ranks_of(scores: Floats, met: sparse.csr_matrix, products: Rows) -> Floats:
    """Ranks one product a row; scores [n, products] lose what each row has ``met``."""
    scores = np.array(scores, np.float32)
    wanted = scores[np.arange(len(products)), products].copy()
    scores[np.repeat(np.arange(len(products)), np.diff(met.indptr)), met.indices] = -np.inf
    above = (scores > wanted[:, None]).sum(axis=1)
    equal = (scores == wanted[:, None]).sum(axis=1) - 1
    return np.asarray(1.0 + above + 0.5 * np.maximum(equal, 0), np.float32)


def ndcg(model: Model, training: Training, validation: Validation) -> float:
    """Returns the mean NDCG@10 of the held-out products in a ranking of all products."""
    return ndcg_of(ranks(model, training, validation))


def ndcg_of(found: Floats) -> float:
    """Returns the mean of ``1 / log2(1 + rank)`` over ranks up to 10; 0 where there is none."""
    gains = np.where(found <= TOP, 1.0 / np.log2(1.0 + found), 0.0)
    return float(gains.mean()) if len(gains) else 0.0


def hit_rate(found: Floats, top: int = TOP) -> float:
    """Returns the share of ranks up to ``top``; 0 where there is none."""
    return float((found <= top).mean()) if len(found) else 0.0
