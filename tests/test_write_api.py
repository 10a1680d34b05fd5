"""Promises of the write side of the API: both doors over a real catalogue."""

import asyncio
import gzip
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.store import CatalogStore
from fashion.catalog.v1 import catalog_pb2
from fashion.search.v1 import search_pb2 as pb
from runtime.errors import DeadlineExceeded, Unavailable
from services.gateway.catalog_writes import MAX_BATCH_BYTES, MAX_PRODUCT_BYTES
from services.gateway.schemas_out import ProblemReply
from services.gateway.schemas_products import BatchUpsertReply, SeqReply
from services.gateway.write_lane import WriteLane
from tests.write_doors import JPEG, WriteDoors, open_doors

MARK = "zq9secret"
CALM = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DRESS: dict[str, Any] = {
    "title": "Navy linen dress",
    "style_id": "s-1",
    "brand": "Acme",
    "category": ["Women", "Dresses"],
    "kind": "dress",
    "colour": "navy",
    "attributes": {"pattern": "plain"},
    "sizes": [{"size": "M", "stock": 3}, {"size": "L", "stock": 0}],
    "price_minor": 4999,
    "currency": "EUR",
    "product_url": "https://shop.example/p-1",
}


@pytest.fixture
async def doors(tmp_path: Path, database: str) -> AsyncIterator[WriteDoors]:
    """A gateway on each kind of database in turn."""
    async with open_doors(tmp_path, url=database) as opened:
        yield opened


@pytest.fixture
async def light_doors(tmp_path: Path) -> AsyncIterator[WriteDoors]:
    """A gateway on a file, for what never comes as far as the database."""
    async with open_doors(tmp_path) as opened:
        yield opened


def problem(reply: httpx.Response, status: int) -> ProblemReply:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert MARK not in reply.text
    return ProblemReply.model_validate_json(reply.content)


async def put(doors: WriteDoors, name: str, **changes: object) -> int:
    reply = await doors.client.put(f"/v1/products/{name}", json=DRESS | changes)
    assert reply.status_code == 200, reply.text
    return SeqReply.model_validate_json(reply.content).seq


async def batch(doors: WriteDoors, *products: object) -> BatchUpsertReply:
    reply = await doors.client.post("/v1/products:batchUpsert", json={"products": products})
    assert reply.status_code == 200, reply.text
    return BatchUpsertReply.model_validate_json(reply.content)


async def shown(doors: WriteDoors, name: str) -> dict[str, Any]:
    reply = await doors.client.get(f"/v1/products/{name}")
    assert reply.status_code == 200, reply.text
    assert reply.headers["etag"] == f'"{reply.json()["seq"]}"'
    found: dict[str, Any] = reply.json()
    return found


async def test_what_was_written_is_read_at_once(doors: WriteDoors) -> None:
    seq = await put(doors, "p-1")
    found = await shown(doors, "p-1")
    assert {name: found[name] for name in DRESS} == DRESS
    assert (found["id"], found["seq"], found["in_stock"]) == ("p-1", seq, True)
    assert await put(doors, "p-1", price_minor=3999) > seq
    assert (await shown(doors, "p-1"))["price_minor"] == 3999


@pytest.mark.parametrize(
    "name",
    ["a/b", "x/similar", "/", "a?b=1", "a#b", " a b ", "a%2Fb", "50%", "../a", "caf\u00e9\u00a0"],
)
async def test_a_product_of_any_id_is_reached_by_its_encoded_path(
    light_doors: WriteDoors, name: str
) -> None:
    path = f"/v1/products/{quote(name, safe='')}"
    await batch(light_doors, DRESS | {"id": name})
    assert (await light_doors.client.get(path)).json()["id"] == name
    await put(light_doors, quote(name, safe=""), title="Changed")
    assert (await light_doors.client.get(path)).json()["title"] == "Changed"
    similar = await light_doors.client.get(f"{path}/similar?by=zq9secret")
    assert (similar.status_code, similar.json()["field"]) == (400, "by")
    assert similar.json()["detail"] == "must be one of look, taste, bought_together"
    assert (await light_doors.client.delete(path)).status_code == 200
    problem(await light_doors.client.get(path), 404)


async def test_an_unencoded_slash_ends_an_id(light_doors: WriteDoors) -> None:
    await batch(light_doors, DRESS | {"id": "a/b"})
    problem(await light_doors.client.get("/v1/products/a/b"), 404)


@pytest.mark.parametrize("path", ["%ff", "%fe", "%ed%a0%80", "a%c3"])
async def test_a_path_that_is_no_utf_8_names_no_product(light_doors: WriteDoors, path: str) -> None:
    await batch(light_doors, DRESS | {"id": "\ufffd"}, DRESS | {"id": "a\ufffd"})
    url, seq = f"/v1/products/{path}", light_doors.store.seq()
    for reply in (
        await light_doors.client.put(url, json=DRESS),
        await light_doors.client.get(url),
        await light_doors.client.get(f"{url}/similar"),
        await light_doors.client.delete(url),
    ):
        assert problem(reply, 400).field == "product_id"
    assert light_doors.store.seq() == seq
    assert (await shown(light_doors, "%EF%BF%BD"))["id"] == "\ufffd"


async def test_an_id_of_spaces_is_refused(light_doors: WriteDoors) -> None:
    reply = await light_doors.client.put("/v1/products/%20%20", json=DRESS)
    assert problem(reply, 400).field == "id"
    told = await batch(light_doors, DRESS | {"id": " "})
    assert (told.results[0].status, told.results[0].field) == ("rejected", "id")


async def test_a_compressed_body_is_told_that_it_is_not_taken(light_doors: WriteDoors) -> None:
    packed, header = gzip.compress(json.dumps(DRESS).encode()), {"Content-Encoding": "gzip"}
    reply = await light_doors.client.put("/v1/products/p-1", content=packed, headers=header)
    told = problem(reply, 400)
    assert (told.field, told.detail) == (
        "content-encoding", "a body is taken as it is, without an encoding",
    )  # fmt: skip
    plain = {"Content-Encoding": "identity"}
    reply = await light_doors.client.put("/v1/products/p-1", json=DRESS, headers=plain)
    assert reply.status_code == 200


async def test_what_the_catalogue_sets_is_accepted_whatever_it_says(
    light_doors: WriteDoors,
) -> None:
    told = dict.fromkeys(("seq", "added_seq", "in_stock", "image_state", "image_url"), 5)
    await put(light_doors, "p-1", **told)
    assert (await shown(light_doors, "p-1"))["in_stock"] is True


@pytest.mark.parametrize("price", [-1, 2**63, 99999999999999999999])
async def test_a_price_out_of_range_is_told_the_range(light_doors: WriteDoors, price: int) -> None:
    body = DRESS | {"price_minor": price}
    told = problem(await light_doors.client.put("/v1/products/p-1", json=body), 400)
    assert (told.field, told.detail) == ("price_minor", f"price must be 0 to {2**63 - 1}")


async def test_another_gateway_reads_it_too(
    doors: WriteDoors, tmp_path: Path, database: str
) -> None:
    await put(doors, "p-1")
    async with open_doors(tmp_path, url=database) as other:
        assert (await shown(other, "p-1"))["title"] == DRESS["title"]
        await put(doors, "p-1", title="Changed")
        assert (await shown(other, "p-1"))["title"] == "Changed"
        assert (await doors.client.delete("/v1/products/p-1")).status_code == 200
        problem(await other.client.get("/v1/products/p-1"), 404)


async def test_what_was_acknowledged_is_in_the_database(doors: WriteDoors, database: str) -> None:
    seq = await put(doors, "p-1")
    fresh = CatalogStore.open(database)
    try:
        found = fresh.get("p-1")
        assert found is not None
        assert (found.seq, fresh.seq()) == (seq, seq)
    finally:
        fresh.close()


async def test_what_was_read_can_be_written_back(doors: WriteDoors) -> None:
    sha = (await doors.client.post("/v1/images", content=JPEG)).json()["sha256"]
    seq = await put(doors, "p-1", images=[sha])
    found = await shown(doors, "p-1")
    assert (found["image_state"], found["image_url"]) == ("pending", f"/v1/images/{sha}")
    reply = await doors.client.put("/v1/products/p-1", json=found)
    assert (reply.status_code, reply.json()) == (200, {"seq": seq})
    told = await batch(doors, found | {"seq": 1, "in_stock": False, "image_state": "embedded"})
    assert [each.status for each in told.results] == ["unchanged"]
    assert (await shown(doors, "p-1")) == found


async def test_words_of_facets_are_kept_in_lower_case(doors: WriteDoors) -> None:
    await put(doors, "p-1", brand="Acme", colour="Navy", kind="Dress")
    found = await shown(doors, "p-1")
    assert (found["colour"], found["kind"], found["brand"]) == ("navy", "dress", "Acme")


async def test_what_is_left_out_is_emptied(doors: WriteDoors) -> None:
    await put(doors, "p-1")
    reply = await doors.client.put("/v1/products/p-1", json={"title": "Bare"})
    assert reply.status_code == 200
    found = await shown(doors, "p-1")
    assert (found["brand"], found["price_minor"], found["sizes"]) == ("", None, [])
    assert found["style_id"] == "p-1"


async def test_a_deleted_product_is_gone_and_may_come_back(doors: WriteDoors) -> None:
    first = await put(doors, "p-1")
    reply = await doors.client.delete("/v1/products/p-1")
    assert SeqReply.model_validate_json(reply.content).seq == first + 1
    problem(await doors.client.get("/v1/products/p-1"), 404)
    assert problem(await doors.client.delete("/v1/products/p-1"), 404).field == "product_id"
    assert await put(doors, "p-1") == first + 2


@pytest.mark.parametrize("form", ['"{}"', "{}", ' "{}" '])
async def test_a_write_happens_only_at_the_seq_it_names(doors: WriteDoors, form: str) -> None:
    seq = await put(doors, "p-1")
    url, header = "/v1/products/p-1", {"If-Match": form.format(seq)}
    reply = await doors.client.put(url, json=DRESS | {"title": "Mine"}, headers=header)
    assert reply.status_code == 200
    assert reply.headers["etag"] == f'"{seq + 1}"'
    late = await doors.client.put(url, json=DRESS | {"title": "Late"}, headers=header)
    told = problem(late, 412)
    assert (told.code, told.field) == ("aborted", "if-match")
    assert (await shown(doors, "p-1"))["title"] == "Mine"
    assert problem(await doors.client.delete(url, headers=header), 412).field == "if-match"
    current = {"If-Match": form.format(seq + 1)}
    assert (await doors.client.delete(url, headers=current)).status_code == 200


async def test_creating_only_never_replaces(doors: WriteDoors) -> None:
    url, header = "/v1/products/p-1", {"If-None-Match": "*"}
    assert (await doors.client.put(url, json=DRESS, headers=header)).status_code == 200
    assert problem(await doors.client.put(url, json=DRESS, headers=header), 412).code == "aborted"
    assert (await doors.client.delete(url)).status_code == 200
    assert (await doors.client.put(url, json=DRESS, headers=header)).status_code == 200


@pytest.mark.parametrize("odd", ["*", 'W/"1"', "x", "", "0", "-1", "1.0", "9" * 30, "\u0661", '"'])
async def test_odd_conditions_are_refused(light_doors: WriteDoors, odd: str) -> None:
    headers = [(b"if-match", odd.encode())]
    reply = await light_doors.client.put("/v1/products/p-1", json=DRESS, headers=headers)
    assert problem(reply, 400).field == "if-match"
    assert light_doors.store.count() == 0


@pytest.mark.parametrize(
    "headers", [{"If-None-Match": "5"}, {"If-None-Match": "*", "If-Match": "5"}]
)
async def test_odd_conditions_of_creation_are_refused(
    light_doors: WriteDoors, headers: dict[str, str]
) -> None:
    reply = await light_doors.client.put("/v1/products/p-1", json=DRESS, headers=headers)
    assert problem(reply, 400).field == "if-none-match"


async def test_an_unchanged_product_is_not_sent_again(doors: WriteDoors) -> None:
    seq = await put(doors, "p-1")
    tag = {"If-None-Match": f'"{seq}"'}
    assert (await doors.client.get("/v1/products/p-1", headers=tag)).status_code == 304
    await put(doors, "p-1", title="New")
    assert (await doors.client.get("/v1/products/p-1", headers=tag)).status_code == 200


async def test_each_product_of_a_batch_has_its_verdict(doors: WriteDoors) -> None:
    await put(doors, "same")
    await put(doors, "other")
    told = await batch(
        doors,
        DRESS | {"id": "new"},
        DRESS | {"id": "same"},
        DRESS | {"id": "other", "price_minor": 1},
        DRESS | {"id": "untitled", "title": " "},
        DRESS | {"id": "dear", "price_minor": "12"},
        DRESS | {"id": "odd", "surprise": 1},
        DRESS | {"id": "shot", "images": ["ab" * 32]},
        DRESS | {"id": "pounds", "currency": "GBP"},
        DRESS,
        MARK,
        DRESS | {"id": f"{MARK}\n"},
    )
    assert [(each.id, each.status, each.field) for each in told.results] == [
        ("new", "created", None),
        ("same", "unchanged", None),
        ("other", "updated", None),
        ("untitled", "rejected", "title"),
        ("dear", "rejected", "price_minor"),
        ("odd", "rejected", "surprise"),
        ("shot", "rejected", "images"),
        ("pounds", "rejected", "currency"),
        ("", "rejected", "id"),
        ("", "rejected", None),
        ("", "rejected", "id"),
    ]
    assert all((each.problem is None) == (each.status != "rejected") for each in told.results)
    assert MARK not in told.model_dump_json()
    assert told.seq == doors.store.seq() == doors.seq_of("other")
    assert doors.store.count() == 3


async def test_a_batch_of_nothing_good_changes_nothing(doors: WriteDoors) -> None:
    seq = await put(doors, "p-1")
    told = await batch(doors, {"id": "x"}, None)
    assert (told.seq, [each.status for each in told.results]) == (seq, ["rejected"] * 2)


async def test_the_last_of_equal_ids_counts(doors: WriteDoors) -> None:
    await batch(doors, DRESS | {"id": "p", "title": "A"}, DRESS | {"id": "p", "title": "B"})
    assert (await shown(doors, "p"))["title"] == "B"


async def test_a_batch_holds_five_hundred_and_no_more(doors: WriteDoors) -> None:
    many = [DRESS | {"id": f"p-{number}"} for number in range(501)]
    body = {"products": many}
    assert problem(await doors.client.post("/v1/products:batchUpsert", json=body), 400).field == (
        "products"
    )
    told = await batch(doors, *many[:500])
    assert {each.status for each in told.results} == {"created"}
    assert told.seq == 500


async def test_a_photo_must_be_uploaded_before_it_is_named(doors: WriteDoors) -> None:
    reply = await doors.client.put("/v1/products/p-1", json=DRESS | {"images": ["ab" * 32]})
    told = problem(reply, 400)
    assert told.field == "images"
    assert "upload it first" in told.detail
    sha = (await doors.client.post("/v1/images", content=JPEG)).json()["sha256"]
    await put(doors, "p-1", images=[sha])
    row = doors.store.media(sha)
    assert row is not None
    assert (row.media_type, row.bytes) == ("image/jpeg", len(JPEG))


async def test_a_catalogue_has_one_currency(doors: WriteDoors) -> None:
    await put(doors, "bare", price_minor=None, currency="")
    told = await batch(doors, DRESS | {"id": "first"}, DRESS | {"id": "second", "currency": "USD"})
    assert [each.status for each in told.results] == ["created", "rejected"]
    reply = await doors.client.put("/v1/products/x", json=DRESS | {"currency": "USD"})
    assert problem(reply, 400).field == "currency"
    assert "EUR" in problem(reply, 400).detail
    await doors.client.delete("/v1/products/first")
    await put(doors, "x", currency="USD")


BAD_PRODUCTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "body"),
    "no JSON": (b"zq9secret", "body"),
    "an array": (b"[]", "body"),
    "cut off": (b'{"title": "zq9secret', "body"),
    "no UTF-8": (b'{"title": "\xff\xfezq9secret"}', "body"),
    "a lone surrogate": (b'{"title": "zq9secret\\ud800"}', "body"),
    "a lone surrogate as a name": (b'{"title": "a", "attributes": {"\\udc00": "b"}}', "body"),
    "NUL": (b'{"title": "zq9secret\\u0000"}', "title"),
    "NaN": (b'{"title": "a", "price_minor": NaN, "currency": "EUR"}', "price_minor"),
    "1e400": (b'{"title": "a", "price_minor": 1e400, "currency": "EUR"}', "price_minor"),
    "a fraction": (b'{"title": "a", "price_minor": 1.5, "currency": "EUR"}', "price_minor"),
    "a huge number": (
        b'{"title": "a", "price_minor": ' + b"9" * 4000 + b', "currency": "EUR"}', "price_minor",
    ),
    "a price over 64 bits": (
        b'{"title": "a", "price_minor": 9223372036854775808, "currency": "EUR"}', "price_minor",
    ),
    "a negative price": (b'{"title": "a", "price_minor": -1, "currency": "EUR"}', "price_minor"),
    "a price without a currency": (b'{"title": "a", "price_minor": 1}', "currency"),
    "a currency without a price": (b'{"title": "a", "currency": "EUR"}', "currency"),
    "true as a stock": (
        b'{"title": "a", "sizes": [{"size": "M", "stock": true}]}', "sizes[0].stock",
    ),
    "a stock below nothing": (b'{"title": "a", "sizes": [{"size": "M", "stock": -1}]}', "sizes"),
    "a size of more": (
        b'{"title": "a", "sizes": [{"size": "M", "stock": 1, "huh": 1}]}', "sizes[0].huh",
    ),
    "an unknown field": (b'{"title": "a", "surprise": 1}', "surprise"),
    "an unknown field with an odd name": (b'{"title": "a", "zq9secret<b>": 1}', "body"),
    "an attribute that is no text": (b'{"title": "a", "attributes": {"pattern": 1}}', "attributes"),
    "deep nesting": (b'{"title": "a", "category": ' + b"[" * 20000 + b"]" * 20000 + b"}", "body"),
    "deep objects": (b'{"a":' * 5000 + b"1" + b"}" * 5000, "body"),
    "an unknown field with capitals": (b'{"title": "a", "priceMinor": 1}', "priceMinor"),
    "a size without a name": (b'{"title": "a", "sizes": [{"size": "", "stock": 1}]}', "sizes"),
    "a script as an address": (
        b'{"title": "a", "product_url": "javascript:zq9secret"}', "product_url",
    ),
    "a style of spaces": (b'{"title": "a", "style_id": "  "}', "style_id"),
    "no title": (b"{}", "title"),
    "a long title": (b'{"title": "' + b"a" * 1001 + b'"}', "title"),
    "a long description": (
        b'{"title": "a", "description": "' + b"a" * 20001 + b'"}', "description",
    ),
    "another id": (b'{"title": "a", "id": "zq9secret"}', "id"),
    "too many photos": (
        b'{"title": "a", "images": [' + b",".join([b'"' + b"a" * 64 + b'"'] * 5) + b"]}", "images",
    ),
    "a photo by address": (b'{"title": "a", "images": ["http://zq9secret/"]}', "images"),
    "a path as a photo": (b'{"title": "a", "images": ["../../etc/passwd"]}', "images"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_PRODUCTS)
async def test_bad_products_are_refused_by_field_without_an_echo(
    light_doors: WriteDoors, name: str
) -> None:
    raw, field = BAD_PRODUCTS[name]
    told = problem(await light_doors.client.put("/v1/products/p-1", content=raw), 400)
    assert told.code == "invalid_argument"
    assert (told.field or "").split(".")[0] == field.split(".")[0]
    assert light_doors.store.seq() == 0


@pytest.mark.parametrize("name", [name for name in BAD_PRODUCTS if name != "another id"])
async def test_a_bad_product_of_a_batch_is_rejected_alone_if_it_is_json(
    light_doors: WriteDoors, name: str
) -> None:
    raw, field = BAD_PRODUCTS[name]
    body = b'{"products": [{"id": "p", "title": "a"}, ' + raw + b"]}"
    reply = await light_doors.client.post("/v1/products:batchUpsert", content=body)
    if field == "body" and name not in ("an array", "an unknown field with an odd name"):
        problem(reply, 400)
        assert light_doors.store.count() == 0
        return
    assert MARK not in reply.text
    told = BatchUpsertReply.model_validate_json(reply.content)
    assert [each.status for each in told.results] == ["created", "rejected"]
    # Its path is that within the product: a verdict has no body to speak of.
    at = (told.results[1].field or "").split(".")[0]
    assert at in ((field.split(".")[0], "id") if field != "body" else ("",))


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"[]", b'{"products": []}', b'{"products": {}}', b'{"products": null}',
        b"{}", b'{"products": [{}], "more": 1}', b'{"products": [' + b"[" * 10000,
        b'{"products": [NaN', b'{"products": ["\\ud800"]}',
    ],
)  # fmt: skip
async def test_what_is_no_batch_is_refused_whole(light_doors: WriteDoors, raw: bytes) -> None:
    problem(await light_doors.client.post("/v1/products:batchUpsert", content=raw), 400)


async def test_large_bodies_are_refused(light_doors: WriteDoors) -> None:
    padding = b" " * MAX_PRODUCT_BYTES
    reply = await light_doors.client.put("/v1/products/p-1", content=b'{"title": "a"}' + padding)
    assert problem(reply, 413).field == "body"

    async def endless() -> AsyncIterator[bytes]:
        yield b'{"products": ['
        while True:
            yield b'{"id": "a", "title": "a"},' * 1000

    reply = await light_doors.client.post("/v1/products:batchUpsert", content=endless())
    assert problem(reply, 413).field == "body"
    assert light_doors.store.count() == 0


@CALM
@given(raw=st.binary(max_size=200))
async def test_no_bytes_are_an_internal_error(light_doors: WriteDoors, raw: bytes) -> None:
    for reply in (
        await light_doors.client.put("/v1/products/p-1", content=raw),
        await light_doors.client.post("/v1/products:batchUpsert", content=raw),
        await light_doors.client.post(
            "/v1/products:batchUpsert", content=b'{"products":[' + raw + b"]}"
        ),
    ):
        assert reply.status_code in (200, 400)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["size", "stock", "pattern"]), inner)
    ),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    ["id", "title", "category", "sizes", "attributes", "price_minor", "currency", "images", "seq"]
)


@CALM
@given(body=st.dictionaries(_FIELDS, _json))
async def test_no_json_is_an_internal_error(
    light_doors: WriteDoors, body: dict[str, object]
) -> None:
    raw = json.dumps(body).encode("utf-8", "replace")
    many = b'{"products": [' + raw + b"]}"
    for reply in (
        await light_doors.client.put("/v1/products/p-1", content=raw),
        await light_doors.client.post("/v1/products:batchUpsert", content=many),
    ):
        assert reply.status_code in (200, 400)


async def test_a_database_that_hangs_stops_no_reads_and_refuses_more_writes(tmp_path: Path) -> None:
    lane = WriteLane(threads=1, most=2)
    held, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        held.set()
        let_go.wait()

    async with open_doors(tmp_path, lane=lane) as doors:
        await put(doors, "p-1")
        stuck = asyncio.create_task(lane.run(hang))
        waiting = asyncio.create_task(put(doors, "p-2"))
        try:
            await asyncio.to_thread(held.wait)
            reply = await doors.client.put("/v1/products/p-3", json=DRESS)
            assert problem(reply, 503).code == "unavailable"
            assert reply.headers["retry-after"] == "1"
            assert (await shown(doors, "p-1"))["title"] == DRESS["title"]
        finally:
            let_go.set()
        await stuck
        await waiting
        await put(doors, "p-3")


async def test_a_write_that_takes_too_long_says_that_nothing_is_known() -> None:
    lane = WriteLane(threads=1, most=1, timeout_s=0.01)
    let_go = threading.Event()
    with pytest.raises(DeadlineExceeded, match="not known"):
        await lane.run(let_go.wait)
    with pytest.raises(Unavailable):  # its place is taken until its thread has ended
        await lane.run(str)
    let_go.set()
    lane.close()


def message(name: str, **changes: object) -> catalog_pb2.Product:
    fields: dict[str, object] = {"product_id": name, "title": "Dress", "price_minor": 100}
    return catalog_pb2.Product(**(fields | {"currency": "EUR"} | changes))  # type: ignore[arg-type]


def refused(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str]:
    trailer = dict(error.trailing_metadata() or ())
    return error.code(), str(trailer.get("hemline-field", ""))


async def test_grpc_writes_with_verdicts_and_reads_them_at_once(doors: WriteDoors) -> None:
    products = [message("a"), message("b", title=""), message("c", images=["ab" * 32]), message("")]
    reply = await doors.stub.UpsertProducts(pb.UpsertProductsRequest(products=products))
    assert [(each.product_id, each.status, each.field) for each in reply.results] == [
        ("a", "created", ""),
        ("b", "rejected", "title"),
        ("c", "rejected", "images"),
        ("", "rejected", "id"),
    ]
    found = (await doors.stub.GetProduct(pb.GetProductRequest(product_id="a"))).product
    assert found.seq == reply.seq == 1
    again = await doors.stub.UpsertProducts(pb.UpsertProductsRequest(products=[found]))
    assert [each.status for each in again.results] == ["unchanged"]
    gone = await doors.stub.DeleteProduct(pb.DeleteProductRequest(product_id="a"))
    assert gone.seq == 2
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await doors.stub.GetProduct(pb.GetProductRequest(product_id="a"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_grpc_writes_only_at_the_seq_it_names(doors: WriteDoors) -> None:
    async def write(if_seq: int, title: str) -> str:
        request = pb.UpsertProductsRequest(products=[message("a", title=title)], if_seq=if_seq)
        return str((await doors.stub.UpsertProducts(request)).results[0].status)

    assert await write(0, "one") == "created"
    assert await write(1, "two") == "updated"
    for late in (0, 1):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await write(late, "three")
        assert refused(caught.value) == (grpc.StatusCode.ABORTED, "if_seq")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await doors.stub.DeleteProduct(pb.DeleteProductRequest(product_id="a", if_seq=1))
    assert refused(caught.value) == (grpc.StatusCode.ABORTED, "if_seq")
    await doors.stub.DeleteProduct(pb.DeleteProductRequest(product_id="a", if_seq=2))


BAD_CALLS = {
    "nothing": (pb.UpsertProductsRequest(), "products"),
    "too many": (pb.UpsertProductsRequest(products=[message("a")] * 501), "products"),
    "one seq for several": (
        pb.UpsertProductsRequest(products=[message("a"), message("b")], if_seq=1), "if_seq",
    ),
    "a seq below nothing": (
        pb.UpsertProductsRequest(products=[message("a")], if_seq=-1), "if_seq",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CALLS)
async def test_bad_calls_are_refused_by_field(light_doors: WriteDoors, name: str) -> None:
    request, field = BAD_CALLS[name]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await light_doors.stub.UpsertProducts(request)
    assert refused(caught.value) == (grpc.StatusCode.INVALID_ARGUMENT, field)


async def test_grpc_keeps_to_the_limits_of_the_catalogue(light_doors: WriteDoors) -> None:
    products = [
        message("a", product_url="javascript:alert(1)"),
        message("b", sizes=[catalog_pb2.SizeStock(stock=1)]),
        message("  "),
    ]
    reply = await light_doors.stub.UpsertProducts(pb.UpsertProductsRequest(products=products))
    assert [(each.status, each.field) for each in reply.results] == [
        ("rejected", "product_url"), ("rejected", "sizes"), ("rejected", "id"),
    ]  # fmt: skip


async def test_a_large_call_is_refused(light_doors: WriteDoors) -> None:
    large = message("a", description="x" * MAX_BATCH_BYTES)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await light_doors.stub.UpsertProducts(pb.UpsertProductsRequest(products=[large]))
    assert refused(caught.value) == (grpc.StatusCode.OUT_OF_RANGE, "products")


async def test_the_description_tells_how_to_write(light_doors: WriteDoors) -> None:
    document = (await light_doors.client.get("/openapi.json")).json()
    put_it = document["paths"]["/v1/products/{product_id}"]["put"]
    body = put_it["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/ProductBody"}
    assert put_it["x-scope"] == "write"
    assert "PUT</b> <code>/v1/products/{product_id}" in (await light_doors.client.get("/docs")).text
