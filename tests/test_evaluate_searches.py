"""Searches of the past are asked again, by who is known for what came before alone."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from catalog.interaction import Interaction
from catalog.product import Product
from catalog.store import CatalogStore
from offline.cli import main
from offline.demo_shoppers import ShopperOptions
from offline.layout import DataDir
from offline.local_text import LocalText
from offline.progress import progress
from offline.recommendations.search_replay import (
    PERSONAL,
    PLAIN,
    STRANGER,
    past_searches,
    replay,
)
from offline.recommendations.shop_log import shop_events
from offline.recommendations.splits import global_time
from runtime.errors import SetupError
from services.gateway.legs import TextLeg
from services.gateway.pipeline import SearchPipeline
from services.reranker.factors import Factors, FactorTables
from services.text_retriever.index import TextIndex
from tests.shop import shop

START = datetime(2025, 3, 1, tzinfo=UTC)
PRODUCTS = {product.id: product for product in shop(120)}


def event(minute: float, user: str, kind: str, product: str = "", text: str = "") -> Interaction:
    """What a shopper did so many minutes after the start."""
    at = START + timedelta(minutes=minute)
    return Interaction(f"{user}-{kind}-{minute}", user, product, kind, at, text=text)


def seconds(minute: float) -> float:
    """A moment as the rooms count it."""
    return (START + timedelta(minutes=minute)).timestamp()


def of(kind: str, colour: str) -> list[str]:
    """Products of a kind and a colour."""
    return [each.id for each in PRODUCTS.values() if (each.kind, each.colour) == (kind, colour)]


EVENTS = [
    event(0, "ann", "purchase", "p-1"),
    event(10, "ann", "search", text="early"),
    event(11, "ann", "purchase", "p-2"),
    event(30, "ann", "search", text="dress"),
    event(31, "bob", "purchase", "p-3"),
    event(32, "ann", "view", "p-4"),
    event(33, "ann", "cart", "p-5"),
    event(34, "ann", "purchase", "p-5"),
    event(40, "ann", "search", text="coat"),
    event(120, "ann", "purchase", "p-6"),
]  # fmt: skip


def test_what_was_bought_belongs_to_the_last_search_of_the_hour() -> None:
    (found,) = past_searches(EVENTS, cut=seconds(20))
    assert (found.user_id, found.text, found.bought) == ("ann", "dress", frozenset({"p-5"}))


def test_the_history_of_a_search_ends_before_it() -> None:
    (found,) = past_searches(EVENTS, cut=seconds(20))
    assert [each.product_id for each in found.history] == ["p-1", "p-2"]


def test_a_search_before_the_cut_takes_what_follows_it() -> None:
    assert [each.text for each in past_searches(EVENTS, cut=seconds(35))] == []
    everything = past_searches(EVENTS, cut=seconds(-1), window_s=7200)
    assert [each.text for each in everything] == ["early", "dress", "coat"]


@dataclass(frozen=True)
class Documents:
    """The products of the shop."""

    products: Mapping[str, Product]

    async def read(self, product_ids: Sequence[str]) -> Mapping[str, Product]:
        """Those that are asked for."""
        return {each: self.products[each] for each in product_ids}


@pytest.fixture
def pipeline(tmp_path: Path) -> SearchPipeline:
    """A search by words over the shop."""
    TextIndex.write(list(PRODUCTS.values()), tmp_path)
    text = TextLeg(LocalText(TextIndex.open(tmp_path), PRODUCTS))
    return SearchPipeline({"text": text}, None, Documents(PRODUCTS), clock=lambda: 0.0)


def colour_factors() -> Factors:
    """Factors in which products of a colour stand side by side."""
    colours = sorted({each.colour for each in PRODUCTS.values()})
    items = np.zeros((len(PRODUCTS), len(colours)), np.float32)
    for row, product in enumerate(PRODUCTS.values()):
        items[row, colours.index(product.colour)] = 1.0
    users = np.zeros((0, len(colours)), np.float32)
    return Factors(FactorTables(list(PRODUCTS), [], items, users, 1.0, 5.0))


def test_who_buys_one_colour_finds_it_sooner_and_somebody_elses_taste_does_not_help(
    pipeline: SearchPipeline,
) -> None:
    red, navy = of("dress", "red"), of("dress", "navy")
    events = [
        *(event(place, "ann", "purchase", name) for place, name in enumerate(red[1:4])),
        *(event(place + 0.5, "bob", "purchase", name) for place, name in enumerate(navy[1:4])),
        event(60, "ann", "search", text="dress"),
        event(61, "ann", "purchase", red[0]),
        event(62, "bob", "search", text="dress"),
        event(63, "bob", "purchase", navy[0]),
    ]
    events.sort(key=lambda each: each.at)
    searches = past_searches(events, cut=seconds(50))
    with progress("Searching") as shown:
        found = asyncio.run(replay(pipeline, colour_factors(), searches, shown))
    assert found.users == ("ann", "bob")
    own, plain, other = (found.figures[way][:, 0].mean() for way in (PERSONAL, PLAIN, STRANGER))
    assert own > plain
    assert own > other


def test_figures_of_a_shopper_count_once_however_many_searches_there_were(
    pipeline: SearchPipeline,
) -> None:
    (red, *_) = of("dress", "red")
    events = [event(5 * place, "ann", "search", text="dress") for place in range(4)]
    events += [event(5 * place + 1, "ann", "purchase", red) for place in range(4)]
    events += [event(90, "bob", "search", text="coat"), event(91, "bob", "cart", red)]
    searches = past_searches(sorted(events, key=lambda each: each.at), cut=seconds(-1))
    with progress("Searching") as shown:
        found = asyncio.run(replay(pipeline, colour_factors(), searches, shown))
    values = np.arange(5.0)[:, None]
    assert found.by_user(values).tolist() == [[1.5], [4.0]]


@pytest.fixture
def kept(tmp_path: Path) -> DataDir:
    """A catalogue in which two shoppers did something."""
    data = DataDir(tmp_path / "shop").create()
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert(list(PRODUCTS.values()))
    red = of("dress", "red")
    store.add_interactions(
        [event(place, "ann", "purchase", name) for place, name in enumerate(red)]
        + [event(place, "bob", "purchase", name) for place, name in enumerate(red[:-1])]
    )
    store.close()
    return data


def test_every_product_of_the_shop_is_a_candidate(kept: DataDir) -> None:
    log = shop_events(kept).log()
    assert log.product_ids == tuple(sorted(PRODUCTS))
    split = global_time(log, share=0.5)
    assert split.candidates.all()
    assert split.training.side is not None
    assert len(split.training.side.styles) == len(PRODUCTS)


def test_shoppers_are_drawn_in_place_of_the_kept_ones_and_not_kept(kept: DataDir) -> None:
    drawn = shop_events(kept, ShopperOptions(shoppers=20, days=60, seed=3))
    assert len({each.user_id for each in drawn.events}) > 10
    other = shop_events(kept, ShopperOptions(shoppers=20, days=60, seed=4))
    assert [each.product_id for each in drawn.events] != [each.product_id for each in other.events]
    assert {each.user_id for each in shop_events(kept).events} == {"ann", "bob"}


def test_the_command_splits_what_shoppers_did(
    kept: DataDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "recommendations", "--data", str(kept.root), "--model", "item-knn"]
    words += ["--shoppers", "80", "--at", "5", "--json"]
    for split in ("leave-last-out", "last-k", "global-time", "cold-items"):
        assert main([*words, "--split", split, "--last", "2", "--share", ".3"]) == 0
        told = json.loads(capsys.readouterr().out)
        names = [name for name, _ in told["tables"][0]["rows"]]
        assert names == ["random", "popularity", "item-knn"]


def test_searches_without_a_release_are_refused_in_one_sentence(
    kept: DataDir, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "recommendations", "--data", str(kept.root), "--split", "searches"]
    assert main([*words, "--shoppers", "200", "--share", ".4"]) == 2
    assert "nothing is built" in capsys.readouterr().err
    assert main(words) == 2
    assert "too little was bought after a search" in capsys.readouterr().err


def test_a_shop_where_nobody_did_anything_is_refused(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "empty").create()
    CatalogStore.open(data.database_url, create=True).close()
    with pytest.raises(SetupError, match="nobody did anything"):
        shop_events(data)
