"""A small shop with two gateways and two rerankers, whose tastes a test can work out itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import grpc
import numpy as np

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
        pb_grpc.add_RerankerServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]  # generated code


class Gateway:
    """What a gateway knows shoppers by, over a pool of rerankers."""

    def __init__(self, shop: "Shop", redis: RedisKeep | None, secret: bytes) -> None:
        store, lane = shop.store, shop.lane
        self.redis = redis
        self.metrics = Metrics("gateway")
        self.generations = RankingGenerations(shop.artifacts)
        self.pool: ReplicaPool[pb_grpc.RerankerServiceStub] = ReplicaPool(
            "ranking", shop.targets, pb_grpc.RerankerServiceStub, metrics=self.metrics
        )
        self.cache = (
            FactorCache(redis, Keys(secret), generation=lambda: self.generations.in_use)
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

    def member(self, name: str) -> Reranker | Gateway:
        """A member by a name such as ``gateway 0``."""
        kind, number = name.split()
        return self.gateways[int(number)] if kind == "gateway" else self.rerankers[int(number)]

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
        vector = factors.fold_in(list(weights), list(weights.values()))
        assert vector is not None
        return factors.tastes(vector, IDS).tastes.tobytes()


@asynccontextmanager
async def opened(
    folder: Path, url: str, *, secrets: Sequence[bytes] = (b"shared", b"shared")
) -> AsyncIterator[Shop]:
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
        for secret in secrets:
            gateway = Gateway(shop, RedisKeep(connect(url)) if url else None, secret)
            await gateway.pool.start()
            stack.push_async_callback(gateway.pool.close)
            if gateway.redis:
                stack.push_async_callback(gateway.redis.close)
            shop.gateways.append(gateway)
        release = shop.publish(1, ConfidenceRules())
        for name in ("gateway 0", "gateway 1", "reranker 0", "reranker 1"):
            shop.member(name).follow(release)
        yield shop
    shop.lane.close()
    store.close()


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
