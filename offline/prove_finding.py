"""Proves that filtered searches find what they must: ``python -m offline.prove_finding``.

Two hundred filters that admit from half of the catalogue to a product in a thousand are drawn, and
forty that admit more; each is asked for without words, with words, with a photo, and with both,
through the running gateway. What comes is compared with a search by brute force over the store:
the vectors of all photos, BM25 of all texts, and the filter, product by product. The catalogue
must stand still meanwhile, and the indexes be built from it: BM25 counts what was deleted until
the next build.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.product_filter import ProductFilter
from catalog.store import CatalogStore
from offline import run_state
from offline.cli import reported
from offline.finding_filters import Drawer
from offline.finding_proof import Case, Proof
from offline.finding_record import Record
from offline.finding_truth import Truth, Wanted
from offline.house import UpOptions
from offline.layout import DataDir
from offline.live_shop import ProofFailed, Shop
from offline.ports import two_free_ports
from offline.progress import progress, say
from offline.up import down, up_detached
from offline.word_table import word_table
from runtime.artifacts import Artifact, ArtifactStore
from runtime.errors import SetupError
from services.image_retriever.architecture import FORMAT as ENCODER_FORMAT
from services.image_retriever.encoder import Encoder, open_encoder
from services.image_retriever.nearest import unit
from services.image_retriever.snapshot import Snapshot

FILTERS = 240
SEED = 20
_MOST_WORDS = 3


def prove(data: DataDir, *, filters: int, seed: int) -> int:
    """Runs the proof on the house of a data folder; returns 1 when anything did not hold."""
    state = run_state.read(data)
    if state is None:
        raise SetupError(f"nothing runs on {data.root}: start it with `hemline up`")
    truth = truth_of(data)
    drawn = Drawer(truth.products, seed).draw(filters)
    draw, record, shop = random.Random(seed), Record(), Shop(state.url)
    proof = Proof(shop, truth, record, draw)
    record.counts["filters drawn"] = len(drawn)
    record.check(len(drawn) == filters, "there are filters enough", f"only {len(drawn)}")
    try:
        with progress("Comparing searches", 4 * len(drawn)) as shown:
            for found, band in drawn:
                for case in cases(truth, draw, found, band):
                    proof.look(case)
                    shown.advance()
    except ProofFailed as failed:
        record.check(False, "every search is answered", str(failed))
    finally:
        shop.close()
    record.judge()
    print(record.table())
    return 1 if record.wrong else 0


def cases(truth: Truth, draw: random.Random, found: ProductFilter, band: int) -> Iterator[Case]:
    """The searches with one filter; half of the words and photos are of what it admits."""
    rows = np.flatnonzero(truth.admitted(found)).tolist()
    admitted = [truth.products[row] for row in rows]

    def some(products: Sequence[Product]) -> Product:
        return draw.choice(products if draw.random() < 0.5 else truth.products)

    words = some(admitted).title.split()
    text = " ".join(draw.sample(words, min(len(words), draw.randrange(1, _MOST_WORDS + 1))))
    pictured = [truth.products[row] for row in rows if truth.pictured[row]]
    every = [truth.products[row] for row in np.flatnonzero(truth.pictured).tolist()]
    yield Case("list", band, Wanted(filter=found))
    yield Case("words", band, Wanted(text, filter=found))
    if not every:
        return
    for kind, said in (("photo", ""), ("both", text)):
        shown = draw.choice(pictured if pictured and draw.random() < 0.5 else every)
        example = shown.id if draw.random() < 0.5 else ""
        yield Case(kind, band, Wanted(said, shown.images[0], example, found))


def truth_of(data: DataDir) -> Truth:
    """Reads the catalogue, its vectors, and the encoder and the floors of the release in force.

    Raises:
        SetupError: There is no catalogue or no release.
    """
    artifacts = ArtifactStore(data.artifacts)
    release = artifacts.current()
    if release is None:
        raise SetupError(f"nothing is released in {data.root}: run `hemline build`")
    image = artifacts.open("image", release.generations["image"], format=Snapshot.FORMAT)
    about = Snapshot.open(image.folder).files.about
    encoder = _encoder(artifacts, image)
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        products = list(store.scan())
        vectors = _vectors(store, products, about.fingerprint, about.dim)
    finally:
        store.close()
    return Truth(products, vectors, about.floors, encoder, Normalizer(word_table(data)))


def _encoder(artifacts: ArtifactStore, image: Artifact) -> Encoder:
    """The encoder that the vectors were made with: an artifact, or what the index names."""
    if "encoder" not in image.parents:
        return open_encoder(str(image.facts["encoder"]))
    made = artifacts.open("encoder", image.parents["encoder"], format=ENCODER_FORMAT)
    return open_encoder(made.folder)


def _vectors(
    store: CatalogStore, products: Sequence[Product], fingerprint: str, dim: int
) -> npt.NDArray[np.float32]:
    """The unit vector of the first photo of each product that has one, zeros where none has."""
    kept = store.vectors.get(fingerprint, list({sha for p in products for sha in p.images}))
    rows = np.zeros((len(products), dim), np.float32)
    for row, product in enumerate(products):
        packed = next((kept[sha] for sha in product.images if kept.get(sha)), b"")
        if packed:
            rows[row] = np.frombuffer(packed, "<f4")
    return unit(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, starts the house where none runs, and proves."""
    parser = argparse.ArgumentParser(
        prog="python -m offline.prove_finding",
        description="Proves that filtered searches find what they must.",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data folder")
    parser.add_argument("--filters", type=int, default=FILTERS, metavar="N")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N")
    options = parser.parse_args(arguments)
    data = DataDir(options.data)

    def work() -> int:
        started = run_state.read(data) is None
        if started:
            up_detached(data, UpOptions(port=two_free_ports()))
        try:
            return prove(data, filters=options.filters, seed=options.seed)
        finally:
            if started:
                say("Stopping what was started ...")
                down(data)

    return reported(work)


if __name__ == "__main__":
    sys.exit(main())
