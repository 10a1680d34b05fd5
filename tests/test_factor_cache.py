"""Promises of the caches in Redis: what is stale, foreign or damaged is never used."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from runtime.errors import SetupError, Unavailable
from services.gateway.breaker import Breaker
from services.gateway.factor_cache import Computed, FactorCache
from services.gateway.redis_keep import RedisKeep, connect
from services.gateway.sealed import Keys, Sealed
from services.gateway.stages import QueryKind, QueryVector, UserFactors
from services.gateway.vector_cache import VectorCache
from tests.redis_process import RedisProcess, running_redis, socket_redis

KEYS = Keys(b"the same in all gateways")
OLD = UserFactors("r-1", np.array([0.5, -2.0, 3.0], "<f4").tobytes())
NEW = UserFactors("r-1", np.array([9.0, 9.0, 9.0], "<f4").tobytes())
LABEL = "r-1 3.10.20"
UN, UF = KEYS.key("un", b"u-1"), KEYS.key("uf", b"u-1")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Computes factors from a history, and counts how often."""

    def __init__(self, factors: UserFactors | None = OLD, history: str = "3.10.20") -> None:
        self.factors = factors
        self.history = history
        self.computed = 0
        self.before: Callable[[], Awaitable[object]] | None = None

    async def mark(self) -> str:
        return self.history

    async def compute(self) -> Computed:
        self.computed += 1
        found = Computed(self.factors, self.history)
        if self.before is not None:
            await self.before()
        return found


class Gateway:
    """The cache of one gateway, and a plain client beside it."""

    def __init__(self, url: str) -> None:
        self.clock = Clock()
        self.failures: list[int] = []
        self.outcomes: list[str] = []
        self.generation = "r-1"
        self.redis = connect(url)
        self.keep = RedisKeep(
            self.redis, on_failure=lambda: self.failures.append(1), clock=self.clock
        )
        self.cache = FactorCache(
            self.keep, KEYS, generation=lambda: self.generation, count=self.outcomes.append
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with running_redis(tmp_path_factory.mktemp("redis")) as redis:
        yield redis


@pytest.fixture
async def gateway(server: RedisProcess) -> AsyncIterator[Gateway]:
    plain = Redis.from_url(server.url)
    await plain.flushall()
    await plain.aclose()
    opened = Gateway(server.url)
    yield opened
    await opened.keep.close()


async def test_factors_are_computed_once(gateway: Gateway) -> None:
    source = Source()
    assert [await gateway.cache.get("u-1", source) for _ in range(3)] == [OLD] * 3
    assert source.computed == 1
    assert gateway.outcomes == ["miss", "hit", "hit"]


async def test_gateways_share_what_they_computed(gateway: Gateway, server: RedisProcess) -> None:
    await gateway.cache.get("u-1", Source())
    other, source = Gateway(server.url), Source(NEW)
    assert await other.cache.get("u-1", source) == OLD
    assert source.computed == 0
    await other.keep.close()


async def test_an_unknown_user_is_remembered_for_a_minute(gateway: Gateway) -> None:
    source = Source(None)
    assert await gateway.cache.get("u-1", source) is None
    assert await gateway.cache.get("u-1", source) is None
    assert source.computed == 1
    assert 0 < await gateway.redis.ttl(UF) <= 60


async def test_values_end_after_about_ten_minutes(gateway: Gateway) -> None:
    await gateway.cache.get("u-1", Source())
    assert 530 <= await gateway.redis.ttl(UF) <= 660
    assert 590 <= await gateway.redis.ttl(UN) <= 600


async def test_nobodys_id_stands_in_redis(gateway: Gateway) -> None:
    await gateway.cache.get("a-very-private-id", Source())
    for key in await gateway.redis.keys("*"):
        assert b"private" not in key
        assert b"private" not in (await gateway.redis.get(key) or b"")


async def test_a_change_makes_what_is_kept_useless(gateway: Gateway) -> None:
    source = Source()
    await gateway.cache.get("u-1", source)
    source.factors = NEW
    await gateway.cache.changed(["u-1"])
    assert await gateway.cache.get("u-1", source) == NEW


async def test_a_slow_reader_cannot_bring_back_the_past(gateway: Gateway) -> None:
    # It takes the nonce, reads the history, and stores only after the click has come and gone.
    source = Source(OLD)
    source.before = lambda: gateway.cache.changed(["u-1"])
    assert await gateway.cache.get("u-1", source) == OLD
    source.before, source.factors = None, NEW
    assert await gateway.cache.get("u-1", source) == NEW


async def test_a_missing_nonce_is_a_miss_even_for_a_value_without_one(gateway: Gateway) -> None:
    source = Source()
    await gateway.cache.get("u-1", source)
    await gateway.redis.delete(UN)
    source.factors = NEW
    assert await gateway.cache.get("u-1", source) == NEW
    assert gateway.outcomes == ["miss", "miss"]
    blank = Sealed(LABEL, KEYS.owner(b"u-1"), bytes(16), OLD.data)
    await gateway.redis.set(UF, blank.pack())
    await gateway.redis.delete(UN)
    assert await gateway.cache.get("u-1", source) == NEW


async def test_factors_of_another_generation_are_not_used(gateway: Gateway) -> None:
    source = Source()
    await gateway.cache.get("u-1", source)
    gateway.generation, source.factors = "r-2", UserFactors("r-2", NEW.data)
    assert await gateway.cache.get("u-1", source) == source.factors
    assert gateway.outcomes == ["miss", "refused"]


async def test_fresh_factors_pass_the_cache_and_replace_what_is_kept(gateway: Gateway) -> None:
    source = Source()
    await gateway.cache.get("u-1", source)
    source.factors = NEW
    assert await gateway.cache.get("u-1", source, fresh=True) == NEW
    assert await gateway.cache.get("u-1", source) == NEW
    assert source.computed == 2


def _sealed(nonce: bytes, *, owner: bytes = KEYS.owner(b"u-1"), data: bytes = OLD.data) -> bytes:
    return Sealed(LABEL, owner, nonce, data).pack()


def _resealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


FOREIGN: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda nonce: b"",
    "garbage": lambda nonce: b"\x00\xffgarbage" * 9,
    "another user's": lambda nonce: _sealed(nonce, owner=KEYS.owner(b"u-2")),
    "another nonce": lambda nonce: _sealed(bytes(16)),
    "not a number": lambda nonce: _sealed(nonce, data=struct.pack("<3f", 1, float("nan"), 2)),
    "infinity": lambda nonce: _sealed(nonce, data=struct.pack("<3f", 1, float("inf"), 2)),
    "another version": lambda nonce: _resealed(b"\x07" + _sealed(nonce)[1:-4]),
    "another length": lambda nonce: _resealed(_sealed(nonce)[:-8]),
    "half a float": lambda nonce: _resealed(_sealed(nonce)[:-6]),
    "cut off": lambda nonce: _sealed(nonce)[:-1],
    "one bit": lambda nonce: (
        _sealed(nonce)[:-5] + bytes([_sealed(nonce)[-5] ^ 1]) + (_sealed(nonce)[-4:])
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
async def test_values_that_do_not_prove_themselves_are_never_used(
    gateway: Gateway, kind: str
) -> None:
    source = Source()
    await gateway.cache.get("u-1", source)
    nonce = await gateway.redis.get(UN)
    assert isinstance(nonce, bytes)
    await gateway.redis.set(UF, FOREIGN[kind](nonce))
    source.factors = NEW
    assert await gateway.cache.get("u-1", source) == NEW
    assert gateway.outcomes == ["miss", "refused"]
    assert await gateway.cache.get("u-1", source) == NEW
    assert source.computed == 2


async def test_a_key_of_another_type_is_a_miss(gateway: Gateway) -> None:
    await gateway.redis.lpush(UF, "a list")
    source = Source()
    assert await gateway.cache.get("u-1", source) == OLD


@given(st.binary(max_size=200))
def test_no_bytes_unpack_by_chance(value: bytes) -> None:
    assert Sealed.unpack(value, owner=b"12345678") is None


@given(
    st.text(max_size=40),
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20),
    st.integers(0, 255),
)
def test_what_was_packed_unpacks_equal(label: str, values: list[float], kind: int) -> None:
    data = np.array(values, "<f4").tobytes()
    sealed = Sealed(label, b"12345678", bytes(range(16)), data, kind)
    assert Sealed.unpack(sealed.pack(), owner=b"12345678") == sealed


async def test_many_requests_for_one_cold_user_compute_once(gateway: Gateway) -> None:
    source = Source()
    found = await asyncio.gather(*(gateway.cache.get("u-1", source) for _ in range(200)))
    assert found == [OLD] * 200
    assert source.computed == 1


async def test_one_waiter_that_leaves_does_not_fail_the_others(gateway: Gateway) -> None:
    gate, source = asyncio.Event(), Source()
    source.before = gate.wait
    first, second = (asyncio.create_task(gateway.cache.get("u-1", source)) for _ in range(2))
    while not source.computed:  # noqa: ASYNC110  # Redis is asked first
        await asyncio.sleep(0.001)
    first.cancel()
    gate.set()
    assert await second == OLD
    assert first.cancelled() or first.cancelling()


async def test_an_error_of_the_stage_is_told_and_not_kept(gateway: Gateway) -> None:
    async def fails() -> None:
        raise Unavailable("gone")

    source = Source()
    source.before = fails
    for _ in range(2):
        with pytest.raises(Unavailable):
            await gateway.cache.get("u-1", source)
    assert await gateway.cache.get("u-1", Source()) == OLD


async def test_a_killed_redis_costs_nothing_but_the_cache(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        gateway, source = Gateway(server.url), Source()
        await gateway.cache.get("u-1", source)
        server.kill()
        for _ in range(8):
            assert await gateway.cache.get("u-1", source) == OLD
        assert source.computed == 9
        # The breaker opened at the fifth failure: the others were not even tried.
        assert len(gateway.failures) == 5
        server.start()
        gateway.clock.now += 1.0
        await gateway.cache.get("u-1", source)
        await gateway.cache.get("u-1", source)
        assert source.computed == 10
        await gateway.keep.close()


async def test_a_frozen_redis_costs_nothing_but_the_cache(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        gateway, source = Gateway(server.url), Source()
        await gateway.cache.get("u-1", source)
        server.freeze()
        async with asyncio.timeout(5):  # redis-py's own retries would take 5.5 s for one
            for _ in range(8):
                assert await gateway.cache.get("u-1", source) == OLD
        assert len(gateway.failures) == 5
        server.thaw()
        gateway.clock.now += 1.0
        assert await gateway.cache.get("u-1", source) == OLD
        assert source.computed == 9
        await gateway.keep.close()


async def test_more_callers_than_connections_all_get_an_answer(gateway: Gateway) -> None:
    found = await asyncio.gather(
        *(gateway.cache.get(f"u-{place}", Source()) for place in range(100))
    )
    assert found == [OLD] * 100


async def test_the_socket_of_the_house_serves_as_well(tmp_path: Path) -> None:
    with socket_redis(tmp_path) as url:
        gateway, source = Gateway(url), Source()
        for _ in range(2):
            assert await gateway.cache.get("u-1", source) == OLD
        assert (source.computed, gateway.failures) == (1, [])
        await gateway.keep.close()


async def test_the_password_is_told_to_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_redis(tmp_path) as server:
        wrong = Gateway(server.url.replace("pw-of", "zq9-of"))
        assert await wrong.cache.get("u-1", Source()) == OLD
        await wrong.keep.close()
    gone = Gateway(server.url)
    assert await gone.cache.get("u-1", Source()) == OLD
    await gone.keep.close()
    assert len(caplog.records) >= 2
    for secret in ("pw-of-the-test", "zq9-of-the-test"):
        assert secret not in caplog.text
    with pytest.raises(SetupError) as caught:
        connect("http://user:zq9@host")
    assert "zq9" not in str(caught.value)


def test_a_breaker_opens_for_longer_each_time_and_lets_one_probe_through() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(5):
        assert breaker.allows()
        breaker.failed()
    for pause in (1, 2, 4, 8, 16, 30, 30):
        assert not breaker.allows()
        clock.now += pause - 0.01
        assert not breaker.allows()
        clock.now += 0.02
        assert breaker.allows()
        assert not breaker.allows()
        breaker.failed()
    clock.now += 30
    assert breaker.allows()
    breaker.succeeded()
    for _ in range(4):
        breaker.failed()
    assert breaker.allows()


def test_a_breaker_forgets_failures_after_five_seconds() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(20):
        breaker.failed()
        clock.now += 1.5
        assert breaker.allows()


VECTOR = QueryVector("enc-1", QueryKind.MIXED, np.array([0.6, 0.8], "<f4").tobytes())
KEY = bytes(range(32))


async def test_query_vectors_are_shared_by_gateways_of_one_encoder(gateway: Gateway) -> None:
    one, two = VectorCache(gateway.keep, KEYS), VectorCache(gateway.keep, KEYS)
    one.put(KEY, VECTOR)
    await one.settle()
    assert await two.get(KEY) is None  # it does not know yet which encoder is in use
    two.put(bytes(32), VECTOR)
    assert await two.get(KEY) == VECTOR


async def test_vectors_of_another_encoder_are_never_given(gateway: Gateway) -> None:
    cache = VectorCache(gateway.keep, KEYS)
    cache.put(KEY, VECTOR)
    cache.put(bytes(32), QueryVector("enc-2", QueryKind.TEXT, VECTOR.data))
    await cache.settle()
    assert await cache.get(KEY) is None
    cache.put(KEY, VECTOR)
    await cache.settle()
    cache.refuse("enc-1")
    assert await cache.get(KEY) is None


async def test_a_damaged_query_vector_is_not_given(gateway: Gateway) -> None:
    outcomes: list[str] = []
    one, two = (VectorCache(gateway.keep, KEYS, count=outcomes.append) for _ in range(2))
    one.put(KEY, VECTOR)
    await one.settle()
    [name] = await gateway.redis.keys("qv:*")
    value = await gateway.redis.get(name)
    assert isinstance(value, bytes)
    await gateway.redis.set(name, value[:-1] + b"?")
    two.put(bytes(32), VECTOR)
    assert await two.get(KEY) is None
    assert outcomes == ["refused"]


async def test_the_process_keeps_the_newest_vectors_only() -> None:
    cache = VectorCache(None, KEYS, capacity=2)
    keys = [bytes([place]) * 32 for place in range(3)]
    cache.put(keys[0], VECTOR)
    cache.put(keys[1], VECTOR)
    assert await cache.get(keys[0]) == VECTOR
    cache.put(keys[2], VECTOR)
    assert [await cache.get(key) is not None for key in keys] == [True, False, True]
