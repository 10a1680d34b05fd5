"""Promises of taste while shoppers click, gateways share a Redis, and rerankers swap in turn."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.gateway.ranking_generations import KIND
from services.gateway.sealed import Keys
from tests.redis_process import RedisProcess, running_redis
from tests.taste_shop import OTHER_RULES, Clicking, Shop, click, opened


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["redis", "no redis"])
async def shop(
    tmp_path: Path, redis: RedisProcess, request: pytest.FixtureRequest
) -> AsyncIterator[Shop]:
    async with opened(tmp_path, redis.url if request.param == "redis" else "") as made:
        yield made


async def test_each_answer_knows_all_that_was_acknowledged_before_it(shop: Shop) -> None:
    shoppers = [Clicking(shop, name) for name in ("u-1", "anon-8f2c")]
    for each in shoppers:
        await each.click()
    await asyncio.gather(*(each.rounds(25) for each in shoppers))
    for each in shoppers:
        assert each.answers >= 100
        assert len(shop.store.history(each.user_id, 100)) == each.begun == 26


# One of each half: which of the two gateways or rerankers is first makes no difference.
ORDERS = [
    order
    for order in itertools.permutations(("gateway 0", "gateway 1", "reranker 0", "reranker 1"))
    if order.index("gateway 0") < order.index("gateway 1")
    and order.index("reranker 0") < order.index("reranker 1")
]


@pytest.mark.parametrize("shop", ["redis"], indirect=True)
@pytest.mark.parametrize("order", ORDERS, ids=" then ".join)
async def test_a_swap_in_any_order_loses_no_event_and_mixes_no_pair(
    shop: Shop, order: tuple[str, ...]
) -> None:
    shopper = Clicking(shop, "u-1")
    await shopper.click()
    before = await shopper.read(shop.gateways[0])
    release = shop.publish(2, OTHER_RULES)
    for name in order:
        await shopper.rounds(2)
        shop.member(name).follow(release)
        await shopper.rounds(2)
    after = {await shopper.read(each) for each in shop.gateways}
    assert after == {release.generations[KIND]} != {before}
    # And back, as a rollback does, in the same order.
    back = shop.artifacts.release({KIND: before}, seq=3)
    for name in order:
        shop.member(name).follow(back)
        await shopper.rounds(1)
    assert {await shopper.read(each) for each in shop.gateways} == {before}
    assert len(shop.store.history("u-1", 100)) == shopper.begun


async def test_an_erased_shopper_is_a_stranger_at_once_everywhere(shop: Shop) -> None:
    shopper = Clicking(shop, "u-1")
    for _ in range(3):
        await shopper.click()
    for gateway in shop.gateways:
        await shopper.read(gateway)
    kept = Keys(b"shared").key("uf", b"u-1")
    for gateway in shop.gateways:
        assert not gateway.redis or await gateway.redis.get_many([kept]) != [None]
    assert await shop.gateways[0].histories.forget("u-1") == 3
    for gateway in shop.gateways:
        assert not gateway.redis or await gateway.redis.get_many([kept]) == [None]
    for gateway in shop.gateways:
        assert (await gateway.liking("u-1")).mode == "cold"
    [verdict] = await shop.gateways[1].recorder.record([click(0)])
    assert verdict.status == "accepted"
    for gateway in shop.gateways:
        assert (await gateway.liking("u-1")).mode == "user"
