"""Opens the release in force as a search in this process."""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.local_stages import KeptVectors, LocalImage, local_pipeline
from offline.publish import open_all
from offline.scored_encoder import choose_encoder
from runtime.artifacts import Artifact, ArtifactRefused, ArtifactStore
from runtime.errors import SetupError
from services.gateway.pipeline import SearchPipeline
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import KIND as VOCABULARY
from services.gateway.vocabulary import Vocabulary
from services.image_retriever.encoder import open_encoder
from services.image_retriever.index import VectorIndex
from services.image_retriever.pair import OWN_WORDS
from services.text_retriever.index import TextIndex

_NEEDED = ("text", "image", VOCABULARY)


@dataclass(frozen=True, slots=True)
class Released:
    """A search over the indexes of a release, their generations, and the last change in them."""

    pipeline: SearchPipeline
    generations: Mapping[str, str]
    seq: int


def released_search(data: DataDir) -> Released:
    """Opens the search that the gateway would serve, without shoppers' tastes.

    Raises:
        SetupError: No release is in force, or a part of it is damaged.
    """
    artifacts = ArtifactStore(data.artifacts)
    try:
        release = artifacts.current()
    except ArtifactRefused as refused:
        raise SetupError(f"which release is in force cannot be told: {refused.message}") from None
    if release is None:
        raise SetupError(f"nothing is built in {data.root}: run `hemline build --data {data.root}`")
    named = {each: name for each, name in release.generations.items() if each in _NEEDED}
    opened = open_all(artifacts, named)
    chosen = choose_encoder(data)
    encoder = open_encoder(chosen.name if chosen.trained is None else chosen.trained.folder)
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        products = {product.id: product for product in store.scan()}
    finally:
        store.close()
    index = VectorIndex.open(opened["image"].folder)
    pipeline = local_pipeline(
        products,
        text=TextIndex.open(opened["text"].folder),
        image=LocalImage(encoder, index, products, own_words=_in_own_words(opened["image"])),
        vectors=KeptVectors(),
        understanding=_understanding(opened.get(VOCABULARY)),
    )
    return Released(pipeline, named, release.seq)


def _in_own_words(image: Artifact) -> bool:
    return image.facts.get(OWN_WORDS) is True


def _understanding(artifact: Artifact | None) -> Understanding | None:
    return None if artifact is None else Understanding(Vocabulary.open(artifact.folder))
