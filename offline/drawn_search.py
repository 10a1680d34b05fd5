"""Opens a search in this process over a drawn catalogue, together with the truth about it."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog.lexicon import Lexicon
from catalog.product import Product
from catalog.store import CatalogStore
from catalog.words import WordTable
from offline.drawn_truth import DrawnTruth
from offline.layout import DataDir
from offline.local_stages import KeptVectors, LocalImage, local_pipeline
from offline.scored_encoder import choose_encoder
from runtime.errors import SetupError
from services.gateway.pipeline import SearchPipeline
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from services.image_retriever.decode_bulk import bulk_decoder
from services.image_retriever.encoder import open_encoder
from services.text_retriever.index import TextIndex


@dataclass(frozen=True, slots=True)
class DrawnShop:
    """A drawn catalogue: its products, what is true of them, and a search over them.

    The search is the gateway's own, over the words as they are now and the released pictures.
    """

    products: Mapping[str, Product]
    truth: DrawnTruth
    understanding: Understanding
    pipeline: SearchPipeline


@contextmanager
def drawn_shop(data: DataDir) -> Iterator[DrawnShop]:
    """Opens the drawn catalogue of a data folder while the block runs.

    Raises:
        SetupError: The catalogue is not drawn, or has no encoder or index.
    """
    try:
        made = json.loads((data.root / "drawn.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"the catalogue in {data.root} was not drawn: run hemline demo") from error
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        products = {product.id: product for product in store.scan()}
    finally:
        store.close()
    chosen = choose_encoder(data)
    if chosen.index is None:
        raise SetupError(f"no pictures are indexed in {data.root}: run hemline build")
    encoder = open_encoder(chosen.trained.folder if chosen.trained else chosen.name)
    listed = list(products.values())
    vocabulary = Vocabulary.gather(listed, table=WordTable.default(), lexicon=Lexicon.default())
    understanding = Understanding(vocabulary)
    truth = DrawnTruth(made["products"], made["seed"])
    with closing(bulk_decoder(1)) as decoder, tempfile.TemporaryDirectory() as scratch:
        TextIndex.write(listed, Path(scratch))
        pipeline = local_pipeline(
            products,
            text=TextIndex.open(Path(scratch)),
            image=LocalImage(encoder, chosen.index, products, decoder),
            vectors=KeptVectors(),
            understanding=understanding,
        )
        yield DrawnShop(products, truth, understanding, pipeline)
