"""Builds the text index of a catalogue and publishes it."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.progress import Progress, progress
from offline.word_table import word_table
from runtime import canaries
from runtime.artifacts import Artifact, ArtifactStore
from services.text_retriever.index import FORMAT, WEIGHTS, TextIndex

KIND = "text"
_STEP = 100
_CANARIES = 8


def build_text(data: DataDir) -> Artifact:
    """Returns the text index of the catalogue as it is now, building it only where none fits.

    Raises:
        SetupError: There is no catalogue, the shop's words cannot be read, or the artifact cannot
            be written.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        return _build(store, ArtifactStore(data.artifacts), Normalizer(word_table(data)))
    finally:
        store.close()


def _build(store: CatalogStore, artifacts: ArtifactStore, normalizer: Normalizer) -> Artifact:
    weights = ",".join(f"{name}={weight}" for name, weight in WEIGHTS.items())
    # The clock before the content: what changes in between is built twice rather than missed.
    seq = store.seq()
    inputs = {
        "catalog": store.content_digest(),
        "words": normalizer.table.digest,
        "weights": weights,
    }
    found = artifacts.find(KIND, format=FORMAT, inputs=inputs)
    # One that can no longer catch up, as after a restore, is made anew from the same content.
    if found is not None and store.is_followable(found.seq):
        return found

    def write(folder: Path) -> Mapping[str, object]:
        count = store.count()
        with progress("Indexing words", count) as shown:
            products = _counted(store.scan(), shown)
            facts = TextIndex.write(products, folder, normalizer=normalizer)
        titles = (product.title for product in store.scan())
        asked = list(islice(titles, 0, None, max(1, -(-count // _CANARIES))))
        answers = canaries.record(asked, TextIndex.open(folder).answer, folder)
        return {**facts, "canaries": answers}

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
