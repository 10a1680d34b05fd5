"""Shoppers click while Redis dies and freezes and while new factors are released: none is lost."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Sequence

import httpx
import pytest

from offline.layout import DataDir
from services.gateway.ranking_generations import KIND
from services.reranker.factors import FORMAT
from tests.faults.test_swaps_under_load import turned_factors
from tests.test_click_to_ranking import (
    WORDS,
    Shop,
    ask,
    hammering,
    is_right,
    opened_shop,
    trial,
)
from tests.waiting import eventually

pytestmark = pytest.mark.fault
REPLICAS = {"gateway": 2, "ranking": 2}


@pytest.fixture(scope="module")
def shop(world: DataDir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened_shop(world, tmp_path_factory.mktemp("troubles") / "world", REPLICAS) as made:
        yield made


async def clicks(shop: Shop, user_id: str, steps: Sequence[Callable[[], object]], each: int) -> int:
    """Runs the steps, with clicks after each, while readers hammer; returns how many clicks."""
    number = 0
    async with (
        hammering(shop, user_id) as load,
        httpx.AsyncClient(base_url=shop.urls[0], timeout=60) as one,
        httpx.AsyncClient(base_url=shop.urls[1], timeout=60) as other,
    ):
        for step in steps:
            await asyncio.to_thread(step)
            for _ in range(each):
                assert await trial(shop, (one, other), user_id, number) == (True, True)
                number += 1
    assert load.wrong == []
    return number


def test_f08_clicks_are_ranked_by_while_redis_freezes_and_dies(shop: Shop) -> None:
    def send(number: signal.Signals) -> None:
        os.kill(shop.running.members("redis")[0].pid, number)

    def kill() -> None:
        [before] = shop.running.members("redis")
        send(signal.SIGKILL)
        # The supervisor starts another one, which knows nothing.
        eventually(
            lambda: (
                shop.running.members("redis")[0].pid != before.pid
                and shop.running.members("redis")[0].identity.alive()
            ),
            within_s=60,
        )

    steps = [
        lambda: None,
        lambda: send(signal.SIGSTOP),
        lambda: send(signal.SIGCONT),
        kill,
        lambda: None,
    ]
    count = asyncio.run(clicks(shop, "anon-troubles", steps, 3))
    assert len(shop.store.history("anon-troubles", 100)) == count


def test_f14_clicks_are_ranked_by_one_pair_while_new_factors_are_released(shop: Shop) -> None:
    data, before = shop.running.data, shop.in_use
    turned = turned_factors(data, shop.artifacts.open(KIND, before, format=FORMAT))
    assert turned.generation != before

    def release(generation: str) -> None:
        current = shop.artifacts.current()
        assert current is not None
        shop.artifacts.release({**current.generations, KIND: generation}, seq=current.seq)

    # Gateways and rerankers look every five seconds, each at its own time.
    steps = [lambda: release(turned.generation), lambda: release(before)]
    count = asyncio.run(clicks(shop, "anon-swaps", steps, 15))
    assert len(shop.store.history("anon-swaps", 100)) == count == 30

    async def settled() -> str:
        async with httpx.AsyncClient(base_url=shop.urls[0], timeout=60) as client:
            answer = await ask(client, "anon-swaps", WORDS[0])
            assert is_right(shop, "anon-swaps", answer)
            return str(answer["generations"]["ranking"]["generation"])

    eventually(lambda: asyncio.run(settled()) == before, within_s=60)
