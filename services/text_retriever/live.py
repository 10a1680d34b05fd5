"""Keeps the text index in service up with the catalogue."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from catalog.feed import LogTruncated
from catalog.product import Product
from catalog.store import CatalogStore
from runtime.artifacts import ArtifactRefused
from runtime.errors import Unavailable
from services.text_retriever.following import Following
from services.text_retriever.index import TextIndex
from services.text_retriever.scratch import Scratch
from services.text_retriever.writable import WritableIndex

REBUILD_SHARE = 0.1
"""Share of superseded documents at which the index is built anew."""

_RETRY_S = 60.0
_LOOK_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TextView:
    """What one answer is made from: an index, its generation and the last change it holds."""

    index: TextIndex
    generation: str
    seq: int


class FixedText:
    """A released index that follows nothing.

    Args:
        view: What it answers from.
    """

    is_following = False
    superseded_share = 0.0
    problem = ""

    def __init__(self, view: TextView) -> None:
        self.view = view

    def close(self) -> None:
        """Does nothing: there is nothing to end."""


class LiveText:
    """An index that follows the catalogue while it is searched.

    One thread, "tail", applies changes; each answer is made from one :attr:`view`. Where a tenth
    of the documents is superseded, or the log was lost, a second thread builds the index anew
    from the catalogue, lets it catch up, and puts it in the place of the first.

    Args:
        index: The released index, in a folder to write to; closed with this, or if this fails.
        generation: Name of the release's artifact.
        seq: Number of the change that it was built at.
        store: The catalogue.
        scratch: Where indexes are written.
        on_delays: Told the seconds from each change to its being searchable.

    Raises:
        ArtifactRefused: The index cannot catch up from so far back.
        Unavailable: The catalogue does not answer.
    """

    is_following = True

    def __init__(
        self,
        index: WritableIndex,
        generation: str,
        seq: int,
        store: CatalogStore,
        scratch: Scratch,
        on_delays: Callable[[Sequence[float]], None],
    ) -> None:
        self._generation = generation
        self._store = store
        self._scratch = scratch
        self._on_delays = on_delays
        self._closing = threading.Event()
        self._rebuilding = threading.Lock()
        self._lane = Following(index, store, seq, on_delays)
        try:
            self._lane.tail.catch_up()
        except LogTruncated as error:
            self._lane.close()
            raise ArtifactRefused(
                "snapshot_too_old",
                f"the catalogue no longer tells what changed since {seq}: run hemline build",
            ) from error
        except BaseException:
            self._lane.close()
            raise
        self._lane.follow()
        self._rebuilder = threading.Thread(target=self._keep, name="rebuild", daemon=True)
        self._rebuilder.start()

    @property
    def view(self) -> TextView:
        """What to answer from now; take it once an answer."""
        index, seq = self._lane.state
        return TextView(index, self._generation, seq)

    @property
    def superseded_share(self) -> float:
        """Superseded documents among all that the index holds, 0 to 1."""
        return self._lane.index.superseded_share

    @property
    def needs_rebuild(self) -> bool:
        """Whether the index is worn, failed to take the last changes, or lost the log."""
        lane = self._lane
        is_worn = self.superseded_share >= REBUILD_SHARE
        return is_worn or lane.is_broken or lane.tail.is_cut_off

    @property
    def problem(self) -> str:
        """Why changes do not arrive; empty while they do."""
        return self._lane.tail.problem

    def close(self) -> None:
        """Ends following; the last view can still be searched. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._rebuilder.join()
        self._lane.close()

    def rebuild(self) -> None:
        """Builds the index anew from the catalogue and swaps it in; searches go on meanwhile.

        Raises:
            Unavailable: The catalogue does not answer.
        """
        with self._rebuilding:
            self._swap()

    def _swap(self) -> None:
        old = self._lane
        seq = self._store.seq()  # Before the scan: what changes meanwhile is applied after it.
        index = WritableIndex.built(
            self._until_closing(self._store.scan()),
            self._scratch.folder(),
            normalizer=old.index.normalizer,
        )
        lane = Following(index, self._store, seq, self._on_delays)
        try:
            lane.tail.catch_up()
            if not old.tail.is_cut_off:
                # Nobody who was shown a change may lose it again: the old one stands still first.
                old.tail.stop()
                lane.tail.catch_up()
        except BaseException:
            lane.close()
            if not self._closing.is_set():
                old.follow()
            raise
        self._lane = lane
        lane.follow()
        old.close()

    def _until_closing(self, products: Iterator[Product]) -> Iterator[Product]:
        for product in products:
            if self._closing.is_set():
                raise Unavailable("the index is being closed")
            yield product

    def _keep(self) -> None:
        while not self._closing.wait(_LOOK_S):
            if not self.needs_rebuild:
                continue
            started = time.monotonic()
            try:
                self.rebuild()
                _log.info("the text index was rebuilt in %.1f s", time.monotonic() - started)
            except Exception:  # noqa: BLE001  # Whatever it was, the old one serves on.
                if self._closing.is_set():
                    return
                _log.exception("the text index could not be rebuilt, the old one serves on")
                self._closing.wait(_RETRY_S)
