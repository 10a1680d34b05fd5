"""Runs what writes in threads of its own, so that a slow database does not stop searches."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from runtime.errors import DeadlineExceeded, Unavailable

THREADS = 4
MOST = 16
TIMEOUT_S = 20.0  # a database waits 5 s for a lock, twice at most
_T = TypeVar("_T")


class WriteLane:
    """A few threads with a short queue.

    Args:
        threads: How many write at once.
        most: How many write or wait; more are refused at once.
        timeout_s: Seconds after which a caller is told that nothing is known of its write.
    """

    def __init__(
        self, *, threads: int = THREADS, most: int = MOST, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="write")
        self._most = most
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._inside = 0

    async def run(self, work: Callable[[], _T]) -> _T:
        """What ``work`` returns or raises.

        Raises:
            Unavailable: Too many write already.
            DeadlineExceeded: It takes too long; it may still happen.
        """
        with self._lock:
            if self._inside >= self._most:
                raise Unavailable("too much is being written: try again soon", retry_after_s=1)
            self._inside += 1
        future = self._pool.submit(work)
        # A caller who leaves gives up its place only when the thread has ended.
        future.add_done_callback(lambda _: self._leave())
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise DeadlineExceeded(
                "the catalogue did not answer in time: whether it was written is not known"
            ) from None

    def close(self) -> None:
        """Lets go of the threads; what runs is not stopped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
