"""Keeps the columns of the catalogue up with it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

from catalog.columns import Columns
from catalog.feed import ChangeBatch, ChangeFeed
from catalog.product import Product
from catalog.store import CatalogStore
from catalog.tail import Tail
from runtime.errors import Unavailable
from services.reranker.admission import CatalogView

RETRY_S = 2.0
"""Seconds between tries to read a catalogue that does not answer."""

_LOOK_S = 0.5
_BATCH = 2_000
_log = logging.getLogger(__name__)


class LiveCatalog:
    """The columns of a catalogue: read in a thread, then followed, and read anew where lost.

    Args:
        open_store: Opens the catalogue; tried again until it comes.
        retry_s: Seconds between tries.
    """

    def __init__(self, open_store: Callable[[], CatalogStore], *, retry_s: float = RETRY_S) -> None:
        self._open_store = open_store
        self._retry_s = retry_s
        self._store: CatalogStore | None = None
        self._state: CatalogView | None = None
        self._tail: Tail | None = None
        self._problem = "the catalogue is not read yet"
        self._closing = threading.Event()
        self._tried = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="catalogue", daemon=True)
        self._keeper.start()

    @property
    def view(self) -> CatalogView | None:
        """The catalogue as it is now; None until it was read. Take it once an answer."""
        return self._state

    @property
    def problem(self) -> str:
        """Why changes do not arrive; empty while they do."""
        tail = self._tail
        return self._problem or (tail.problem if tail is not None else "")

    def wait(self, timeout_s: float) -> bool:
        """Waits until the catalogue was read, or could not be, and tells whether either came."""
        return self._tried.wait(timeout_s)

    def wait_for(self, seq: int, timeout_s: float) -> bool:
        """Waits until the change of a number is in the view and tells whether it is."""
        tail = self._tail
        return tail is not None and tail.wait_for(seq, timeout_s)

    def close(self) -> None:
        """Ends following; the last view stays good. May be called twice."""
        self._closing.set()
        self._tried.set()  # nobody is to wait any longer
        self._keeper.join()

    def _keep(self) -> None:
        while not self._closing.is_set():
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001  # Whatever it was, it is tried again.
                if str(error) != self._problem:
                    _log.exception("the catalogue cannot be read")
                self._problem = str(error) or type(error).__name__
                self._tried.set()
                self._closing.wait(self._retry_s)
        if self._store is not None:
            self._store.close()

    def _follow(self) -> None:
        """Reads the catalogue and follows it until it is to end, or there is no way on."""
        self._store = self._store or self._open_store()
        store, started = self._store, time.monotonic()
        seq = store.seq()  # Before the scan: what changes meanwhile is applied after it.
        columns = Columns.build(self._until_closing(store.scan()))
        reading = 1 + (self._state.reading if self._state is not None else 0)

        def apply(batch: ChangeBatch) -> None:
            columns.apply(batch.products)
            self._state = CatalogView(columns.view(), reading, batch.seq)

        tail = Tail(ChangeFeed(store, limit=_BATCH), apply, after=seq, poll_s=store.poll_s)
        self._state = CatalogView(columns.view(), reading, seq)
        self._tail, self._problem = tail, ""
        self._tried.set()
        _log.info("%d products are read in %.1f s", len(columns.view()), time.monotonic() - started)
        tail.start()
        try:
            while not self._closing.wait(_LOOK_S) and not tail.is_cut_off:
                pass
        finally:
            tail.stop()

    def _until_closing(self, products: Iterator[Product]) -> Iterator[Product]:
        for product in products:
            if self._closing.is_set():
                raise Unavailable("the catalogue is no longer wanted")
            yield product
