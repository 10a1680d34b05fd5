"""Promises of the columns of events: they weigh as one shopper's history does, only faster."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from catalog.confidence import Confidence, ConfidenceRules
from catalog.interaction import KINDS, Interaction
from offline.event_columns import TELLING_KINDS, EventColumns, moment
from offline.pair_tallies import boosts, weights

START = datetime(2024, 1, 1, tzinfo=UTC)
ODD = ConfidenceRules(
    view=0.7,
    view_saturation=0.0,
    cart=2.0,
    purchase=5.0,
    like=1.0,
    dislike=3.0,
    sent_back=9.0,
    verified=1.5,
    helpful=0.7,
    disliked_stars=2.5,
    ceiling=8.0,
    half_life_days=0.0,
    lately=0.0,
)
FADING = ConfidenceRules(
    half_life_days=30.0,
    remembered=0.0,
    season_echo=0.5,
    season_ahead_days=0.0,
    season_days=20.0,
    lately=3.0,
    lately_days=5.0,
)


def drawn(seed: int, size: int = 3000) -> list[Interaction]:
    draw = np.random.default_rng(seed)
    days = np.sort(draw.uniform(0, 800, size))
    return [
        Interaction(
            f"e-{place}",
            f"u-{draw.integers(20):02d}",
            "" if draw.random() < 0.05 else f"p-{draw.integers(15):02d}",
            KINDS[draw.integers(len(KINDS))],
            START + timedelta(days=float(days[place])),
            value=None if draw.random() < 0.1 else float(draw.integers(1, 6)),
            verified=bool(draw.random() < 0.3),
            helpful_votes=int(draw.integers(0, 30)),
        )
        for place in range(size)
    ]


def one_by_one(
    events: list[Interaction], rules: ConfidenceRules, now: datetime
) -> dict[tuple[str, str], float]:
    tallies: dict[tuple[str, str], Confidence] = {}
    for event in events:
        if event.product_id:
            pair = (event.user_id, event.product_id)
            tallies.setdefault(pair, Confidence(rules, now)).add(event)
    return {pair: tally.value for pair, tally in tallies.items() if tally.value}


@pytest.mark.parametrize("rules", [ConfidenceRules(), ODD, FADING], ids=["usual", "odd", "fading"])
@pytest.mark.parametrize("seed", [0, 1])
def test_columns_weigh_as_histories_do(rules: ConfidenceRules, seed: int) -> None:
    events = drawn(seed)
    columns = EventColumns.of(events)
    now = columns.at[-1]
    users, products, values, _ = columns.weighed(rules=rules, now=now)
    found = {
        (columns.user_ids[user], columns.product_ids[product]): value
        for user, product, value in zip(users, products, values.tolist(), strict=True)
    }
    assert found == pytest.approx(one_by_one(events, rules, moment(now)), rel=1e-6)


def test_each_shopper_is_judged_from_their_own_last_event_where_no_day_is_given() -> None:
    events = drawn(5)
    columns = EventColumns.of(events)
    users, products, values, _ = columns.weighed()
    for row, user_id in enumerate(columns.user_ids):
        own = [each for each in events if each.user_id == user_id]
        now = max(each.at for each in own if each.product_id and each.kind in TELLING_KINDS)
        mine = users == row
        found = dict(zip(products[mine].tolist(), values[mine].tolist(), strict=True))
        by_hand = {
            columns.product_ids.index(product): value
            for (_, product), value in one_by_one(own, ConfidenceRules(), now).items()
        }
        assert found == pytest.approx(by_hand, rel=1e-5)


def test_only_what_is_known_counts() -> None:
    events = drawn(3)
    columns = EventColumns.of(events)
    cut = columns.at[len(columns.at) // 2]
    early = [event for event in events if event.at.timestamp() <= cut]
    part, whole = columns.weighed(columns.at <= cut), EventColumns.of(early).weighed()
    for ours, theirs in zip(part, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert part.last.max() <= cut


def test_the_weights_of_moments_are_those_of_the_rules() -> None:
    at = np.linspace(0, 1500, 999) * 86_400
    now = 1_400 * 86_400.0
    for rules in (ConfidenceRules(), ODD, FADING):
        by_hand = [rules.weight(moment(each), moment(now)) for each in at]
        np.testing.assert_allclose(weights(at, np.full(999, now), rules), by_hand, rtol=1e-7)
        by_hand = [rules.boost(moment(each), moment(now)) for each in at]
        np.testing.assert_allclose(boosts(at, np.full(999, now), rules), by_hand, rtol=1e-7)


def test_products_that_are_given_keep_their_rows_and_others_are_passed_over() -> None:
    events = drawn(4)
    columns = EventColumns.of(events, ["p-07", "nobody's", "p-03"])
    assert columns.product_ids == ("p-07", "nobody's", "p-03")
    assert set(columns.products) == {0, 2}
    free = EventColumns.of(events)
    assert free.product_ids == tuple(sorted(free.product_ids))
    assert free.user_ids == tuple(sorted(free.user_ids))


def test_what_takes_a_product_is_a_cart_a_purchase_a_like_or_four_stars() -> None:
    def event(kind: str, value: float | None = None) -> Interaction:
        return Interaction(kind, "u", "p", kind, START, value=value)

    told = [event(kind, 3.0 if kind == "rating" else None) for kind in KINDS]
    columns = EventColumns.of([*told, event("rating", 4.0), event("rating")])
    kinds = [KINDS[code] for code in columns.kinds[columns.taken]]
    assert kinds == ["cart", "purchase", "like", "rating"]


def test_no_events_weigh_nothing() -> None:
    weighed = EventColumns.of([]).weighed()
    assert [len(each) for each in weighed] == [0, 0, 0, 0]
