"""Follows the changes of a catalogue in a thread."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from catalog.feed import ChangeBatch, LogTruncated

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0


class Feed(Protocol):
    """What a tail reads from."""

    def read(self, after: int) -> ChangeBatch:
        """Returns the next changes; ``seq`` equals ``after`` when there are none."""


class Tail:
    """Applies each change once it is there, one batch at a time.

    A batch whose application failed is read and applied again, so ``apply`` must be idempotent.

    Args:
        feed: Where changes come from.
        apply: Takes a batch; called by one thread at a time.
        after: Number of the last change that was applied already.
        poll_s: Seconds between looks.
    """

    def __init__(
        self,
        feed: Feed,
        apply: Callable[[ChangeBatch], None],
        *,
        after: int,
        poll_s: float = 0.05,
    ) -> None:
        self._feed = feed
        self._apply = apply
        self._poll_s = poll_s
        self._seq = after
        self._moved = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem: Exception | None = None

    @property
    def seq(self) -> int:
        """Number up to which every change is applied."""
        return self._seq

    @property
    def problem(self) -> str:
        """Why the last try failed; empty while all is well."""
        return str(self._problem) if self._problem is not None else ""

    @property
    def is_cut_off(self) -> bool:
        """Whether there is no way on from ``seq``: only a newer snapshot helps."""
        return isinstance(self._problem, LogTruncated)

    def catch_up(self) -> int:
        """Applies all that is there, in the caller's thread, and returns the number reached.

        Not while the thread runs.

        Raises:
            LogTruncated: There is no way on from ``seq``.
            Unavailable: The database does not answer.
        """
        while self._step():
            pass
        return self._seq

    def start(self) -> None:
        """Begins to follow, in a thread named "tail"."""
        self._thread = threading.Thread(target=self._follow, name="tail", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the batch at hand; may be called twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wait_for(self, seq: int, timeout_s: float) -> bool:
        """Waits until the change of a number is applied and tells whether it is."""
        with self._moved:
            return self._moved.wait_for(lambda: self._seq >= seq, timeout_s)

    def _follow(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                while not self._stopping.is_set() and self._step():
                    pass
                self._problem, pause_s = None, _FIRST_PAUSE_S
                self._stopping.wait(self._poll_s)
            except Exception as error:
                if str(error) != self.problem:
                    log.exception("cannot follow the catalogue past change %d", self._seq)
                self._problem = error
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _step(self) -> bool:
        batch = self._feed.read(self._seq)
        if batch.seq == self._seq:
            return False
        self._apply(batch)
        with self._moved:
            self._seq = batch.seq
            self._moved.notify_all()
        return True
