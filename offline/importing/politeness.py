"""Keeps a fetcher from asking too much of one server."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Politeness:
    """Lets few requests at a time go to each server, and none while it asks for a rest.

    Args:
        at_once: Requests to one server at the same time.
        between_s: Seconds between the beginnings of two requests to one server.
        clock: Seconds from any beginning.
        wait: Waits for seconds.
    """

    def __init__(
        self,
        at_once: int = 4,
        between_s: float = 0.05,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._at_once = at_once
        self._between_s = between_s
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._gates: dict[str, threading.BoundedSemaphore] = {}
        self._next: dict[str, float] = {}

    @contextmanager
    def turn(self, server: str) -> Iterator[None]:
        """Waits for a turn at a server, and holds it."""
        with self._lock:
            gate = self._gates.setdefault(server, threading.BoundedSemaphore(self._at_once))
        with gate:
            with self._lock:
                now = self._clock()
                begins = max(now, self._next.get(server, now))
                self._next[server] = begins + self._between_s
            if begins > now:
                self._wait(begins - now)
            yield

    def rest(self, server: str, seconds: float) -> None:
        """Lets no request to a server begin for some seconds."""
        with self._lock:
            until = self._clock() + seconds
            self._next[server] = max(until, self._next.get(server, until))
