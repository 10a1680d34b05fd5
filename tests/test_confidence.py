"""Promises of the confidence: the formula by hand, and one star is not love."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from catalog.confidence import confidences
from catalog.interaction import Interaction

START = datetime(2026, 1, 1, tzinfo=UTC)


def history(*events: tuple[str, str] | tuple[str, str, float]) -> list[Interaction]:
    return [
        Interaction(
            f"e-{place}",
            "u-1",
            event[0],
            event[1],
            START + timedelta(hours=place),
            value=event[2] if len(event) == 3 else None,
        )
        for place, event in enumerate(events)
    ]


def rating(stars: float, *, verified: bool = False, helpful: int = 0) -> Interaction:
    return Interaction("r", "u-1", "p", "rating", START, stars, verified, helpful)


@pytest.mark.parametrize(
    ("event", "value"),
    [
        (rating(4), 4.0),
        (rating(4, verified=True), 4.8),
        (rating(5, verified=True, helpful=7), 5 * 1.2 * (1 + 0.1 * math.log(8))),
        (rating(5, verified=True, helpful=10**12), 20.0),
        (rating(1), -1.0),
        (rating(1, verified=True), -1.2),
        (rating(2), 2.0),
    ],
)
def test_a_rating_weighs_what_the_formula_says(event: Interaction, value: float) -> None:
    assert confidences([event])["p"] == pytest.approx(value)


def test_behaviour_adds_up_until_somebody_judges() -> None:
    seen = history(("a", "view"), ("a", "view"), ("a", "cart"), ("a", "purchase"))
    assert confidences(seen) == {"a": pytest.approx(0.3 + 0.3 + 1.5 + 3.0)}
    judged = confidences([*seen, rating(1), *history(("a", "dislike"))])
    assert judged["a"] == -4.0
    assert judged["p"] == -1.0


def test_the_last_verdict_wins() -> None:
    assert confidences(history(("a", "like"), ("a", "return")))["a"] < 0
    assert confidences(history(("a", "dislike"), ("a", "like")))["a"] > 0
    assert confidences(history(("a", "dislike"), ("a", "rating", 5.0)))["a"] == 5.0


def test_several_ratings_count_by_their_mean() -> None:
    assert confidences(history(("a", "rating", 5.0), ("a", "rating", 2.0)))["a"] == 3.5


def test_what_says_nothing_is_left_out() -> None:
    silent = history(("a", "impression"), ("", "search"))
    assert confidences(silent) == {}


def test_endless_views_weigh_no_more_than_twenty() -> None:
    assert confidences(history(*[("a", "view")] * 500))["a"] == 20.0
