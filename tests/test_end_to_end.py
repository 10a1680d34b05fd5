"""Four real processes and a Redis answer searches as promised."""

import asyncio
import json
import random
import struct
import zlib
from collections.abc import Callable

import grpc
import httpx
import pytest

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from fashion.search.v1 import search_pb2, search_pb2_grpc
from tests.running import Running, ids


@pytest.fixture(scope="module")
def products(running: Running) -> list[Product]:
    store = CatalogStore.open(running.data.database_url)
    found = list(store.scan())
    store.close()
    return found


@pytest.fixture(scope="module")
def photo(running: Running, products: list[Product]) -> bytes:
    data = MediaStore(running.data.media).get(products[0].images[0])
    assert data is not None
    return data


def by_photo(running: Running, photo: bytes, **request: object) -> list[str]:
    body = {"parts": [{"image": {"upload": "image"}}], "budget_ms": 5000, **request}
    answer = httpx.post(
        running.rest_url + "/v1/search",
        files={"request": (None, json.dumps(body)), "image": ("p.jpg", photo, "image/jpeg")},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    return ids(answer.json())


def test_words_find_what_they_say(running: Running) -> None:
    answer = running.search(text="red dress", page_size=5)
    assert not answer["degraded"]
    assert answer["coverage"]["text"] == answer["coverage"]["image"] == "ok"
    assert "dress" in {hit["product"]["kind"] for hit in answer["hits"]}


def test_a_products_own_photo_finds_it_first(
    running: Running, products: list[Product], photo: bytes
) -> None:
    assert by_photo(running, photo)[0] == products[0].id


def test_photo_and_words_together_take_part_both(running: Running, photo: bytes) -> None:
    alone = by_photo(running, photo)
    both = by_photo(running, photo, text="black scarf")
    assert set(both) & set(alone)
    assert both != alone


def test_a_known_user_gets_an_own_order(running: Running) -> None:
    anonymous = running.search(text="shirt")
    theirs = running.search(text="shirt", user_id="u-0001", personalization=0.8, explain=True)
    assert ids(theirs) != ids(anonymous)
    assert {term["mode"] for hit in theirs["hits"] for term in taste_of(hit)} == {"user"}


def test_a_session_of_a_stranger_counts(running: Running) -> None:
    seen = ids(running.search(text="shirt"))[:2]
    answer = running.search(
        text="shirt", session_product_ids=seen, personalization=0.8, explain=True
    )
    assert {term["mode"] for hit in answer["hits"] for term in taste_of(hit)} == {"session"}


def test_an_unknown_user_is_a_stranger(running: Running) -> None:
    assert ids(running.search(text="shirt", user_id="nobody-knows-me")) == ids(
        running.search(text="shirt")
    )


def taste_of(hit: dict[str, object]) -> list[dict[str, str]]:
    terms = hit["explanation"]["terms"]  # type: ignore[index]  # JSON of a known shape
    return [term for term in terms if term["name"] == "taste"]


def test_the_same_request_gives_the_same_page(running: Running) -> None:
    pages = [running.search(text="blue striped shirt", user_id="u-0002") for _ in range(3)]
    assert len({tuple(ids(page)) for page in pages}) == 1


def test_the_order_is_total(running: Running) -> None:
    hits = running.search(text="blue shirt", page_size=100)["hits"]
    keys = [(-hit["score"], hit["product"]["id"]) for hit in hits]
    assert keys == sorted(keys)
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))


def test_terms_add_up_to_the_score(running: Running) -> None:
    for request in ({}, {"user_id": "u-0003"}, {"user_id": "u-0003", "blend": "minmax"}):
        for hit in running.search(text="blue shirt", explain=True, **request)["hits"]:
            total = sum(term["value"] for term in hit["explanation"]["terms"])
            assert total == pytest.approx(hit["score"], abs=1e-6)


def test_a_fitting_product_from_far_down_reaches_page_one(running: Running) -> None:
    fused = ids(running.search(text="women", page_size=100))
    assert len(fused) > 60
    page = 10
    far_down = set(fused[29:60])
    for number in range(1, 60):
        first = ids(
            running.search(
                text="women", page_size=page, user_id=f"u-{number:04d}", personalization=1.0
            )
        )
        if far_down & set(first):
            return
    pytest.fail("no shopper's taste brought a product from rank 30 to 60 to page one")


def test_without_personalization_everybody_gets_the_anonymous_order(running: Running) -> None:
    anonymous = ids(running.search(text="dress", page_size=100))
    theirs = running.search(text="dress", page_size=100, user_id="u-0001", personalization=0.0)
    assert ids(theirs) == anonymous


def test_nonsense_finds_nothing(running: Running) -> None:
    answer = running.search(text="zzzz")
    assert answer["hits"] == []
    assert answer["total"] == {"value": 0, "relation": "eq"}
    assert not answer["degraded"]


def test_all_spellings_of_a_t_shirt_find_the_same(running: Running) -> None:
    found = [ids(running.search(text=text)) for text in ("tee", "tees", "t-shirt", "T shirt")]
    assert found[0]
    assert all(each == found[0] for each in found)


def test_rest_and_grpc_give_the_same_answer(running: Running) -> None:
    with grpc.insecure_channel(running.grpc_target) as channel:
        stub = search_pb2_grpc.SearchServiceStub(channel)  # type: ignore[no-untyped-call]
        answer = stub.Search(
            search_pb2.SearchRequest(text="green skirt", user_id="u-0004", page_size=30), timeout=5
        )
    rest = running.search(text="green skirt", user_id="u-0004", page_size=30)
    assert [hit.product.product_id for hit in answer.hits] == ids(rest)
    assert [hit.score for hit in answer.hits] == pytest.approx(
        [hit["score"] for hit in rest["hits"]], abs=1e-6
    )
    assert answer.release == rest["release"]


@pytest.mark.parametrize(("dead", "alive"), [("text", "image"), ("image", "text")])
def test_without_one_retriever_the_other_answers_alone(
    running: Running, dead: str, alive: str
) -> None:
    # Asked before, so that the query's vector is known when its encoder is gone.
    wanted = ids(running.search(text="red dress", retrievers=[alive]))
    with running.without(dead):
        answer = running.search(text="red dress")
        assert answer["degraded"]
        assert answer["degraded_reasons"] == [f"{dead}_unavailable"]
        assert ids(answer) == wanted
        refused = running.post("/v1/search", {"text": "red dress", "retrievers": [dead]})
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["code"] == "unavailable"
        strict = running.post("/v1/search", {"text": "red dress", "allow_partial": False})
        assert strict.status_code == 503
    assert not running.search(text="red dress")["degraded"]


def test_a_dead_retriever_is_refused_fast(running: Running) -> None:
    with running.without("text"):
        request = {"text": "red dress", "retrievers": ["text"], "budget_ms": 5000}
        running.post("/v1/search", request)  # the pool may learn of the death by this one
        answer = running.post("/v1/search", request)
        assert answer.status_code == 503
        assert answer.elapsed.total_seconds() < 5  # it did not wait for its budget


def test_without_ranking_the_order_is_the_fused_one(running: Running) -> None:
    wanted = ids(running.search(text="blue shirt", user_id="u-0005", personalization=0.0))
    with running.without("ranking"):
        answer = running.search(text="blue shirt", user_id="u-0005", personalization=0.7)
        assert ids(answer) == wanted
        assert answer["degraded_reasons"] == ["ranking_unavailable"]


def test_without_redis_nothing_changes(running: Running) -> None:
    request = {"text": "blue shirt", "user_id": "u-0006", "personalization": 0.7}
    wanted = ids(running.search(**request))
    with running.without("redis"):
        answer = running.search(**request)
        assert ids(answer) == wanted
        assert not answer["degraded"]
        assert answer["degraded_reasons"] == []


def bomb() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        packed = kind + body
        return struct.pack(">I", len(body)) + packed + struct.pack(">I", zlib.crc32(packed))

    header = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 + 3 * 12_000) * 100)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda photo: bomb(), id="decompression bomb"),
        pytest.param(lambda photo: photo[: len(photo) // 2], id="truncated"),
        pytest.param(lambda photo: b"GIF89a" + photo, id="polyglot"),
        pytest.param(lambda photo: b"\xff\xd8\xff" + bytes(500), id="magic alone"),
        pytest.param(lambda photo: b"<svg/>", id="another format"),
    ],
)
def test_a_bad_photo_is_refused_and_costs_nobody_else(
    running: Running, photo: bytes, make: Callable[[bytes], bytes]
) -> None:
    async def both() -> tuple[httpx.Response, list[httpx.Response]]:
        async with httpx.AsyncClient(base_url=running.rest_url, timeout=20) as client:
            bad = client.post(
                "/v1/search",
                files={
                    "request": (None, '{"parts": [{"image": {"upload": "image"}}]}'),
                    "image": ("p.jpg", make(photo), "image/jpeg"),
                },
            )
            good = [
                client.post("/v1/search", json={"text": f"shirt {n}", "budget_ms": 5000})
                for n in range(10)
            ]
            answers = await asyncio.gather(bad, *good)
            return answers[0], list(answers[1:])

    bad, good = asyncio.run(both())
    assert bad.status_code in (400, 413)
    assert bad.headers["content-type"].startswith("application/problem+json")
    assert {answer.status_code for answer in good} == {200}
    assert not any(answer.json()["degraded"] for answer in good)


def test_thousands_of_parentheses_kill_nothing(running: Running) -> None:
    before = [member.pid for member in running.state.members]
    assert running.post("/v1/search", {"text": "(" * 20_000}).status_code == 400
    assert running.post("/v1/search", {"text": "(" * 512}).status_code == 200
    rng = random.Random(5)
    alphabet = "()[]{}\"'^~*?:\\/+-&|! abcшыö셔츠\u202e\u200b\U0001f457"
    with httpx.Client(base_url=running.rest_url, timeout=10) as client:
        for _ in range(300):
            text = "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 80)))
            assert client.post("/v1/search", json={"text": text}).status_code in (200, 400)
    assert [member.pid for member in running.state.members] == before


def test_health_and_metrics_tell_the_truth(running: Running) -> None:
    assert running.get("/livez").status_code == 200
    assert running.get("/readyz").status_code == 200
    running.search(text="shirt")
    metrics = running.get("/metrics").text
    assert "hemline_" in metrics
    for member in running.state.members:
        if member.readiness:
            text = httpx.get(member.readiness.replace("/readyz", "/metrics")).text
            assert "hemline_" in text, member.name


def test_photos_come_from_the_media_store_for_ever(
    running: Running, products: list[Product]
) -> None:
    answer = running.get(f"/v1/images/{products[0].images[0]}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert running.get("/v1/images/" + "0" * 64).status_code == 404
