"""Feeds a writable text index the changes of the catalogue."""

import threading
import time
from collections.abc import Callable, Sequence

from catalog.feed import ChangeBatch, ChangeFeed
from catalog.store import CatalogStore
from catalog.tail import Tail
from services.text_retriever.writable import WritableIndex

COMMIT_PAUSE_S = 0.25
"""Least time between two commits of changed texts."""

_BATCH = 2_000


class Following:
    """A writable index and the tail that feeds it from the catalogue.

    Args:
        index: The index; closed with this.
        store: The catalogue.
        seq: Number of the last change that the index holds.
        on_delays: Told the seconds from each change to its being searchable, once it follows.
    """

    def __init__(
        self,
        index: WritableIndex,
        store: CatalogStore,
        seq: int,
        on_delays: Callable[[Sequence[float]], None],
    ) -> None:
        self.index = index
        self.state = (index.view(), seq)
        self._feed = ChangeFeed(store, limit=_BATCH)
        self._poll_s = store.poll_s
        self.tail = self._tail(seq)
        self._on_delays = on_delays
        self._closing = threading.Event()
        self._committed = 0.0
        self._is_followed = False
        self.is_broken = False
        """Whether the last changes could not be written."""

    def follow(self) -> None:
        """Begins to follow, or goes on where it stopped."""
        if self._is_followed:  # A tail that was stopped stays so.
            self.tail = self._tail(self.tail.seq)
        self._is_followed = True
        self.tail.start()

    def close(self) -> None:
        """Ends following and closes the index."""
        self._closing.set()
        self.tail.stop()
        self.index.close()

    def _tail(self, after: int) -> Tail:
        return Tail(self._feed, self._apply, after=after, poll_s=self._poll_s)

    def _apply(self, batch: ChangeBatch) -> None:
        pace = self._pace if self._is_followed else _at_once
        try:
            view = self.index.apply(batch.products, pace=pace)
        except Exception:
            self.is_broken = True
            raise
        self.is_broken = False
        self.state = (view, batch.seq)
        if self._is_followed and batch.products:
            now_us = time.time_ns() // 1000
            self._on_delays([max(now_us - each.changed_us, 0) / 1e6 for each in batch.products])

    def _pace(self) -> None:
        """Holds a commit back until the last one is long enough ago: each stalls the searches."""
        left = self._committed + COMMIT_PAUSE_S - time.monotonic()
        if left > 0:
            self._closing.wait(left)
        self._committed = time.monotonic()


def _at_once() -> None:
    """Holds nothing back: nobody searches an index that is catching up."""
