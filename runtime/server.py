"""Runs one stage: binds, says when it is ready, answers, and drains when told to stop."""

import asyncio
import contextlib
import contextvars
import logging
import signal
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal, ParamSpec, TypeVar

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from runtime.errors import SetupError
from runtime.health import Health
from runtime.interceptors import Admit, Guard
from runtime.limiter import Limiter, current_slot
from runtime.metrics import Metrics
from runtime.probes import Probes

_REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
_HEALTH = "grpc.health.v1.Health"
_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a stage is served.

    Attributes:
        address: ``host:port``; port 0 takes a free one.
        metrics_address: ``host:port`` of ``/metrics``, ``/livez`` and ``/readyz``; empty: none.
        workers: Threads for blocking work, 1 or more.
        in_flight_limit: Most queries at once; 0 means ``2 * workers + 2``.
        max_message_mib: Largest message in MiB, after decompression.
        drain_s: Seconds that calls in flight get to end after the stop.
        log_level: Level of the log.
        shutdown_pause_s: Seconds between NOT_SERVING and the stop, in which callers look away.
    """

    address: str = "127.0.0.1:0"
    metrics_address: str = ""
    workers: int = 2
    in_flight_limit: int = 0
    max_message_mib: int = 4
    drain_s: float = 20
    log_level: str = "INFO"
    shutdown_pause_s: float = 0


class StageServer:
    """A gRPC server with health, reflection, a guard, a limit and a thread pool.

    Args:
        stage: Short name of the stage.
        register: Adds the servicers to the server.
        services: Full names of the services.
        settings: How to serve.
        metrics: Where to measure.
        admit: Asked before each call of these services; None lets all in.
    """

    def __init__(
        self,
        stage: str,
        register: Callable[[grpc.aio.Server], None],
        services: Sequence[str],
        settings: ServerSettings,
        metrics: Metrics,
        *,
        admit: Admit | None = None,
    ) -> None:
        self._stage = stage
        self._register = register
        self._services = tuple(services)
        self._settings = settings
        self._metrics = metrics
        self._admit = admit
        self._limiter = Limiter(settings.in_flight_limit or 2 * settings.workers + 2)
        self._threads = ThreadPoolExecutor(settings.workers, thread_name_prefix=f"{stage}-work")
        self._health = Health(services)
        self._stopping = asyncio.Event()
        self._second = asyncio.Event()
        self._server: grpc.aio.Server | None = None
        self._probes: Probes | None = None
        self._reason = "starting"

    @property
    def stopping(self) -> asyncio.Event:
        """Set once the process was told to stop; doors beside gRPC may wait for it."""
        return self._stopping

    @property
    def hurrying(self) -> asyncio.Event:
        """Set once the process was told a second time, and must not wait."""
        return self._second

    @property
    def metrics_port(self) -> int:
        """The port of the metrics; 0 when there is none."""
        return self._probes.port if self._probes else 0

    async def start(self) -> int:
        """Binds and answers, NOT_SERVING until :meth:`set_ready`; returns the port.

        Raises:
            SetupError: The address cannot be bound.
        """
        server = grpc.aio.server(
            interceptors=[Guard(self._limiter, self._metrics, self._admit)],
            options=_options(self._settings),
            maximum_concurrent_rpcs=max(64, 10 * self._limiter.limit),
        )
        self._register(server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((*self._services, _HEALTH, _REFLECTION), server)
        try:
            port = server.add_insecure_port(self._settings.address)
        except RuntimeError:
            raise SetupError(f"{self._settings.address} cannot be bound: is it taken?") from None
        if self._settings.metrics_address:
            address = self._settings.metrics_address
            self._probes = Probes(address, self._metrics, self.why_not_ready, self.remark)
            self._probes.start()
        await server.start()
        self._server = server
        _log.info("%s listens on port %d", self._stage, port)
        return port

    def set_ready(self, ready: bool, reason: str = "") -> None:
        """Tells callers and probes whether work may be sent, and why not.

        A reason beside readiness is a remark: work may be sent, but something is wrong.
        """
        if (ready, reason) != (self._health.is_ready, self._reason):
            state = "ready" if ready else "not ready"
            _log.info("%s is %s", self._stage, f"{state}: {reason}" if reason else state)
        self._reason = reason
        self._health.set_ready(ready)

    def why_not_ready(self) -> str:
        """Returns the reason; empty when work may be sent."""
        return "" if self._health.is_ready else self._reason or "not ready"

    def remark(self) -> str:
        """Returns what is wrong although work may be sent; empty when nothing is."""
        return self._reason if self._health.is_ready else ""

    async def run_blocking(
        self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Runs a function in a thread of the stage.

        The room that the call took is given back when the thread ends, not when the caller
        gives up.
        """
        slot = current_slot.get()
        context = contextvars.copy_context()
        future = self._threads.submit(context.run, partial(function, *args, **kwargs))
        if slot is not None:
            slot.hold()
            future.add_done_callback(lambda _: slot.release())
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """Asks :meth:`serve_until_stopped` to drain; asked twice, not to wait."""
        (self._second if self._stopping.is_set() else self._stopping).set()

    async def serve_until_stopped(self, *background: Coroutine[object, object, None]) -> None:
        """Serves until SIGTERM, SIGINT or :meth:`stop`, then drains; a second signal ends at once.

        Args:
            background: What runs beside the server; it is cancelled at the end, and an error in
                it ends the server and is raised.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        told = asyncio.create_task(self._stopping.wait())
        tasks = [asyncio.create_task(work) for work in background]
        try:
            await _first_failure(told, tasks)
        finally:
            await self._drain()
            for task in (told, *tasks):
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _drain(self) -> None:
        self._stopping.set()
        self._reason = "stopping"
        self._health.close()
        if self._settings.shutdown_pause_s:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._second.wait(), self._settings.shutdown_pause_s)
        if self._server is not None:
            stop = asyncio.create_task(self._server.stop(self._settings.drain_s))
            hurry = asyncio.create_task(self._second.wait())
            await asyncio.wait((stop, hurry), return_when=asyncio.FIRST_COMPLETED)
            if not stop.done():
                await self._server.stop(None)
            hurry.cancel()
            await stop
        if self._probes is not None:
            self._probes.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)
        _log.info("%s has stopped", self._stage)


async def _first_failure(
    told: asyncio.Task[Literal[True]], tasks: Sequence[asyncio.Task[None]]
) -> None:
    """Returns when told to; a task that ends with an error is raised, one that ends is let go."""
    pending: set[asyncio.Task[object]] = {told, *tasks}
    while told in pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


def _options(settings: ServerSettings) -> list[tuple[str, int]]:
    size = settings.max_message_mib << 20
    return [
        ("grpc.max_receive_message_length", size),
        ("grpc.max_send_message_length", size),
        ("grpc.max_metadata_size", 8192),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 5000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.max_connection_age_ms", 300_000),
        ("grpc.max_connection_age_grace_ms", 10_000),
        ("grpc.so_reuseport", 0),
    ]
