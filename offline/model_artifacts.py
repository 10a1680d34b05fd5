"""Writes what the ranking stage serves of a trained model."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from scipy import sparse

from catalog.confidence_rules import ConfidenceRules
from catalog.seasons import SEASONS, season_of
from offline.lessons import Lessons
from offline.models.blend import BlendModel
from offline.models.contract import Factorised, Floats, Model, Recipe, Training
from offline.models.popularity import Popularity, overall_counts, recent_counts
from services.reranker import neighbours as neighbours_artifact
from services.reranker import popularity as popularity_artifact
from services.reranker.factors import FORMAT as FACTORS_FORMAT
from services.reranker.factors import Factors, FactorTables
from services.reranker.generations import KIND as RANKING
from services.reranker.neighbours import Neighbours
from services.reranker.popularity import Popularity as ServedPopularity

SERVED = (RANKING, neighbours_artifact.KIND, popularity_artifact.KIND)
RULES_FACT = "confidence_rules"
"""Name of the fact that holds the rules by which the events were weighed."""

_REGULARIZATION, _ALPHA = 1.0, 10.0

Write = Callable[[Path], Mapping[str, object]]


@runtime_checkable
class Folding(Protocol):
    """A model that says how a history is folded in."""

    @property
    def regularization(self) -> float:
        """More than 0."""
        ...

    @property
    def alpha(self) -> float:
        """More than 0."""
        ...


@runtime_checkable
class Neighbouring(Protocol):
    """A model that says how much each product speaks for each other one."""

    def neighbours(self, count: int) -> sparse.csr_matrix:
        """CSR float32 [products, products], at most ``count`` entries a row."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One artifact to publish: its kind, the layout's version, and what writes it."""

    kind: str
    format: int
    write: Write


def parts_of(
    recipe: Recipe, model: Model, lessons: Lessons, rules: ConfidenceRules
) -> Iterator[Part]:
    """Yields what the ranking stage can serve of a model; of a blend, what it can of its parts."""
    if isinstance(model, BlendModel):
        for part in model.parts:
            yield from parts_of(recipe, part, lessons, rules)
    elif isinstance(model, Factorised):
        yield Part(RANKING, FACTORS_FORMAT, _factors(model, lessons, rules))
    elif isinstance(model, Neighbouring):
        yield Part(
            neighbours_artifact.KIND, neighbours_artifact.FORMAT, _neighbours(model, lessons)
        )
    elif isinstance(recipe, Popularity):
        yield Part(
            popularity_artifact.KIND, popularity_artifact.FORMAT, _popularity(recipe, lessons)
        )


def _factors(model: Factorised, lessons: Lessons, rules: ConfidenceRules) -> Write:
    folding = model if isinstance(model, Folding) else None
    items, users = model.item_factors, model.user_factors
    # A product or shopper of whom nothing is known must not look like one who is indifferent.
    told, known = np.flatnonzero(items.any(axis=1)), np.flatnonzero(users.any(axis=1))
    tables = FactorTables(
        [lessons.product_ids[row] for row in told],
        [lessons.user_ids[row] for row in known],
        np.ascontiguousarray(items[told], np.float32),
        np.ascontiguousarray(users[known], np.float32),
        folding.regularization if folding else _REGULARIZATION,
        folding.alpha if folding else _ALPHA,
    )
    return lambda folder: {**Factors.write(tables, folder), RULES_FACT: rules.facts()}


def _neighbours(model: Neighbouring, lessons: Lessons) -> Write:
    matrix = model.neighbours(neighbours_artifact.MOST)
    return lambda folder: Neighbours.write(lessons.product_ids, matrix, folder)


def _popularity(recipe: Popularity, lessons: Lessons) -> Write:
    training = lessons.training
    overall, recent = overall_counts(training.confidences), _recent(recipe, training)
    seasons = season_counts(training)
    return lambda folder: ServedPopularity.write(
        lessons.product_ids, overall, recent, seasons, folder
    )


def _recent(recipe: Popularity, training: Training) -> Floats:
    if training.last is None:
        return np.zeros(training.confidences.shape[1], np.float32)
    return recent_counts(training.confidences, training.last, half_life_days=recipe.half_life_days)


def season_counts(training: Training) -> Floats:
    """Counts likings by the season of their last event, float32 [products, 4].

    The columns are those of :data:`catalog.seasons.SEASONS`; where nobody knows when anything
    happened all are 0.
    """
    shape = (training.confidences.shape[1], len(SEASONS))
    if training.last is None:
        return np.zeros(shape, np.float32)
    liked = training.confidences.data > 0
    days = training.last[liked].astype("datetime64[s]").astype("datetime64[D]")
    places = training.confidences.indices[liked] * len(SEASONS) + _seasons(days)
    counts = np.bincount(places, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.float32)


def _seasons(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.intp]:
    """Returns the place of each day's season in :data:`catalog.seasons.SEASONS`."""
    distinct, places = np.unique(days, return_inverse=True)
    found = [SEASONS.index(season_of(day)) for day in distinct.tolist()]
    return np.asarray(found, np.intp)[places]
