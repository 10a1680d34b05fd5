"""Scores encoder and search on held-out products, and says what was found."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.media import MediaStore
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.store import CatalogStore
from offline.clip_photos import read_photos
from offline.encoder_figures import Figures, encoder_figures
from offline.hidden_words import scored_words, without_words
from offline.layout import DataDir
from offline.local_stages import KeptVectors, LocalImage, local_pipeline
from offline.progress import Progress, progress
from offline.retrieval_report import RetrievalReport
from offline.scored_encoder import ScoredEncoder, choose_encoder
from offline.split import ensure_split
from offline.system_figures import (
    SYSTEMS,
    AttributeQuery,
    SystemFigures,
    at_best,
    at_random,
    attribute_queries,
    by_popularity,
    searched,
)
from runtime.errors import SetupError
from services.gateway.pipeline import SearchPipeline
from services.gateway.understanding import Understanding
from services.image_retriever.index import VectorIndex
from services.text_retriever.index import TextIndex

INDEXED, HIDDEN = "as a shop indexes them", "labels hidden"
_WANTED_KINDS = ("cart", "purchase", "like")


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """Where to write ``retrieval.json`` and ``retrieval.md``, and whether to print JSON."""

    report: Path | None = None
    as_json: bool = False


DEFAULTS = EvaluationOptions()


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is searched: held-out products in the order of their ids, with their photos' vectors.

    ``photos`` are unit rows float32 ``[n, dim]`` of the encoder in ``scored``.
    """

    products: Sequence[Product]
    photos: NDArray[np.float32]
    scored: ScoredEncoder


def evaluate_retrieval(data: DataDir, options: EvaluationOptions = DEFAULTS) -> RetrievalReport:
    """Scores the encoder in force, and the search with it, on the held-out products alone.

    The products that the encoder has learned from are not among the candidates. The search is the
    gateway's own pipeline, over indexes that are made for the occasion.

    Raises:
        SetupError: There is no catalogue, no photo or no encoder, or the encoder has learned from
            another state of the catalogue, so that what is held out now may be known to it.
    """
    candidates = held_out_candidates(data)
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        liked = _liked(store)
    finally:
        store.close()
    report = score_retrieval(candidates, liked)
    report.publish(options.report, as_json=options.as_json)
    return report


def held_out_candidates(data: DataDir) -> Candidates:
    """Reads and encodes the held-out products of a catalogue.

    Raises:
        SetupError: There is no catalogue, no photo or no encoder, or the encoder has learned from
            another state of the catalogue, so that what is held out now may be known to it.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        chosen = choose_encoder(data)  # before the photos are compared, which takes long
        split = ensure_split(data)
        scored = chosen.open(split.inputs)
        out = set(split.held_out)
        products = [product for product in store.scan() if product.id in out]
    finally:
        store.close()
    read = read_photos(products, MediaStore(data.media), size=scored.encoder.image_size)
    if not read.products:
        raise SetupError(f"no held-out product in {data.root} has a photo that can be read")
    return Candidates(read.products, scored.encoder.encode_photos(list(read.pixels)), scored)


def _liked(store: CatalogStore) -> Counter[str]:
    """Returns how many shoppers took each product."""
    events = store.interactions(kinds=_WANTED_KINDS)
    return Counter(product for _, product in {(e.user_id, e.product_id) for e in events})


def score_retrieval(candidates: Candidates, liked: Mapping[str, int]) -> RetrievalReport:
    """Scores encoder and search over the candidates.

    Args:
        candidates: Products that the encoder has not learned from.
        liked: How many shoppers took each product; empty where nobody knows.
    """
    queries = attribute_queries(candidates.products)
    normalizer = Normalizer()
    hidden = scored_words(candidates.products, normalizer)
    masked = without_words(candidates.products, hidden, normalizer)
    vectors = KeptVectors()
    with progress("Searching", 2 * len(SYSTEMS) * len(queries)) as shown:

        def search(shown_texts: Sequence[Product]) -> dict[str, SystemFigures]:
            with tempfile.TemporaryDirectory() as scratch:
                pipeline = indexed(candidates, shown_texts, Path(scratch), vectors)
                return asyncio.run(_asked(pipeline, queries, shown))

        systems = {INDEXED: search(candidates.products), HIDDEN: search(masked)}
    baselines = {
        "the best there is": at_best(queries),
        "at random": at_random(candidates.products, queries),
    }
    if liked:
        baselines["most popular first"] = by_popularity(candidates.products, queries, liked)
    figures: Figures = encoder_figures(
        candidates.scored.encoder, candidates.products, candidates.photos
    )
    return RetrievalReport(
        encoder=candidates.scored.name,
        fingerprint=candidates.scored.encoder.fingerprint,
        products=len(candidates.products),
        queries=len(queries),
        relevant=float(np.mean([len(query.relevant) for query in queries])) if queries else 0.0,
        figures=figures,
        systems=systems,
        baselines=baselines,
    )


def indexed(
    candidates: Candidates,
    products: Sequence[Product],
    scratch: Path,
    vectors: KeptVectors,
    understanding: Understanding | None = None,
) -> SearchPipeline:
    """Returns the search over the candidates' photos, and their texts as given."""
    text, image = scratch / "text", scratch / "image"
    text.mkdir()
    image.mkdir()
    TextIndex.write(products, text)
    encoder, floors = candidates.scored.encoder, candidates.scored.floors
    ids = [product.id for product in products]
    VectorIndex.write(ids, candidates.photos, image, fingerprint=encoder.fingerprint, floors=floors)
    by_id = {product.id: product for product in products}
    return local_pipeline(
        by_id,
        text=TextIndex.open(text),
        image=LocalImage(encoder, VectorIndex.open(image), by_id),
        vectors=vectors,
        understanding=understanding,
    )


async def _asked(
    pipeline: SearchPipeline, queries: Sequence[AttributeQuery], shown: Progress
) -> dict[str, SystemFigures]:
    return {name: await searched(pipeline, queries, name, shown) for name in SYSTEMS}
