"""Filters, facets, pages, styles and similar products, in a house of real processes."""

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from catalog.product import Product
from catalog.product_filter import admits
from catalog.store import CatalogStore
from services.gateway.schemas_filter import FilterBody, to_filter
from tests.running import Json, Running, ids

QUESTIONS: dict[str, dict[str, Any]] = {
    "words": {"text": "dress"},
    "an example": {"parts": [{"product_id": "p-000007"}]},
    "words and an example": {"text": "blue", "parts": [{"product_id": "p-000007"}]},
    "nothing": {},
}
FACETS = ["brand", "colour", "kind", "category", "size", "in_stock", "price_minor",
          "attributes.pattern"]  # fmt: skip


@pytest.fixture(scope="module")
def products(running: Running) -> dict[str, Product]:
    store = CatalogStore.open(running.data.database_url)
    found = {product.id: product for product in store.scan()}
    store.close()
    return found


def walk(running: Running, **request: Any) -> list[Json]:
    """All pages of a search."""
    pages = [running.search(**{"page_size": 100} | request)]
    while token := pages[-1]["next_page_token"]:
        pages.append(running.search(**{"page_size": 100} | request | {"page_token": token}))
    return pages


def everything(pages: list[Json]) -> list[str]:
    found = [name for page in pages for name in ids(page)]
    assert len(set(found)) == len(found) == pages[0]["total"]["value"]
    return found


class Dice:
    """Draws filters of values that products hold."""

    def __init__(self, products: Mapping[str, Product], seed: int) -> None:
        self._draw = random.Random(seed)
        self._products = list(products.values())

    def filter(self, depth: int = 0) -> Json:
        kind = self._draw.random()
        if depth < 3 and kind < 0.3:
            return {"not": self.filter(depth + 1)}
        if depth < 3 and kind < 0.8:
            many = [self.filter(depth + 1) for _ in range(self._draw.randint(1, 3))]
            return {self._draw.choice(["and", "or"]): many}
        return self._leaf()

    def _leaf(self) -> Json:
        one, other = self._draw.sample(self._products, 2)
        prices = sorted([one.price_minor or 0, (other.price_minor or 0) + 1])
        return self._draw.choice(
            [
                {"field": "colour", "in": sorted({one.colour, other.colour})},
                {"field": "brand", "in": [one.brand]},
                {"field": "kind", "in": [one.kind, "no such kind"]},
                {"field": "category", "in": [one.category[-1]]},
                {"field": "attributes.pattern", "in": [one.attributes["pattern"]]},
                {"field": "in_stock", "in": [self._draw.random() < 0.5]},
                {"field": "id", "in": [one.id, other.id]},
                {"field": "price_minor", "gte": prices[0], "lt": prices[1]},
                {"field": "price_minor", "gt": prices[0]},
            ]
        )


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_filter_keeps_of_the_result_just_what_it_admits(
    running: Running, products: Mapping[str, Product], question: str
) -> None:
    asked = QUESTIONS[question]
    plain = walk(running, **asked)
    assert plain[0]["total"]["relation"] == "eq"
    whole, dice, found = everything(plain), Dice(products, 3), 0
    for _ in range(25):
        drawn = dice.filter()
        condition = to_filter(FilterBody.model_validate_json(json.dumps(drawn)))
        pages = walk(running, **asked, filter=drawn, page_size=40, candidate_factor=25)
        assert pages[0]["total"]["relation"] == "eq", drawn
        assert all(len(page["hits"]) == 40 for page in pages[:-1]), drawn
        kept = {name for name in whole if admits(condition, products[name])}
        assert set(everything(pages)) == kept, drawn
        found += len(kept)
    assert found > 200


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_facet_value_clicked_gives_as_many(
    running: Running, question: str, collapse: bool
) -> None:
    asked = QUESTIONS[question] | {"page_size": 100, "collapse": collapse}
    dresses = {"field": "category", "in": ["Women"]}
    answer = running.search(**asked, filter=dresses, facets=FACETS)
    assert list(answer["facets"]) == FACETS
    for field, entries in answer["facets"].items():
        assert entries, field
        for entry in entries[:3]:
            leaf = (
                {"field": field, "in": [entry["value"]]}
                if "value" in entry
                else {"field": field, "gte": entry["gte"], "lt": entry["lt"]}
            )
            clicked = leaf if field == "category" else {"and": [dresses, leaf]}
            total = running.search(**asked, filter=clicked)["total"]
            assert total == {"value": entry["count"], "relation": "eq"}, leaf


@pytest.mark.parametrize("sort", ["price_asc", "price_desc", "newest"])
def test_pages_are_in_the_order_asked_for(
    running: Running, products: Mapping[str, Product], sort: str
) -> None:
    names = everything(walk(running, text="shirt", sort=sort, page_size=9))
    assert len(names) > 9

    def key(name: str) -> tuple[int, str]:
        each = products[name]
        price = each.price_minor or 0
        first = {"price_asc": price, "price_desc": -price, "newest": -each.added_seq}
        return first[sort], name

    assert names == sorted(names, key=key)


def test_styles_are_hits_and_their_colours_variants(
    running: Running, products: Mapping[str, Product]
) -> None:
    flat = everything(walk(running, text="dress", user_id="u-0003"))
    pages = walk(
        running, text="dress", user_id="u-0003", collapse=True, page_size=7, candidate_factor=100
    )
    shown = [
        [hit["product"]["id"], *(each["id"] for each in hit["variants"])]
        for page in pages
        for hit in page["hits"]
    ]
    by_style: dict[str, list[str]] = {}
    for name in flat:
        by_style.setdefault(products[name].style_id, []).append(name)
    assert shown == list(by_style.values())
    assert any(len(group) > 1 for group in shown)
    assert pages[0]["total"] == {"value": len(shown), "relation": "eq"}


def test_redis_killed_midway_costs_no_page(running: Running) -> None:
    request = {"text": "dress", "page_size": 10, "collapse": True, "facets": ["kind"]}
    whole = everything(walk(running, **request))
    first = running.search(**request)
    with running.without("redis"):
        second = running.search(**request, page_token=first["next_page_token"])
        assert "paging_restarted" in second["degraded_reasons"]
        third = running.search(**request, page_token=second["next_page_token"])
    assert ids(first) + ids(second) + ids(third) == whole[:30]


def test_a_foreign_token_is_refused(running: Running) -> None:
    token = running.search(text="dress", page_size=5)["next_page_token"]
    for change in ({"user_id": "u-0001"}, {"page_size": 6}, {"page_token": token[:-2] + "AA"}):
        request = {"text": "dress", "page_size": 5, "page_token": token} | change
        refused = running.post("/v1/search", request)
        assert (refused.status_code, refused.json()["field"]) == (400, "page_token")


def test_cheaper_like_this(running: Running, products: Mapping[str, Product]) -> None:
    one = max(products.values(), key=lambda each: each.price_minor or 0)
    path = f"/v1/products/{one.id}/similar?page_size=30"
    like = running.get(path).json()
    assert like["by"] == "look"
    assert one.style_id not in {hit["product"]["style_id"] for hit in like["hits"]}
    cheaper = f'{{"field":"price_minor","lt":{one.price_minor // 2 if one.price_minor else 0}}}'
    found = running.get(f"{path}&filter={cheaper}").json()
    assert found["hits"]
    assert not found["degraded"]
    assert all(hit["product"]["price_minor"] < (one.price_minor or 0) // 2 for hit in found["hits"])


def test_without_the_text_stage_facets_and_styles_are_those_of_the_picture_side(
    running: Running,
) -> None:
    request: Json = {
        "text": "red dress", "facets": FACETS, "sort": "price_asc", "collapse": True,
        "filter": {"field": "category", "in": ["Women"]}, "page_size": 50,
    }  # fmt: skip
    alone = running.search(**request, retrievers=["image"])
    with running.without("text"):
        answer = running.search(**request)
    assert "text_unavailable" in answer["degraded_reasons"]
    assert ids(answer) == ids(alone)
    assert (answer["facets"], answer["total"]) == (alone["facets"], alone["total"])
