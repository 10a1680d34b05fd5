"""Builds the text index of a catalogue and publishes it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.progress import Progress, progress
from runtime.artifacts import Artifact, ArtifactStore
from services.text_retriever.index import FORMAT, WEIGHTS, TextIndex

KIND = "text"
_STEP = 100


def build_text(data: DataDir) -> Artifact:
    """Returns the text index of the catalogue as it is now, building it only where none fits.

    Raises:
        SetupError: There is no catalogue, or the artifact cannot be written.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        return _build(store, ArtifactStore(data.artifacts))
    finally:
        store.close()


def _build(store: CatalogStore, artifacts: ArtifactStore) -> Artifact:
    normalizer = Normalizer()
    weights = ",".join(f"{name}={weight}" for name, weight in WEIGHTS.items())
    # The clock before the content: what changes in between is built twice rather than missed.
    seq = store.seq()
    inputs = {
        "catalog": store.content_digest(),
        "words": normalizer.table.digest,
        "weights": weights,
    }
    found = artifacts.find(KIND, format=FORMAT, inputs=inputs)
    if found is not None:
        return found

    def write(folder: Path) -> Mapping[str, object]:
        with progress("Indexing words", store.count()) as shown:
            products = _counted(store.scan(), shown)
            return TextIndex.write(products, folder, normalizer=normalizer)

    return artifacts.publish(KIND, format=FORMAT, seq=seq, write=write, inputs=inputs)


def _counted(products: Iterator[Product], shown: Progress) -> Iterator[Product]:
    pending = 0
    for product in products:
        yield product
        pending += 1
        if pending == _STEP:
            shown.advance(pending)
            pending = 0
    shown.advance(pending)
