"""Promises of the server that every stage runs in, over a real channel."""

import asyncio
import json
import logging
import os
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from fashion.ranking.v1 import reranker_pb2 as pb
from fashion.ranking.v1 import reranker_pb2_grpc as pb_grpc
from runtime.errors import Internal, NotFound, Overloaded, PreconditionFailed, SetupError
from runtime.logs import JsonFormatter
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from runtime.tracing import current_request_id

NAME = "fashion.ranking.v1.RerankerService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
USERS = pb.GetUserFactorsRequest(user_ids=["u-0001"])


class Panic(BaseException):
    """Stands for the panic of a Rust library, which is no Exception."""


@dataclass
class Stage(pb_grpc.RerankerServiceServicer):
    """Does what the generation of the request says."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    thread_leaves: threading.Event = field(default_factory=threading.Event)
    server: StageServer | None = None

    async def GetUserFactors(
        self, request: pb.GetUserFactorsRequest, context: object
    ) -> pb.GetUserFactorsResponse:
        match request.generation:
            case "state":
                raise PreconditionFailed("the generation is x", field="generation")
            case "busy":
                raise Overloaded("later", retry_after_s=2.5)
            case "internal":
                raise Internal("password hunter2 is wrong")
            case "bug":
                raise KeyError("/etc/passwd")
            case "panic":
                raise Panic("index out of bounds at /src/secret.rs")
            case "id":
                raise NotFound(current_request_id())
            case "wait":
                self.entered.set()
                await self.leave.wait()
            case "thread":
                assert self.server is not None
                self.entered.set()
                await self.server.run_blocking(self.thread_leaves.wait)
        return pb.GetUserFactorsResponse()


@dataclass
class World:
    stage: Stage
    server: StageServer
    channel: grpc.aio.Channel
    stub: pb_grpc.RerankerServiceStub
    metrics: Metrics
    served: asyncio.Task[None]

    async def health(self, service: str) -> int:
        reply = await health_pb2_grpc.HealthStub(self.channel).Check(  # type: ignore[attr-defined]  # the stub package lacks it
            health_pb2.HealthCheckRequest(service=service)
        )
        return int(reply.status)

    async def refusal(self, request: pb.GetUserFactorsRequest) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.stub.GetUserFactors(request)
        return caught.value


def add(stage: Stage, server: grpc.aio.Server) -> None:
    pb_grpc.add_RerankerServiceServicer_to_server(stage, server)  # type: ignore[no-untyped-call]


@asynccontextmanager
async def serving(settings: ServerSettings) -> AsyncIterator[World]:
    stage, metrics = Stage(), Metrics("ranking")
    server = StageServer(
        "ranking",
        lambda to: add(stage, to),
        [NAME],
        settings,
        metrics,
    )
    stage.server = server
    port = await server.start()
    served = asyncio.create_task(server.serve_until_stopped())
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = pb_grpc.RerankerServiceStub(channel)  # type: ignore[no-untyped-call]
        yield World(stage, server, channel, stub, metrics, served)
        stage.leave.set()
        stage.thread_leaves.set()
        server.stop()
        await served


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with serving(ServerSettings()) as world:
        yield world


async def send(channel: grpc.aio.Channel, method: str, raw: bytes) -> bytes:
    return await channel.unary_unary(method, bytes, bytes)(raw)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():  # noqa: ASYNC110  # what is waited for is another process's word
        await asyncio.sleep(0.005)


def trailer(error: grpc.aio.AioRpcError) -> dict[str, str]:
    return {key: str(value) for key, value in error.trailing_metadata() or ()}


async def test_an_error_of_ours_keeps_its_code_message_and_field(world: World) -> None:
    error = await world.refusal(pb.GetUserFactorsRequest(generation="state"))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == "the generation is x"
    assert trailer(error) == {
        "hemline-reason": "FAILED_PRECONDITION",
        "hemline-field": "generation",
    }


async def test_an_error_says_when_to_try_again(world: World) -> None:
    error = await world.refusal(pb.GetUserFactorsRequest(generation="busy"))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert trailer(error)["hemline-retry-after-s"] == "2.5"


@pytest.mark.parametrize("kind", ["internal", "bug", "panic"])
async def test_internal_text_never_leaves_the_process(world: World, kind: str) -> None:
    error = await world.refusal(pb.GetUserFactorsRequest(generation=kind))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == "internal error"
    assert trailer(error) == {"hemline-reason": "INTERNAL"}
    await world.stub.GetUserFactors(USERS)


@pytest.mark.parametrize("raw", [b"\xff" * 9, b"\x0a\x7f", b"\x0a\x02\xc3\x28", b"\x0b" * 400])
async def test_bytes_that_are_no_message_are_the_callers_fault(world: World, raw: bytes) -> None:
    for method in (f"/{NAME}/GetUserFactors", "/grpc.health.v1.Health/Check"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await send(world.channel, method, raw)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "Error" not in (caught.value.details() or "")


async def test_an_unknown_method_is_unimplemented(world: World) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(world.channel, f"/{NAME}/Drop", b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_message_over_the_limit_is_refused(world: World) -> None:
    error = await world.refusal(pb.GetUserFactorsRequest(user_ids=["x" * (5 << 20)]))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_the_request_id_of_the_caller_is_kept(world: World) -> None:
    request = pb.GetUserFactorsRequest(generation="id")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.stub.GetUserFactors(request, metadata=(("x-request-id", "abc-1"),))
    assert caught.value.details() == "abc-1"


async def test_a_strange_request_id_is_replaced(world: World) -> None:
    request = pb.GetUserFactorsRequest(generation="id")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.stub.GetUserFactors(request, metadata=(("x-request-id", "a b"),))
    assert len(caught.value.details() or "") == 16


async def test_health_is_truthful(world: World) -> None:
    assert await world.health("") == SERVING
    assert await world.health("startup") == SERVING
    assert await world.health("ready") == await world.health(NAME) == NOT_SERVING
    world.server.set_ready(True)
    assert await world.health("ready") == await world.health(NAME) == SERVING
    world.server.set_ready(False, "no release")
    assert await world.health("ready") == NOT_SERVING


async def test_an_unknown_health_service_is_not_found(world: World) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.health("nobody")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_of_health_is_told_of_each_change(world: World) -> None:
    stub = health_pb2_grpc.HealthStub(world.channel)
    stream = stub.Watch(health_pb2.HealthCheckRequest(service="ready"))  # type: ignore[attr-defined]  # the stub package lacks it
    assert (await stream.read()).status == NOT_SERVING
    world.server.set_ready(True)
    assert (await stream.read()).status == SERVING
    world.server.stop()
    assert (await stream.read()).status == NOT_SERVING
    assert await stream.read() is grpc.aio.EOF


async def test_reflection_names_the_services(world: World) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(world.channel)
    stream = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    )
    names = {service.name for service in (await stream.read()).list_services_response.service}
    assert {NAME, "grpc.health.v1.Health"} <= names


async def test_queries_over_the_limit_are_refused_at_once() -> None:
    async with serving(ServerSettings(in_flight_limit=4)) as world:
        three = pb.GetUserFactorsRequest(user_ids=["a", "b", "c"], generation="wait")
        held = asyncio.ensure_future(world.stub.GetUserFactors(three))
        await world.stage.entered.wait()
        error = await world.refusal(pb.GetUserFactorsRequest(user_ids=["a", "b"]))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await world.stub.GetUserFactors(USERS)
        assert await world.health("") == SERVING
        world.stage.leave.set()
        await held
        await world.stub.GetUserFactors(pb.GetUserFactorsRequest(user_ids=["a", "b"]))


async def test_a_batch_over_the_limit_is_answered_when_nothing_else_is_in_flight() -> None:
    async with serving(ServerSettings(in_flight_limit=4)) as world:
        await world.stub.GetUserFactors(pb.GetUserFactorsRequest(user_ids=["u"] * 32))


async def test_a_cancelled_call_keeps_its_room_until_its_thread_ends() -> None:
    async with serving(ServerSettings(in_flight_limit=1)) as world:
        call = world.stub.GetUserFactors(pb.GetUserFactorsRequest(generation="thread"))
        held = asyncio.ensure_future(call)
        await world.stage.entered.wait()
        call.cancel()
        await asyncio.gather(held, return_exceptions=True)
        error = await world.refusal(USERS)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        world.stage.thread_leaves.set()

        async def is_free() -> bool:
            return b"hemline_in_flight 0.0" in world.metrics.render()

        await until(is_free)
        await world.stub.GetUserFactors(USERS)


async def test_stopping_lets_calls_in_flight_end_and_takes_no_new_ones() -> None:
    async with serving(ServerSettings(shutdown_pause_s=60)) as world:
        world.server.set_ready(True)
        held = asyncio.ensure_future(
            world.stub.GetUserFactors(pb.GetUserFactorsRequest(generation="wait"))
        )
        await world.stage.entered.wait()
        os.kill(os.getpid(), signal.SIGTERM)

        async def is_looked_away_from() -> bool:
            return await world.health("ready") == NOT_SERVING

        await until(is_looked_away_from)
        assert await world.health("") == SERVING
        world.server.set_ready(True)
        assert await world.health("ready") == NOT_SERVING
        await world.stub.GetUserFactors(USERS)  # Callers that have not looked away yet.
        world.stage.leave.set()
        await held
        assert not world.served.done()


async def test_a_call_in_flight_outlives_the_stop() -> None:
    async with serving(ServerSettings()) as world:
        held = asyncio.ensure_future(
            world.stub.GetUserFactors(pb.GetUserFactorsRequest(generation="wait"))
        )
        await world.stage.entered.wait()
        world.server.stop()

        async def is_closed() -> bool:
            try:
                await world.stub.GetUserFactors(USERS, timeout=1)
            except grpc.aio.AioRpcError:
                return True
            return False

        await until(is_closed)
        world.stage.leave.set()
        assert await held == pb.GetUserFactorsResponse()
        await world.served


async def test_a_second_signal_does_not_wait() -> None:
    async with serving(ServerSettings(drain_s=600, shutdown_pause_s=600)) as world:
        held = asyncio.ensure_future(
            world.stub.GetUserFactors(pb.GetUserFactorsRequest(generation="wait"))
        )
        await world.stage.entered.wait()
        world.server.stop()
        world.server.stop()
        await world.served
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
            await held


async def test_an_error_beside_the_server_ends_it() -> None:
    async def fail() -> None:
        raise SetupError("redis is gone")

    stage = Stage()
    server = StageServer(
        "ranking",
        lambda to: add(stage, to),
        [NAME],
        ServerSettings(),
        Metrics("ranking"),
    )
    await server.start()
    with pytest.raises(SetupError, match="redis is gone"):
        await server.serve_until_stopped(fail())


async def test_a_taken_port_is_one_sentence() -> None:
    async with serving(ServerSettings(address="127.0.0.1:0", metrics_address="127.0.0.1:0")) as one:
        taken = f"127.0.0.1:{one.server.metrics_port}"
        for settings in (ServerSettings(address=taken), ServerSettings(metrics_address=taken)):
            with pytest.raises(SetupError, match="cannot be bound: is it taken"):
                async with serving(settings):
                    pass


async def test_probes_and_metrics_are_shown_over_http() -> None:
    async with serving(ServerSettings(metrics_address="127.0.0.1:0")) as world:
        await world.stub.GetUserFactors(USERS)
        address = f"http://127.0.0.1:{world.server.metrics_port}"

        def fetch(path: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(address + path) as reply:
                    return reply.status, reply.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        assert await asyncio.to_thread(fetch, "/livez") == (200, "live\n")
        world.server.set_ready(False, "no release is published yet")
        assert await asyncio.to_thread(fetch, "/readyz") == (503, "no release is published yet\n")
        world.server.set_ready(True)
        assert await asyncio.to_thread(fetch, "/readyz") == (200, "ready\n")
        world.server.set_ready(True, "serving r-000001: r-000002 is damaged")
        remark = "ready, serving r-000001: r-000002 is damaged\n"
        assert await asyncio.to_thread(fetch, "/readyz") == (200, remark)
        status, shown = await asyncio.to_thread(fetch, "/metrics")
        assert status == 200
        assert (
            f'hemline_rpc_seconds_count{{code="OK",method="/{NAME}/GetUserFactors"}} 1.0' in shown
        )
        assert 'hemline_stage_info{stage="ranking"} 1.0' in shown
        assert (await asyncio.to_thread(fetch, "/etc/passwd"))[0] == 404


def test_a_log_line_cannot_be_forged() -> None:
    record = logging.makeLogRecord(
        {"msg": 'found\n{"level": "ERROR"}', "levelname": "INFO", "name": "x", "products": 3}
    )
    line = JsonFormatter("text").format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["stage"], told["level"], told["products"]) == ("text", "INFO", 3)


def test_a_metric_is_made_once_and_keeps_its_kind() -> None:
    metrics = Metrics("text")
    assert metrics.counter("hits", "Hits") is metrics.counter("hits", "Hits")
    with pytest.raises(ValueError):
        metrics.gauge("hits", "Hits")
