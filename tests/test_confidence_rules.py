"""Promises of the rules as settings: they can be given, and what each is good for is measured."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from catalog.confidence import DEFAULT_RULES, ConfidenceRules
from catalog.interaction import Interaction
from catalog.product import Product
from offline.evaluate_rules import ALL, RuleTrial, evaluate_rules, without_rules
from offline.recommendations.shop_log import ShopEvents
from offline.rule_options import rules_of
from runtime.errors import SetupError

START = datetime(2024, 1, 1, tzinfo=UTC)


def test_rules_are_read_from_the_command_line() -> None:
    assert rules_of([]) == DEFAULT_RULES
    given = rules_of(["half-life-days=60", "purchase=5", "lately=0"])
    assert given == ConfidenceRules(half_life_days=60.0, purchase=5.0, lately=0.0)


@pytest.mark.parametrize("text", ["moon=1", "purchase", "purchase=much", "purchase=-1", "view=nan"])
def test_a_rule_that_is_none_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(SetupError):
        rules_of([text])


def test_each_variant_takes_something_away() -> None:
    variants = without_rules()
    assert variants[ALL] == DEFAULT_RULES
    assert len(set(variants.values())) == len(variants)


def seasonal_shop(seed: int = 0) -> ShopEvents:
    """Two camps, each with summer and winter products; what is bought is of the season."""
    draw = np.random.default_rng(seed)
    products = [Product(f"p-{row:03d}", f"s-{row}", "Thing") for row in range(240)]
    events = []
    for day in range(0, 760, 4):
        is_winter = (day % 365) < 91 or (day % 365) >= 274
        for user in range(24):
            row = 4 * int(draw.integers(60)) + 2 * int(is_winter) + user % 2
            at = START + timedelta(days=day, minutes=user)
            name = f"e-{day:03d}-{user:02d}"
            kind = "cart" if draw.random() < 0.5 else "view"
            events.append(Interaction(name, f"u-{user:02d}", f"p-{row:03d}", kind, at))
    return ShopEvents(products, events)


def test_what_each_rule_is_good_for_is_told_with_intervals() -> None:
    report = evaluate_rules(seasonal_shop(), name="a shop", trial=RuleTrial(moments=2, days=90))
    for label in without_rules():
        for figure in ("time HR@10", "time NDCG@10", "last NDCG@10"):
            assert 0.0 <= report.figure(label, figure).mean <= 1.0
        if label != ALL:
            less = report.figure(label, "time NDCG@10 less")
            whole, own = (report.figure(each, "time NDCG@10").mean for each in (ALL, label))
            assert less.mean == pytest.approx(whole - own, abs=1e-9)
            assert less.low <= less.mean <= less.high
    assert "ALS on a shop" in report.as_table()


def test_too_little_to_foretell_is_told_in_a_sentence() -> None:
    shop = seasonal_shop()
    with pytest.raises(SetupError):
        evaluate_rules(shop, name="a shop", trial=RuleTrial(moments=0))
    short = ShopEvents(shop.products, shop.events[:3])
    with pytest.raises(SetupError):
        evaluate_rules(short, name="a shop", trial=RuleTrial(moments=1, days=0.001))
