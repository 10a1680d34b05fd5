"""Promises of taste while shoppers click, gateways share a Redis, and rerankers swap in turn."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import grpc
import numpy as np
import pytest

from catalog.confidence import ConfidenceRules, confidences
from catalog.interaction import Interaction
from catalog.product import Product
from catalog.store import CatalogStore
from fashion.ranking.v1 import reranker_pb2_grpc as pb_grpc
from runtime.artifacts import ArtifactStore, Release
from runtime.metrics import Metrics
from runtime.replicas import ReplicaPool
from runtime.server import ServerSettings, StageServer
from services.gateway.budget import Deadline
from services.gateway.clients import RankingClient
from services.gateway.factor_cache import FactorCache, UncachedFactors
from services.gateway.history import Histories
from services.gateway.interactions import Recorder
from services.gateway.query import Query
from services.gateway.ranking_generations import KIND, RULES, RankingGenerations
from services.gateway.redis_keep import RedisKeep, connect
from services.gateway.sealed import Keys
from services.gateway.shopper_factors import FoldedShoppers
from services.gateway.taste import Liking, TasteFinder
from services.gateway.write_lane import WriteLane
from services.reranker.factors import FORMAT, Factors
from services.reranker.generations import GenerationOpener, OpenGenerations
from services.reranker.servicer import NAME, RerankerServicer
from tests.redis_process import RedisProcess, running_redis
from tests.test_factors import random_tables

IDS = [f"p-{number:04d}" for number in range(60)]
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
OTHER_RULES = ConfidenceRules(view=2.0, like=1.0, half_life_days=0.0)
FAR = 1e9


class Reranker:
    """A ranking stage that follows releases when it is told to."""

    def __init__(self, store: ArtifactStore) -> None:
        self.opener = GenerationOpener(store)
        self.opened: OpenGenerations | None = None
        self.stage = StageServer(
            "ranking",
            self._register,
            [NAME],
            ServerSettings(in_flight_limit=128),
            Metrics("ranking"),
        )

    def follow(self, release: Release) -> None:
        self.opened = self.opener(release)

    def _register(self, server: grpc.aio.Server) -> None:
        servicer = RerankerServicer(lambda: self.opened, self.stage.run_blocking)
        pb_grpc.add_RerankerServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]


class Gateway:
    """What a gateway knows shoppers by, over a pool of rerankers."""

    def __init__(self, shop: "Shop", redis: RedisKeep | None) -> None:
        store, lane = shop.store, shop.lane
        self.redis = redis
        self.metrics = Metrics("gateway")
        self.generations = RankingGenerations(shop.artifacts)
        self.pool: ReplicaPool[pb_grpc.RerankerServiceStub] = ReplicaPool(
            "ranking", shop.targets, pb_grpc.RerankerServiceStub, metrics=self.metrics
        )
        self.cache = (
            FactorCache(redis, Keys(b"shared"), generation=lambda: self.generations.in_use)
            if redis
            else UncachedFactors()
        )
        ranking = RankingClient(self.pool)
        people = FoldedShoppers(
            lambda: store.journal, ranking, self.cache, self.generations.rules, lambda: NOW
        )
        self.taste = TasteFinder(ranking, people, self.generations)
        self.recorder = Recorder(lambda: store.journal, lane, self.cache, now=lambda: NOW)
        self.histories = Histories(lambda: store.journal, lane, self.cache)

    def follow(self, release: Release) -> None:
        self.generations.follow(release)

    async def liking(self, user_id: str) -> Liking:
        query, deadline = Query(parts=(), user_id=user_id), Deadline(FAR, lambda: 0.0)
        try:
            shopper = await self.taste.shopper(query, deadline)
        except Exception as error:
            raise AssertionError("no generation is open everywhere") from error
        return await self.taste.liking(query, shopper, IDS, deadline)


@dataclass
class Shop:
    """A catalogue, two generations of factors, two rerankers and two gateways."""

    store: CatalogStore
    artifacts: ArtifactStore
    lane: WriteLane = field(default_factory=WriteLane)
    rerankers: list[Reranker] = field(default_factory=list)
    gateways: list[Gateway] = field(default_factory=list)
    targets: str = ""
    published: dict[str, Factors] = field(default_factory=dict)
    rules: dict[str, ConfidenceRules] = field(default_factory=dict)

    def publish(self, seed: int, rules: ConfidenceRules) -> Release:
        items = np.random.default_rng(seed).normal(size=(60, 8)).astype(np.float32)
        tables = replace(random_tables(), item_factors=items)

        def write(folder: Path) -> dict[str, object]:
            return {**Factors.write(tables, folder), RULES: rules.facts()}

        made = self.artifacts.publish(KIND, format=FORMAT, seq=seed, write=write)
        self.published[made.generation] = Factors(tables)
        self.rules[made.generation] = rules
        return self.artifacts.release({KIND: made.generation}, seq=seed)

    def expected(self, generation: str, events: tuple[Interaction, ...]) -> bytes:
        """The tastes of a history by the factors and the rules of a generation."""
        weights = confidences(events, self.rules[generation], now=NOW)
        factors = self.published[generation]
        vector = factors.fold_in(list(weights), [np.float32(each) for each in weights.values()])
        assert vector is not None
        return factors.tastes(vector, IDS).tastes.tobytes()


@asynccontextmanager
async def opened(folder: Path, url: str) -> AsyncIterator[Shop]:
    store = CatalogStore.open(f"sqlite:///{folder / 'catalog.sqlite'}", create=True)
    store.upsert([Product(id=name, style_id=name, title="Dress") for name in IDS])
    shop = Shop(store, ArtifactStore(folder / "artifacts"))
    async with AsyncExitStack() as stack:
        ports = []
        for _ in range(2):
            reranker = Reranker(shop.artifacts)
            ports.append(await reranker.stage.start())
            stack.push_async_callback(reranker.stage.serve_until_stopped)
            stack.callback(reranker.stage.stop)
            reranker.stage.set_ready(True)
            shop.rerankers.append(reranker)
        shop.targets = "static:" + ",".join(f"127.0.0.1:{port}" for port in ports)
        for _ in range(2):
            gateway = Gateway(shop, RedisKeep(connect(url)) if url else None)
            await gateway.pool.start()
            stack.push_async_callback(gateway.pool.close)
            if gateway.redis:
                stack.push_async_callback(gateway.redis.close)
            shop.gateways.append(gateway)
        release = shop.publish(1, ConfidenceRules())
        for each in (*shop.rerankers, *shop.gateways):
            each.follow(release)
        yield shop
    shop.lane.close()
    store.close()


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


def click(number: int, user_id: str = "u-1") -> Interaction:
    kind = ("like", "view", "dislike", "purchase")[number % 4]
    at = NOW - timedelta(days=100) + timedelta(minutes=number)
    return Interaction(f"{user_id}-{number}", user_id, IDS[(number * 7) % 60], kind, at)


@dataclass
class Clicking:
    """A shopper who clicks, and readers who check each answer against all that was clicked."""

    shop: Shop
    user_id: str
    begun: int = 0
    told: int = 0
    answers: int = 0
    seen: set[str] = field(default_factory=set)

    async def click(self) -> None:
        gateway = self.shop.gateways[self.begun % 2]
        event = click(self.begun, self.user_id)
        self.begun += 1
        [verdict] = await gateway.recorder.record([event])
        assert verdict.status == "accepted"
        self.told = self.begun

    async def read(self, gateway: Gateway) -> str:
        """Asks once: the answer is of one generation whole, and of all that was acknowledged."""
        least = self.told
        liking = await gateway.liking(self.user_id)
        most = self.begun
        assert (liking.taste, liking.ranking, liking.reasons) == ("ok", "ok", ())
        assert liking.mode == "user"
        assert liking.tastes is not None
        assert liking.generation is not None
        name = liking.generation.name
        found = liking.tastes.tastes
        states = [self.expected(name, count) for count in range(least, most + 1)]
        close = [np.allclose(found, np.frombuffer(each, "<f4"), atol=1e-5) for each in states]
        assert any(close), f"tastes of no history of {least} to {most} events by {name}"
        self.answers += 1
        self.seen.add(name)
        return name

    @cache  # noqa: B019  # as old as the test
    def expected(self, generation: str, count: int) -> bytes:
        events = tuple(click(number, self.user_id) for number in range(count))
        return self.shop.expected(generation, events)

    def __hash__(self) -> int:
        return id(self)

    async def rounds(self, count: int) -> None:
        """Clicks so often, while readers of both gateways hammer."""
        over = asyncio.Event()

        async def reader(gateway: Gateway) -> None:
            while not over.is_set():
                await self.read(gateway)

        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(reader(self.shop.gateways[number % 2]))
            for _ in range(count):
                await self.click()
                # The very next question knows it, through the other gateway as well.
                await asyncio.gather(*(self.read(each) for each in self.shop.gateways))
            over.set()


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
        kind, number = name.split()
        members = {"gateway": shop.gateways, "reranker": shop.rerankers}[kind]
        members[int(number)].follow(release)
        await shopper.rounds(2)
    after = {await shopper.read(each) for each in shop.gateways}
    assert after == {release.generations[KIND]} != {before}
    # And back, as a rollback does, in the same order.
    back = shop.artifacts.release({KIND: before}, seq=3)
    for name in order:
        kind, number = name.split()
        {"gateway": shop.gateways, "reranker": shop.rerankers}[kind][int(number)].follow(back)
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
