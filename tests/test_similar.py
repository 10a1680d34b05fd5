"""Promises of similar products: by look, else by words; never the same style; filters allowed."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from catalog.media import MediaStore
from catalog.product_filter import AllOf, AnyOf, Condition, Not, ProductFilter
from runtime.errors import InvalidArgument, NotFound, Unavailable
from runtime.metrics import Metrics
from services.gateway.parts import Example, Words
from services.gateway.pictures import Pictures
from services.gateway.rest import create_app
from services.gateway.rest_routes import Rooms
from services.gateway.schemas_out import ProblemReply, SimilarReply
from services.gateway.similar import Similar, SimilarFinder, SimilarQuery
from tests.gateway_fakes import FakeImage, FakeText, House, down
from tests.shop import shop

PHOTO = "ab" * 32
WARES = [replace(each, images=(PHOTO,)) for each in shop(60)]
NAMES = [each.id for each in WARES]
STYLE = next(
    each.style_id for each in WARES if sum(other.style_id == each.style_id for other in WARES) == 3
)
VARIANTS = [each for each in WARES if each.style_id == STYLE]
ONE = VARIANTS[0]
CHEAPER = Condition("price_minor", lt=ONE.price_minor)


def house() -> House:
    return House(FakeText(NAMES[::-1]), FakeImage(NAMES), shop=WARES)


def find(rooms: House, product_id: str = ONE.id, **options: Any) -> Similar:
    finder = SimilarFinder(rooms.pipeline, rooms.documents)
    return asyncio.run(finder.find(SimilarQuery(product_id, **options)))


def names(found: Similar) -> list[str]:
    return [hit.product.id for hit in found.answer.hits]


def test_similar_products_come_by_look_without_their_own_style() -> None:
    rooms = house()
    found = find(rooms, page_size=100)
    assert found.by == "look"
    assert names(found) == [each.id for each in WARES if each.style_id != STYLE]
    assert rooms.text.asked == []
    [[part]] = rooms.image.encoded
    assert part.source == Example(ONE.id)
    assert len(names(find(house()))) == 12


@pytest.mark.parametrize(
    "condition", [CHEAPER, AllOf((CHEAPER, Condition("kind", (ONE.kind,)))), Not(CHEAPER)]
)
def test_cheaper_like_this(condition: ProductFilter) -> None:
    found = find(house(), filter=condition, page_size=100)
    expected = find(house(), page_size=100)
    plain = [hit.product for hit in expected.answer.hits]
    assert ONE.price_minor is not None
    cheap = {each.id for each in plain if (each.price_minor or 0) < ONE.price_minor}
    if condition == CHEAPER:
        assert set(names(found)) == cheap
    elif isinstance(condition, Not):
        assert set(names(found)) == {each.id for each in plain} - cheap
    else:
        assert {hit.product.kind for hit in found.answer.hits} == {ONE.kind}
        assert set(names(found)) <= cheap
    assert names(found)


@pytest.mark.parametrize("why", ["no photo", "not indexed"])
def test_a_product_without_a_photo_is_looked_up_by_its_words(why: str) -> None:
    rooms = house()
    if why == "no photo":
        rooms.products.products[ONE.id] = replace(ONE, images=())
    else:
        rooms.image.without_vector = {ONE.id}
    found = find(rooms, filter=CHEAPER)
    assert found.by == "words"
    assert not found.answer.degraded
    assert rooms.text.asked[0][0] == f"{ONE.title} {ONE.kind}"
    assert not {*names(found)} & {each.id for each in VARIANTS}
    assert all((hit.product.price_minor or 0) < (ONE.price_minor or 0) for hit in found.answer.hits)
    [[part]] = rooms.image.encoded
    assert isinstance(part.source, Words)


def test_without_the_picture_side_words_are_taken_and_that_is_said() -> None:
    rooms = house()
    rooms.image.error = down(Unavailable)
    found = find(rooms)
    assert (found.by, found.answer.degraded_reasons) == ("words", ["image_unavailable"])
    assert len(names(found)) == 12
    rooms.text.error = down(Unavailable)
    with pytest.raises(Unavailable):
        find(rooms)


def test_nothing_is_like_a_product_that_does_not_exist() -> None:
    with pytest.raises(NotFound) as caught:
        find(house(), "none")
    assert caught.value.field == "product_id"


@pytest.mark.parametrize("by", ["taste", "bought_together", "zq9"])
def test_what_nobody_answers_yet_is_refused_by_what_works(by: str) -> None:
    with pytest.raises(InvalidArgument, match="look") as caught:
        SimilarQuery(ONE.id, by=by)
    assert caught.value.field == "by"


def test_a_filter_leaves_room_for_the_style() -> None:
    leaf = Condition("kind", ("dress",))
    assert find(house(), filter=AnyOf((leaf,) * 19)).by == "look"
    with pytest.raises(InvalidArgument, match="19") as caught:
        find(house(), filter=AnyOf((leaf,) * 20))
    assert caught.value.field == "filter"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    rooms = house()
    pictures = Pictures(MediaStore(tmp_path))
    app = create_app(
        Rooms(rooms.pipeline, rooms.documents, pictures, None, str, Metrics("gateway"))
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hemline") as opened:
        yield opened


async def test_the_rest_door_takes_a_filter_in_the_address(client: httpx.AsyncClient) -> None:
    condition = {"and": [{"field": "price_minor", "lt": ONE.price_minor}]}
    path = (
        f"/v1/products/{ONE.id}/similar?by=look&page_size=3&filter={quote(json.dumps(condition))}"
    )
    reply = await client.get(path)
    found = SimilarReply.model_validate_json(reply.content)
    assert (found.by, found.degraded, len(found.hits)) == ("look", False, 3)
    assert all((hit.product.price_minor or 0) < (ONE.price_minor or 0) for hit in found.hits)
    assert [hit.rank for hit in found.hits] == [1, 2, 3]


BAD = {
    "by=zq9secret": "by",
    "by=taste": "by",
    "page_size=0": "page_size",
    "page_size=101": "page_size",
    "page_size=zq9secret": "page_size",
    "page_size=1.5": "page_size",
    "page_size=5&page_size=6": "page_size",
    "surprise=zq9secret": "query",
    "filter=": "filter",
    "filter=zq9secret": "filter",
    "filter=%FF": "filter",
    "filter=[]": "filter",
    'filter={"field":"zq9secret","in":["a"]}': "filter.field",
    'filter={"and":[{"field":"brand","in":[5]}]}': "filter.and[0].in[0]",
    'filter={"field":"price_minor","gte":NaN}': "filter.gte",
    'filter={"field":"brand","in":["a"]}&filter={}': "filter",
}


@pytest.mark.parametrize("query", BAD)
async def test_bad_queries_are_refused_by_field_without_an_echo(
    client: httpx.AsyncClient, query: str
) -> None:
    reply = await client.get(f"/v1/products/{ONE.id}/similar?{query}")
    told = ProblemReply.model_validate_json(reply.content)
    assert (reply.status_code, told.field) == (400, BAD[query])
    assert "zq9" not in reply.text


async def test_an_unknown_product_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/products/none/similar")).status_code == 404
    assert (await client.get(f"/v1/products/{'x' * 129}/similar")).status_code == 400
