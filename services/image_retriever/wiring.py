"""Says how the index and the encoder of a release are opened, by what a process is for."""

import threading
from collections.abc import Callable

from catalog.store import CatalogStore
from runtime.artifacts import ArtifactRefused
from runtime.errors import SetupError
from services.image_retriever.follow import Following
from services.image_retriever.live import LiveIndex
from services.image_retriever.pair import OpenEncoder, Openers
from services.image_retriever.snapshot import Snapshot


class LateCatalogue:
    """A catalogue that is opened when it is first needed: a stage binds before its data are there.

    Args:
        url: Where it is.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._opening = threading.Lock()
        self._store: CatalogStore | None = None

    def __call__(self) -> CatalogStore:
        """Returns the catalogue; opened once.

        Raises:
            ArtifactRefused: There is none yet, or its database does not answer.
        """
        with self._opening:
            if self._store is None:
                try:
                    self._store = CatalogStore.open(self._url)
                except SetupError as error:
                    raise ArtifactRefused("catalogue_unavailable", str(error)) from error
            return self._store

    def close(self) -> None:
        """Closes it, if it was opened."""
        with self._opening:
            if self._store is not None:
                self._store.close()


def openers(
    encoder: OpenEncoder | None,
    catalogue: Callable[[], CatalogStore] | None,
    *,
    device: str = "cpu",
    on_delay: Callable[[float], None] = lambda _: None,
) -> Openers:
    """Returns how the parts of a pair are opened.

    Args:
        encoder: Opens an encoder; None in a process that only searches.
        catalogue: Opens the catalogue to follow; None serves an index as it was built.
        device: Where to search.
        on_delay: Told how long changes take from their writing to being searched.
    """

    def index(snapshot: Snapshot, generation: str, seq: int) -> LiveIndex:
        known = None if catalogue is None else catalogue().vectors
        return LiveIndex(snapshot, generation=generation, seq=seq, known=known, device=device)

    if catalogue is None:
        return Openers(encoder, index)
    return Openers(encoder, index, lambda opened: Following(opened, catalogue(), on_delay=on_delay))
