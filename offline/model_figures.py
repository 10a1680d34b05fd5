"""Says how well a recipe finds what shoppers took later, beside what most shoppers like."""

from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from offline import relevance
from offline.lessons import TimedLessons
from offline.models.contract import Model, Recipe
from offline.models.popularity import Popularity
from offline.progress import Progress

TOP = 10
_SHOPPERS_AT_ONCE = 256


def figures_of(recipe: Recipe, timed: TimedLessons, shown: Progress) -> dict[str, object]:
    """Trains on what was known before the moment and looks for what was taken after it.

    Every product that the shopper had nothing to do with before is a candidate; equal scores
    favour nobody.

    Returns:
        JSON values: the moment, the number of shoppers, and recall and NDCG at 10 of the
        ``model`` and of ``popularity``, with 95 % intervals.
    """
    training = timed.before.training
    models = {
        "model": recipe.fit(training, None, shown),
        "popularity": Popularity().fit(training, None, shown),
    }
    found = {name: _figures(model, timed) for name, model in models.items()}
    return {"cut": timed.cut.isoformat(), "shoppers": len(timed.taken), **found}


def _figures(model: Model, timed: TimedLessons) -> dict[str, object]:
    lessons = timed.before
    columns = {product: column for column, product in enumerate(lessons.product_ids)}
    shoppers = [row for row, user in enumerate(lessons.user_ids) if user in timed.taken]
    recalls: list[float] = []
    ndcgs: list[float] = []
    for start in range(0, len(shoppers), _SHOPPERS_AT_ONCE):
        rows = np.array(shoppers[start : start + _SHOPPERS_AT_ONCE], np.intp)
        scores, seen = model.scores(rows), lessons.training.confidences[rows]
        for place, row in enumerate(rows):
            unseen = np.ones(len(columns), bool)
            unseen[seen[place].indices] = False
            relevant = np.zeros(len(columns), bool)
            wanted = timed.taken[lessons.user_ids[row]]
            relevant[[columns[each] for each in wanted if each in columns]] = True
            flags, count = _ranked(scores[place], relevant, unseen)
            recalls.append(relevance.recall(flags, TOP, relevant=count))
            ndcgs.append(relevance.ndcg(flags, TOP, relevant=count))
    return {
        f"recall@{TOP}": asdict(relevance.estimate(recalls)),
        f"ndcg@{TOP}": asdict(relevance.estimate(ndcgs)),
    }


def _ranked(
    scores: npt.NDArray[np.float32], relevant: relevance.Flags, unseen: relevance.Flags
) -> tuple[relevance.Flags, int]:
    flags = relevance.ranked(scores[unseen], relevant[unseen])
    return flags, int(relevant[unseen].sum())
