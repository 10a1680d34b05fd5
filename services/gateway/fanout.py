"""Asks all retrievers at the same time, and takes what came within the time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from catalog.product_filter import ProductFilter
from runtime.errors import (
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    ServiceError,
    TooLarge,
    Unavailable,
)
from services.gateway.agreeing import agreed
from services.gateway.budget import LEGS_SHARE, Budget, Deadline
from services.gateway.query import Query
from services.gateway.stages import Ranking

MIN_DEPTH, MAX_DEPTH = 200, 1000
RETRY_AFTER_S = 1.0
_CALLERS_FAULT = (InvalidArgument, NotFound, TooLarge)
_T = TypeVar("_T")
Filters = Sequence[ProductFilter | None]
"""The filter of the query, and those that it is asked with besides."""


class Leg(Protocol):
    """One retriever, as the pipeline asks it."""

    async def retrieve(
        self, query: Query, count: int, deadline: Deadline, filters: Filters
    ) -> Sequence[Ranking]:
        """At most ``count`` products for each of the filters, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Legs:
    """Who answered the search, who did not, and how deep they were asked.

    ``others`` are the answers to the further filters that all of them were asked, in order.
    """

    answered: Mapping[str, Ranking]
    failed: Mapping[str, ServiceError]
    depth: int
    others: Sequence[Mapping[str, Ranking]] = ()

    def has_more(self, left_out: int) -> bool:
        """Whether a retriever has more, or came to the depth, so that there may be more."""
        left_out += max((len(found.look_alikes) for found in self.answered.values()), default=0)
        return any(
            len(found.ids) + left_out >= self.depth
            if found.total is None
            else len(found.ids) < found.total
            for found in self.answered.values()
        )


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Notes how many milliseconds each step took."""

    clock: Callable[[], float]
    timings_ms: dict[str, float] = field(default_factory=dict)

    async def time(self, step: str, call: Awaitable[_T]) -> _T:
        """Awaits a call, and notes the time even where it fails."""
        started = self.clock()
        try:
            return await call
        finally:
            self.timings_ms[step] = round(1000 * (self.clock() - started), 3)


async def ask(
    legs: Mapping[str, Leg],
    query: Query,
    budget: Budget,
    stopwatch: Stopwatch,
    others: Filters = (),
) -> Legs:
    """Returns when all retrievers answered, or when their share of the budget is spent.

    Args:
        legs: Whom to ask.
        query: What to ask, with its filter.
        budget: The budget of the request.
        stopwatch: Notes how long each took.
        others: Filters that the same is asked with besides.

    Raises:
        InvalidArgument, NotFound, TooLarge: A retriever says that the query is at fault.
        Unavailable, DeadlineExceeded: None of them answered.
    """
    depth = min(max(query.candidate_factor * query.page_size, MIN_DEPTH), MAX_DEPTH)
    deadline = budget.share(LEGS_SHARE)
    left_s = deadline.left_s()
    filters = (query.filter, *others)
    tasks = {
        name: asyncio.create_task(
            stopwatch.time(name, leg.retrieve(query, depth, deadline, filters)), name=name
        )
        for name, leg in legs.items()
    }
    try:
        await asyncio.wait(tasks.values(), timeout=left_s)
    finally:
        await end(tasks.values())
    outcomes = {name: _outcome(task) for name, task in tasks.items()}
    failed = {name: found for name, found in outcomes.items() if isinstance(found, ServiceError)}
    for error in failed.values():
        if isinstance(error, _CALLERS_FAULT):
            raise error
    if len(failed) == len(outcomes):
        raise _nothing(failed.values())
    answered = {
        name: found for name, found in outcomes.items() if not isinstance(found, ServiceError)
    }
    by_filter = [
        agreed(query, _unlike({name: found[place] for name, found in answered.items()}))
        for place in range(len(filters))
    ]
    return Legs(by_filter[0], failed, depth, by_filter[1:])


def _unlike(rankings: Mapping[str, Ranking]) -> dict[str, Ranking]:
    """The rankings less what one retriever left out for its look: no other may bring it back."""
    look_alikes = frozenset[str]().union(*(found.look_alikes for found in rankings.values()))
    return {name: found.without(look_alikes) for name, found in rankings.items()}


async def together(calls: Sequence[Coroutine[object, None, _T]]) -> list[_T]:
    """The results of calls made at the same time, in order; an error ends the others."""
    if len(calls) == 1:
        return [await calls[0]]
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await end(tasks)


async def within(deadline: Deadline, call: Coroutine[object, None, _T]) -> _T:
    """Awaits a call, and gives it up with DeadlineExceeded when its time is up."""
    try:
        left_s = deadline.left_s()
    except DeadlineExceeded:
        call.close()
        raise
    try:
        async with asyncio.timeout(left_s):
            return await call
    except TimeoutError:
        raise DeadlineExceeded("the budget is spent") from None


async def end(tasks: Iterable["asyncio.Task[object]"]) -> None:
    """Cancels what still runs, and waits until it has ended."""
    late = [task for task in tasks if not task.done()]
    for task in late:
        task.cancel()
    if late:
        await asyncio.gather(*late, return_exceptions=True)


def _outcome(task: "asyncio.Task[Sequence[Ranking]]") -> Sequence[Ranking] | ServiceError:
    """The rankings or the error of an ended leg; what is not a ServiceError is a bug: raised."""
    if task.cancelled():
        return DeadlineExceeded("the budget is spent")
    error = task.exception()
    return error if isinstance(error, ServiceError) else task.result()


def _nothing(errors: Iterable[ServiceError]) -> ServiceError:
    """What to tell where nobody answered."""
    if all(isinstance(error, DeadlineExceeded) for error in errors):
        return DeadlineExceeded("no retriever answered within the budget")
    return Unavailable("no retriever that the search needs answers", retry_after_s=RETRY_AFTER_S)
