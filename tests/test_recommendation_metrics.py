"""The figures of recommendations agree with what can be worked out by hand, ties and all."""

from collections.abc import Iterable, Sequence
from itertools import pairwise, permutations

import numpy as np
import pytest
from scipy import sparse

from offline.recommendations.metrics import FIGURES, Lists, chances, figures, first_products, places

LOT = np.arange(12, dtype=np.float64)


def asked(
    scores: Sequence[float],
    relevant: Iterable[int],
    *,
    allowed: Sequence[bool] | None = None,
    count: int = 3,
    depth: int | None = None,
) -> dict[str, float]:
    """The figures of one list."""
    row = np.asarray([scores], np.float32)
    flags = np.zeros(row.shape, bool)
    flags[0, list(relevant)] = True
    kept = np.ones(row.shape, bool) if allowed is None else np.asarray([allowed])
    found = places(Lists.of(row, kept, depth or count), sparse.csr_matrix(flags))
    return {name: float(value[0]) for name, value in figures(found, count).items()}


def by_hand(order: Sequence[int], relevant: set[int], count: int) -> dict[str, float]:
    """The figures of one order, by their definitions."""
    hits = [rank for rank, product in enumerate(order[:count], 1) if product in relevant]
    ideal = sum(1 / np.log2(rank + 1) for rank in range(1, min(len(relevant), count) + 1))
    precisions = [place / rank for place, rank in enumerate(hits, 1)]
    return {
        "HR": float(bool(hits)),
        "NDCG": sum(1 / np.log2(rank + 1) for rank in hits) / ideal,
        "Recall": len(hits) / len(relevant),
        "MAP": sum(precisions) / min(len(relevant), count),
        "MRR": 1 / hits[0] if hits else 0.0,
    }


def over_all_orders(scores: Sequence[float], relevant: set[int], count: int) -> dict[str, float]:
    """The mean of each figure over all orders of equal scores, one by one."""
    seen = [
        order
        for order in permutations(range(len(scores)))
        if all(scores[a] >= scores[b] for a, b in pairwise(order))
    ]
    rows = [by_hand(order, relevant, count) for order in seen]
    return {name: float(np.mean([row[name] for row in rows])) for name in FIGURES}


def test_golden_values_of_one_list_worked_out_by_hand() -> None:
    # Ranks of the two relevant products are 2 and 5 of five; three places are looked at.
    found = asked([0.9, 0.8, 0.7, 0.6, 0.1], {1, 4})
    gain, ideal = 1 / np.log2(3), 1 + 1 / np.log2(3)
    assert found == pytest.approx(
        {"HR": 1.0, "NDCG": gain / ideal, "Recall": 0.5, "MAP": 0.25, "MRR": 0.5}
    )


@pytest.mark.parametrize("seed", range(12))
def test_ties_count_as_the_mean_over_all_orders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 3, 7).astype(float).tolist()
    relevant = set(rng.choice(7, int(rng.integers(1, 4)), replace=False).tolist())
    for count in (1, 3, 5, 7):
        expected = over_all_orders(scores, relevant, count)
        assert asked(scores, relevant, count=count) == pytest.approx(expected)
        assert asked(scores, relevant, count=count, depth=7) == pytest.approx(expected)


def test_a_constant_scorer_gets_chance() -> None:
    found = asked([1.0] * 100, {7}, count=10)
    assert [found["HR"], found["Recall"]] == pytest.approx([0.1, 0.1])
    assert found["MRR"] == pytest.approx(sum(1 / rank for rank in range(1, 11)) / 100)


def test_what_is_no_candidate_takes_no_place() -> None:
    allowed = [False, False, True, True, True]
    found = asked([5.0, 4.0, 3.0, 2.0, 1.0], {3}, allowed=allowed, count=2)
    assert found["MRR"] == 0.5
    assert found["HR"] == 1.0


def test_places_behind_the_last_candidate_are_empty() -> None:
    allowed = [True, True, False]
    found = asked([1.0, 1.0, 9.0], {0}, allowed=allowed, count=8)
    assert found["HR"] == 1.0
    assert found["MRR"] == pytest.approx(0.75)
    assert found["Recall"] == 1.0
    assert found["NDCG"] == pytest.approx((1 + 1 / np.log2(3)) / 2)


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        asked([1.0, float("nan"), 0.0], {0})


def test_something_relevant_that_is_no_candidate_is_refused() -> None:
    with pytest.raises(ValueError, match="no candidate"):
        asked([1.0, 2.0, 0.0], {0}, allowed=[False, True, True])


def test_the_chance_of_each_relevant_product_adds_up_to_recall() -> None:
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 4, (20, 12)).astype(np.float32)
    allowed = rng.random((20, 12)) < 0.8
    relevant = allowed & (rng.random((20, 12)) < 0.3)
    rows = relevant.any(axis=1)
    scores, allowed, flags = scores[rows], allowed[rows], sparse.csr_matrix(relevant[rows])
    lists = Lists.of(scores, allowed, 5)
    found = places(lists, flags)
    each = chances(lists, flags, found, 4)
    sums = np.bincount(flags.tocoo().row, each)
    assert figures(found, 4)["Recall"] == pytest.approx(sums / flags.getnnz(axis=1))


def test_many_lists_at_once_count_as_each_alone() -> None:
    rng = np.random.default_rng(5)
    scores = rng.integers(0, 5, (30, 12)).astype(np.float32)
    flags = np.zeros((30, 12), bool)
    flags[np.arange(30), rng.integers(0, 12, 30)] = True
    flags[::2, 3] = True
    lists = Lists.of(scores, np.ones_like(flags), 6)
    found = figures(places(lists, sparse.csr_matrix(flags)), 6)
    for row in range(30):
        alone = asked(scores[row], np.flatnonzero(flags[row]), count=6)
        assert {name: found[name][row] for name in FIGURES} == pytest.approx(alone)


def test_the_products_shown_are_the_best_candidates_and_ties_go_by_lot() -> None:
    scores = np.array([[1, 5, 3, 3, 3, 9]], np.float32)
    allowed = np.array([[True, True, True, True, True, False]])
    lot = np.array([0.0, 0.0, 0.9, 0.1, 0.5, 0.0])
    (shown,) = first_products(Lists.of(scores, allowed, 5), 3, lot=lot)
    assert shown.tolist() == [1, 3, 4]
    (short,) = first_products(Lists.of(scores, allowed, 9), 9, lot=lot)
    assert short.tolist() == [1, 3, 4, 2, 0]


@pytest.mark.parametrize("width", [5, 40, 97, 500])
def test_the_best_scores_of_a_list_are_those_that_sorting_finds(width: int) -> None:
    rng = np.random.default_rng(width)
    scores = rng.integers(0, width, (30, width)).astype(np.float32)
    allowed = rng.random(scores.shape) < 0.7
    lists = Lists.of(scores, allowed, 6)
    sorted_whole = -np.sort(-np.where(allowed, scores, -np.inf), axis=1)
    count = min(width, 6)
    assert np.array_equal(lists.top[:, :count], sorted_whole[:, :count])
    assert np.isneginf(lists.top[:, count:]).all()
