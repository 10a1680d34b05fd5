"""Lets an index follow the catalogue from the change that its artifact was made at."""

import time
from collections.abc import Callable, Iterator

from catalog.feed import ChangeBatch, ChangeFeed, LogTruncated
from catalog.store import CatalogStore
from catalog.tail import Tail
from runtime.artifacts import ArtifactRefused
from runtime.errors import Unavailable
from services.image_retriever.live import LiveIndex


class Following:
    """Keeps an index up to date in a thread named "tail".

    Args:
        index: The index, as its artifact has it.
        store: The catalogue.
        on_delay: Told, of each change that comes while the thread follows, the seconds from its
            writing to its being searched.
    """

    def __init__(
        self,
        index: LiveIndex,
        store: CatalogStore,
        *,
        on_delay: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._index = index
        self._on_delay = on_delay
        self._is_started = False
        view = index.view
        feed = ChangeFeed(store, fingerprint=view.fingerprint)
        self._tail = Tail(feed, self._apply, after=view.seq, poll_s=store.poll_s)

    @property
    def seq(self) -> int:
        """Number up to which every change is applied."""
        return self._tail.seq

    @property
    def problem(self) -> str:
        """Why the last try to follow failed; empty while all is well."""
        return self._tail.problem

    @property
    def is_cut_off(self) -> bool:
        """Whether there is no way on: only a newer artifact helps."""
        return self._tail.is_cut_off

    def start(self) -> None:
        """Catches up, and then follows.

        Raises:
            ArtifactRefused: The change that the index was built at is not in the log any more, the
                catalogue is another, or its database does not answer.
        """
        built_at = self._tail.seq
        try:
            self._tail.catch_up()
        except LogTruncated as error:
            raise ArtifactRefused(
                "snapshot_too_old",
                f"nobody can catch up from change {built_at}, at which the image index was built: "
                "run hemline build",
            ) from error
        except Unavailable as error:
            raise ArtifactRefused("catalogue_unavailable", error.message) from error
        self._is_started = True
        self._tail.start()

    def stop(self) -> None:
        """Ends the thread after the batch at hand."""
        self._tail.stop()

    def _apply(self, batch: ChangeBatch) -> None:
        self._index.apply(batch)
        if self._is_started:
            now_us = time.time_ns() // 1_000
            for changed_us in _written(batch):
                self._on_delay(max(0, now_us - changed_us) / 1e6)


def _written(batch: ChangeBatch) -> Iterator[int]:
    yield from (each.changed_us for each in batch.products)
    yield from (each.changed_us for each in batch.vectors)
