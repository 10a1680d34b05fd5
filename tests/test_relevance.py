"""Promises of the metrics: the values by hand, and no luck from ties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline import relevance


def flags(text: str) -> relevance.Flags:
    return np.array([letter == "x" for letter in text], bool)


def test_values_by_hand() -> None:
    found = flags(".x.x......")
    assert relevance.recall(found, 3, relevant=4) == 0.25
    assert relevance.precision(found, 4) == 0.5
    assert relevance.reciprocal_rank(found) == 0.5
    assert relevance.hit(found, 1) == 0.0
    assert relevance.hit(found, 2) == 1.0
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert relevance.ndcg(found, 10, relevant=3) == pytest.approx(gain / ideal)


def test_a_perfect_list_scores_one() -> None:
    assert relevance.ndcg(flags("xxx......."), 10, relevant=3) == pytest.approx(1.0)
    assert relevance.ndcg(flags("x" * 10), 10, relevant=500) == pytest.approx(1.0)


def test_what_was_not_found_lowers_ndcg() -> None:
    assert relevance.ndcg(flags("x"), 10, relevant=2) < 1.0


def test_a_short_list_has_misses_at_its_empty_places() -> None:
    assert relevance.precision(flags("xx"), 10) == 0.2
    assert relevance.precision(flags(""), 10) == 0.0
    assert relevance.reciprocal_rank(flags("")) == 0.0


def test_a_constant_scorer_finds_nothing() -> None:
    relevant = flags("x" + "." * 99)
    scores = np.full(100, 0.7)
    assert relevance.worst_rank(scores, 0) == 100
    order = relevance.ranked(scores, relevant)
    assert relevance.hit(order, 10) == 0.0
    assert relevance.ndcg(order, 10, relevant=1) == 0.0
    assert relevance.recall(order, 99, relevant=1) == 0.0


def test_equal_scores_stand_before_the_target_only() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.1])
    assert relevance.worst_rank(scores, 0) == 1
    assert relevance.worst_rank(scores, 1) == 3
    assert relevance.worst_rank(scores, 3) == 4


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.booleans()), min_size=1, max_size=40)
)
def test_no_order_among_ties_is_worse_than_ours(rows: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in rows])
    relevant = np.array([is_relevant for _, is_relevant in rows], bool)
    ours = relevance.ranked(scores, relevant)
    stable = relevant[np.argsort(-scores, kind="stable")]
    for count in range(1, len(rows) + 1):
        assert relevance.precision(ours, count) <= relevance.precision(stable, count)
    assert relevance.reciprocal_rank(ours) <= relevance.reciprocal_rank(stable)


def test_the_interval_holds_the_mean_and_shrinks_with_more_queries() -> None:
    draw = np.random.default_rng(1)
    few, many = (relevance.estimate((draw.random(size) < 0.4).astype(float)) for size in (30, 3000))
    for each in (few, many):
        assert each.low <= each.mean <= each.high
    assert many.high - many.low < few.high - few.low
    # The normal approximation of a share: 1.96 sqrt(p (1 - p) / n).
    wide = 2 * 1.96 * math.sqrt(0.4 * 0.6 / 3000)
    assert many.high - many.low == pytest.approx(wide, rel=0.15)


def test_an_estimate_repeats_itself() -> None:
    values = [0.0, 1.0, 0.5, 1.0]
    assert relevance.estimate(values) == relevance.estimate(values)


def test_no_queries_give_zeros() -> None:
    assert relevance.estimate([]) == relevance.Estimate(0.0, 0.0, 0.0, 0)


def test_an_estimate_reads_as_a_table_shows_it() -> None:
    assert str(relevance.Estimate(0.5, 0.25, 1.0, 4)) == ".500 [.250, 1.000]"


@pytest.mark.parametrize(("count", "relevant"), [(0, 1), (1, 0)])
def test_a_figure_over_nothing_is_refused(count: int, relevant: int) -> None:
    with pytest.raises(ValueError):
        relevance.ndcg(flags("x"), count, relevant=relevant)
