"""Asks a model for everybody in a split, and counts what stands at the first places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from offline.models.contract import Model, Rows
from offline.progress import Progress
from offline.recommendations.metrics import Lists, chances, figures, first_products, places
from offline.recommendations.splits import Split

Values = npt.NDArray[np.float64]

SCORES_AT_ONCE = 8_000_000
_LOT = 5


@dataclass(frozen=True, slots=True)
class Scored:
    """What one model came to.

    Attributes:
        name: The model's name.
        figures: Such as ``"NDCG@10"``, float64 [m], one value a user of the split.
        found: float64 [pairs], how likely each held-out product is among the first ones, in the
            order of ``split.relevant``.
        shown: int [products], in how many of the users' first lists each product stands.
        sampled: As ``figures``, against the split's given negatives; empty without any.
    """

    name: str
    figures: Mapping[str, Values]
    found: Values
    shown: Rows
    sampled: Mapping[str, Values]


def score(
    name: str,
    model: Model,
    split: Split,
    *,
    depths: Sequence[int],
    shown: Progress,
    at_once: int = SCORES_AT_ONCE,
) -> Scored:
    """Ranks all candidates for every user of a split, and counts.

    Args:
        name: Of the model.
        model: Trained on the split's training.
        split: What to ask.
        depths: At how many places to count; ``found`` and ``shown`` are of the first of them.
        shown: Told of each user asked for.
        at_once: How many scores are held at a time.
    """
    step = max(at_once // split.relevant.shape[1], 1)
    parts = []
    lot = np.random.default_rng(_LOT).random(split.relevant.shape[1])
    for start in range(0, len(split.users), step):
        part = slice(start, start + step)
        parts.append(_counted(model, split, part, depths, lot))
        shown.advance(len(split.users[part]))
    return Scored(
        name,
        _joined([part.figures for part in parts]),
        np.concatenate([part.found for part in parts]),
        np.asarray(np.sum([part.shown for part in parts], axis=0), np.intp),
        _joined([part.sampled for part in parts]),
    )


def unseen(split: Split, part: slice) -> npt.NDArray[np.bool_]:
    """Returns the candidates of some users, bool [users, products]: what is new to each."""
    seen = split.training.confidences[split.users[part]]
    allowed = np.tile(split.candidates, (seen.shape[0], 1))
    allowed[np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr)), seen.indices] = False
    return allowed


def _counted(model: Model, split: Split, part: slice, depths: Sequence[int], lot: Values) -> Scored:
    scores = np.asarray(model.scores(split.users[part]), np.float32)
    relevant = split.relevant[part]
    lists = Lists.of(scores, unseen(split, part), max(depths))
    found = places(lists, relevant)
    first = first_products(lists, depths[0], lot=lot)
    sampled: dict[str, Values] = {}
    if split.negatives is not None:
        sampled = _against(scores, relevant, split.negatives[part], depths)
    return Scored(
        "",
        {
            f"{figure}@{count}": value
            for count in depths
            for figure, value in figures(found, count).items()
        },
        chances(lists, relevant, found, depths[0]),
        np.bincount(np.concatenate(first), minlength=scores.shape[1]),
        sampled,
    )


def _against(
    scores: npt.NDArray[np.float32],
    relevant: sparse.csr_matrix,
    negatives: Rows,
    depths: Sequence[int],
) -> dict[str, Values]:
    """Ranks the one relevant product of each row among the negatives of the row alone."""
    if relevant.nnz != len(scores):
        raise ValueError("given negatives stand against one relevant product a user")
    few = np.take_along_axis(scores, np.column_stack([relevant.indices, negatives]), axis=1)
    first = sparse.csr_matrix(
        (np.ones(len(few), bool), (np.arange(len(few)), np.zeros(len(few), np.intp))), few.shape
    )
    kept = [count for count in depths if count <= few.shape[1]]
    found = places(Lists.of(few, np.ones(few.shape, bool), max(kept)), first)
    return {
        f"{figure}@{count}": value
        for count in kept
        for figure, value in figures(found, count).items()
    }


def _joined(parts: Sequence[Mapping[str, Values]]) -> dict[str, Values]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
