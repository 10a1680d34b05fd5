"""Promises of API keys: who gets in, by which door, and who does not."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import httpx
import pytest

from catalog.product import Product
from fashion.catalog.v1 import catalog_pb2
from fashion.search.v1 import search_pb2 as pb
from runtime.errors import SetupError, Unauthenticated
from services.gateway.access import Access
from services.gateway.key_file import ApiKey, dump, make_key, parse
from services.gateway.keys import LOOK_EVERY_S, KeyRing
from services.gateway.main_access import open_access
from services.gateway.sessions import COOKIE, LIFE_S, Sessions
from services.gateway.settings import Settings
from tests.write_doors import JPEG, WriteDoors, open_doors

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = b"a secret of the gateways"
PUBLIC = {
    "/livez", "/readyz", "/", "/docs", "/docs.css", "/openapi.json", "/v1/images/{sha256}",
}  # fmt: skip


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Ring:
    """A key file, and what the gateway makes of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "keys.json"
        self.clock = Clock()
        self.keys: list[ApiKey] = []

    def add(self, *scopes: str) -> str:
        key, text = make_key("tests", scopes, at=NOW)
        self.keys.append(key)
        self.write()
        return text

    def revoke(self, place: int) -> None:
        old = self.keys[place]
        self.keys[place] = ApiKey(
            old.id, old.name, old.digest, old.scopes, old.created, NOW.isoformat()
        )
        self.write()

    def write(self) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(dump(self.keys))
        fresh.replace(self.path)

    def later(self, seconds: float = LOOK_EVERY_S) -> None:
        self.clock.now += seconds

    @asynccontextmanager
    async def doors(self) -> AsyncIterator[WriteDoors]:
        keys = KeyRing(self.path, clock=self.clock)
        access = Access(keys, Sessions(SECRET, clock=self.clock))
        async with open_doors(self.path.parent, access=access) as opened:
            yield opened


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


async def test_every_route_but_the_public_ones_asks_for_a_key(ring: Ring) -> None:
    ring.add("read", "write", "act_as_user", "admin")
    async with ring.doors() as doors:
        document = (await doors.client.get("/openapi.json")).json()
        asked = 0
        for path, item in document["paths"].items():
            for method in item:
                reply = await doors.client.request(
                    method, path.replace("{product_id}", "p").replace("{sha256}", "ab" * 32)
                )
                if path in PUBLIC:
                    assert reply.status_code != 401, path
                    continue
                asked += 1
                assert code(reply) == (401, "unauthenticated"), path
                assert reply.headers["www-authenticate"] == "Bearer"
        assert asked >= 8
        for path in PUBLIC - document["paths"].keys():
            assert (await doors.client.get(path)).status_code == 200


async def test_a_key_opens_what_its_scopes_say(ring: Ring) -> None:
    read, write, admin = ring.add("read"), ring.add("write"), ring.add("admin")
    async with ring.doors() as doors:

        async def ask(key: str, method: str, path: str, **body: object) -> int:
            json_body = body or None
            reply = await doors.client.request(method, path, json=json_body, headers=bearer(key))
            return reply.status_code

        product = "/v1/products/p-1"
        assert await ask(read, "PUT", product, title="Dress") == 403
        assert await ask(write, "PUT", product, title="Dress") == 200
        assert await ask(write, "GET", product) == 403
        assert await ask(read, "GET", product) == 200
        assert await ask(read, "DELETE", product) == 403
        assert await ask(admin, "GET", product) == 403
        assert await ask(read, "GET", "/metrics") == 403
        assert await ask(admin, "GET", "/metrics") == 200
        batch = "/v1/products:batchUpsert"
        assert await ask(read, "POST", batch, products=[]) == 403
        assert await ask(write, "POST", batch, products=[]) == 400


async def test_a_photo_is_read_by_its_hash_without_a_key(ring: Ring) -> None:
    key = ring.add("read")
    async with ring.doors() as doors:
        reply = await doors.client.post("/v1/images", content=JPEG, headers=bearer(key))
        sha = reply.json()["sha256"]
        assert (await doors.client.get(f"/v1/images/{sha}")).content == JPEG


async def test_searching_as_a_shopper_needs_a_scope_of_its_own(ring: Ring) -> None:
    read, both = ring.add("read"), ring.add("read", "act_as_user")
    async with ring.doors() as doors:

        async def search(key: str, **body: object) -> int:
            reply = await doors.client.post(
                "/v1/search", json={"text": "dress"} | body, headers=bearer(key)
            )
            return reply.status_code

        assert await search(read, user_id="u-1") == 403
        assert doors.searching.asked == []
        assert await search(read) == 500  # it got past the guard, to a search that breaks
        assert await search(both, user_id="u-1") == 500
        assert doors.searching.asked == ["", "u-1"]
        reply = await doors.client.get("/v1/shoppers:sample", headers=bearer(read))
        assert code(reply) == (403, "permission_denied")


async def test_histories_are_written_read_and_erased_by_scopes_of_their_own(ring: Ring) -> None:
    read, write, act = ring.add("read"), ring.add("write"), ring.add("read", "act_as_user")
    both, admin = ring.add("write", "act_as_user"), ring.add("admin")
    async with ring.doors() as doors:
        stub = doors.stub

        async def ask(key: str, method: str, path: str) -> int:
            body: object = {"events": [{}]} if method == "POST" else None
            reply = await doors.client.request(method, path, json=body, headers=bearer(key))
            return reply.status_code

        async def call(key: str, method: str, request: object) -> str:
            try:
                metadata = (("authorization", f"Bearer {key}"),)
                await getattr(stub, method)(request, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                return error.code().name
            return "OK"

        events = pb.RecordInteractionsRequest(events=[catalog_pb2.Interaction()])
        recording = "POST", "/v1/interactions", "RecordInteractions", events
        user, history = "/v1/users/u-1", pb.ListInteractionsRequest(user_id="u-1")
        reading = "GET", f"{user}/interactions", "ListInteractions", history
        erasing = "DELETE", user, "DeleteUser", pb.DeleteUserRequest(user_id="u-1")
        allowed = {"record": (write, both), "read": (act, both), "erase": (both, admin)}
        for keys, (method, path, name, request) in zip(
            allowed.values(), (recording, reading, erasing), strict=True
        ):
            for key in (read, write, act, both, admin):
                may = key in keys
                assert await ask(key, method, path) == (200 if may else 403), (name, key)
                assert await call(key, name, request) == ("OK" if may else "PERMISSION_DENIED")


WRONG: Sequence[str] = (
    "", "x", "hml_", "hml__", "hml_00000000_", "hml_00000000_secret", "hml_ID_", "hml_ID_secret",
    "HML_ID_SECRET", "ID_SECRET", "hml_ID_SECRETx", "hml_ID_SECRET" + "x" * 9000, "\u00e9",
    "hml_ID", " ", "hml_ID_SECRET hml_ID_SECRET",
)  # fmt: skip


async def test_every_wrong_key_gets_the_same_answer(ring: Ring) -> None:
    key = ring.add("read")
    _, key_id, secret = key.split("_", 2)
    told = set()
    async with ring.doors() as doors:
        for wrong in WRONG:
            text = wrong.replace("ID", key_id).replace("SECRET", secret)
            header = [(b"authorization", f"Bearer {text}".encode("latin-1"))]
            reply = await doors.client.get("/v1/products/p", headers=header)
            body = reply.json()
            assert body.pop("request_id")
            told.add((reply.status_code, json.dumps(body)))
        for odd in (f"Basic {key}", key, f"Bearer{key}"):
            reply = await doors.client.get("/v1/products/p", headers={"Authorization": odd})
            assert reply.status_code == 401
        missing = (await doors.client.get("/v1/products/p")).json()
        del missing["request_id"]
        assert told == {(401, json.dumps(missing))}
        good = await doors.client.get("/v1/products/p", headers={"Authorization": f"bearer  {key}"})
        assert good.status_code == 404


async def test_grpc_asks_for_the_same_keys(ring: Ring) -> None:
    read, write = ring.add("read"), ring.add("write")
    get = pb.GetProductRequest(product_id="p")
    upsert = pb.UpsertProductsRequest(products=[{"product_id": "p", "title": "Dress"}])

    async def ask(method: grpc.aio.UnaryUnaryMultiCallable, request: object, key: str) -> str:  # type: ignore[type-arg]
        metadata = (("authorization", f"Bearer {key}"),) if key else ()
        try:
            await method(request, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return "OK"

    async with ring.doors() as doors:
        stub = doors.stub
        assert await ask(stub.GetProduct, get, "") == "UNAUTHENTICATED"
        assert await ask(stub.GetProduct, get, "hml_00000000_x") == "UNAUTHENTICATED"
        assert await ask(stub.UpsertProducts, upsert, read) == "PERMISSION_DENIED"
        assert await ask(stub.UpsertProducts, upsert, write) == "OK"
        assert await ask(stub.GetProduct, get, write) == "PERMISSION_DENIED"
        assert await ask(stub.GetProduct, get, read) == "OK"
        assert await ask(stub.DeleteProduct, pb.DeleteProductRequest(product_id="p"), read) == (
            "PERMISSION_DENIED"
        )
        as_user = pb.SearchRequest(text="dress", user_id="u-1")
        assert await ask(stub.Search, as_user, read) == "PERMISSION_DENIED"
        assert await ask(stub.Search, pb.SearchRequest(text="dress"), "") == "UNAUTHENTICATED"
        assert await ask(stub.GetImage, pb.GetImageRequest(sha256="ab" * 32), "") == "NOT_FOUND"
        every = pb.DESCRIPTOR.services_by_name["SearchService"].methods
        for method in every:
            if method.name != "GetImage":
                empty = getattr(pb, method.input_type.name)()
                assert await ask(getattr(stub, method.name), empty, "") == "UNAUTHENTICATED"


async def test_keys_change_hands_without_a_restart(ring: Ring) -> None:
    old = ring.add("read")
    async with ring.doors() as doors:

        async def ask(key: str) -> int:
            return (await doors.client.get("/v1/products/p", headers=bearer(key))).status_code

        new = ring.add("read")
        assert await ask(new) == 401  # not looked at yet
        ring.later()
        assert (await ask(old), await ask(new)) == (404, 404)
        ring.revoke(0)
        ring.later()
        assert (await ask(old), await ask(new)) == (401, 404)
        ring.path.write_text("{ broken")
        ring.later()
        assert (await ask(old), await ask(new)) == (401, 404)
        ring.path.unlink()
        ring.later()
        assert (await ask(old), await ask(new)) == (401, 404)


async def test_the_first_key_closes_a_gateway_that_stood_open(ring: Ring) -> None:
    async with ring.doors() as doors:
        assert (await doors.client.get("/v1/products/p")).status_code == 404
        assert COOKIE not in (await doors.client.get("/")).cookies
        key = ring.add("read")
        ring.later()
        assert (await doors.client.get("/v1/products/p")).status_code == 401
        reply = await doors.client.get("/v1/products/p", headers=bearer(key))
        assert reply.status_code == 404


async def test_the_page_may_read_for_a_while(ring: Ring) -> None:
    ring.add("read")
    async with ring.doors() as doors:
        doors.store.upsert([Product("p", "p", "Dress")])
        page = await doors.client.get("/")
        [cookie] = page.headers.get_list("set-cookie")
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert f"Max-Age={LIFE_S}" in cookie
        assert (await doors.client.get("/v1/products/p")).status_code == 200
        assert (await doors.client.put("/v1/products/p", json={"title": "a"})).status_code == 403
        reply = await doors.client.post("/v1/search", json={"text": "a", "user_id": "u-1"})
        assert reply.status_code == 403
        assert (await doors.client.get("/metrics")).status_code == 403
        wrong = await doors.client.get("/v1/products/p", headers=bearer("hml_00000000_x"))
        assert wrong.status_code == 401
        ring.later(LIFE_S * 0.6)
        renewed = await doors.client.get("/v1/products/p")
        assert renewed.status_code == 200
        assert COOKIE in renewed.cookies
        ring.later(LIFE_S * 0.6)
        assert (await doors.client.get("/v1/products/p")).status_code == 200
        ring.later(LIFE_S)
        assert (await doors.client.get("/v1/products/p")).status_code == 401


def test_a_session_cannot_be_forged_or_stretched() -> None:
    clock = Clock()
    sessions = Sessions(SECRET, clock=clock)
    value = sessions.issue()
    assert sessions.check(value) is not None
    assert Sessions(b"another secret", clock=clock).check(value) is None
    for place in range(len(value)):
        for other in "AZ":
            changed = value[:place] + other + value[place + 1 :]
            assert changed == value or sessions.check(changed) is None
    for odd in ("", "x", value + "A", value[:-1], "\u00e9", "=" * 60, "A" * 5000):
        assert sessions.check(odd) is None
    clock.now -= 120
    assert sessions.check(value) is None  # from the future


async def test_pages_of_other_sites_write_nothing(tmp_path: Path) -> None:
    async with open_doors(tmp_path) as doors:

        async def upload(host: str = "127.0.0.1:8080", **headers: str) -> int:
            told = {name.replace("_", "-"): value for name, value in headers.items()}
            told["host"] = host
            return (await doors.client.post("/v1/images", content=JPEG, headers=told)).status_code

        assert await upload(origin="http://evil.example") == 403
        assert await upload(origin="null") == 403
        assert await upload(sec_fetch_site="cross-site", origin="http://127.0.0.1:8080") == 403
        assert await upload(sec_fetch_site="same-site") == 403
        for rebound in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[", ""):
            assert await upload(rebound, sec_fetch_site="same-origin") == 403
            assert await upload(rebound, origin=f"http://{rebound}") == 403
        for ours in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.0.0.1"):
            assert await upload(ours, origin=f"http://{ours}") == 200
            assert await upload(ours, sec_fetch_site="same-origin", origin="http://x:1") == 200
        assert await upload() == await upload("shop.example") == 200  # a program


async def test_a_page_behind_a_name_searches_where_keys_are_asked_for(ring: Ring) -> None:
    ring.add("read")
    async with ring.doors() as doors:
        await doors.client.get("/")
        told = {"sec-fetch-site": "same-origin", "origin": "http://hemline"}
        reply = await doors.client.post("/v1/images", content=JPEG, headers=told)
        assert reply.status_code == 200
        told["sec-fetch-site"] = "cross-site"
        reply = await doors.client.post("/v1/images", content=JPEG, headers=told)
        assert reply.status_code == 403


@pytest.mark.parametrize(
    "content",
    [
        b"", b"null", b"[]", b"{}", b'{"format": 1}', b'{"format": 2, "keys": []}',
        b'{"format": 1, "keys": [{"id": "a"}]}', b"\xff", b'{"format": 1, "keys": [null]}',
        b'{"format": 1, "keys": [{"id":"a","name":"","digest":"x","scopes":["root"],'
        b'"created":""}]}',
        b'{"format": 1, "keys": [{"id":"a","name":"","digest":5,"scopes":["read"],"created":""}]}',
    ],
)  # fmt: skip
def test_a_file_that_is_none_stops_the_gateway_at_its_start(content: bytes, ring: Ring) -> None:
    ring.path.write_bytes(content)
    with pytest.raises(SetupError, match="cannot be read"):
        KeyRing(ring.path)


def test_a_key_file_holds_no_secret_and_is_read_as_it_was_written() -> None:
    key, text = make_key("shop", ["write", "read"], at=NOW)
    content = dump([key])
    assert parse(content) == (key,)
    assert key.scopes == ("read", "write")
    assert text.split("_", 2)[2].encode() not in content


@pytest.mark.parametrize(
    ("name", "scopes"), [("", ["read"]), ("a\n", ["read"]), ("a" * 65, ["read"]), ("a", []),
                         ("a", ["root"])],
)  # fmt: skip
def test_a_key_needs_a_name_and_scopes(name: str, scopes: list[str]) -> None:
    with pytest.raises(ValueError, match=r"name|scopes"):
        make_key(name, scopes, at=NOW)


def settings_of(ring: Ring, **changes: str) -> Settings:
    folder = ring.path.parent
    told: dict[str, str] = {"key_file": str(ring.path), **changes}
    return Settings(folder, "sqlite://", folder, "static:a:1", "static:a:1", "static:a:1", **told)  # type: ignore[arg-type]  # only texts are changed


@pytest.mark.parametrize("field", ["http_address", "grpc_address"])
def test_nobody_outside_is_served_without_a_key_that_lives(ring: Ring, field: str) -> None:
    open_access(settings_of(ring))
    outside = {field: "0.0.0.0:80"}
    with pytest.raises(SetupError, match="hemline keys add"):
        open_access(settings_of(ring, **outside))
    with pytest.raises(SetupError, match="hemline keys add"):
        open_access(settings_of(ring, key_file="", **outside))
    key = ring.add("read")
    with pytest.raises(Unauthenticated):
        open_access(settings_of(ring, **outside)).caller("")
    assert open_access(settings_of(ring, **outside)).caller(f"Bearer {key}").scopes == {"read"}
    ring.revoke(0)
    with pytest.raises(SetupError, match="hemline keys add"):
        open_access(settings_of(ring, **outside))


async def test_no_key_is_written_to_a_log(ring: Ring, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    key = ring.add("read")
    secret = key.split("_", 2)[2]
    async with ring.doors() as doors:
        await doors.client.post("/v1/search", json={"text": "a"}, headers=bearer(key))
        await doors.client.get("/v1/products/p", headers=bearer(key + "x"))
        metadata = (("authorization", f"Bearer {key}"),)
        with pytest.raises(grpc.aio.AioRpcError):
            await doors.stub.Search(pb.SearchRequest(text="a"), metadata=metadata)
        ring.write()
        ring.later()
        await doors.client.get("/v1/products/p", headers=bearer(key))
    assert "unhandled error" in caplog.text
    assert "API keys are in force" in caplog.text
    assert secret not in caplog.text
