"""Sends queries to a stage: each in a call of its own, or those that wait together in one."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from runtime.errors import DeadlineExceeded, Internal

MOST = 16


class Batched(Protocol):
    """A query of a batch RPC: it says itself until when it is of use."""

    deadline_ms: int


_Q = TypeVar("_Q", bound=Batched)
_A = TypeVar("_A")
_Asked = TypeVar("_Asked", bound=Batched, contravariant=True)
_Answered = TypeVar("_Answered", covariant=True)


class Send(Protocol[_Asked, _Answered]):
    """Makes one call of a batch RPC: one answer a query, in order."""

    def __call__(
        self, queries: Sequence[_Asked], *, group: str, timeout_s: float, hedge: bool
    ) -> Awaitable[Sequence[_Answered]]:
        """Makes the call; ``group`` is what all its queries have in common."""
        ...


class Ask(Protocol[_Asked, _Answered]):
    """Asks one query."""

    async def __call__(self, query: _Asked, *, timeout_s: float, group: str = "") -> _Answered:
        """The answer to a query, at the latest after ``timeout_s``."""
        ...


def direct(send: Send[_Q, _A]) -> Ask[_Q, _A]:
    """Each query in a call of its own."""

    async def ask(query: _Q, *, timeout_s: float, group: str = "") -> _A:
        return _whole(await send([query], group=group, timeout_s=timeout_s, hedge=True), 1)[0]

    return ask


@dataclass(slots=True)
class _Waiting(Generic[_Q, _A]):
    query: _Q
    group: str
    until: float
    answer: "asyncio.Future[_A]"


class Gatherer(Generic[_Q, _A]):
    """Gathers queries while a call is in flight, and sends the next call when it has ended.

    A query that comes when nothing is in flight is sent at once: gathering never waits for more.
    Queries of different groups never share a call. A call of several is not hedged.

    Args:
        send: Makes one call.
        most: Most queries in a call.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        send: Send[_Q, _A],
        *,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._most = most
        self._clock = clock
        self._waiting: deque[_Waiting[_Q, _A]] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def __call__(self, query: _Q, *, timeout_s: float, group: str = "") -> _A:
        """The answer to a query, at the latest after ``timeout_s``."""
        answer: asyncio.Future[_A] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(query, group, self._clock() + timeout_s, answer))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise DeadlineExceeded("the stage did not answer in time") from None

    async def _send_all(self) -> None:
        while self._waiting:
            batch = self._next()
            if batch:
                await self._send_batch(batch)

    def _next(self) -> list[_Waiting[_Q, _A]]:
        """The oldest query that somebody still waits for, and others of its group."""
        batch: list[_Waiting[_Q, _A]] = []
        others: deque[_Waiting[_Q, _A]] = deque()
        while self._waiting and len(batch) < self._most:
            entry = self._waiting.popleft()
            if entry.answer.done() or entry.until <= self._clock():
                continue
            (batch if not batch or entry.group == batch[0].group else others).append(entry)
        self._waiting.extendleft(reversed(others))
        return batch

    async def _send_batch(self, batch: Sequence[_Waiting[_Q, _A]]) -> None:
        now = self._clock()
        for entry in batch:
            entry.query.deadline_ms = max(1, int(1000 * (entry.until - now)))
        try:
            answers = await self._send(
                [entry.query for entry in batch],
                group=batch[0].group,
                timeout_s=max(entry.until for entry in batch) - now,
                hedge=len(batch) == 1,
            )
            _whole(answers, len(batch))
        except Exception as error:  # noqa: BLE001  # handed to those who wait, whatever it is
            for entry in batch:
                if not entry.answer.done():
                    entry.answer.set_exception(error)
            return
        for entry, answer in zip(batch, answers, strict=True):
            if not entry.answer.done():
                entry.answer.set_result(answer)


def _whole(answers: Sequence[_A], count: int) -> Sequence[_A]:
    if len(answers) != count:
        raise Internal("a stage answered another number of queries than it was asked")
    return answers
