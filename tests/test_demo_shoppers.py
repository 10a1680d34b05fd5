"""Promises of the drawn shoppers: like people enough for taste to be found in what they did."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from catalog.interaction import Interaction
from catalog.limits import check_interaction
from catalog.store import CatalogStore
from offline.demo_shoppers import OPENING, ShopperOptions, draw_shoppers, interactions
from offline.layout import DataDir
from runtime.errors import SetupError
from tests.shop import shop

OPTIONS = ShopperOptions(shoppers=200, days=400, seed=3)


@pytest.fixture(scope="module")
def events() -> list[Interaction]:
    return list(interactions(shop(), OPTIONS, prefix="e"))


def test_equal_seeds_give_equal_events_and_others_do_not(events: list[Interaction]) -> None:
    assert list(interactions(shop(), OPTIONS, prefix="e")) == events
    other = ShopperOptions(shoppers=200, days=400, seed=4)
    assert list(interactions(shop(), other, prefix="e")) != events


def test_every_event_is_one_that_the_catalogue_keeps(events: list[Interaction]) -> None:
    ids = {product.id for product in shop()}
    for event in events:
        check_interaction(event)
        assert event.product_id in ids or (event.kind == "search" and not event.product_id)
    assert len({event.event_id for event in events}) == len(events)


def test_events_lie_in_order_between_opening_and_closing(events: list[Interaction]) -> None:
    times = [event.at for event in events]
    assert times == sorted(times)
    assert times[0] >= OPENING
    assert times[-1] <= OPENING + timedelta(days=400)


def test_shoppers_do_all_that_shoppers_do(events: list[Interaction]) -> None:
    kinds = Counter(event.kind for event in events)
    assert set(kinds) == {"search", "view", "cart", "purchase", "rating", "return"}
    assert kinds["view"] > kinds["cart"] > kinds["purchase"] > kinds["rating"] > kinds["return"]
    assert {event.user_id for event in events} <= {f"u-{n:04d}" for n in range(1, 201)}
    assert any(event.text for event in events if event.kind == "search")


def test_ratings_have_stars_votes_and_buyers(events: list[Interaction]) -> None:
    ratings = [event for event in events if event.kind == "rating"]
    assert {event.value for event in ratings} == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert {event.verified for event in ratings} == {True, False}
    assert any(event.helpful_votes for event in ratings)
    bought = {(e.user_id, e.product_id) for e in events if e.kind == "purchase"}
    assert all((e.user_id, e.product_id) in bought for e in ratings if e.verified)


def test_nobody_sends_back_what_they_did_not_buy(events: list[Interaction]) -> None:
    bought: dict[tuple[str, str], Interaction] = {}
    for event in events:
        pair = (event.user_id, event.product_id)
        if event.kind == "purchase":
            bought.setdefault(pair, event)
        elif event.kind == "return":
            assert bought[pair].at < event.at


def test_what_is_bought_follows_the_season(events: list[Interaction]) -> None:
    kinds = {product.id: product.kind for product in shop()}
    months: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for event in events:
        if event.kind == "view":
            months[kinds[event.product_id]][event.at.month] += 1

    def share(kind: str, wanted: set[int]) -> float:
        return sum(months[kind][month] for month in wanted) / months[kind].total()

    assert share("coat", {12, 1, 2}) > 1.3 * share("dress", {12, 1, 2})
    assert share("shorts", {6, 7, 8}) > 1.3 * share("dress", {6, 7, 8})


def test_shoppers_have_colours_of_their_own(events: list[Interaction]) -> None:
    """The colours that one shopper looks at are less even than those all look at together."""
    colours = {product.id: product.colour for product in shop()}
    own: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for event in events:
        if event.kind == "view":
            own[event.user_id][colours[event.product_id]] += 1
    everybody = sum(own.values(), Counter[str]())
    often = [seen for seen in own.values() if seen.total() >= 30]
    favourites = [seen.most_common(1)[0][1] / seen.total() for seen in often]
    assert len(often) > 20
    assert np.mean(favourites) > 1.3 * everybody.most_common(1)[0][1] / everybody.total()


def test_a_shop_without_genders_or_prices_has_shoppers_too() -> None:
    bare = [replace(each, gender="", price_minor=None, season="") for each in shop(30)]
    assert list(interactions(bare, OPTIONS, prefix="e"))


def stored(data: DataDir, count: int) -> None:
    store = CatalogStore.open(data.create().database_url, create=True)
    store.upsert(shop(count))
    store.close()


def kept(data: DataDir) -> list[Interaction]:
    store = CatalogStore.open(data.database_url)
    try:
        return list(store.interactions())
    finally:
        store.close()


def test_shoppers_are_drawn_again_only_for_another_catalogue(tmp_path: Path) -> None:
    data, options = DataDir(tmp_path), ShopperOptions(shoppers=20, days=60)
    stored(data, 40)
    count = draw_shoppers(data, options)
    first = kept(data)
    assert count == len(first) > 0
    assert draw_shoppers(data, options) == count
    assert kept(data) == first
    stored(data, 60)
    draw_shoppers(data, options)
    second = kept(data)
    assert not {event.event_id for event in first} & {event.event_id for event in second}


def test_shoppers_leave_real_events_alone(tmp_path: Path) -> None:
    data, options = DataDir(tmp_path), ShopperOptions(shoppers=20, days=60)
    stored(data, 40)
    real = Interaction("real-1", "u-0001", "p-0001", "like", OPENING)
    store = CatalogStore.open(data.database_url)
    store.add_interactions([real])
    store.close()
    draw_shoppers(data, options)
    assert real in kept(data)


def test_an_empty_catalogue_has_no_shoppers(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    stored(data, 0)
    with pytest.raises(SetupError, match="empty"):
        draw_shoppers(data, OPTIONS)
