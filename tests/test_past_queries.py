"""Past queries are offered once several shoppers asked them, and give nobody away."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from runtime.errors import PermissionDenied, Unavailable
from services.gateway.answer import Answer
from services.gateway.keys import ANYBODY, NOBODY, current_caller
from services.gateway.main_access import PersonalSearch
from services.gateway.main_suggest import NotedSearch
from services.gateway.parts import Example, Part
from services.gateway.past_queries import LEAST_USERS, TTL_S, PastQueries
from services.gateway.query import Query
from services.gateway.redis_keep import RedisKeep, connect
from services.gateway.sealed import Keys
from services.gateway.stages import Completion
from services.gateway.suggestable import MAX_CHARS, MAX_DIGITS, suggestable
from services.gateway.suggesting import Suggester
from tests.gateway_fakes import FakeImage, FakeText, House, ask, down
from tests.redis_process import RedisProcess, running_redis

KEYS = Keys(b"secret of the test")


class Redises:
    """Past queries in a Redis of their own."""

    def __init__(self, process: RedisProcess) -> None:
        self.process = process
        self.client: Redis = connect(process.url)
        self.past = PastQueries(RedisKeep(self.client), KEYS)

    async def asked(self, text: str, users: int) -> None:
        for number in range(users):
            await self.past.note(text, f"u-{number}")

    async def everything(self) -> bytes:
        """All that stands in Redis, one after the other."""
        found = b""
        for key in await self.client.keys("*"):
            kind = await self.client.type(key)
            is_ranked = kind == b"zset"
            value = await (self.client.zrange(key, 0, -1) if is_ranked else self.client.get(key))
            members = value if isinstance(value, list) else [value]
            found += b"\n".join(bytes(each) for each in (key, *members))
        return found


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redises]:
    with running_redis(tmp_path) as process:
        opened = Redises(process)
        yield opened
        await opened.client.aclose()


async def test_a_query_is_suggested_once_five_shoppers_asked_it(redis: Redises) -> None:
    await redis.asked("Red Summer  Dress", LEAST_USERS - 1)
    await redis.past.note("red summer dress", "u-0")  # the same shopper again
    assert await redis.past.complete("red", 8) == ()
    await redis.past.note("red summer dress", "u-4")
    for typed in ("r", "red", "red summer dr", "summer", "DRESS", "dre"):
        assert await redis.past.complete(typed, 8) == ["red summer dress"], typed
    for typed in ("blue", "red dress", "ed summer", "red summer dress", " "):
        assert not await redis.past.complete(typed, 8), typed


async def test_what_more_shoppers_asked_stands_first(redis: Redises) -> None:
    await redis.asked("red skirt", LEAST_USERS)
    await redis.asked("red dress", LEAST_USERS + 3)
    await redis.asked("red coat", LEAST_USERS + 1)
    assert await redis.past.complete("re", 8) == ["red dress", "red coat", "red skirt"]
    assert await redis.past.complete("re", 1) == ["red dress"]


async def test_nobody_and_no_rare_words_stand_in_redis(redis: Redises) -> None:
    await redis.asked("zq9 kimono", LEAST_USERS - 1)
    await redis.asked("red dress", LEAST_USERS)
    kept = await redis.everything()
    assert b"red dress" in kept
    for secret in (b"zq9", b"kimono", b"u-0", b"u-4"):
        assert secret not in kept
    assert len(await redis.client.keys("pa:*")) == 2


async def test_a_query_is_forgotten_ninety_days_after_it_was_last_asked(redis: Redises) -> None:
    await redis.asked("red dress", LEAST_USERS)
    for key in await redis.client.keys("*"):
        assert TTL_S - 10 <= await redis.client.ttl(key) <= TTL_S
        await redis.client.expire(key, 1000)
    await redis.past.note("red dress", "u-0")
    for key in await redis.client.keys("*"):
        assert await redis.client.ttl(key) > 1000
    [asked] = await redis.client.keys("pa:*")
    await redis.client.delete(asked)  # as if its time were over
    assert await redis.past.complete("red", 8) == []
    assert b"red dress" not in (await redis.client.zrange(KEYS.key("pp", b"red"), 0, -1))


async def test_one_secret_does_not_read_what_another_wrote(redis: Redises) -> None:
    await redis.asked("red dress", LEAST_USERS)
    other = PastQueries(RedisKeep(redis.client), Keys(b"another"))
    assert await other.complete("red", 8) == ()


@pytest.mark.parametrize(
    "text",
    [
        "12345", "42", "m", "call 0171 234 56", "5 5 5 5 5", "jane@shop.example", "www.shop.de",
        "jane at shop dot com", "https://x", "shop.example/red", "red <b>dress</b>", "{red}",
        "a b c d e f g h", "red " * 20, "x" * 49, "", " \t", "١٢٣٤٥",
    ],
)  # fmt: skip
async def test_what_could_be_somebodys_is_never_suggested(redis: Redises, text: str) -> None:
    assert suggestable(text) == ""
    await redis.asked(text, LEAST_USERS + 1)
    assert await redis.client.keys("*") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  Navy Linen DRESS ", "navy linen dress"),
        ("levi's 501", "levi's 501"),
        ("h&m t-shirt", "h&m t-shirt"),
        ("kleid zwischen 20 und 40 €", "kleid zwischen 20 und 40 €"),
        ("면 원피스", "면 원피스"),
        ("हरी साड़ी", "हरी साड़ी"),
        ('dress by "acme"', 'dress by "acme"'),
        ("dress under $50", "dress under $50"),
    ],
)
def test_words_for_clothes_may_be_suggested(text: str, told: str) -> None:
    assert suggestable(text) == told


@given(st.text(max_size=80))
def test_whatever_is_suggested_is_short_and_holds_few_digits(text: str) -> None:
    told = suggestable(text)
    assert len(told) <= MAX_CHARS
    assert sum(each.isnumeric() for each in told) <= MAX_DIGITS
    assert "@" not in told
    assert suggestable(told) == told


async def test_a_redis_that_is_gone_costs_past_queries_alone(redis: Redises) -> None:
    redis.process.kill()
    assert await redis.past.complete("red", 8) is None
    answer = await Suggester(
        FakeText(completions=[Completion("red dress", "query", 3)]), redis.past
    ).suggest("re", 8)
    assert [each.text for each in answer.found] == ["red dress"]
    assert answer.degraded


class Noted:
    """A search over a small house whose words are noted."""

    def __init__(self, redis: Redises, house: House | None = None) -> None:
        self.house = house or House(FakeText(["a", "b"]), FakeImage(["b"]))
        self.redis = redis
        self.searching = NotedSearch(PersonalSearch(self.house.pipeline), redis.past)

    async def by_five(self, query: Query) -> Answer:
        for number in range(LEAST_USERS):
            answer = await self.searching.search(replace(query, user_id=f"u-{number}"))
        await self.searching.settle()
        return answer

    async def suggested(self) -> bool:
        return await self.redis.past.complete("red", 8) == ["red dress"]


@pytest.fixture
def everybody() -> Iterator[None]:
    token = current_caller.set(ANYBODY)
    yield
    current_caller.reset(token)


@pytest.mark.usefixtures("everybody")
async def test_a_search_in_words_that_found_something_is_noted(redis: Redises) -> None:
    noted = Noted(redis)
    answer = await noted.by_five(ask("red dress"))
    assert answer.hits
    assert await noted.suggested()


@pytest.mark.usefixtures("everybody")
async def test_a_search_that_found_nothing_is_not_noted(redis: Redises) -> None:
    noted = Noted(redis, House(FakeText([]), FakeImage([])))
    await noted.by_five(ask("red dress"))
    assert not await noted.suggested()


@pytest.mark.usefixtures("everybody")
async def test_words_that_the_words_side_did_not_answer_are_not_noted(redis: Redises) -> None:
    noted = Noted(redis, House(FakeText(error=down(Unavailable)), FakeImage(["a"])))
    answer = await noted.by_five(ask("red dress"))
    assert answer.hits
    assert not await noted.suggested()


@pytest.mark.usefixtures("everybody")
async def test_a_search_with_more_than_words_is_not_noted(redis: Redises) -> None:
    noted = Noted(redis)
    await noted.by_five(ask("red dress", parts=[Part(Example("a"), "parts[0]")]))
    assert not await noted.suggested()


@pytest.mark.usefixtures("everybody")
async def test_a_search_of_nobody_is_not_noted(redis: Redises) -> None:
    noted = Noted(redis)
    for _ in range(LEAST_USERS):
        await noted.searching.search(ask("red dress"))
    await noted.searching.settle()
    assert not await noted.suggested()


async def test_who_may_not_act_as_a_shopper_puts_no_words_into_suggestions(redis: Redises) -> None:
    noted = Noted(redis)
    token = current_caller.set(NOBODY)
    with pytest.raises(PermissionDenied):
        await noted.by_five(ask("red dress"))
    current_caller.reset(token)
    await noted.searching.settle()
    assert await redis.client.keys("*") == []
