"""Filters, facets, pages, styles and similar products, in a house of real processes."""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
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
    request = {"text": "dress", "page_size": 5, "collapse": True, "facets": ["kind"]}
    whole = everything(walk(running, **request))
    first = running.search(**request)
    with running.without("redis"):
        second = running.search(**request, page_token=first["next_page_token"])
        assert "paging_restarted" in second["degraded_reasons"]
        third = running.search(**request, page_token=second["next_page_token"])
    assert ids(first) + ids(second) + ids(third) == whole[:15]


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


class Writer:
    """Puts products beside those of the world, and takes all of them away again."""

    def __init__(self, running: Running, like: Product) -> None:
        self._client = httpx.Client(base_url=running.rest_url, timeout=30)
        self._like = like
        self._there: list[str] = []

    def put(self, name: str) -> int:
        """The seq of a new product, which has the photos of an old one."""
        body = {
            "style_id": f"s-{name}",
            "title": f"{self._like.title} {name}",
            "kind": self._like.kind,
            "category": self._like.category,
            "price_minor": 1234,
            "currency": "EUR",
            "images": self._like.images,
        }
        answer = self._client.put(f"/v1/products/{name}", json=body).raise_for_status()
        self._there.append(name)
        return int(answer.json()["seq"])

    def delete(self, name: str) -> int:
        self._there.remove(name)
        answer = self._client.delete(f"/v1/products/{name}").raise_for_status()
        return int(answer.json()["seq"])

    def close(self) -> None:
        for name in list(self._there):
            self.delete(name)
        self._client.close()


@pytest.fixture
def writer(running: Running, products: Mapping[str, Product]) -> Iterator[Writer]:
    like = next(each for each in products.values() if each.kind == "dress")
    opened = Writer(running, like)
    yield opened
    opened.close()


def test_a_search_knows_the_change_that_it_asks_for(running: Running, writer: Writer) -> None:
    request: Json = {"text": "dress", "filter": {"field": "id", "in": ["zz-new"]}}
    put = running.search(**request, min_seq=writer.put("zz-new"), facets=["price_minor"])
    assert (ids(put), put["total"]["value"], put["degraded_reasons"]) == (["zz-new"], 1, [])
    assert [entry["count"] for entry in put["facets"]["price_minor"]] == [1]
    gone = running.search(**request, min_seq=writer.delete("zz-new"))
    assert (ids(gone), gone["total"]["value"], gone["degraded_reasons"]) == ([], 0, [])
    ahead = running.search(text="dress", min_seq=2**60)
    assert ahead["degraded_reasons"] == ["stale_index"]


def test_a_walk_is_frozen_while_the_catalogue_changes(running: Running, writer: Writer) -> None:
    request: Json = {"text": "dress", "page_size": 5, "user_id": "u-0004"}
    for number in range(12):
        seq = writer.put(f"zz-{number:02}")
    frozen = everything(walk(running, **request, min_seq=seq))
    left = [name for name in frozen if name.startswith("zz-")]
    assert len(left) == 12
    page = running.search(**request, min_seq=seq)
    walked, deleted, number = ids(page), list[str](), 0
    while page["next_page_token"]:
        left = [name for name in left if name not in walked]
        for name in left[:2]:
            writer.delete(name)
            deleted.append(name)
            left.remove(name)
        writer.put(f"zy-{number:02}")
        number += 1
        page = running.search(**request, min_seq=seq, page_token=page["next_page_token"])
        assert not page["degraded"]
        assert len(page["hits"]) == 5 or not page["next_page_token"]
        walked += ids(page)
    assert deleted
    assert walked == [name for name in frozen if name not in deleted]
    assert page["total"]["value"] == len(walked)
