"""Promises of the replica pool, against real servers that die, freeze and refuse."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fashion.ranking.v1 import reranker_pb2 as pb
from fashion.ranking.v1 import reranker_pb2_grpc as pb_grpc
from runtime.errors import (
    DeadlineExceeded,
    InvalidArgument,
    Overloaded,
    PreconditionFailed,
    ServiceError,
    Unavailable,
)
from runtime.metrics import Metrics
from runtime.replicas import PoolSettings, ReplicaPool
from runtime.tracing import bind

USERS = pb.GetUserFactorsRequest(user_ids=["u-0001"])
Pool = ReplicaPool[pb_grpc.RerankerServiceStub]
PATIENT = PoolSettings(health_every_s=600, hedge_max_s=600, hedge_min_s=600)
EAGER = PoolSettings(health_every_s=0.05, eject_s=0.05, hedge_min_s=0.02, hedge_max_s=0.02)


@dataclass
class Replica(pb_grpc.RerankerServiceServicer, health_pb2_grpc.HealthServicer):
    """A stage that answers, refuses or stands still, as it is told."""

    port: int = 0
    refusal: grpc.StatusCode | None = None
    serves: bool = True
    is_frozen: bool = False
    is_well: bool = False  # Answers health checks even when frozen.
    thaw: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0
    cancelled: int = 0
    request_ids: list[str] = field(default_factory=list)
    server: grpc.aio.Server | None = None

    async def GetUserFactors(
        self, request: pb.GetUserFactorsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.GetUserFactorsResponse:
        self.calls += 1
        metadata = dict(context.invocation_metadata() or ())
        self.request_ids.append(str(metadata.get("x-request-id", "")))
        if self.is_frozen:
            try:
                await self.thaw.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if self.refusal is not None:
            reason = (("hemline-reason", self.refusal.name), ("hemline-field", "generation"))
            await context.abort(self.refusal, "the current generation is x", reason)
        return pb.GetUserFactorsResponse()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: object
    ) -> health_pb2.HealthCheckResponse:
        if self.is_frozen and not self.is_well:
            await self.thaw.wait()
        serving = health_pb2.HealthCheckResponse.SERVING
        not_serving = health_pb2.HealthCheckResponse.NOT_SERVING
        return health_pb2.HealthCheckResponse(status=serving if self.serves else not_serving)

    async def start(self) -> None:
        self.server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        pb_grpc.add_RerankerServiceServicer_to_server(self, self.server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self.server.start()

    async def kill(self) -> None:
        assert self.server is not None
        await self.server.stop(None)

    def freeze(self) -> None:
        self.is_frozen = True

    def melt(self) -> None:
        self.is_frozen = False
        self.thaw.set()
        self.thaw = asyncio.Event()


@dataclass
class World:
    pool: Pool
    replicas: list[Replica]
    metrics: Metrics

    async def ask(self, *, timeout_s: float = 30, hedge: bool = True) -> None:
        await self.pool.call(
            lambda stub: stub.GetUserFactors, USERS, timeout_s=timeout_s, hedge=hedge
        )

    async def ask_often(self, times: int, *, hedge: bool = True) -> Counter[str]:
        """Asks from eight callers; returns what came of it by the name of the error."""
        results: Counter[str] = Counter()

        async def caller() -> None:
            for _ in range(times // 8):
                try:
                    await self.ask(hedge=hedge)
                    results["OK"] += 1
                except ServiceError as error:
                    results[error.code.name] += 1

        await asyncio.gather(*(caller() for _ in range(8)))
        return results

    def counted(self, name: str) -> float:
        line = f'hemline_pool_{name}{{stage="ranking"}} '
        shown = self.metrics.render().decode()
        return float(shown.partition(line)[2].split("\n")[0])

    @property
    def calls(self) -> int:
        return sum(replica.calls for replica in self.replicas)


@asynccontextmanager
async def running(count: int, settings: PoolSettings) -> AsyncIterator[World]:
    replicas = [Replica() for _ in range(count)]
    for replica in replicas:
        await replica.start()
    metrics = Metrics("gateway")
    targets = "static:" + ",".join(f"127.0.0.1:{replica.port}" for replica in replicas)
    pool: Pool = ReplicaPool(
        "ranking", targets, pb_grpc.RerankerServiceStub, metrics=metrics, settings=settings
    )
    await pool.start()
    try:
        yield World(pool, replicas, metrics)
    finally:
        for replica in replicas:
            replica.melt()
            await replica.kill()
        await pool.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # what is waited for is another process's word
        await asyncio.sleep(0.005)


async def until_calls(replica: Replica, calls: int) -> None:
    await until(lambda: replica.calls >= calls)


async def test_the_replicas_share_the_calls() -> None:
    async with running(2, PATIENT) as world:
        assert await world.ask_often(400) == {"OK": 400}
        assert min(replica.calls for replica in world.replicas) >= 80
        assert world.calls == 400


async def test_a_killed_replica_costs_no_call() -> None:
    async with running(2, EAGER) as world:
        asking = asyncio.ensure_future(world.ask_often(800))
        await until_calls(world.replicas[0], 50)
        await world.replicas[0].kill()
        assert await asking == {"OK": 800}
        assert world.replicas[1].calls >= 400


@pytest.mark.parametrize("hedge", [True, False], ids=["hedged", "unhedged"])
async def test_a_frozen_replica_costs_no_call(hedge: bool) -> None:
    async with running(2, EAGER) as world:
        asking = asyncio.ensure_future(world.ask_often(800, hedge=hedge))
        await until_calls(world.replicas[0], 50)
        world.replicas[0].freeze()
        assert await asking == {"OK": 800}
        await until(lambda: world.counted("rotation") == 1)


async def test_a_frozen_replica_comes_back_when_it_thaws() -> None:
    async with running(2, EAGER) as world:
        world.replicas[0].freeze()
        await until(lambda: world.counted("rotation") == 1)
        world.replicas[0].melt()
        await until(lambda: world.counted("rotation") == 2)
        before = world.replicas[0].calls
        assert await world.ask_often(200) == {"OK": 200}
        assert world.replicas[0].calls - before >= 20


async def test_a_frozen_replica_costs_a_second_copy_only_until_it_is_out() -> None:
    async with running(2, EAGER) as world:
        world.replicas[0].freeze()
        assert await world.ask_often(800) == {"OK": 800}
        assert world.counted("ejections_total") >= 1
        assert world.counted("hedges_total") <= 0.1 * 800


async def test_calls_on_a_frozen_replica_are_moved_without_any_hedge_left() -> None:
    settings = replace(EAGER, hedge_burst=0, hedge_fraction=0)
    async with running(2, settings) as world:
        world.replicas[0].freeze()
        assert await world.ask_often(80) == {"OK": 80}


async def test_the_only_replica_when_down_fails_the_call_at_once_and_heals() -> None:
    async with running(1, EAGER) as world:
        await world.ask()
        await world.replicas[0].kill()
        await until(lambda: world.counted("rotation") == 0)
        with pytest.raises(Unavailable) as caught:
            await world.ask(timeout_s=600)
        assert caught.value.retry_after_s == 1.0
        assert "127.0.0.1" not in caught.value.message
        await world.replicas[0].start()
        await until(lambda: world.counted("rotation") == 1)
        await world.ask()


async def test_all_are_tried_when_none_says_it_serves() -> None:
    async with running(2, EAGER) as world:
        for replica in world.replicas:
            replica.serves = False
        await world.ask_often(80)
        assert await world.ask_often(80) == {"OK": 80}


async def test_a_replica_that_says_it_does_not_serve_gets_no_calls() -> None:
    async with running(2, EAGER) as world:
        world.replicas[0].serves = False
        await until(lambda: world.counted("rotation") == 1)
        before = world.replicas[0].calls
        assert await world.ask_often(80) == {"OK": 80}
        assert world.replicas[0].calls == before


@pytest.mark.parametrize(
    "status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
)
async def test_a_refused_call_is_tried_once_on_another(status: grpc.StatusCode) -> None:
    async with running(2, PATIENT) as world:
        world.replicas[0].refusal = status
        for _ in range(20):
            await world.ask()
        assert world.replicas[1].calls == 20
        assert world.counted("retries_total") == world.replicas[0].calls > 0


async def test_no_call_is_tried_more_than_twice() -> None:
    async with running(4, PATIENT) as world:
        for replica in world.replicas:
            replica.refusal = grpc.StatusCode.UNAVAILABLE
        with pytest.raises(Unavailable):
            await world.ask()
        assert world.calls == 2


async def test_an_answer_is_not_tried_again() -> None:
    async with running(2, PATIENT) as world:
        for replica in world.replicas:
            replica.refusal = grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(InvalidArgument) as caught:
            await world.ask()
        assert caught.value.field == "generation"
        assert world.calls == 1


async def test_the_words_of_a_refusal_by_state_arrive() -> None:
    async with running(1, PATIENT) as world:
        world.replicas[0].refusal = grpc.StatusCode.FAILED_PRECONDITION
        with pytest.raises(PreconditionFailed, match="the current generation is x"):
            await world.ask()


async def test_a_call_for_a_generation_that_one_replica_lacks_goes_to_one_that_has_it() -> None:
    async with running(3, PATIENT) as world:
        for replica in world.replicas[:2]:
            replica.refusal = grpc.StatusCode.FAILED_PRECONDITION
        for _ in range(20):
            await world.ask()
        assert world.replicas[2].calls == 20


async def test_a_generation_that_nobody_has_is_asked_for_at_four_at_most() -> None:
    async with running(6, PATIENT) as world:
        for replica in world.replicas:
            replica.refusal = grpc.StatusCode.FAILED_PRECONDITION
        with pytest.raises(PreconditionFailed, match="the current generation is x"):
            await world.ask()
        assert world.calls == 4


async def test_retries_end_with_their_budget() -> None:
    settings = replace(PATIENT, retry_burst=3, retry_fraction=0, retry_per_s=0)
    async with running(2, settings) as world:
        for replica in world.replicas:
            replica.refusal = grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await world.ask_often(16) == {"RESOURCE_EXHAUSTED": 16}
        assert world.calls == 16 + 3


async def test_a_late_call_is_copied_to_another_and_the_loser_cancelled() -> None:
    async with running(2, replace(PATIENT, hedge_min_s=0.02, hedge_max_s=0.02)) as world:
        for replica in world.replicas:
            replica.freeze()
        asking = asyncio.ensure_future(world.ask())
        await until(lambda: [replica.calls for replica in world.replicas] == [1, 1])
        world.replicas[1].melt()
        await asking
        await until(lambda: world.replicas[0].cancelled == 1)
        assert world.counted("hedges_total") == 1


async def test_the_first_answer_cancels_the_copy() -> None:
    async with running(2, replace(PATIENT, hedge_min_s=0.02, hedge_max_s=0.02)) as world:
        for replica in world.replicas:
            replica.freeze()
        asking = asyncio.ensure_future(world.ask())
        await until(lambda: world.calls == 1)
        first = next(replica for replica in world.replicas if replica.calls)
        await until(lambda: world.calls == 2)
        first.melt()
        await asking
        await until(lambda: sum(replica.cancelled for replica in world.replicas) == 1)
        assert first.cancelled == 0


async def test_copies_end_with_their_budget() -> None:
    settings = replace(PATIENT, hedge_min_s=0.01, hedge_max_s=0.01, hedge_burst=2)
    async with running(2, replace(settings, hedge_fraction=0, eject_after=100)) as world:
        for replica in world.replicas:
            replica.is_well = True
            replica.freeze()
        asking = [asyncio.ensure_future(world.ask(timeout_s=0.5)) for _ in range(6)]
        results = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(result, DeadlineExceeded) for result in results)
        assert world.calls == 6 + 2


async def test_a_stage_that_sheds_gets_no_copies() -> None:
    settings = replace(PATIENT, hedge_min_s=0.01, hedge_max_s=0.01, retry_burst=0)
    async with running(2, replace(settings, retry_fraction=0, retry_per_s=0)) as world:
        for replica in world.replicas:
            replica.refusal = grpc.StatusCode.RESOURCE_EXHAUSTED
        await world.ask_often(40)
        copies = world.counted("hedges_total")
        for replica in world.replicas:
            replica.refusal = None
            replica.is_well = True
            replica.freeze()
        with pytest.raises(DeadlineExceeded):
            await world.ask(timeout_s=0.3)
        assert world.counted("hedges_total") == copies


async def test_calls_over_the_cap_are_refused_at_once() -> None:
    async with running(1, replace(PATIENT, in_flight_cap=2)) as world:
        world.replicas[0].freeze()
        held = [asyncio.ensure_future(world.ask()) for _ in range(2)]
        await until(lambda: world.calls == 2)
        with pytest.raises(Overloaded):
            await world.ask()
        assert world.counted("refused_total") == 1
        world.replicas[0].melt()
        await asyncio.gather(*held)
        await world.ask()


async def test_a_caller_who_gives_up_ends_the_call_and_frees_its_room() -> None:
    async with running(1, PATIENT) as world:
        world.replicas[0].freeze()
        asking = asyncio.ensure_future(world.ask())
        await until(lambda: world.calls == 1)
        assert world.counted("in_flight") == 1
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: world.replicas[0].cancelled == 1)
        assert world.counted("in_flight") == 0


async def test_a_caller_who_gives_up_ends_both_copies() -> None:
    async with running(2, replace(PATIENT, hedge_min_s=0.01, hedge_max_s=0.01)) as world:
        for replica in world.replicas:
            replica.freeze()
        asking = asyncio.ensure_future(world.ask())
        await until(lambda: world.calls == 2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: [replica.cancelled for replica in world.replicas] == [1, 1])


async def test_the_time_of_a_call_is_kept() -> None:
    async with running(2, PATIENT) as world:
        for replica in world.replicas:
            replica.freeze()
        with pytest.raises(DeadlineExceeded):
            await world.ask(timeout_s=0.05)
        with pytest.raises(DeadlineExceeded):
            await world.ask(timeout_s=0)


async def test_callers_in_a_hurry_take_no_replica_out() -> None:
    async with running(2, replace(PATIENT, hedge_max_s=5, hedge_min_s=5)) as world:
        for replica in world.replicas:
            replica.freeze()
        for _ in range(12):
            with pytest.raises(DeadlineExceeded):
                await world.ask(timeout_s=0.01)
        assert world.counted("rotation") == 2


async def test_the_request_id_travels() -> None:
    async with running(1, PATIENT) as world:
        bind("trace-7")
        await world.ask()
        assert world.replicas[0].request_ids == ["trace-7"]


async def test_replicas_behind_a_name_are_found() -> None:
    replica = Replica()
    await replica.start()
    targets = f"dns:localhost:{replica.port}"
    pool: Pool = ReplicaPool(
        "ranking", targets, pb_grpc.RerankerServiceStub, metrics=Metrics("gateway"), settings=EAGER
    )
    await pool.start()
    for _ in range(20):
        await pool.call(lambda stub: stub.GetUserFactors, USERS, timeout_s=30)
    assert replica.calls == 20
    await pool.close()
    await replica.kill()


async def test_an_unknown_name_is_unavailable_not_a_crash() -> None:
    pool: Pool = ReplicaPool(
        "ranking", "dns:nobody.invalid:1", pb_grpc.RerankerServiceStub, metrics=Metrics("gateway")
    )
    await pool.start()
    with pytest.raises(Unavailable):
        await pool.call(lambda stub: stub.GetUserFactors, USERS, timeout_s=30)
    await pool.close()
