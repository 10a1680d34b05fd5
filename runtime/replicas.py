"""Calls a stage that runs several times as if it ran once and never failed.

    pool     what callers see; bulkhead, background work
    ├── roster    who is in rotation, who is taken out
    ├── race      one call: pick, hedge, retry
    └── replica   one address: channel, load, standing

Why not gRPC's own balancing: with ``round_robin`` and its retries 29 % of the calls fail while
one of three replicas is frozen, and Python ignores its hedging without a word.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

import grpc

from runtime.budgets import Budget, Rolling
from runtime.errors import DeadlineExceeded, Overloaded
from runtime.metrics import Metrics
from runtime.race import Desk, Order, Race
from runtime.replica import Replica, StubT
from runtime.roster import PoolSettings, Roster
from runtime.targets import Dns, parse

__all__ = ["PoolSettings", "ReplicaPool"]

R = TypeVar("R")
_START_P95_S = 0.06
_DRAIN_S = 10.0
_SOON_S = 0.5
_PAUSE_S = 0.05
_log = logging.getLogger(__name__)


class ReplicaPool(Generic[StubT]):
    """The replicas of one stage, as one.

    Args:
        stage: Short name of the stage, for messages and metrics.
        targets: ``static:host:port,host:port`` or ``dns:name:port``.
        make_stub: Makes the stub of the stage on a channel.
        metrics: Where to measure.
        settings: How to behave.

    Raises:
        SetupError: The targets cannot be read.
    """

    def __init__(
        self,
        stage: str,
        targets: str,
        make_stub: Callable[[grpc.aio.Channel], StubT],
        *,
        metrics: Metrics,
        settings: PoolSettings | None = None,
    ) -> None:
        self._targets = parse(targets)
        self._make_stub = make_stub
        self._settings = settings = settings or PoolSettings()
        ejections = metrics.counter("pool_ejections", "Replicas taken out", ("stage",))
        self._roster: Roster[StubT] = Roster(stage, settings, ejections.labels(stage))
        self._desk = _desk(stage, settings, self._roster, metrics)
        self._stage = stage
        self._latency: dict[str, Rolling] = {}
        self._in_flight = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused = metrics.counter(
            "pool_refused", "Calls refused because too many are in flight", ("stage",)
        ).labels(stage)
        self._measure(metrics)

    async def start(self) -> None:
        """Finds the replicas, and begins to watch them; must run in the loop that calls."""
        if isinstance(self._targets, Dns):
            self._adopt(await self._targets.resolve())
            self._spawn(self._follow(self._targets))
        else:
            self._adopt(self._targets.addresses)

    async def close(self) -> None:
        """Ends the watch and closes all channels."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(replica.close() for replica in self._roster.replicas))

    async def call(
        self,
        method: Callable[[StubT], Callable[..., Awaitable[R]]],
        request: object,
        *,
        timeout_s: float,
        hedge: bool = True,
    ) -> R:
        """Returns the reply of one replica to a read; a second one is asked at most once.

        Args:
            method: Takes the method from the stub, such as ``lambda stub: stub.SearchVectors``.
            request: The message.
            timeout_s: Seconds for everything, second tries included.
            hedge: Whether a late call may be copied; False for work that is dear to do twice.

        Raises:
            ServiceError: What the stage answered; Unavailable at once when no replica can be
                reached; Overloaded when too many calls are in flight.
        """
        if self._in_flight >= self._settings.in_flight_cap:
            self._refused.inc()
            raise Overloaded(f"the {self._stage} stage has no room", retry_after_s=1.0)
        if timeout_s <= 0:
            raise DeadlineExceeded(f"no time is left for the {self._stage} stage")
        self._in_flight += 1
        self._desk.hedges.earn()
        self._desk.retries.earn()
        try:
            order = Order(method, request, timeout_s, hedge)
            return await Race(self._desk, order, self._latency_of(method)).run()
        finally:
            self._in_flight -= 1

    def _latency_of(self, method: Callable[[StubT], Callable[..., Awaitable[R]]]) -> Rolling:
        """Returns the latencies of a method: an encoding takes longer than a lookup."""
        replicas = self._roster.replicas
        name = replicas[0].names.get(id(method(replicas[0].stub)), "") if replicas else ""
        latency = self._latency.get(name)
        if latency is None:
            latency = self._latency[name] = Rolling(_START_P95_S)
        return latency

    def _adopt(self, addresses: tuple[str, ...]) -> None:
        known = {replica.address: replica for replica in self._roster.replicas}
        for address in addresses:
            if address not in known:
                size = self._settings.max_message_mib
                replica = Replica(address, self._make_stub, max_message_mib=size)
                self._roster.replicas.append(replica)
                self._spawn(self._watch(replica))
        for address in known.keys() - set(addresses):
            gone = known[address]
            gone.is_retired = True
            self._roster.replicas.remove(gone)
            self._spawn(self._retire(gone))
        self._roster.refresh()

    async def _follow(self, dns: Dns) -> None:
        """Keeps the last good set: a name service that is down takes no replica away."""
        while True:
            await asyncio.sleep(self._settings.resolve_every_s * random.uniform(0.8, 1.2))
            if addresses := await dns.resolve():
                self._adopt(addresses)

    async def _retire(self, replica: Replica[StubT]) -> None:
        for _ in range(int(_DRAIN_S / _SOON_S)):
            if not replica.outstanding:
                break
            await asyncio.sleep(_SOON_S)
        await replica.close()

    async def _watch(self, replica: Replica[StubT]) -> None:
        """Checks the health of a replica as often as its standing asks for."""
        misses = 0
        while not replica.is_retired:
            is_doubted = replica.doubt.is_set()
            replica.doubt.clear()
            misses = await self._check(replica, misses + is_doubted)
            every = self._settings.health_every_s * random.uniform(0.8, 1.2)
            if misses or replica.is_down or replica.is_out:
                every = min(every, _SOON_S)
            await asyncio.sleep(min(_PAUSE_S, every))
            with suppress(TimeoutError):
                await asyncio.wait_for(replica.doubt.wait(), max(0.0, every - _PAUSE_S))

    async def _check(self, replica: Replica[StubT], misses: int) -> int:
        """Asks once; returns how many checks in a row went without an answer in time."""
        loop = asyncio.get_running_loop()
        started, timeout_s = loop.time(), self._settings.health_timeout_s
        answer = await replica.check(timeout_s=timeout_s)
        if isinstance(answer, bool):
            self._roster.judge(replica, serves=answer)
            return 0
        if answer is grpc.StatusCode.UNAVAILABLE:
            if not replica.is_down:
                _log.warning("%s cannot be reached at %s", self._stage, replica.address)
            self._roster.lose(replica)
            return 0
        if loop.time() - started > 2 * timeout_s:  # It was this process that stood still.
            return misses
        if misses:  # The second time, or the first when calls are late as well.
            _log.warning("%s at %s does not answer in time", self._stage, replica.address)
            self._roster.eject(replica)
        return misses + 1

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _measure(self, metrics: Metrics) -> None:
        in_flight = metrics.gauge("pool_in_flight", "Calls to a stage now", ("stage",))
        in_flight.labels(self._stage).set_function(lambda: self._in_flight)
        roster = self._roster
        known = metrics.gauge("pool_replicas", "Replicas known", ("stage",))
        known.labels(self._stage).set_function(lambda: len(roster.replicas))
        rotation = metrics.gauge("pool_rotation", "Replicas in rotation", ("stage",))
        rotation.labels(self._stage).set_function(lambda: len(roster.rotation))


def _desk(
    stage: str, settings: PoolSettings, roster: Roster[StubT], metrics: Metrics
) -> Desk[StubT]:
    hedged = metrics.counter("pool_hedges", "Second copies sent", ("stage",)).labels(stage)
    retried = metrics.counter("pool_retries", "Calls tried again", ("stage",)).labels(stage)
    hedges = Budget(settings.hedge_fraction, 0.0, settings.hedge_burst)
    retries = Budget(settings.retry_fraction, settings.retry_per_s, settings.retry_burst)
    return Desk(stage, settings, roster, hedges, retries, hedged, retried)
