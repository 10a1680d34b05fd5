"""Promises of the REST door: the real application, over small stages."""

import asyncio
import hashlib
import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.interaction import Interaction
from catalog.media import MediaStore
from catalog.product import Product
from runtime.errors import Internal, Overloaded, Unavailable
from runtime.metrics import Metrics
from services.gateway.main_observed import ObservedSearch
from services.gateway.parts import Photo, Words
from services.gateway.pictures import Pictures
from services.gateway.rest import create_app
from services.gateway.rest_routes import Rooms
from services.gateway.schemas_out import (
    BatchGetReply,
    ProblemReply,
    ProductReply,
    SearchReply,
    ShoppersReply,
)
from services.gateway.shoppers import DemoShoppers
from tests.gateway_fakes import FakeImage, FakeProducts, FakeRanking, FakeText, House, product

JPEG = b"\xff\xd8\xff\xe0 not a whole photo"
MARK = "zq9secret"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CALM = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Door:
    """The application over a small house, and a client of it."""

    def __init__(
        self, folder: Path, *, shoppers: DemoShoppers | None = None, body_timeout_s: float = 10
    ) -> None:
        pictures = Pictures(MediaStore(folder / "media"))
        self.house = House(
            FakeText(["a", "b", "c"]),
            FakeImage(["c", "b", "d"]),
            FakeRanking({"u-1": {"d": 1.0, "a": 0.2}}),
            media=pictures,
        )
        self.reason = ""
        metrics = Metrics("gateway")
        rooms = Rooms(
            searching=ObservedSearch(self.house.pipeline, metrics),
            documents=self.house.documents,
            pictures=pictures,
            shoppers=shoppers,
            why_not_ready=lambda: self.reason,
            metrics=metrics,
        )
        app = create_app(
            rooms, web=folder / "web", in_flight_limit=2, body_timeout_s=body_timeout_s
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hemline")

    async def search(self, **body: object) -> SearchReply:
        reply = await self.client.post("/v1/search", json=body)
        assert reply.status_code == 200, reply.text
        return SearchReply.model_validate_json(reply.content)

    async def refused(self, raw: bytes, *, path: str = "/v1/search") -> ProblemReply:
        return problem(await self.client.post(path, content=raw), 400)


def form(body: object, **photos: bytes) -> list[tuple[str, tuple[str | None, bytes]]]:
    """A multipart body of a request and photos."""
    request: tuple[str, tuple[str | None, bytes]] = "request", (None, json.dumps(body).encode())
    return [request, *((name, ("photo.jpg", data)) for name, data in photos.items())]


def problem(reply: httpx.Response, status: int) -> ProblemReply:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    told = ProblemReply.model_validate_json(reply.content)
    assert told.status == status
    assert told.request_id == reply.headers["x-request-id"]
    assert MARK not in reply.text
    return told


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("<!doctype html><title>Hemline</title>")
    (tmp_path / "web" / "page.js").write_text("'use strict';")
    opened = Door(tmp_path)
    async with opened.client:
        yield opened


async def test_a_search_answers_in_the_documented_shape(door: Door) -> None:
    reply = await door.search(text="red dress", user_id="u-1", explain=True)
    assert [hit.product.id for hit in reply.hits] == ["c", "b", "d", "a"]
    assert reply.release == "r-000001"
    assert reply.budget_ms == 1000
    for hit in reply.hits:
        assert hit.explanation is not None
        assert sum(term.value for term in hit.explanation.terms) == pytest.approx(hit.score)


async def test_a_product_has_the_documented_fields(door: Door) -> None:
    reply = await door.client.get("/v1/products/a")
    found = ProductReply.model_validate_json(reply.content)
    assert (found.id, found.price_minor, found.in_stock) == ("a", 4999, True)
    assert found.image_url == f"/v1/images/{'ab' * 32}"
    assert problem(await door.client.get("/v1/products/none"), 404).field == "product_id"


async def test_products_come_in_the_order_asked_for(door: Door) -> None:
    reply = await door.client.post("/v1/products:batchGet", json={"ids": ["b", "x", "a", "b"]})
    found = BatchGetReply.model_validate_json(reply.content)
    assert ([each.id for each in found.products], found.missing) == (["b", "a"], ["x"])


async def test_a_changed_product_is_shown_as_it_is_now(door: Door) -> None:
    await door.search(text="dress")
    door.house.products.products["c"] = replace(product("c"), title="New")
    door.house.products.token += 1
    assert (await door.search(text="dress")).hits[0].product.title == "New"


BAD_BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "body"),
    "not JSON": (b"zq9secret", "body"),
    "an array": (b"[]", "body"),
    "null": (b"null", "body"),
    "a string": (b'"zq9secret"', "body"),
    "cut off": (b'{"text": "zq9secret', "body"),
    "two values": (b'{"text":"a"} {"text":"zq9secret"}', "body"),
    "bytes that are no UTF-8": (b'{"text": "\xff\xfezq9secret"}', "body"),
    "overlong UTF-8": (b'{"text": "\xc0\xafzq9secret"}', "body"),
    "UTF-16": ('{"text": "zq9secret"}'.encode("utf-16"), "body"),
    "a lone surrogate": (b'{"text": "zq9secret\\ud800"}', "body"),
    "a lone low surrogate": (b'{"user_id": "\\udc00zq9secret", "text": "a"}', "body"),
    "NaN": (b'{"text": "a", "personalization": NaN}', "personalization"),
    "infinity": (b'{"text": "a", "personalization": Infinity}', "personalization"),
    "1e400": (b'{"text": "a", "personalization": 1e400}', "personalization"),
    "1e400 as a weight": (b'{"parts": [{"text": "a", "weight": 1e400}]}', "parts[0].weight"),
    "1e400 as a number of hits": (b'{"text": "a", "page_size": 1e400}', "page_size"),
    "a huge number": (b'{"text": "a", "page_size": ' + b"9" * 4000 + b"}", "page_size"),
    "deep nesting": (b'{"parts": ' + b"[" * 20000 + b"]" * 20000 + b"}", "body"),
    "deep objects": (b'{"a":' * 5000 + b"1" + b"}" * 5000, "body"),
    "an unknown field": (b'{"text": "a", "surprise": 1}', "surprise"),
    "an unknown field with an odd name": (b'{"text": "a", "zq9secret<b>": 1}', "body"),
    "an unknown field with capitals": (b'{"text": "a", "pageSize": 1}', "pageSize"),
    "an unknown field below": (b'{"parts": [{"text": "a", "huh": 1}]}', "parts[0].huh"),
    "a field of a later version": (b'{"text": "a", "pins": 0.5}', "pins"),
    "an unknown facet": (b'{"facets": ["brand", "zq9secret"]}', "facets[1]"),
    "a facet twice": (b'{"facets": ["brand", "brand"]}', "facets[1]"),
    "a facet that is a number": (b'{"facets": [5]}', "facets[0]"),
    "too many facets": (
        b'{"facets": [' + b",".join(b'"attributes.a%d"' % n for n in range(21)) + b"]}", "facets",
    ),
    "an unknown order": (b'{"sort": "zq9secret"}', "sort"),
    "a negative change": (b'{"min_seq": -1}', "min_seq"),
    "a change beyond the clock": (b'{"min_seq": 9223372036854775808}', "min_seq"),
    "a collapse of one": (b'{"collapse": 1}', "collapse"),
    "no token": (b'{"page_token": "zq9secret"}', "page_token"),
    "a token with a line break": (b'{"page_token": "zq9secret\\n"}', "page_token"),
    "a long token": (b'{"page_token": "' + b"A" * 4000 + b'"}', "page_token"),
    "a token that is a number": (b'{"page_token": 5}', "page_token"),
    "an empty filter": (b'{"filter": {}}', "filter"),
    "a filter that is a list": (b'{"filter": []}', "filter"),
    "a filter of words": (b'{"filter": "brand:zq9secret"}', "filter"),
    "an unknown key": (b'{"filter": {"nor": []}}', "filter.nor"),
    "and with or": (
        b'{"filter": {"and": [{"field":"kind","in":["A"]}], "or": [{"field":"kind","in":["A"]}]}}',
        "filter",
    ),
    "and with a field": (
        b'{"filter": {"and": [{"field":"brand","in":["A"]}], "field": "brand", "in": ["A"]}}',
        "filter",
    ),
    "and with values": (
        b'{"filter": {"and": [{"field":"brand","in":["A"]}], "in": ["zq9secret"]}}', "filter",
    ),
    "nothing to join": (b'{"filter": {"and": []}}', "filter.and"),
    "an empty node below": (
        b'{"filter": {"and": [{"field":"brand","in":["A"]}, {}]}}', "filter.and[1]",
    ),
    "values without a field": (b'{"filter": {"in": ["zq9secret"]}}', "filter"),
    "an unknown field of a filter": (
        b'{"filter": {"or": [{"field": "zq9secret", "in": ["A"]}]}}', "filter.or[0].field",
    ),
    "an attribute without a name": (
        b'{"filter": {"field": "attributes.", "in": ["A"]}}', "filter.field",
    ),
    "a field without a condition": (b'{"filter": {"field": "brand"}}', "filter.in"),
    "a field of no value": (b'{"filter": {"field": "brand", "in": []}}', "filter.in"),
    "an empty value": (b'{"filter": {"field": "brand", "in": [""]}}', "filter.in[0]"),
    "too many values": (
        b'{"filter": {"field": "brand", "in": [' + b'"a",' * 1000 + b'"a"]}}', "filter.in",
    ),
    "a number as a brand": (
        b'{"filter": {"not": {"field": "brand", "in": ["a", 5]}}}', "filter.not.in[1]",
    ),
    "a fraction as a value": (
        b'{"filter": {"field": "price_minor", "in": [5.5]}}', "filter.in[0]",
    ),
    "an object as a value": (b'{"filter": {"field": "brand", "in": [{}]}}', "filter.in[0]"),
    "text as truth": (b'{"filter": {"field": "in_stock", "in": ["true"]}}', "filter.in[0]"),
    "one as truth": (b'{"filter": {"field": "has_photo", "in": [1]}}', "filter.in[0]"),
    "truth as a brand": (b'{"filter": {"field": "brand", "in": [true]}}', "filter.in[0]"),
    "text as a price": (
        b'{"filter": {"field": "price_minor", "in": ["zq9secret"]}}', "filter.in[0]",
    ),
    "truth as a price": (b'{"filter": {"field": "price_minor", "in": [true]}}', "filter.in[0]"),
    "a negative price": (b'{"filter": {"field": "price_minor", "in": [-1]}}', "filter.in[0]"),
    "a range of words": (b'{"filter": {"field": "brand", "gte": 5}}', "filter"),
    "a range with values": (
        b'{"filter": {"field": "price_minor", "gte": 5, "in": [6]}}', "filter",
    ),
    "NaN as a bound": (b'{"filter": {"field": "price_minor", "gte": NaN}}', "filter.gte"),
    "infinity as a bound": (
        b'{"filter": {"and": [{"field": "price_minor", "lt": Infinity}]}}', "filter.and[0].lt",
    ),
    "a fraction as a bound": (b'{"filter": {"field": "price_minor", "lt": 5.5}}', "filter.lt"),
    "text as a bound": (b'{"filter": {"field": "price_minor", "lte": "5"}}', "filter.lte"),
    "truth as a bound": (b'{"filter": {"field": "price_minor", "gt": true}}', "filter.gt"),
    "a bound beyond 64 bits": (
        b'{"filter": {"field": "price_minor", "gt": 9223372036854775808}}', "filter.gt",
    ),
    "a filter nested too deep": (
        b'{"filter": ' + b'{"not": ' * 8 + b'{"field":"brand","in":["A"]}' + b"}" * 9,
        "filter" + ".not" * 8,
    ),
    "a filter nested without end": (
        b'{"filter": ' + b'{"not": ' * 5000 + b"1" + b"}" * 5001, "body",
    ),
    "too many conditions": (
        b'{"filter": {"and": [' + b",".join(
            [b'{"or": [' + b",".join([b'{"field":"brand","in":["A"]}'] * 11) + b"]}"] * 2
        ) + b"]}}",
        "filter",
    ),
    "too many members": (
        b'{"filter": {"or": [' + b",".join([b'{"field":"brand","in":["A"]}'] * 21) + b"]}}",
        "filter.or",
    ),
    "white space": (b'{"text": " \\u0000\\t "}', "text"),
    "a long text": (b'{"text": "' + b"zq9secret" * 60 + b'"}', "text"),
    "a number as text": (b'{"text": 5}', "text"),
    "text as a number": (b'{"text": "a", "page_size": "5"}', "page_size"),
    "a fraction of a hit": (b'{"text": "a", "page_size": 1.5}', "page_size"),
    "true as a number": (b'{"text": "a", "page_size": true}', "page_size"),
    "one as true": (b'{"text": "a", "explain": 1}', "explain"),
    "no hits": (b'{"text": "a", "page_size": 0}', "page_size"),
    "too many hits": (b'{"text": "a", "page_size": 101}', "page_size"),
    "too much taste": (b'{"text": "a", "personalization": 1.01}', "personalization"),
    "an unknown retriever": (b'{"text": "a", "retrievers": ["zq9secret"]}', "retrievers[0]"),
    "an unknown blend": (b'{"text": "a", "blend": "zq9secret"}', "blend"),
    "an unknown fusion": (b'{"text": "a", "fusion": {"method": "zq9secret"}}', "fusion.method"),
    "no rank constant": (b'{"text": "a", "fusion": {"k": 0}}', "fusion.k"),
    "a negative weight of a retriever": (
        b'{"text": "a", "fusion": {"weights": {"text": -1}}}', "fusion.weights.text",
    ),
    "no retriever of weight": (
        b'{"text": "a", "fusion": {"weights": {"text": 0, "image": 0}}}', "fusion.weights",
    ),
    "no weight for the one retriever asked for": (
        b'{"text": "a", "retrievers": ["text"], "fusion": {"weights": {"text": 0}}}',
        "fusion.weights",
    ),
    "a retriever that cannot answer": (
        b'{"parts": [{"product_id": "p-1"}], "retrievers": ["text"]}', "retrievers",
    ),
    "a field twice": (b'{"text": "a", "text": "a"}', "text"),
    "a field of a part twice": (
        b'{"parts": [{"text": "a"}, {"text": "b", "weight": 1, "weight": 2}]}', "parts[1].weight",
    ),
    "a condition of a filter twice": (
        b'{"filter": {"and": [{"field": "brand", "in": ["a"], "in": ["b"]}]}}', "filter.and[0].in",
    ),
    "a short budget": (b'{"text": "a", "budget_ms": 49}', "budget_ms"),
    "a long budget": (b'{"text": "a", "budget_ms": 5001}', "budget_ms"),
    "a long id": (b'{"text": "a", "user_id": "' + b"u" * 129 + b'"}', "user_id"),
    "an id with a line break": (b'{"text": "a", "user_id": "zq9secret\\n"}', "user_id"),
    "a long session": (
        b'{"text": "a", "session_product_ids": [' + b'"p",' * 100 + b'"p"]}', "session_product_ids",
    ),
    "an empty id": (b'{"text": "a", "session_product_ids": [""]}', "session_product_ids[0]"),
    "an empty part": (b'{"parts": [{}]}', "parts[0]"),
    "a part of two kinds": (b'{"parts": [{"text": "a", "product_id": "p"}]}', "parts[0]"),
    "a weight of zero": (b'{"parts": [{"text": "a", "weight": 0}]}', "parts[0].weight"),
    "only negative parts": (b'{"parts": [{"text": "a", "weight": -1}]}', "parts"),
    "too many parts": (b'{"parts": [' + b'{"text":"a"},' * 15 + b'{"text":"a"}]}', "parts"),
    "a crop of words": (
        b'{"parts":[{"text":"a","crop":{"x":0,"y":0,"width":1,"height":1}}]}', "parts[0].crop",
    ),
    "a crop without area": (
        b'{"parts":[{"product_id":"a","crop":{"x":0,"y":0,"width":0,"height":1}}]}',
        "parts[0].crop.width",
    ),
    "a crop outside": (
        b'{"parts":[{"image":{"base64":"/9j/"},"crop":{"x":0.9,"y":0,"width":0.2,"height":1}}]}',
        "parts[0].crop",
    ),
    "half a crop": (
        b'{"parts":[{"image":{"base64":"/9j/"},"crop":{"x":0.9}}]}', "parts[0].crop.y",
    ),
    "a photo from nowhere": (b'{"parts": [{"image": {}}]}', "parts[0].image"),
    "a photo by address": (
        b'{"parts": [{"image": {"url": "http://zq9secret/"}}]}', "parts[0].image.url",
    ),
    "an upload that did not come": (
        b'{"parts": [{"image": {"upload": "zq9secret"}}]}', "parts[0].image.upload",
    ),
    "no hash": (b'{"parts": [{"image": {"sha256": "../zq9secret"}}]}', "parts[0]"),
    "an unknown hash": (
        b'{"parts": [{"image": {"sha256": "' + b"0" * 64 + b'"}}]}', "parts[0]",
    ),
    "no base64": (b'{"parts": [{"image": {"base64": "zq9secret!"}}]}', "parts[0].image.base64"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_bad_bodies_are_refused_by_field_without_an_echo(door: Door, name: str) -> None:
    raw, field = BAD_BODIES[name]
    told = await door.refused(raw)
    assert told.code == "invalid_argument"
    assert (told.field or "") == field
    assert door.house.text.asked == []


@pytest.mark.parametrize("name", ["nothing", "NaN", "a lone surrogate", "deep nesting", "null"])
async def test_bad_bodies_are_refused_by_other_routes_too(door: Door, name: str) -> None:
    await door.refused(BAD_BODIES[name][0], path="/v1/products:batchGet")


@CALM
@given(raw=st.binary(max_size=200))
async def test_no_bytes_are_an_internal_error(door: Door, raw: bytes) -> None:
    reply = await door.client.post("/v1/search", content=raw)
    assert reply.status_code in (200, 400)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "parts", "weight", "image", "crop", "k"]), inner)
    ),
    max_leaves=8,
)


@CALM
@given(body=st.dictionaries(st.sampled_from(["text", "parts", "fusion", "page_size"]), _json))
async def test_no_json_is_an_internal_error(door: Door, body: dict[str, object]) -> None:
    raw = json.dumps(body).encode("utf-8", "replace")
    reply = await door.client.post("/v1/search", content=raw)
    assert reply.status_code in (200, 400)


@pytest.mark.parametrize(
    "text",
    ["(" * 512, "a:(^", '"' * 511, "[a TO zzz]", "😀", "\u202ered", "a\x00b", "٣", "über–kleid"],
)
async def test_odd_words_are_only_words(door: Door, text: str) -> None:
    assert len((await door.search(text=text)).hits) == 4


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (b'{"filter": {"field": "colour", "in": []}}', "the least number of entries is 1"),
        (b'{"filter": {"and": []}}', "the least number of entries is 1"),
        (b'{"filter": {"field": "colour"}}', "this field needs 1 to 1000 values"),
        (b'{"text": 5}', "must be text"),
        (b'{"text": "a", "page_size": "5"}', "must be a whole number"),
        (b'{"text": "a", "explain": 1}', "must be true or false"),
        (b'{"facets": {}}', "must be a list"),
        (b'{"text": "a", "min_seq": -1}', "must be 0 or more"),
    ],
)
async def test_a_refusal_is_in_plain_words(door: Door, raw: bytes, detail: str) -> None:
    assert (await door.refused(raw)).detail == detail


async def test_a_long_json_body_is_too_large(door: Door) -> None:
    padding = b'{"text": "a"}' + b" " * (64 << 10)
    assert problem(await door.client.post("/v1/search", content=padding), 413).field == "body"


async def test_a_long_body_without_a_length_is_too_large(door: Door) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in itertools.count():
            yield b" " * 65536

    reply = await door.client.post("/v1/images", content=endless())
    assert problem(reply, 413).code == "out_of_range"
    assert reply.headers["connection"] == "close"


async def test_a_body_that_does_not_come_is_given_up(tmp_path: Path) -> None:
    door = Door(tmp_path, body_timeout_s=0.01)

    async def stalled() -> AsyncIterator[bytes]:
        yield b'{"text": '
        await asyncio.Event().wait()

    reply = await door.client.post("/v1/search", content=stalled())
    assert problem(reply, 408).code == "deadline_exceeded"
    assert reply.headers["connection"] == "close"


async def test_words_and_photos_come_in_one_form(door: Door) -> None:
    body = {"text": "red", "parts": [{"image": {"upload": "mine"}, "weight": 0.7}]}
    files = form(body, mine=JPEG)
    reply = await door.client.post("/v1/search", files=files)
    assert reply.status_code == 200, reply.text
    encoded = {part.source for parts in door.house.image.encoded for part in parts}
    assert encoded >= {Words("red"), Photo(JPEG)}
    assert SearchReply.model_validate_json(reply.content).budget_ms == 2000


async def test_a_form_keeps_every_byte_of_a_photo(door: Door) -> None:
    photo = JPEG + bytes(range(256)) * 9000 + b"\r\n--not the boundary\r\n"
    body = {"parts": [{"image": {"upload": "p"}}]}
    files = form(body, p=photo)
    reply = await door.client.post("/v1/search", files=files)
    assert reply.status_code == 200, reply.text
    assert door.house.image.encoded[0][0].source == Photo(photo)


FORM = "multipart/form-data; boundary=b"
BAD_FORMS = {
    "no boundary": ("multipart/form-data", b"zq9secret"),
    "an empty body": (FORM, b""),
    "no form": (FORM, b"zq9secret"),
    "a form that ends too early": (
        FORM, b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\n{"text": "zq9secret"}',
    ),
    "a part without a name": (FORM, b"--b\r\nX: zq9secret\r\n\r\nzq9secret\r\n--b--\r\n"),
    "the same name twice": (
        FORM,
        b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\n{"text":"a"}\r\n' * 2
        + b"--b--\r\n",
    ),
    "a thousand parts": (
        FORM,
        b"".join(
            b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nzq9secret\r\n' % place
            for place in range(1000)
        )
        + b"--b--\r\n",
    ),
    "a request that is no JSON": (
        FORM,
        b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\nzq9secret\r\n--b--\r\n',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FORMS)
async def test_bad_forms_are_refused(door: Door, name: str) -> None:
    kind, raw = BAD_FORMS[name]
    reply = await door.client.post("/v1/search", content=raw, headers={"content-type": kind})
    assert problem(reply, 400).field == "body"


async def test_a_photo_is_kept_once_and_given_back_for_ever(door: Door) -> None:
    for _ in range(2):
        reply = await door.client.post("/v1/images", content=JPEG)
        assert reply.json() == {"sha256": hashlib.sha256(JPEG).hexdigest()}
    sha256 = reply.json()["sha256"]
    found = await door.client.get(f"/v1/images/{sha256}")
    assert found.content == JPEG
    assert found.headers["content-type"] == "image/jpeg"
    assert "immutable" in found.headers["cache-control"]
    again = await door.client.get(
        f"/v1/images/{sha256}", headers={"if-none-match": found.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    small = await door.client.get(f"/v1/images/{sha256}?width=256")
    assert small.content == JPEG
    assert "immutable" not in small.headers["cache-control"]
    searched = await door.search(parts=[{"image": {"sha256": sha256}}])
    assert len(searched.hits) == 3
    assert door.house.image.encoded[0][0].source == Photo(JPEG)


async def test_what_is_no_photo_is_refused(door: Door) -> None:
    told = await door.refused(b"MZ zq9secret", path="/v1/images")
    assert told.field == "photo"
    assert problem(await door.client.get("/v1/images/" + "0" * 64), 404).field == "sha256"
    assert problem(await door.client.get("/v1/images/..%2f..%2fetc"), 404)
    for width in ("0", "255", "x", "-1", "1e3", "9" * 50):
        reply = await door.client.get(f"/v1/images/{'0' * 64}?width={width}")
        assert problem(reply, 400).field == "width"


async def test_a_lost_retriever_is_told_in_a_good_answer(door: Door) -> None:
    door.house.text.error = Unavailable("gone")
    reply = await door.search(text="dress")
    assert reply.degraded
    assert reply.degraded_reasons == ["text_unavailable"]
    assert reply.coverage["text"] == "error"


async def test_no_retriever_is_unavailable_with_a_time_to_come_back(door: Door) -> None:
    door.house.text.error = door.house.image.error = Unavailable(MARK)
    reply = await door.client.post("/v1/search", json={"text": "dress"})
    assert problem(reply, 503).code == "unavailable"
    assert int(reply.headers["retry-after"]) >= 1


async def test_nothing_in_time_is_a_missed_deadline(door: Door) -> None:
    door.house.text.hangs = door.house.image.hangs = True
    reply = await door.client.post(
        "/v1/search", json={"text": "dress"}, headers={"X-Timeout-Ms": "50"}
    )
    assert problem(reply, 504).code == "deadline_exceeded"


async def test_the_smaller_of_budget_and_header_holds(door: Door) -> None:
    for told, budget in ((200, 200), (900, 500)):
        reply = await door.client.post(
            "/v1/search",
            json={"text": "a", "budget_ms": 500},
            headers={"X-Timeout-Ms": str(told)},
        )
        assert reply.json()["budget_ms"] == budget
    for odd in ("49", "5001", "x", "", "\u0663", "1" * 30):
        reply = await door.client.post(
            "/v1/search", json={"text": "a"}, headers=[(b"x-timeout-ms", odd.encode())]
        )
        assert problem(reply, 400).field == "x-timeout-ms"


@pytest.mark.parametrize("error", [ZeroDivisionError(MARK), Internal(MARK)])
async def test_a_bug_is_told_without_its_text(door: Door, error: Exception) -> None:
    door.house.products.error = error
    reply = await door.client.post("/v1/search", json={"text": "dress"})
    told = problem(reply, 500)
    assert (told.code, told.detail) == ("internal", "internal error")


async def test_requests_over_the_limit_are_turned_away_at_once(door: Door) -> None:
    door.house.text.hangs = door.house.image.hangs = True
    searches = [
        asyncio.create_task(door.client.post("/v1/search", json={"text": "dress"}))
        for _ in range(2)
    ]
    while len(door.house.text.asked) < 2:  # noqa: ASYNC110  # two searches, one event
        await asyncio.sleep(0)
    reply = await door.client.post("/v1/search", json={"text": "dress"})
    assert problem(reply, 503).code == "unavailable"
    assert reply.headers["retry-after"] == "1"
    assert (await door.client.get("/livez")).status_code == 200
    for search in searches:
        search.cancel()
    await asyncio.gather(*searches, return_exceptions=True)
    door.house.text.hangs = door.house.image.hangs = False
    assert len((await door.search(text="dress")).hits) == 4


async def test_unknown_paths_and_methods_are_problems(door: Door) -> None:
    assert problem(await door.client.get(f"/v1/{MARK}"), 404).code == "not_found"
    assert problem(await door.client.get("/v1/search"), 405).code == "unimplemented"
    assert problem(await door.client.get(f"/web/{MARK}.js"), 404).code == "not_found"
    assert problem(await door.client.get("/web/..%2f..%2fpyproject.toml"), 404)


async def test_every_answer_carries_an_id_and_safe_headers(door: Door) -> None:
    for path in ("/", "/web/page.js", "/docs", "/v1/products/a", "/v1/none", "/livez"):
        reply = await door.client.get(path, headers={"X-Request-Id": "abc-1"})
        assert reply.headers["x-request-id"] == "abc-1"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"
    forged = await door.client.get("/livez", headers={"X-Request-Id": "a b\tc"})
    assert forged.headers["x-request-id"] != "a b\tc"
    assert (await door.search(text="dress")).request_id


async def test_readiness_follows_the_process(door: Door) -> None:
    assert (await door.client.get("/readyz")).status_code == 200
    door.reason = "stopping"
    reply = await door.client.get("/readyz")
    assert (reply.status_code, reply.text) == (503, "stopping\n")
    assert (await door.client.get("/livez")).status_code == 200


async def test_metrics_tell_routes_and_outcomes_but_no_paths(door: Door) -> None:
    door.house.image.error = Overloaded("busy")
    await door.search(text="dress")
    await door.client.get(f"/v1/products/{MARK}")
    text = (await door.client.get("/metrics")).text
    assert 'hemline_http_seconds_count{method="POST",route="/v1/search",status="200"} 1.0' in text
    assert 'route="/v1/products/{product_id}",status="404"' in text
    assert 'hemline_search_degraded_total{reason="image_unavailable"} 1.0' in text
    assert MARK not in text


async def test_the_page_and_the_description_ask_nobody_else(door: Door) -> None:
    assert "<title>Hemline</title>" in (await door.client.get("/")).text
    page = await door.client.get("/docs")
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script" not in page.text
    assert "POST</b> <code>/v1/search" in page.text
    assert (await door.client.get("/docs.css")).headers["content-type"].startswith("text/css")


async def test_the_description_names_what_each_route_takes_and_gives(door: Door) -> None:
    document = (await door.client.get("/openapi.json")).json()
    search = document["paths"]["/v1/search"]["post"]
    body = search["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/SearchBody"}
    schemas = document["components"]["schemas"]
    assert set(schemas["SearchBody"]["properties"]) >= {"text", "parts", "filter", "page_token"}
    node = schemas["FilterBody"]["properties"]
    assert set(node) == {"and", "or", "not", "field", "in", "gte", "lte", "gt", "lt"}
    assert "#/components/schemas/FilterBody" in json.dumps([node["and"], node["not"]])
    similar = document["paths"]["/v1/products/{product_id}/similar"]["get"]
    assert {each["name"] for each in similar["parameters"]} >= {"by", "page_size", "filter"}
    shown = json.dumps(document)
    for name in re.findall("#/components/schemas/(\\w+)", shown):
        assert name in document["components"]["schemas"]


class Bought:
    """A store of purchases: u-2 bought twice."""

    def __init__(self) -> None:
        self.products = FakeProducts({name: product(name) for name in "ab"})

    def interactions(self, *, kinds: Sequence[str] = ()) -> Iterator[Interaction]:
        assert kinds == ("purchase",)
        for place, (user, name) in enumerate([("u-1", "a"), ("u-2", "b"), ("u-2", "gone")]):
            yield Interaction(f"e{place}", user, name, "purchase", NOW)

    def get_many(self, ids: Sequence[str]) -> Mapping[str, Product]:
        return self.products.get_many(ids)


async def test_shoppers_are_shown_by_the_demo_only(door: Door, tmp_path: Path) -> None:
    problem(await door.client.get("/v1/shoppers:sample"), 404)
    demo = Door(tmp_path, shoppers=DemoShoppers(Bought()))
    async with demo.client:
        reply = await demo.client.get("/v1/shoppers:sample?limit=5")
        shown = ShoppersReply.model_validate_json(reply.content).shoppers
        assert [(each.user_id, each.purchases) for each in shown] == [("u-2", 2), ("u-1", 1)]
        assert shown[0].kinds == ["dress"]
        for limit in ("0", "-1", "201", "9" * 50):
            told = problem(await demo.client.get(f"/v1/shoppers:sample?limit={limit}"), 400)
            assert (told.field, told.detail) == ("limit", "must be 1 to 200")
        told = problem(await demo.client.get("/v1/shoppers:sample?limit=ten"), 400)
        assert (told.field, told.detail) == ("limit", "must be a whole number")
