"""Builds the vocabulary of a catalogue, by which queries are understood, and publishes it."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from catalog.lexicon import Lexicon
from catalog.product import Product
from catalog.store import CatalogStore
from catalog.words import WordTable
from offline.layout import DataDir
from offline.progress import Progress, progress
from offline.word_table import word_table
from runtime.artifacts import Artifact, ArtifactStore
from services.gateway.vocabulary import FORMAT, KIND, Vocabulary

_STEP = 100
# Moves when another program would gather other words of the same products.
_PROGRAM = "2"


def build_vocabulary(data: DataDir) -> Artifact:
    """Returns the vocabulary of the catalogue as it is now, building it only where none fits.

    Raises:
        SetupError: There is no catalogue, the shop's words cannot be read, or the artifact cannot
            be written.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        return _build(store, ArtifactStore(data.artifacts), word_table(data))
    finally:
        store.close()


def _build(store: CatalogStore, artifacts: ArtifactStore, table: WordTable) -> Artifact:
    lexicon = Lexicon.default()
    # The clock before the content: what changes in between is built twice rather than missed.
    seq = store.seq()
    inputs = {
        "catalog": store.content_digest(),
        "words": table.digest,
        "lexicon": lexicon.digest,
        "program": _PROGRAM,
    }
    found = artifacts.find(KIND, format=FORMAT, inputs=inputs)
    if found is not None:
        return found

    def write(folder: Path) -> Mapping[str, object]:
        with progress("Gathering words", store.count()) as shown:
            products = _told(store.scan(), shown)
            return Vocabulary.write(products, folder, table=table, lexicon=lexicon)

    return artifacts.publish(KIND, format=FORMAT, seq=seq, write=write, inputs=inputs)


def _told(products: Iterator[Product], shown: Progress) -> Iterator[Product]:
    while some := list(islice(products, _STEP)):
        yield from some
        shown.advance(len(some))
