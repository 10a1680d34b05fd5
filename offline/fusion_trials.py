"""Tries the ways of merging rankings on labelled queries, and holds each to its best input."""

import hashlib
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from offline.fusion_runs import Labelled, Run
from offline.relevance import Estimate, estimate
from services.gateway.fusion import fuse
from services.gateway.query import Fusion
from services.gateway.stages import Ranking

DEPTH = 10
INPUTS = ("text", "image")
LEAST_QUERIES = 20
"""A class with fewer queries on either side is not tuned: chance would choose."""
METHODS = ("rrf", "dbsf", "relative", "convex")
FusionOf: TypeAlias = Callable[[Run], Fusion]
"""How the rankings of a run are merged."""
_SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
_RANK_CONSTANTS = (60, 10)
_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to merge on the queries that it was not chosen by.

    Attributes:
        ndcg: NDCG@10.
        gained: NDCG@10 less that of the best input, query by query.
    """

    ndcg: Estimate
    gained: Estimate


@dataclass(frozen=True, slots=True)
class Trials:
    """What was tried for one class of queries.

    Attributes:
        kind: The class.
        tuned_on: Number of queries that chose.
        inputs: NDCG@10 of each retriever alone, by its name.
        best_input: The retriever with the highest of these.
        methods: The choice of each method by the queries that chose, and its trial.
        chosen: The choice among these, by the same queries.
        plain: Reciprocal rank fusion of equal weights.
    """

    kind: str
    tuned_on: int
    inputs: Mapping[str, Estimate]
    best_input: str
    methods: Mapping[str, tuple[Fusion, Trial]]
    chosen: Fusion
    plain: Trial

    @property
    def tuned(self) -> Trial:
        """The trial of the choice."""
        return self.methods[self.chosen.method][1]

    @property
    def loses(self) -> bool:
        """Whether the choice is worse than its best input at the mean: then nobody gains by it."""
        return self.tuned.gained.mean < 0


def same(fusion: Fusion) -> FusionOf:
    """Merges all runs in one way."""
    return lambda run: fusion


def grid(method: str) -> list[Fusion]:
    """Returns the parameters of a method that are tried: rank constants, and image shares.

    No share is 0: an input that leads by far decides the order all the same, and the other one
    breaks its ties and fills up what it leaves empty.
    """
    constants = _RANK_CONSTANTS if method == "rrf" else _RANK_CONSTANTS[:1]
    return [
        Fusion(method, k, {"text": round(1 - share, 2), "image": share})
        for k in constants
        for share in _SHARES
    ]


def held_out(labelled: Sequence[Labelled]) -> list[bool]:
    """Tells of each query of a class whether it is scored on rather than chosen by.

    It is every second one in the order of a hash, so that the halves are even; queries that differ
    in case alone are on one side.
    """
    named = [f"{each.text.casefold()}\n{each.like}" for each in labelled]
    drawn = sorted(set(named), key=lambda name: hashlib.sha256(name.encode()).digest())
    scored = set(drawn[::2])
    return [name in scored for name in named]


def at_worst(run: Run) -> Run:
    """Returns a run in which equal scores stand in the worst order, so that no rank is lucky."""
    rankings = {}
    for name, found in run.rankings.items():
        hits = zip(found.ids, found.scores, strict=True)
        worst = sorted(hits, key=lambda hit: (-hit[1], run.gains.get(hit[0], 0.0), hit[0]))
        rankings[name] = Ranking(
            [product_id for product_id, _ in worst],
            [score for _, score in worst],
            without_photo=found.without_photo,
        )
    return replace(run, rankings=rankings)


def ndcg_of(scores: Mapping[str, float], gains: Mapping[str, float], count: int = DEPTH) -> float:
    """Returns the NDCG of the products by score, the worst first among equal scores.

    Gains count as they are and are discounted by log2(rank + 1); the ideal list holds all that are
    worth anything, found or not (Järvelin, Kekäläinen, TOIS 2002).
    """
    top = heapq.nsmallest(count, scores, key=lambda name: (-scores[name], gains.get(name, 0.0)))
    ideal = _discounted(sorted(gains.values(), reverse=True)[:count])
    return _discounted([gains.get(name, 0.0) for name in top]) / ideal if ideal else 0.0


def tried(kind: str, tune: Sequence[Run], held_out: Sequence[Run]) -> Trials:
    """Chooses by one half of the queries, and scores on the other.

    What is chosen has the most to show over the best input: the mean of what it gains less one
    standard error.

    Args:
        kind: The class of the queries.
        tune: Runs to choose by.
        held_out: Runs to score on.
    """
    tune, held_out = [at_worst(run) for run in tune], [at_worst(run) for run in held_out]
    inputs = {name: _alone(name, held_out) for name in INPUTS}
    best = _best(inputs)
    before = {name: _alone(name, tune) for name in INPUTS}
    bar = np.array(before[_best(before)])
    found: dict[str, tuple[Fusion, Trial]] = {}
    reached: dict[str, float] = {}
    for method in METHODS:
        sure = [(_sure(np.array(merged(same(each), tune)) - bar), each) for each in grid(method)]
        reached[method], fusion = max(sure, key=lambda each: each[0])
        found[method] = fusion, _trial(same(fusion), held_out, inputs[best])
    chosen = max(METHODS, key=lambda method: reached[method])
    return Trials(
        kind=kind,
        tuned_on=len(tune),
        inputs={name: estimate(values) for name, values in inputs.items()},
        best_input=best,
        methods=found,
        chosen=found[chosen][0],
        plain=_trial(same(Fusion()), held_out, inputs[best]),
    )


def trial_of(fusion_of: FusionOf, runs: Sequence[Run], best_input: str) -> Trial:
    """Returns the trial of one more way to merge, on runs that it was not chosen by."""
    runs = [at_worst(run) for run in runs]
    return _trial(fusion_of, runs, _alone(best_input, runs))


def merged(fusion_of: FusionOf, runs: Sequence[Run]) -> list[float]:
    """Returns the NDCG@10 of each run when it is merged in a way."""
    return [ndcg_of(fuse(run.rankings, fusion_of(run)).scores, run.gains) for run in runs]


def _best(inputs: Mapping[str, Sequence[float]]) -> str:
    return max(inputs, key=lambda name: float(np.mean(inputs[name])))


def _sure(gained: NDArray[np.float64]) -> float:
    """The mean of what is gained over the best input, less one standard error.

    The mean alone would choose whatever happens to suit the few queries at hand; what differs
    much from the best input has to show more for it. Less than a thousandth is nothing: of what
    has nothing to show the first is taken, which is the gentlest.
    """
    return round(float(gained.mean() - gained.std() / np.sqrt(len(gained))), _DECIMALS)


def _alone(name: str, runs: Sequence[Run]) -> list[float]:
    """Returns the NDCG@10 of one retriever's own order."""
    found = [run.rankings[name] for run in runs]
    return [
        ndcg_of(dict(zip(each.ids, each.scores, strict=True)), run.gains)
        for each, run in zip(found, runs, strict=True)
    ]


def _trial(fusion_of: FusionOf, runs: Sequence[Run], best: Sequence[float]) -> Trial:
    values = np.array(merged(fusion_of, runs))
    return Trial(estimate(values), estimate(values - np.array(best)))


def _discounted(gains: Sequence[float]) -> float:
    return float(np.sum(np.array(gains) / np.log2(np.arange(2, len(gains) + 2))))
