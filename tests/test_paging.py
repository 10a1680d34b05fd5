"""Promises of frozen paging: one walk, one order, whatever happens to the catalogue meanwhile."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.facet import Facet, FacetRange, FacetValue
from catalog.product_filter import Condition
from runtime.errors import Gone, InvalidArgument
from services.gateway.answer import Answer, Generation
from services.gateway.explaining import Reasons
from services.gateway.paging import Paging, request_digest
from services.gateway.parts import Example, Part, words
from services.gateway.query import Fusion, Query
from services.gateway.query_options import Understand
from services.gateway.redis_keep import RedisKeep, connect
from services.gateway.result_lists import ProcessLists, RedisLists, packed, unpacked
from services.gateway.result_set import ResultSet
from services.gateway.sealed import Keys
from tests.gateway_fakes import FakeImage, FakeRanking, FakeText, House, ask, product
from tests.redis_process import RedisProcess, running_redis

TEXT = [f"p-{place:03}" for place in range(70)]
IMAGE = [f"p-{place:03}" for place in range(90, 30, -1)]
EVERY = {*TEXT, *IMAGE}
LIKINGS = {name: place * 7 % 11 / 10 for place, name in enumerate(sorted(EVERY))}


def house(**options: Any) -> House:
    return House(FakeText(TEXT), FakeImage(IMAGE), FakeRanking({"u-1": LIKINGS}), **options)


async def pages(
    rooms: House, between: Callable[[Answer], None] = lambda page: None, **options: Any
) -> list[Answer]:
    """All pages of a search, with something that happens after each."""
    found: list[Answer] = []
    token = ""
    while not found or token:
        query = ask(**({"page_size": 7} | options), page_token=token)
        found.append(await rooms.pipeline.search(query))
        token = found[-1].next_page_token
        between(found[-1])
    return found


def shown(answers: list[Answer]) -> list[str]:
    return [hit.product.id for answer in answers for hit in answer.hits]


async def test_a_walk_shows_everything_once_in_the_order_of_one_page() -> None:
    whole = await house().pipeline.search(ask(page_size=100, user_id="u-1"))
    walked = await pages(house(), user_id="u-1")
    assert shown(walked) == [hit.product.id for hit in whole.hits]
    assert set(shown(walked)) == EVERY
    assert [hit.rank for page in walked for hit in page.hits] == list(range(1, len(EVERY) + 1))
    assert {page.total for page in walked} == {whole.total}
    assert whole.total.value == len(EVERY)
    assert all(len(page.hits) == 7 for page in walked[:-1])
    assert not any(page.degraded for page in walked)


async def test_further_pages_ask_no_stage() -> None:
    rooms = house()
    walked = await pages(rooms, facets=("brand",), explain=True, user_id="u-1")
    assert len(walked) == 13
    assert (len(rooms.text.asked), len(rooms.image.searched), len(rooms.text.counted)) == (1, 1, 1)
    assert len(rooms.ranking.scored) == 1
    assert {str(page.facets) for page in walked} == {str(walked[0].facets)}
    assert {str(page.generations) for page in walked} == {str(walked[0].generations)}
    for hit in (hit for page in walked for hit in page.hits):
        assert hit.explanation is not None
        assert sum(term.value for term in hit.explanation.terms) == pytest.approx(hit.score)


async def test_changes_and_clicks_between_pages_move_nothing() -> None:
    rooms = house()
    frozen = shown(await pages(house(), user_id="u-1"))
    deleted: list[str] = []

    def live(page: Answer) -> None:
        doomed = [name for name in frozen if name in rooms.products.products]
        for name in doomed[:: max(1, len(doomed) // 3)]:
            if name not in shown([page]) and name not in deleted:
                del rooms.products.products[name]
                deleted.append(name)
        rooms.products.products[f"new-{len(deleted)}"] = product(f"new-{len(deleted)}")
        rooms.products.token += 1
        rooms.text.ids = rooms.text.ids[::-1]
        rooms.ranking.users = {"u-1": {name: 1 - taste for name, taste in LIKINGS.items()}}

    walked = await pages(rooms, live, user_id="u-1")
    names = shown(walked)
    assert len(set(names)) == len(names)
    assert names == [name for name in frozen if name in names]
    assert set(frozen) - set(names) <= set(deleted)
    assert len(deleted) > 10
    assert all(len(page.hits) == 7 for page in walked[:-1])
    assert [hit.rank for page in walked for hit in page.hits] == list(range(1, len(names) + 1))


async def test_the_total_shrinks_by_those_that_were_found_to_be_gone() -> None:
    rooms = house()
    first = await rooms.pipeline.search(ask(page_size=10))
    after = shown(await pages(house()))
    for name in after[12:15]:
        del rooms.products.products[name]
    rooms.products.token += 1
    token = first.next_page_token
    second = await rooms.pipeline.search(ask(page_size=10, page_token=token))
    assert first.total.value == len(EVERY)
    assert second.total.value == len(EVERY) - 3
    assert shown([first, second]) == [name for name in after if name not in after[12:15]][:20]


async def test_pages_after_the_last_product_was_deleted_are_empty_not_wrong() -> None:
    rooms = house()
    first = await rooms.pipeline.search(ask(page_size=10))
    rooms.products.products.clear()
    rooms.products.token += 1
    second = await rooms.pipeline.search(ask(page_size=10, page_token=first.next_page_token))
    assert (second.hits, second.next_page_token, second.total.value) == ([], "", 10)


async def test_a_last_page_has_no_token() -> None:
    rooms = house()
    assert not (await rooms.pipeline.search(ask(page_size=100))).next_page_token
    exact = House(FakeText(TEXT[:14]), FakeImage())
    walked = await pages(exact)
    assert [len(page.hits) for page in walked] == [7, 7]


async def test_every_bit_of_a_token_counts() -> None:
    rooms = house()
    token = (await rooms.pipeline.search(ask(page_size=7))).next_page_token
    assert token.isascii()
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for bit in range(8 * len(raw)):
        forged = bytearray(raw)
        forged[bit // 8] ^= 1 << bit % 8
        text = base64.urlsafe_b64encode(forged).decode().rstrip("=")
        with pytest.raises(InvalidArgument) as caught:
            await rooms.pipeline.search(ask(page_size=7, page_token=text))
        assert caught.value.field == "page_token"
    for text in (token[:-1], token + "A", token + "=", token[:-1] + "é", "A" * 500, token.lower()):
        with pytest.raises(InvalidArgument):
            await rooms.pipeline.search(ask(page_size=7, page_token=text))
    assert rooms.text.asked == [("red dress", 200)]


OTHERS: dict[str, dict[str, Any]] = {
    "words": {"text": "blue dress"},
    "page size": {"page_size": 8},
    "user": {"user_id": "u-2"},
    "no user": {"user_id": ""},
    "session": {"session_product_ids": ("p-001",)},
    "personalization": {"personalization": 0.4},
    "blend": {"blend": "minmax"},
    "retrievers": {"retrievers": ("text",)},
    "fusion": {"fusion": Fusion(k=61)},
    "weights": {"fusion": Fusion(weights={"text": 2.0})},
    "depth": {"candidate_factor": 20},
    "explain": {"explain": True},
    "partial": {"allow_partial": False},
    "filter": {"filter": Condition("kind", ("dress",))},
    "another filter": {"filter": Condition("kind", ("coat",))},
    "facets": {"facets": ("brand",)},
    "sort": {"sort": "newest"},
    "collapse": {"collapse": True},
    "diversity": {"diversity": 0.3},
    "quotas": {"quotas": {"brand": 2}},
    "exclusions": {"exclude": ("black",)},
    "reading": {"understand": Understand(ignore=("colour",))},
    "examples": {"include_examples": True},
    "change": {"min_seq": 3},
    "parts": {"parts": [words("long", "parts[0]")]},
    "weight of a part": {"parts": [words("red", "parts[0]", 0.5)]},
    "example": {"parts": [Part(Example("p-001"), "parts[0]")]},
}


@pytest.mark.parametrize("name", OTHERS)
async def test_a_token_is_good_for_its_request_and_user_alone(name: str) -> None:
    rooms = house()
    mine: dict[str, Any] = {"page_size": 7, "user_id": "u-1"}
    token = (await rooms.pipeline.search(ask(**mine))).next_page_token
    with pytest.raises(InvalidArgument) as caught:
        await rooms.pipeline.search(ask(**(mine | OTHERS[name]), page_token=token))
    assert caught.value.field == "page_token"
    theirs = (await rooms.pipeline.search(ask(**(mine | OTHERS[name])))).next_page_token
    assert await rooms.pipeline.search(ask(**(mine | OTHERS[name]), page_token=theirs))


async def test_a_token_bears_another_budget() -> None:
    rooms = house()
    token = (await rooms.pipeline.search(ask(page_size=7))).next_page_token
    answer = await rooms.pipeline.search(ask(page_size=7, budget_ms=500, page_token=token))
    assert answer.hits[0].rank == 8


async def test_a_token_of_another_secret_is_forged() -> None:
    query = ask(page_size=7)
    strangers = Paging(ProcessLists(), Keys(b"another secret"))
    token = strangers.token(await strangers.start(query), 7, 7)
    with pytest.raises(InvalidArgument):
        await house().pipeline.search(replace(query, page_token=token))


async def test_a_token_is_good_for_ten_minutes() -> None:
    rooms = house()
    token = (await rooms.pipeline.search(ask(page_size=7))).next_page_token
    rooms.now += 600
    second = await rooms.pipeline.search(ask(page_size=7, page_token=token))
    rooms.now += 1
    with pytest.raises(Gone) as caught:
        await rooms.pipeline.search(ask(page_size=7, page_token=token))
    assert (caught.value.field, caught.value.http_status) == ("page_token", 410)
    # The next one was made later, and the walk goes on.
    third = await rooms.pipeline.search(ask(page_size=7, page_token=second.next_page_token))
    assert [hit.rank for hit in third.hits] == list(range(15, 22))


class Forgetful(ProcessLists):
    """Loses what it keeps when it is told."""

    lost = False

    async def get(self, list_id: bytes, request: bytes) -> ResultSet | None:
        return None if self.lost else await super().get(list_id, request)


async def test_a_lost_list_is_found_again_at_the_same_place_and_said_so() -> None:
    lists = Forgetful()
    rooms = house(lists=lists)
    whole = shown(await pages(house(), user_id="u-1"))
    first = await rooms.pipeline.search(ask(page_size=7, user_id="u-1"))
    lists.lost = True
    query = ask(page_size=7, user_id="u-1", page_token=first.next_page_token)
    second = await rooms.pipeline.search(query)
    assert second.degraded_reasons == ["paging_restarted"]
    assert shown([first, second]) == whole[:14]
    lists.lost = False
    third = await rooms.pipeline.search(replace(query, page_token=second.next_page_token))
    assert third.degraded_reasons == []
    assert shown([first, second, third]) == whole[:21]
    assert len(rooms.text.asked) == 2


async def test_a_degraded_result_says_so_on_every_page() -> None:
    rooms = house()
    rooms.text.seq = 4
    walked = await pages(rooms, min_seq=5)
    assert {tuple(page.degraded_reasons) for page in walked} == {("stale_index",)}


async def test_without_redis_the_newest_results_are_kept_in_the_process() -> None:
    lists = ProcessLists(capacity=2)
    results = [ResultSet([f"p-{n}"], [1.0], [1]) for n in range(3)]
    for place, found in enumerate(results):
        await lists.put(bytes([place]) * 16, b"request", found)
    assert await lists.get(bytes(16), b"request") is None
    assert await lists.get(bytes([2]) * 16, b"request") is results[2]
    assert await lists.get(bytes([2]) * 16, b"another") is None


REASONS = Reasons(
    {"text": [3, 0, 2], "image": [0, 1, 0]},
    {"text": [11.25, 0.0, 12.5], "image": [0.0, 0.31, 0.0]},
    {"text": [0.2, 0.0, 0.3], "image": [0.0, 0.5, 0.0], "image_imputed": [0.1, 0.0, 0.0]},
    0.7,
    -0.001,
    "user",
    [0.3, 1e-17, 0.0],
    [3, 1, 2],
    [1, 2, 3],
    [2, 2, 1],
    [1, 1, 2],
)
RESULTS = ResultSet(
    ["p-ü", "p-2", "p-3"],
    [0.1 + 0.2, 1.0, 0.0],
    [2, 1],
    REASONS,
    has_more=True,
    facets=[
        Facet("brand", (FacetValue("A", 2, True), FacetValue("B", 1))),
        Facet("price_minor", (), (FacetRange(0, 2**63 - 1, 3),)),
    ],
    degraded_reasons=["image_unavailable"],
    coverage={"text": "ok", "image": "error"},
    release="r-000001",
    generations={"text": Generation("t-1", 2**40)},
    fusion=Fusion("convex", 60, {"text": 0.9, "image": 0.1}),
    before=[0.1 + 0.2, 0.0],
)


def test_a_kept_result_comes_back_as_it_was() -> None:
    assert unpacked(packed(RESULTS, b"request"), b"request") == RESULTS
    plain = replace(RESULTS, reasons=None, before=[])
    assert unpacked(packed(plain, b"r"), b"r") == plain
    assert unpacked(packed(RESULTS, b"request"), b"another") is None


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_result_is_lost_never_wrong(data: st.DataObject) -> None:
    value = bytearray(packed(RESULTS, b"request"))
    match data.draw(st.sampled_from(["flip", "cut", "grow"])):
        case "flip":
            bit = data.draw(st.integers(0, 8 * len(value) - 1))
            value[bit // 8] ^= 1 << bit % 8
        case "cut":
            value = value[: data.draw(st.integers(0, len(value) - 1))]
        case "grow":
            value += data.draw(st.binary(min_size=1, max_size=8))
    found = unpacked(bytes(value), b"request")
    assert found is None or found == RESULTS


@pytest.mark.parametrize(
    "broken",
    [
        ResultSet([f"p-{n}" for n in range(1001)], [0.0] * 1001, [1] * 1001),
        ResultSet(["p-1", "p-1"], [0.0, 0.0], [1, 1]),
        ResultSet(["p-1", "p-2"], [0.0], [1, 1]),
        ResultSet(["p-1", "p-2"], [0.0, 0.0], [1]),
        ResultSet(["p-1", "p-2"], [0.0, 0.0], [2, 0]),
        replace(RESULTS, reasons=Reasons()),
        replace(RESULTS, reasons=Reasons({"text": [1, 2]}, {"text": [1, 2, 3]}, by_score=[1, 2])),
        replace(RESULTS, reasons=replace(REASONS, votes={"text": [0.2]})),
        replace(RESULTS, reasons=replace(REASONS, gathered=[1, 2])),
        replace(RESULTS, reasons=replace(REASONS, diverse=[1, 2, 3, 4])),
        replace(RESULTS, before=[0.3]),
    ],
)
def test_a_result_that_does_not_fit_together_is_lost(broken: ResultSet) -> None:
    assert unpacked(packed(broken, b"r"), b"r") is None


async def test_the_digest_tells_users_and_not_where_a_part_stood() -> None:
    base = Query(parts=(words("red", "text"),))
    assert await request_digest(base) == await request_digest(
        Query(parts=(words("red", "parts[0]"),), budget_ms=700, page_token="x")
    )
    assert await request_digest(base) != await request_digest(replace(base, user_id="u"))
    told, packed_in_32_bits = (
        replace(base, user_id="u", personalization=share) for share in (0.4, 0.4000000059604645)
    )
    assert await request_digest(told) == await request_digest(packed_in_32_bits)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    with running_redis(tmp_path) as process:
        yield process


async def test_two_gateways_share_a_walk_and_its_result_outlives_no_ten_minutes(
    redis: RedisProcess,
) -> None:
    client, counted = connect(redis.url), list[str]()
    first, second = (
        house(lists=RedisLists(RedisKeep(client), count=counted.append)) for _ in range(2)
    )
    whole = shown(await pages(house(), collapse=True, explain=True))
    page = await first.pipeline.search(ask(page_size=7, collapse=True, explain=True))
    [name] = await client.keys("*")
    key = name.encode() if isinstance(name, str) else name
    assert key.startswith(b"pg:")
    assert len(key) == 3 + 32
    assert 590 <= await client.ttl(key) <= 600
    await client.expire(key, 100)
    query = ask(page_size=7, collapse=True, explain=True, page_token=page.next_page_token)
    next_page = await second.pipeline.search(query)
    assert shown([page, next_page]) == whole[:14]
    assert second.text.asked == []
    assert await client.ttl(key) > 500  # looked at again, kept again
    await client.set(key, b"something else")
    restarted = await second.pipeline.search(query)
    assert restarted.degraded_reasons == ["paging_restarted"]
    assert counted == ["hit", "refused"]
    await client.aclose()


async def test_a_redis_that_dies_midway_costs_the_frozen_order_and_no_page(
    redis: RedisProcess,
) -> None:
    client = connect(redis.url)
    rooms = house(lists=RedisLists(RedisKeep(client)))
    whole = shown(await pages(house()))
    calm = True

    def kill(page: Answer) -> None:
        nonlocal calm
        if calm and page.hits[0].rank > 20:
            redis.kill()
            calm = False

    walked = await pages(rooms, kill)
    assert shown(walked) == whole
    assert not calm
    before = [page for page in walked if page.hits[0].rank <= 28]
    assert {tuple(page.degraded_reasons) for page in before} == {()}
    after = [page for page in walked if page not in before]
    assert {tuple(page.degraded_reasons) for page in after} == {("paging_restarted",)}
    await client.aclose()
