"""Joins those who ask at the same time; no answer is older than its question."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Rounds(Generic[_T]):
    """Work by key, one round at a time.

    Who comes while a round is under way waits for the next, which all who came meanwhile share:
    what the round has read already may be from before the question.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[_T]] = {}
        self._coming: dict[Hashable, asyncio.Task[_T]] = {}

    async def ask(self, key: Hashable, work: Callable[[], Awaitable[_T]]) -> _T:
        """What ``work``, or that of another who asked at the same time, returns or raises."""
        coming = self._coming.get(key)
        if coming is None:
            before = self._running.get(key)
            coming = asyncio.create_task(self._round(key, before, work))
            self._coming[key] = coming
            coming.add_done_callback(_seen)
        # One who gives up must not end it for the others.
        return await asyncio.shield(coming)

    def is_asked(self, key: Hashable) -> bool:
        """Whether somebody waits for an answer."""
        return key in self._running or key in self._coming

    async def _round(
        self,
        key: Hashable,
        before: "asyncio.Task[_T] | None",
        work: Callable[[], Awaitable[_T]],
    ) -> _T:
        if before is not None:
            await asyncio.wait([before])
        self._running[key] = self._coming.pop(key)
        try:
            return await work()
        finally:
            del self._running[key]


def _seen(task: "asyncio.Task[_T]") -> None:
    """Looks at an error even where everybody who asked has given up."""
    if not task.cancelled():
        task.exception()
