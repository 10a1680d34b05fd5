"""Promises of the public gRPC door: the real servicer behind the real guard, over small stages."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import grpc
import httpx
import pytest

from catalog.crop import Crop
from catalog.media import MediaStore
from catalog.wire import product_from_proto
from fashion.catalog.v1 import catalog_pb2
from fashion.search.v1 import search_pb2 as pb
from fashion.search.v1.search_pb2_grpc import (
    SearchServiceStub,
    add_SearchServiceServicer_to_server,
)
from runtime.errors import SetupError, Unavailable
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.gateway.main import IN_FLIGHT_LIMIT, MAX_MESSAGE_MIB
from services.gateway.parts import Photo
from services.gateway.pictures import Pictures
from services.gateway.rest import create_app
from services.gateway.rest_routes import Rooms
from services.gateway.schemas_out import SearchReply
from services.gateway.servicer import NAME, SearchServicer
from services.gateway.settings import require_loopback
from tests.gateway_fakes import FakeImage, FakeRanking, FakeText, House, product

JPEG = b"\xff\xd8\xff\xe0 not a whole photo"
INVALID = grpc.StatusCode.INVALID_ARGUMENT


class Doors:
    """One house with both doors open."""

    def __init__(self, folder: Path) -> None:
        pictures = Pictures(MediaStore(folder))
        self.house = House(
            FakeText(["a", "b", "c"]),
            FakeImage(["c", "b", "d"]),
            FakeRanking({"u-1": {"d": 1.0, "a": 0.2}}),
            media=pictures,
        )
        self.rooms = Rooms(
            self.house.pipeline, self.house.documents, pictures, None, str, Metrics("gateway")
        )
        self.servicer = SearchServicer(self.rooms)
        settings = ServerSettings(in_flight_limit=IN_FLIGHT_LIMIT, max_message_mib=MAX_MESSAGE_MIB)
        self.server = StageServer("gateway", self._register, [NAME], settings, Metrics("gateway"))

    port = 0

    def _register(self, server: grpc.aio.Server) -> None:
        add_SearchServiceServicer_to_server(self.servicer, server)  # type: ignore[no-untyped-call]

    async def rest(self, body: dict[str, object]) -> dict[str, object]:
        transport = httpx.ASGITransport(create_app(self.rooms))
        async with httpx.AsyncClient(transport=transport, base_url="http://hemline") as client:
            reply = await client.post("/v1/search", json=body)
        found: dict[str, object] = json.loads(reply.content)
        return found


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    opened = Doors(tmp_path)
    opened.port = await opened.server.start()
    yield opened
    opened.server.stop()
    await opened.server.serve_until_stopped()


@pytest.fixture
async def stub(doors: Doors) -> AsyncIterator[SearchServiceStub]:
    options = [("grpc.max_send_message_length", 16 << 20)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{doors.port}", options=options) as channel:
        yield SearchServiceStub(channel)  # type: ignore[no-untyped-call]


def refused(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str]:
    """Code and field of an error."""
    trailer = dict(error.trailing_metadata() or ())
    return error.code(), str(trailer.get("hemline-field", ""))


async def test_a_search_answers_as_rest_does(doors: Doors, stub: SearchServiceStub) -> None:
    reply = await stub.Search(
        pb.SearchRequest(
            text="red dress",
            parts=[pb.Part(product_id="b", weight=-0.5)],
            user_id="u-1",
            personalization=0.4,
            explain=True,
            page_size=3,
            fusion=pb.Fusion(k=10, weights={"text": 2.0}),
        )
    )
    same = await doors.rest(
        {
            "text": "red dress",
            "parts": [{"product_id": "b", "weight": -0.5}],
            "user_id": "u-1",
            "personalization": 0.4,
            "explain": True,
            "page_size": 3,
            "fusion": {"k": 10, "weights": {"text": 2.0}},
        }
    )
    hits = same["hits"]
    assert isinstance(hits, list)
    assert [hit.product.product_id for hit in reply.hits] == [hit["product"]["id"] for hit in hits]
    for ours, theirs in zip(reply.hits, hits, strict=True):
        assert ours.score == pytest.approx(theirs["score"])
        assert [(term.name, term.mode) for term in ours.explanation.terms] == [
            (term["name"], term.get("mode", "")) for term in theirs["explanation"]["terms"]
        ]
        assert sum(term.value for term in ours.explanation.terms) == pytest.approx(ours.score)
        assert set(ours.explanation.retrievers) == set(theirs["explanation"]["retrievers"])
    assert dict(reply.coverage) == same["coverage"]
    assert (reply.total.value, reply.total.relation) == (3, "eq")
    assert (reply.release, reply.budget_ms) == ("r-000001", 1000)
    assert reply.generations["text"].seq == 5
    assert set(reply.timings_ms) == {
        "paging", "text", "image", "taste", "ranking", "documents",
    }  # fmt: skip


async def test_filters_facets_and_styles_are_as_rest_says(
    doors: Doors, stub: SearchServiceStub
) -> None:
    dear = catalog_pb2.FieldCondition(field="price_minor", gte=1000, lt=9000)
    stocked = catalog_pb2.FieldCondition(field="in_stock", values=["true"])
    condition = catalog_pb2.ProductFilter(
        all_of=catalog_pb2.ProductFilterList(
            filters=[
                catalog_pb2.ProductFilter(condition=dear),
                catalog_pb2.ProductFilter(condition=stocked),
            ]
        )
    )
    request = pb.SearchRequest(
        text="dress",
        filter=condition,
        facets=["in_stock", "price_minor", "brand"],
        sort="price_desc",
        collapse=True,
        page_size=3,
        explain=True,
        min_seq=5,
        budget_ms=5000,
    )
    for name, style in (("a", "s-1"), ("b", "s-2"), ("c", "s-1"), ("d", "s-4")):
        changed = replace(product(name), style_id=style, price_minor=2000 + ord(name))
        doors.house.products.products[name] = changed
    doors.house.text.products = doors.house.image.products = doors.house.products.products
    reply = await stub.Search(request)
    body: dict[str, object] = {
        "text": "dress",
        "filter": {
            "and": [
                {"field": "price_minor", "gte": 1000, "lt": 9000},
                {"field": "in_stock", "in": [True]},
            ]
        },
        "facets": ["in_stock", "price_minor", "brand"],
        "sort": "price_desc",
        "collapse": True,
        "page_size": 3,
        "explain": True,
        "min_seq": 5,
        "budget_ms": 5000,
    }
    same = SearchReply.model_validate_json(json.dumps(await doors.rest(body)))
    assert [hit.product.product_id for hit in reply.hits] == ["d", "c", "b"]
    assert [hit.product.id for hit in same.hits] == ["d", "c", "b"]
    for ours, theirs in zip(reply.hits, same.hits, strict=True):
        assert theirs.variants is not None
        assert theirs.explanation is not None
        assert [each.product_id for each in ours.variants] == [each.id for each in theirs.variants]
        assert [(move.from_place, move.to_place) for move in ours.explanation.moves] == [
            (move.from_, move.to) for move in theirs.explanation.moves
        ]
    assert [each.product_id for each in reply.hits[1].variants] == ["a"]
    assert list(same.facets) == [facet.field for facet in reply.facets]
    stock, prices, brands = reply.facets
    assert [(each.value, each.count, each.selected) for each in stock.values] == [("true", 3, True)]
    assert same.facets["in_stock"][0].model_dump() == {"value": True, "count": 3, "selected": True}
    assert sum(each.count for each in prices.ranges) >= 3
    assert [(each.value, each.count) for each in brands.values] == [("Nord", 3)]
    assert (reply.total.value, reply.total.relation, reply.next_page_token) == (3, "eq", "")


async def test_pages_follow_each_other_through_either_door(
    doors: Doors, stub: SearchServiceStub
) -> None:
    first = await stub.Search(pb.SearchRequest(text="dress", page_size=2))
    body = {"text": "dress", "page_size": 2, "page_token": first.next_page_token}
    second = SearchReply.model_validate_json(json.dumps(await doors.rest(dict(body))))
    assert [hit.product.product_id for hit in first.hits] == ["c", "b"]
    assert [hit.product.id for hit in second.hits] == ["a", "d"]
    assert second.next_page_token is None
    doors.house.now += 601
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(
            pb.SearchRequest(text="dress", page_size=2, page_token=first.next_page_token)
        )
    assert refused(caught.value) == (grpc.StatusCode.FAILED_PRECONDITION, "page_token")
    assert (await doors.rest(dict(body)))["status"] == 410


async def test_similar_products_come_over_grpc(doors: Doors, stub: SearchServiceStub) -> None:
    request = pb.ListSimilarProductsRequest(product_id="b", page_size=2)
    reply = await stub.ListSimilarProducts(request)
    assert [hit.product.product_id for hit in reply.hits] == ["c", "d"]
    assert (reply.by, reply.degraded) == ("look", False)
    assert reply.request_id
    for wrong, code, field in (
        ({"product_id": "zq9"}, grpc.StatusCode.NOT_FOUND, "product_id"),
        ({"product_id": ""}, INVALID, "product_id"),
        ({"product_id": "b", "by": "zq9"}, INVALID, "by"),
        ({"product_id": "b", "page_size": 101}, INVALID, "page_size"),
        ({"product_id": "b", "page_size": -1}, INVALID, "page_size"),
        ({"product_id": "b", "filter": catalog_pb2.ProductFilter()}, INVALID, "filter"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListSimilarProducts(pb.ListSimilarProductsRequest(**wrong))
        assert refused(caught.value) == (code, field)


async def test_products_are_whole(stub: SearchServiceStub) -> None:
    reply = await stub.GetProduct(pb.GetProductRequest(product_id="a"))
    assert product_from_proto(reply.product) == product("a")
    assert reply.product.in_stock
    batch = await stub.BatchGetProducts(pb.BatchGetProductsRequest(ids=["c", "x", "a", "c"]))
    assert [each.product_id for each in batch.products] == ["c", "a"]
    assert list(batch.missing) == ["x"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetProduct(pb.GetProductRequest(product_id="x"))
    assert refused(caught.value) == (grpc.StatusCode.NOT_FOUND, "product_id")


async def test_a_changed_product_is_shown_as_it_is_now(
    doors: Doors, stub: SearchServiceStub
) -> None:
    await stub.Search(pb.SearchRequest(text="dress"))
    doors.house.products.products["c"] = replace(product("c"), title="New")
    doors.house.products.token += 1
    reply = await stub.Search(pb.SearchRequest(text="dress"))
    assert reply.hits[0].product.title == "New"


async def test_photos_go_in_and_out(doors: Doors, stub: SearchServiceStub) -> None:
    sha256 = (await stub.UploadImage(pb.UploadImageRequest(photo=JPEG))).sha256
    found = await stub.GetImage(pb.GetImageRequest(sha256=sha256))
    assert (found.photo, found.media_type) == (JPEG, "image/jpeg")
    crop = pb.Crop(x=0.25, y=0, width=0.5, height=1)
    for source in ({"photo": JPEG}, {"image_sha256": sha256}):
        part = pb.Part(crop=crop, weight=0.5, **source)
        reply = await stub.Search(pb.SearchRequest(parts=[part]))
        assert (len(reply.hits), reply.budget_ms) == (3, 2000)
    [parts] = doors.house.image.encoded  # the second time it was known by its hash
    assert parts[0].source == Photo(JPEG)
    assert parts[0].crop == Crop(0.25, 0, 0.5, 1)


async def test_a_photo_of_ten_megabytes_fits(doors: Doors, stub: SearchServiceStub) -> None:
    photo = JPEG + bytes((10 << 20) - len(JPEG))
    await stub.Search(pb.SearchRequest(parts=[pb.Part(photo=photo)]))
    assert len((await stub.UploadImage(pb.UploadImageRequest(photo=photo))).sha256) == 64


def _part(**fields: object) -> pb.SearchRequest:
    return pb.SearchRequest(parts=[pb.Part(**fields)])  # type: ignore[arg-type]


def _filter(**node: object) -> pb.SearchRequest:
    return pb.SearchRequest(filter=catalog_pb2.ProductFilter(**node))  # type: ignore[arg-type]


_FLAT = pb.Crop(x=0, y=0, width=0, height=1)
_OUT = pb.Crop(x=0.9, y=0, width=0.5, height=1)
BAD = {
    "white space": (pb.SearchRequest(text=" \t"), "text"),
    "a long text": (pb.SearchRequest(text="a" * 513), "text"),
    "too many parts": (pb.SearchRequest(parts=[pb.Part(text="a")] * 16), "parts"),
    "an empty part": (_part(), "parts[0]"),
    "an empty text": (_part(text=""), "parts[0]"),
    "an empty photo": (_part(photo=b""), "parts[0]"),
    "a weight that is no number": (_part(text="a", weight=float("nan")), "parts[0].weight"),
    "an endless weight": (_part(text="a", weight=float("inf")), "parts[0].weight"),
    "a weight of zero": (_part(text="a", weight=0), "parts[0].weight"),
    "a crop of words": (_part(text="a", crop=_FLAT), "parts[0].crop"),
    "a crop without area": (_part(photo=b"x", crop=_FLAT), "parts[0].crop"),
    "a crop outside": (_part(photo=b"x", crop=_OUT), "parts[0].crop"),
    "a crop of no number": (
        _part(photo=b"x", crop=pb.Crop(x=float("nan"), width=1, height=1)), "parts[0].crop",
    ),
    "no hash": (_part(image_sha256="zz"), "parts[0]"),
    "a long id": (_part(product_id="p" * 129), "parts[0].product_id"),
    "negative hits": (pb.SearchRequest(text="a", page_size=-1), "page_size"),
    "too many hits": (pb.SearchRequest(text="a", page_size=101), "page_size"),
    "no share": (pb.SearchRequest(text="a", personalization=float("nan")), "personalization"),
    "an unknown blend": (pb.SearchRequest(text="a", blend="zq9"), "blend"),
    "an unknown retriever": (pb.SearchRequest(text="a", retrievers=["zq9"]), "retrievers"),
    "an unknown method": (
        pb.SearchRequest(text="a", fusion=pb.Fusion(method="zq9")), "fusion.method",
    ),
    "a weight of no retriever": (
        pb.SearchRequest(text="a", fusion=pb.Fusion(weights={"zq9": 1})), "fusion.weights",
    ),
    "an endless weight of a retriever": (
        pb.SearchRequest(text="a", fusion=pb.Fusion(weights={"text": float("inf")})),
        "fusion.weights.text",
    ),
    "a long budget": (pb.SearchRequest(text="a", budget_ms=5001), "budget_ms"),
    "a line break in an id": (pb.SearchRequest(text="a", user_id="zq9\n"), "user_id"),
    "an unknown order": (pb.SearchRequest(sort="zq9"), "sort"),
    "an unknown facet": (pb.SearchRequest(facets=["zq9"]), "facets[0]"),
    "a negative change": (pb.SearchRequest(min_seq=-1), "min_seq"),
    "no token": (pb.SearchRequest(page_token="zq9"), "page_token"),
    "a token of other letters": (pb.SearchRequest(page_token="zq9-ü"), "page_token"),
    "an empty filter": (pb.SearchRequest(filter=catalog_pb2.ProductFilter()), "filter"),
    "an empty member": (
        _filter(all_of=catalog_pb2.ProductFilterList(filters=[catalog_pb2.ProductFilter()])),
        "filter.and[0]",
    ),
    "nothing to join": (_filter(any_of=catalog_pb2.ProductFilterList()), "filter.or"),
    "an unknown field": (
        _filter(condition=catalog_pb2.FieldCondition(field="zq9", values=["a"])), "filter.field",
    ),
    "a range of words": (
        _filter(condition=catalog_pb2.FieldCondition(field="brand", gte=5)), "filter",
    ),
    "words as truth": (
        _filter(condition=catalog_pb2.FieldCondition(field="in_stock", values=["zq9"])),
        "filter.in[0]",
    ),
    "a long session": (
        pb.SearchRequest(text="a", session_product_ids=["p"] * 101), "session_product_ids",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_bad_requests_are_refused_by_field(
    doors: Doors, stub: SearchServiceStub, name: str
) -> None:
    request, field = BAD[name]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(request)
    assert refused(caught.value) == (INVALID, field)
    assert "zq9" not in (caught.value.details() or "")
    assert doors.house.text.asked == []


async def test_a_range_is_told_in_whole_numbers(stub: SearchServiceStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(pb.SearchRequest(text="a", min_seq=-1))
    assert f"must be 0 to {2**63 - 1}" in (caught.value.details() or "")


async def test_losing_a_stage_is_told_in_a_good_answer(
    doors: Doors, stub: SearchServiceStub
) -> None:
    doors.house.image.error = Unavailable("gone")
    reply = await stub.Search(pb.SearchRequest(text="dress"))
    assert (reply.degraded, list(reply.degraded_reasons)) == (True, ["image_unavailable"])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(pb.SearchRequest(text="dress", allow_partial=False))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    trailer = dict(caught.value.trailing_metadata() or ())
    assert trailer["hemline-retry-after-s"] == "1"


async def test_a_bug_is_told_without_its_text(doors: Doors, stub: SearchServiceStub) -> None:
    doors.house.text.error = ZeroDivisionError("zq9")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(pb.SearchRequest(text="dress"))
    assert (caught.value.code(), caught.value.details()) == (
        grpc.StatusCode.INTERNAL, "internal error",
    )  # fmt: skip


async def test_a_search_takes_no_longer_than_its_caller_waits(
    doors: Doors, stub: SearchServiceStub
) -> None:
    reply = await stub.Search(pb.SearchRequest(text="dress"), timeout=0.9)
    assert reply.budget_ms <= 900
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Search(pb.SearchRequest(text="dress"), timeout=0.04)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(doors.house.text.asked) == 1


async def test_a_caller_who_leaves_leaves_nothing_behind(
    doors: Doors, stub: SearchServiceStub
) -> None:
    doors.house.text.hangs = doors.house.image.hangs = True
    before = len(asyncio.all_tasks())
    call = stub.Search(pb.SearchRequest(text="dress"))
    waiting = asyncio.ensure_future(call)
    await doors.house.text.was_asked.wait()
    call.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    doors.house.text.hangs = doors.house.image.hangs = False
    await stub.Search(pb.SearchRequest(text="dress"))
    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110  # the server ends them
            await asyncio.sleep(0.01)


async def test_the_request_id_comes_back(stub: SearchServiceStub) -> None:
    call = stub.Search(pb.SearchRequest(text="dress"), metadata=(("x-request-id", "abc-1"),))
    assert (await call).request_id == "abc-1"
    assert ("x-request-id", "abc-1") in list(await call.trailing_metadata())


@pytest.mark.parametrize(
    "address", ["0.0.0.0:80", "[::]:80", "10.0.0.7:80", "example.org:80", "[2001:db8::1]:80"]
)
def test_nobody_else_is_served_without_keys(address: str) -> None:
    with pytest.raises(SetupError, match=r"bind 127\.0\.0\.1"):
        require_loopback("HEMLINE_HTTP_ADDRESS", address)


@pytest.mark.parametrize("address", ["127.0.0.1:80", "localhost:0", "[::1]:80", "127.1.2.3:80"])
def test_this_machine_is_served(address: str) -> None:
    require_loopback("HEMLINE_HTTP_ADDRESS", address)
