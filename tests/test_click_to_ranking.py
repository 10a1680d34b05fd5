"""A click is in the very next order, through either of two gateways and under load.

Real processes: two gateways over one Redis, the stages behind them, and twenty readers who ask
without a pause for the same shopper.
"""

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from catalog.confidence import ConfidenceRules, confidences
from catalog.store import CatalogStore
from offline.house import UpOptions
from offline.layout import DataDir
from offline.up import down, up_detached
from runtime.artifacts import ArtifactStore
from services.gateway.ranking_generations import KIND, RULES
from services.reranker.factors import FORMAT, Factors
from tests.ports import two_ports
from tests.running import Running
from tests.waiting import eventually

READERS = 20
WORDS = ("dress", "shirt", "blue", "red")
Json = dict[str, Any]


@dataclass
class Shop:
    """A house with two gateways, and what its tastes must be."""

    running: Running
    urls: Sequence[str]
    store: CatalogStore
    artifacts: ArtifactStore
    opened: dict[str, Factors] = field(default_factory=dict)

    @property
    def in_use(self) -> str:
        """The generation of the factors in force."""
        release = self.artifacts.current()
        assert release is not None
        return release.generations[KIND]

    def factors(self, generation: str) -> Factors:
        """The factors of a generation."""
        if generation not in self.opened:
            folder = self.artifacts.open(KIND, generation, format=FORMAT).folder
            self.opened[generation] = Factors.open(folder)
        return self.opened[generation]

    def known(self, product_ids: Sequence[str]) -> list[str]:
        """Those products that the model knows."""
        factors = self.factors(self.in_use)
        known = factors.tastes(np.ones(factors.dim, np.float32), product_ids).known
        return [name for name, is_known in zip(product_ids, known, strict=True) if is_known]

    def tastes(
        self, user_id: str, product_ids: Sequence[str], generation: str = ""
    ) -> dict[str, float]:
        """The taste for those products that a model knows, by all that the store holds."""
        generation = generation or self.in_use
        factors = self.factors(generation)
        rules = ConfidenceRules.of_facts(self.artifacts.facts(KIND, generation).get(RULES))
        now = datetime.now(UTC)
        events = self.store.journal.learned(user_id, 1000).events
        weights = confidences(events, rules, now=now)
        vector = factors.fold_in(list(weights), list(weights.values()))
        if vector is None:
            return {}
        found = factors.tastes(vector, product_ids)
        return {
            name: float(taste)
            for name, taste, known in zip(product_ids, found.tastes, found.known, strict=True)
            if known
        }


@pytest.fixture(scope="module")
def shop(world: DataDir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened_shop(world, tmp_path_factory.mktemp("clicks") / "world", {"gateway": 2}) as made:
        yield made


@contextmanager
def opened_shop(world: DataDir, root: Path, replicas: Mapping[str, int]) -> Iterator[Shop]:
    """A house on a copy of the small world."""
    shutil.copytree(world.root, root, ignore=shutil.ignore_patterns("run", "runs", "*-shm"))
    data = DataDir(root)
    up_detached(data, UpOptions(port=two_ports(), replicas=replicas))
    store, running = CatalogStore.open(data.database_url), Running(data)
    try:
        urls = [f"http://{each.address}" for each in running.members("gateway")]
        assert len(urls) == 2
        yield Shop(running, urls, store, ArtifactStore(data.artifacts))
    finally:
        store.close()
        down(data)


def request(user_id: str, words: str) -> Json:
    return {
        "text": words, "user_id": user_id, "personalization": 1.0, "page_size": 24,
        "explain": True, "budget_ms": 5000,
    }  # fmt: skip


def shown(answer: Json) -> dict[str, float]:
    """The taste term of each hit."""
    return {
        hit["product"]["id"]: term["value"]
        for hit in answer["hits"]
        for term in hit["explanation"]["terms"]
        if term["name"] == "taste"
    }


def is_right(shop: Shop, user_id: str, answer: Json) -> bool:
    """Whether each product has the taste of the whole history, by the factors that were told."""
    found, ranking = shown(answer), answer["generations"]["ranking"]
    expected = shop.tastes(user_id, list(found), ranking["generation"])
    assert len(expected) >= 5, "too few of these products are known to say anything"
    return all(abs(found[name] - taste) < 1e-4 for name, taste in expected.items())


async def ask(client: httpx.AsyncClient, user_id: str, words: str) -> Json:
    """The first answer that lacks nothing: on a machine that is busy otherwise one may say so."""
    while True:
        reply = await client.post("/v1/search", json=request(user_id, words))
        assert reply.status_code == 200, reply.text
        answer: Json = reply.json()
        if not answer["degraded_reasons"]:
            return answer


@dataclass
class Load:
    """What the readers saw."""

    answers: int = 0
    wrong: list[str] = field(default_factory=list)


@asynccontextmanager
async def hammering(shop: Shop, user_id: str) -> AsyncIterator[Load]:
    """Readers of both gateways, who ask for one shopper until the block ends."""
    load, over = Load(), asyncio.Event()

    async def read(number: int) -> None:
        async with httpx.AsyncClient(base_url=shop.urls[number % 2], timeout=60) as client:
            while not over.is_set():
                words = WORDS[(number + load.answers) % len(WORDS)]
                reply = await client.post("/v1/search", json=request(user_id, words))
                load.answers += 1
                if reply.status_code != 200:
                    load.wrong.append(f"{reply.status_code} {reply.text[:300]}")

    async with asyncio.TaskGroup() as group:
        for number in range(READERS):
            group.create_task(read(number))
        yield load
        over.set()


async def trial(
    shop: Shop, clients: Sequence[httpx.AsyncClient], user_id: str, number: int
) -> tuple[bool, bool]:
    """Clicks at one gateway and asks the other: is the first answer right, and is it another?"""
    asked, words = clients[(number + 1) % 2], WORDS[number % len(WORDS)]
    before = await ask(asked, user_id, words)
    known = shop.known([hit["product"]["id"] for hit in before["hits"]])
    liked = known[number % len(known)]
    event = {
        "event_id": f"{user_id}-{number}", "user_id": user_id, "product_id": liked,
        "kind": ("like", "dislike")[number % 2],
    }  # fmt: skip
    told = await clients[number % 2].post("/v1/interactions", json={"events": [event]})
    assert told.json()["results"][0]["status"] == "accepted"
    after = await ask(asked, user_id, words)
    return is_right(shop, user_id, after), shown(after) != shown(before)


def clicks_timed(shop: Shop) -> tuple[int, int]:
    """How many clicks both gateways timed, and how many of them within a second."""
    total = quick = 0
    for member in shop.running.members("gateway"):
        text = httpx.get(f"http://{member.address}/metrics").text
        name = "hemline_click_to_ranking_seconds"
        counted = re.search(rf"^{name}_count (\S+)$", text, re.M)
        within = re.search(rf'^{name}_bucket{{le="1.0"}} (\S+)$', text, re.M)
        assert counted
        assert within
        total += round(float(counted[1]))
        quick += round(float(within[1]))
    return total, quick


async def run_trials(shop: Shop, user_id: str, count: int) -> None:
    timed, _ = clicks_timed(shop)
    async with (
        hammering(shop, user_id) as load,
        httpx.AsyncClient(base_url=shop.urls[0], timeout=60) as one,
        httpx.AsyncClient(base_url=shop.urls[1], timeout=60) as other,
    ):
        outcomes = [await trial(shop, (one, other), user_id, number) for number in range(count)]
    assert outcomes == [(True, True)] * count
    assert load.wrong == []
    assert load.answers >= count
    # Each click is timed once; the last may still wait for a question to its own gateway.
    eventually(lambda: clicks_timed(shop)[0] >= timed + count - 1)


@pytest.mark.parametrize("kind", ["known", "anonymous"])
def test_each_click_is_in_the_next_answer_of_the_other_gateway(shop: Shop, kind: str) -> None:
    user_id = "u-0001" if kind == "known" else f"anon-{secrets.token_hex(16)}"
    asyncio.run(run_trials(shop, user_id, 8))


def test_nobody_is_given_the_taste_of_another(shop: Shop) -> None:
    users = [f"u-{number:04d}" for number in range(1, 9)]

    async def reads() -> list[bool]:
        clients = [httpx.AsyncClient(base_url=url, timeout=60) for url in shop.urls]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(ask(clients[turn % 2], user_id, "dress"))
                    for turn in range(3)
                    for user_id in users
                ]
            return [
                is_right(shop, users[place % len(users)], task.result())
                for place, task in enumerate(tasks)
            ]
        finally:
            for client in clients:
                await client.aclose()

    assert asyncio.run(reads()) == [True] * 24
    # It would be no proof if all of them liked the same.
    everything = [product.id for product in shop.store.scan()]
    likings = [shop.tastes(user_id, everything) for user_id in users]
    for place, one in enumerate(likings):
        for other in likings[:place]:
            assert max(abs(one[name] - other[name]) for name in one) > 0.1


@pytest.mark.fault
@pytest.mark.parametrize("kind", ["known", "anonymous"])
def test_fifty_clicks_of_fifty_are_ranked_by_within_a_second(shop: Shop, kind: str) -> None:
    user_id = "u-0002" if kind == "known" else f"anon-{secrets.token_hex(16)}"
    timed, quick = clicks_timed(shop)
    asyncio.run(run_trials(shop, user_id, 50))
    total, soon = clicks_timed(shop)
    assert soon - quick >= 0.99 * (total - timed)
