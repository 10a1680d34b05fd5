"""Promises of the confidence: the formula by hand, and one star is not love."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from catalog.confidence import DEFAULT_RULES, ConfidenceRules, confidences
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
    assert confidences(seen) == {"a": pytest.approx(0.3 * math.log2(3) + 1.5 + 3.0)}
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


def test_views_of_one_product_say_less_and_less() -> None:
    weights = [confidences(history(*[("a", "view")] * count))["a"] for count in (1, 2, 3, 7, 500)]
    by_hand = [0.3 * math.log2(1 + count) for count in (1, 2, 3, 7, 500)]
    assert weights == pytest.approx(by_hand)
    plain = ConfidenceRules(view_saturation=0.0)
    assert confidences(history(*[("a", "view")] * 7), plain)["a"] == pytest.approx(2.1)


def test_endless_behaviour_weighs_no_more_than_twenty() -> None:
    assert confidences(history(*[("a", "purchase")] * 500))["a"] == 20.0


def test_each_rule_is_a_setting() -> None:
    rules = ConfidenceRules(cart=2.0, purchase=5.0, like=6.0, dislike=7.0, sent_back=8.0, ceiling=9)
    for kind, value in [("cart", 2), ("purchase", 5), ("like", 6), ("dislike", -7), ("return", -8)]:
        assert confidences(history(("a", kind)), rules)["a"] == value
    assert confidences(history(*[("a", "purchase")] * 2), rules)["a"] == 9.0
    stars = ConfidenceRules(verified=2.0, helpful=0.5, disliked_stars=3.5)
    assert confidences([rating(4, verified=True, helpful=1)], stars)["p"] == pytest.approx(
        4 * 2 * (1 + 0.5 * math.log(2))
    )
    assert confidences([rating(3)], stars)["p"] == -3.0


def test_what_is_long_ago_says_less_but_is_not_forgotten() -> None:
    rules = ConfidenceRules(half_life_days=100, remembered=0.2, season_echo=0.0, lately=0)
    bought = history(("a", "purchase"))
    for days, share in [(0, 1.0), (100, 0.5), (200, 0.25), (100_000, 0.0)]:
        now = START + timedelta(days=days)
        by_hand = 3.0 * (0.2 + 0.8 * share)
        assert confidences(bought, rules, now=now)["a"] == pytest.approx(by_hand)
    assert confidences(bought, rules)["a"] == 3.0
    unfading = ConfidenceRules(half_life_days=0, lately=0)
    assert confidences(bought, unfading, now=START + timedelta(days=900))["a"] == 3.0


def test_a_dislike_fades_as_well_and_stays_a_dislike() -> None:
    rules = ConfidenceRules(half_life_days=100, remembered=0.0, season_echo=0.0, lately=0)
    for event in (history(("p", "dislike")), [rating(1)], history(("p", "return"))):
        fresh, old = (
            confidences(event, rules, now=START + timedelta(days=days))["p"] for days in (0, 100)
        )
        assert old == pytest.approx(fresh / 2)
        assert old < 0


def test_what_a_clock_put_into_the_future_counts_as_fresh() -> None:
    boosted = 1.5 * (1 + DEFAULT_RULES.lately)
    assert confidences(history(("a", "cart")), now=START - timedelta(days=1))["a"] == boosted


def test_what_was_done_just_now_weighs_more_than_a_week_ago() -> None:
    """The whole product is lifted, by its last event: what is looked at again is of today."""
    rules = ConfidenceRules(half_life_days=0, lately=4.0, lately_days=2.0)
    viewed = history(("a", "purchase"), ("b", "dislike"))
    for days, boost in [(0, 5.0), (2, 3.0), (4, 2.0), (100_000, 1.0)]:
        now = START + timedelta(days=days, hours=1)
        found = confidences(viewed, rules, now=now)
        assert found["b"] == pytest.approx(-4.0 * boost)
        assert found["a"] == pytest.approx(3.0 * boost, rel=0.02)
    again = [*viewed, Interaction("e", "u-1", "a", "view", START + timedelta(days=10))]
    found = confidences(again, rules, now=START + timedelta(days=10))
    assert found["a"] == pytest.approx(5 * 3.3)
    silent = [*viewed, Interaction("e", "u-1", "a", "impression", START + timedelta(days=10))]
    found = confidences(silent, rules, now=START + timedelta(days=10))
    assert found["a"] == pytest.approx(3.0 * (1 + 4 / 2**5), rel=0.02)


def test_the_same_season_a_year_ago_weighs_more_than_half_a_year_ago() -> None:
    rules = ConfidenceRules(
        half_life_days=60, remembered=0.0, season_echo=0.8, season_ahead_days=0, season_days=40
    )
    year = timedelta(days=365.25)
    assert rules.weight(START, START + year) == pytest.approx(0.8)
    assert rules.weight(START, START + 2 * year) == pytest.approx(0.8)
    away = START + year - timedelta(days=40)
    assert rules.weight(START, away) == pytest.approx(0.8 * math.exp(-0.5))
    assert rules.weight(START, START + year / 2) == pytest.approx(2 ** (-182.625 / 60))
    assert ConfidenceRules(season_echo=0.0).weight(START, START + year) == pytest.approx(
        0.3 + 0.7 * 2 ** (-365.25 / 30)
    )


def test_a_season_echoes_a_year_later_and_not_within_its_own_year() -> None:
    rules = ConfidenceRules(
        half_life_days=10, remembered=0.0, season_echo=0.8, season_ahead_days=15, season_days=40
    )
    assert rules.weight(START, START + timedelta(days=50)) == pytest.approx(2**-5)


def test_in_october_last_winter_says_more_than_last_summer() -> None:
    """By the default rules: shoppers shop ahead of the season."""
    october = datetime(2026, 10, 15, tzinfo=UTC)
    winter, summer = datetime(2025, 12, 20, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    assert DEFAULT_RULES.weight(winter, october) > DEFAULT_RULES.weight(summer, october)
    april = datetime(2027, 4, 15, tzinfo=UTC)
    assert DEFAULT_RULES.weight(winter, april) < DEFAULT_RULES.weight(summer, april)


def test_rules_come_back_from_a_manifest() -> None:
    rules = ConfidenceRules(view=0.5, half_life_days=90, season_echo=0.25)
    assert ConfidenceRules.of_facts(json.loads(json.dumps(rules.facts()))) == rules
    assert ConfidenceRules.of_facts(None) == DEFAULT_RULES
    assert ConfidenceRules.of_facts({"view": 1}) == ConfidenceRules(view=1.0)


@pytest.mark.parametrize(
    "facts",
    [
        [],
        "rules",
        {"view": "much"},
        {"view": True},
        {"view": None},
        {"view": -1},
        {"view": math.nan},
        {"ceiling": math.inf},
        {"ceiling": 0},
        {"season_days": 0},
        {"lately_days": 0},
        {"season_echo": 1.5},
        {"remembered": 2},
        {"moon": 1.0},
    ],
)
def test_rules_without_sense_are_refused(facts: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        ConfidenceRules.of_facts(facts)
