"""Refuses work that a process has no room for, at once."""

import contextvars
import threading
from collections.abc import Callable

from runtime.errors import Overloaded


class Limiter:
    """Counts the queries in the process; safe to use from any thread.

    A batch larger than the limit is let in when nothing else is in flight, or it could never be.

    Args:
        limit: Most queries in flight, 1 or more.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0
        self._lock = threading.Lock()

    def enter(self, queries: int) -> "Slot":
        """Takes room for some queries.

        Raises:
            Overloaded: There is none.
        """
        with self._lock:
            if self.in_flight and self.in_flight + queries > self.limit:
                raise Overloaded("too much in flight: try again soon", retry_after_s=1.0)
            self.in_flight += queries
        return Slot(queries, self._leave, self._lock)

    def _leave(self, queries: int) -> None:
        self.in_flight -= queries


class Slot:
    """Room that is given back when its call and every thread that works for it have ended.

    A cancelled client ends the call, not the thread: giving back the room with the call would
    let in more work than there are threads.
    """

    __slots__ = ("_holders", "_leave", "_lock", "_queries")

    def __init__(self, queries: int, leave: Callable[[int], None], lock: threading.Lock) -> None:
        self._queries = queries
        self._leave = leave
        self._lock = lock
        self._holders = 1

    def hold(self) -> None:
        """Adds a holder."""
        with self._lock:
            self._holders += 1

    def release(self) -> None:
        """Takes a holder away; the last one gives the room back."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._leave(self._queries)


current_slot: contextvars.ContextVar[Slot | None] = contextvars.ContextVar("slot", default=None)
