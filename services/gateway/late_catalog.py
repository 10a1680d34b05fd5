"""Opens the catalogue as soon as it is there; a gateway does not fall over missing data."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from catalog.currency import currency_of
from catalog.interaction import Interaction
from catalog.journal import Journal
from catalog.photos import Photo
from catalog.product import Product
from catalog.reports import DeleteReport, UpsertReport, Verdict
from catalog.store import CatalogStore
from runtime.errors import SetupError, Unavailable

_log = logging.getLogger(__name__)


class LateCatalog:
    """A catalogue store that may not be there yet; until it is, calls raise Unavailable.

    Args:
        url: Where it is, as ``CatalogStore.open`` takes it.
        poll_s: Seconds between tries.
        on_state: Told whether it is open, and why not.
    """

    def __init__(self, url: str, *, poll_s: float, on_state: Callable[[bool, str], None]) -> None:
        self._url = url
        self._poll_s = poll_s
        self._on_state = on_state
        self._store: CatalogStore | None = None

    async def open(self) -> None:
        """Tries until the catalogue is open."""
        while self._store is None:
            try:
                self._store = await asyncio.to_thread(CatalogStore.open, self._url)
            except (SetupError, Unavailable) as error:
                _log.warning("the catalogue cannot be opened: %s", error)
                self._on_state(False, "the catalogue cannot be opened")
                await asyncio.sleep(self._poll_s)
        self._on_state(True, "")

    def close(self) -> None:
        """Closes it."""
        if self._store is not None:
            self._store.close()

    def get_many(self, ids: Sequence[str]) -> Mapping[str, Product]:
        """The products that exist. Blocks."""
        return self._opened().get_many(ids)

    def changes_token(self) -> object:
        """Differs as soon as a product changed. May block."""
        return self._opened().changes_token()

    def interactions(self, *, kinds: Sequence[str] = ()) -> Iterator[Interaction]:
        """The events of some kinds. Blocks."""
        return self._opened().interactions(kinds=kinds)

    def journal(self) -> Journal:
        """What shoppers did; its calls block."""
        return self._opened().journal

    def upsert(self, products: Sequence[Product], *, if_seq: int | None = None) -> UpsertReport:
        """Creates or replaces products. Blocks."""
        return self._opened().upsert(products, if_seq=if_seq)

    def upsert_each(self, products: Sequence[Product]) -> tuple[list[Verdict], int]:
        """Creates or replaces products, each with a verdict. Blocks."""
        return self._opened().upsert_each(products)

    def delete(self, ids: Sequence[str], *, if_seq: int | None = None) -> DeleteReport:
        """Deletes products. Blocks."""
        return self._opened().delete(ids, if_seq=if_seq)

    def add_media(self, photos: Sequence[Photo]) -> int:
        """Records photos. Blocks."""
        return self._opened().add_media(photos)

    def currency(self) -> str:
        """The currency of the catalogue. Blocks."""
        return currency_of(self._opened().engine)

    def _opened(self) -> CatalogStore:
        if self._store is None:
            raise Unavailable("the catalogue is not open yet", retry_after_s=self._poll_s)
        return self._store
