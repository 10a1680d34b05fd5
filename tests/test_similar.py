"""Promises of similar products: by look, else by words; never the same style; filters allowed."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from catalog.media import MediaStore
from catalog.product_filter import AllOf, AnyOf, Condition, Not, ProductFilter
from runtime.errors import InvalidArgument, NotFound, Unavailable
from runtime.metrics import Metrics
from services.gateway.answer import Generation
from services.gateway.parts import Example, Words
from services.gateway.pictures import Pictures
from services.gateway.rest import create_app
from services.gateway.rest_routes import Rooms
from services.gateway.schemas_out import ProblemReply, SimilarReply
from services.gateway.similar import Similar, SimilarFinder, SimilarQuery
from services.gateway.stages import Ranking
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


def test_an_unknown_likeness_is_refused_by_those_that_are_known() -> None:
    with pytest.raises(InvalidArgument, match="look, taste, bought_together") as caught:
        SimilarQuery(ONE.id, by="zq9")
    assert caught.value.field == "by"


@dataclass
class FakeNeighbours:
    """Knows a fixed list of neighbours."""

    ids: Sequence[str] = ()
    error: Exception | None = None
    asked: list[tuple[str, str, ProductFilter | None, list[str]]] = field(default_factory=list)

    async def neighbours(
        self,
        product_id: str,
        by: str,
        count: int,
        *,
        filter: ProductFilter | None,
        excluded_styles: Sequence[str],
        timeout_s: float,
    ) -> Ranking:
        assert timeout_s > 0
        self.asked.append((product_id, by, filter, list(excluded_styles)))
        if self.error is not None:
            raise self.error
        ids = list(self.ids)[:count]
        scores = [1.0 / (at + 1) for at in range(len(ids))]
        return Ranking(ids, scores, Generation("r-7", 3))


def near(neighbours: FakeNeighbours | None, **options: Any) -> Similar:
    rooms = house()
    finder = SimilarFinder(rooms.pipeline, rooms.documents, neighbours)
    return asyncio.run(finder.find(SimilarQuery(ONE.id, **options)))


@pytest.mark.parametrize("by", ["taste", "bought_together"])
def test_neighbours_come_as_the_ranking_stage_orders_them(by: str) -> None:
    others = [each.id for each in WARES if each.style_id != STYLE]
    stage = FakeNeighbours([VARIANTS[1].id, "p-gone", *others])
    found = near(stage, by=by, page_size=5, filter=CHEAPER)
    assert found.by == by
    assert stage.asked == [(ONE.id, by, CHEAPER, [STYLE])]
    cheap = [each.id for each in WARES if (each.price_minor or 0) < (ONE.price_minor or 0)]
    # What the stage should not have told, of its own style, gone or dear, is left out here too.
    assert names(found) == [name for name in others[:8] if name in cheap][:5]
    assert [hit.rank for hit in found.answer.hits] == list(range(1, len(names(found)) + 1))
    assert found.answer.generations["ranking"] == Generation("r-7", 3)
    assert not found.answer.degraded


def test_neighbours_that_nobody_knows_are_an_empty_list() -> None:
    found = near(FakeNeighbours(), by="bought_together")
    assert (found.by, names(found), found.answer.degraded) == ("bought_together", [], False)


@pytest.mark.parametrize("stage", [None, FakeNeighbours(error=down(Unavailable))])
def test_without_the_ranking_stage_there_are_no_neighbours_and_the_answer_says_so(
    stage: FakeNeighbours | None,
) -> None:
    found = near(stage, by="taste")
    assert (found.by, names(found)) == ("taste", [])
    assert found.answer.degraded_reasons == ["ranking_unavailable"]


def test_a_bug_of_the_neighbours_surfaces() -> None:
    with pytest.raises(ZeroDivisionError):
        near(FakeNeighbours(error=ZeroDivisionError()), by="taste")


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
