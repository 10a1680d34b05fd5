"""Brings one call home: on one replica, and when that is late or fails on a second."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

import grpc
from prometheus_client import Counter

from runtime.budgets import Budget, Rolling
from runtime.errors import (
    DeadlineExceeded,
    Overloaded,
    PreconditionFailed,
    ServiceError,
    Unavailable,
)
from runtime.refusals import translate
from runtime.replica import Replica, StubT
from runtime.roster import PoolSettings, Roster
from runtime.tracing import METADATA_KEY, current_request_id

R = TypeVar("R")
_OTHERS = 3  # replicas asked after one that is not of the wanted generation
_SHED_ALPHA = 0.02
_SHED_LIMIT = 0.2


class _Rpc(Protocol):
    def cancel(self) -> bool: ...


@dataclass(slots=True)
class Desk(Generic[StubT]):
    """What the calls of one pool share."""

    stage: str
    settings: PoolSettings
    roster: Roster[StubT]
    hedges: Budget
    retries: Budget
    hedged: Counter
    retried: Counter
    shed_share: float = 0.0

    def may_hedge(self) -> bool:
        """Whether a second copy may be sent: it would feed an overload."""
        return self.shed_share <= _SHED_LIMIT and self.hedges.spend()


@dataclass(frozen=True, slots=True)
class Order(Generic[StubT, R]):
    """What is asked: the method, the request, the absolute deadline and whether to hedge."""

    method: Callable[[StubT], Callable[..., Awaitable[R]]]
    request: object
    timeout_s: float
    hedge: bool


class Race(Generic[StubT, R]):
    """One call: at most two legs, each on another replica; the loser is cancelled.

    The usual path makes no task and waits on nothing but the call itself: a timer stands by, and
    only when it fires a second leg is started, which on winning cancels the first.
    """

    __slots__ = (
        "_backup",
        "_desk",
        "_first",
        "_latency",
        "_loop",
        "_order",
        "_prize",
        "_rpc",
        "_started",
    )

    def __init__(self, desk: Desk[StubT], order: Order[StubT, R], latency: Rolling) -> None:
        self._desk = desk
        self._order = order
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._backup: asyncio.Task[None] | None = None
        self._prize: list[R] = []

    async def run(self) -> R:
        """Returns the first good reply.

        Raises:
            ServiceError: No reply was good.
        """
        first = self._first = self._desk.roster.pick()
        settings = self._desk.settings
        delay = min(max(self._latency.p95, settings.hedge_min_s), settings.hedge_max_s)
        rpc = self._send(first, self._order.timeout_s)
        self._rpc = cast(_Rpc, rpc)
        first.outstanding += 1
        first.calls.add(self)
        timer = self._loop.call_later(delay, self._late)
        failure: grpc.aio.AioRpcError | None = None
        is_lost = False
        try:
            response = await rpc
        except asyncio.CancelledError:
            is_lost = bool(self._prize) and not _is_cancelled()
            if not is_lost:
                self._call_off()
                raise
        except grpc.aio.AioRpcError as error:
            failure = error
        finally:
            timer.cancel()
            first.outstanding -= 1
            first.calls.discard(self)
        if failure is not None:
            return await self._recover(failure)
        seconds = self._loop.time() - self._started
        self._latency.add(seconds)
        if is_lost:
            self._desk.roster.failed(first, max(seconds, settings.hedge_max_s))
            return self._prize[0]
        self._call_off()
        self._desk.roster.answered(first, seconds)
        self._desk.shed_share -= _SHED_ALPHA * self._desk.shed_share
        return response

    def move(self) -> None:
        """Starts the second leg now, whatever the budget says: the first one is lost."""
        other = self._desk.roster.pick_other(self._first)
        if self._backup is None and other is not None:
            self._desk.hedged.inc()
            self._backup = self._loop.create_task(self._second(other))

    def _late(self) -> None:
        if self._order.hedge and len(self._desk.roster.rotation) > 1 and self._desk.may_hedge():
            self.move()
        else:
            self._first.doubt.set()  # A health check finds out whether it is frozen or at work.

    async def _second(self, other: Replica[StubT]) -> None:
        try:
            response = await self._leg(other)
        except ServiceError:
            return
        self._prize.append(response)
        self._rpc.cancel()

    async def _recover(self, error: grpc.aio.AioRpcError) -> R:
        failure = self._enter(self._first, error, self._started)
        if isinstance(failure, PreconditionFailed):
            return await self._of_another_state(failure)
        if not isinstance(failure, Unavailable | Overloaded | DeadlineExceeded):
            self._call_off()
            raise failure from None
        if self._backup is not None:
            await self._backup
            if self._prize:
                return self._prize[0]
            raise failure from None
        other = self._desk.roster.pick_other(self._first)
        is_early = self._left() > 0.3 * self._order.timeout_s
        if isinstance(failure, DeadlineExceeded) or other is None or not is_early:
            raise failure from None
        if not self._desk.retries.spend():
            raise failure from None
        self._desk.retried.inc()
        return await self._leg(other)

    async def _of_another_state(self, failure: ServiceError) -> R:
        """Asks the others: while a release spreads, some replicas have a generation, some not."""
        if self._backup is not None:
            await self._backup
            if self._prize:
                return self._prize[0]
        rotation = self._desk.roster.rotation
        for other in [each for each in rotation if each is not self._first][:_OTHERS]:
            self._desk.retried.inc()
            try:
                return await self._leg(other)
            except PreconditionFailed as refused:
                failure = refused
        raise failure

    async def _leg(self, replica: Replica[StubT]) -> R:
        started = self._loop.time()
        replica.outstanding += 1
        try:
            response = await self._send(replica, max(self._left(), 0.001))
        except grpc.aio.AioRpcError as error:
            raise self._enter(replica, error, started) from None
        finally:
            replica.outstanding -= 1
        self._desk.roster.answered(replica, self._loop.time() - started)
        return response

    def _send(self, replica: Replica[StubT], timeout_s: float) -> Awaitable[R]:
        request_id = current_request_id()
        metadata = ((METADATA_KEY, request_id),) if request_id else None
        call = self._order.method(replica.stub)
        return call(self._order.request, timeout=timeout_s, metadata=metadata)

    def _enter(
        self, replica: Replica[StubT], error: grpc.aio.AioRpcError, started: float
    ) -> ServiceError:
        """Enters a failed leg into the roster, and returns it in our words."""
        failure = translate(self._desk.stage, error)
        seconds = self._loop.time() - started
        at_least = max(seconds, self._desk.settings.hedge_max_s)
        if isinstance(failure, Unavailable):
            self._desk.roster.failed(replica, at_least)
        elif isinstance(failure, Overloaded):
            self._desk.shed_share += _SHED_ALPHA * (1 - self._desk.shed_share)
            self._desk.roster.shed(replica, at_least)
        elif not isinstance(failure, DeadlineExceeded):
            self._desk.roster.answered(replica, seconds)
        elif seconds >= max(2 * self._latency.p95, self._desk.settings.hedge_max_s):
            # A caller in a hurry proves nothing against the replica.
            self._desk.roster.failed(replica, at_least)
        return failure

    def _left(self) -> float:
        return self._started + self._order.timeout_s - self._loop.time()

    def _call_off(self) -> None:
        if self._backup is not None:
            self._backup.cancel()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
