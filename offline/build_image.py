"""Embeds the photos of a catalogue and publishes them as its image index."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.columns import Columns
from catalog.crop import Crop
from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.look_alikes import look_alike
from offline.photo_vectors import PhotoDesk, image_states
from offline.pictured import FaceDigest, Gallery, Pictured, counted, pages
from offline.progress import progress, say
from offline.sampled_photos import sampled_photos
from offline.similarity_floors import Floor, photo_floor, text_floor
from runtime.artifacts import Artifact, ArtifactStore
from services.image_retriever.canary import Canaries
from services.image_retriever.decode import Pixels
from services.image_retriever.embedder import first_usable
from services.image_retriever.encoder import Encoder, open_encoder
from services.image_retriever.index import VectorIndex
from services.image_retriever.index_files import Draft
from services.image_retriever.nearest import recall_queries
from services.image_retriever.pair import OWN_WORDS
from services.image_retriever.snapshot import Snapshot

KIND = "image"
Vectors = NDArray[np.float32]
# Moves when another program would make another index of the same photos.
_PROGRAM = "3"
_SAMPLE = 256
_PAUSE_S = 0.03
_CANARIES = ("red dress", "blue jeans", "black shoes", "white shirt")
# What a shopper's hand cuts off the edges of a photo.
_CROP = Crop(0.08, 0.08, 0.84, 0.84)
# What differs between two views of the same thing.
_VIEW = Crop(0.02, 0.02, 0.96, 0.96)


def build_image(
    data: DataDir,
    encoder: Artifact | str,
    *,
    device: str = "cpu",
    workers: int = 0,
    own_words: bool = False,
) -> Artifact:
    """Returns the image index of the catalogue as it is now, building it only where none fits.

    A product's vector is that of its first photo that can be decoded: the face is what a shopper
    sees in the list, and a mean of front, back and detail looks like none of them. Photos get
    their thumbnails, products their ``image_state``.

    Args:
        data: The data folder.
        encoder: The ``encoder`` artifact, or the name of an encoder; see
            :func:`~services.image_retriever.encoder.open_encoder`.
        device: Where to encode: ``cpu`` or ``cuda``.
        workers: Processes that decode; 0 is one for each core.
        own_words: Whether the encoder is given words as the shopper says them, not in English.

    Raises:
        SetupError: There is no catalogue, the encoder cannot be opened, or the artifact cannot
            be written.
    """
    artifacts = ArtifactStore(data.artifacts)
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        mark = encoder.facts.get("fingerprint") if isinstance(encoder, Artifact) else None
        opened = cache(partial(_open, encoder, device))
        build = _Build(
            store,
            MediaStore(data.media),
            opened,
            str(mark) if mark else opened().fingerprint,
            workers or _cores(),
        )
        embedded = build.embed()
        inputs = {**embedded.digests, "encoder": build.fingerprint, "program": _PROGRAM}
        inputs |= {OWN_WORDS: "yes"} if own_words else {}
        found = artifacts.find(KIND, format=Snapshot.FORMAT, inputs=inputs)
        if found is not None and store.is_followable(found.seq):
            return found
        return artifacts.publish(
            KIND,
            format=Snapshot.FORMAT,
            # The clock before the content: what changes in between is applied twice, not missed.
            seq=store.seq(),
            inputs=inputs,
            parents={"encoder": encoder.generation} if isinstance(encoder, Artifact) else {},
            write=lambda folder: {
                **build.write(folder, embedded.products),
                "encoder": "" if isinstance(encoder, Artifact) else _spec_of(encoder),
                OWN_WORDS: own_words,
            },
        )
    finally:
        store.close()


def _spec_of(encoder: str) -> str:
    """Returns how to open a named encoder from whatever folder the stages start in."""
    return str(Path(encoder).resolve()) if Path(encoder).is_dir() else encoder


@dataclass(frozen=True, slots=True)
class _Embedded:
    """What there is to index: digests of it, and how many products have a vector."""

    digests: Mapping[str, str]
    products: int


@dataclass(frozen=True, slots=True)
class _Build:
    """One build: what it reads from, what it encodes with, how many processes decode."""

    store: CatalogStore
    media: MediaStore
    encoder: Callable[[], Encoder]
    fingerprint: str
    workers: int

    def embed(self) -> _Embedded:
        """Embeds what has no vector yet, tells the products, and returns digests of all of it."""
        faces, products, rejected = FaceDigest(), 0, 0
        desk = PhotoDesk(
            self.store,
            self.media,
            fingerprint=self.fingerprint,
            encoder=self.encoder,
            workers=self.workers,
        )
        try:
            with progress("Checking photos", self.store.count()) as shown:
                for page in pages(counted(self.store.scan(), shown)):
                    known = desk.embed([product.images for product in page])
                    refused = self._tell(page, known)
                    products += len(page) - refused
                    rejected += refused
                    for product in page:
                        faces.add(product.id, first_usable(product.images, known))
        finally:
            desk.close()
        if desk.looked_at:
            say(f"Embedded {desk.looked_at} photos")
        if rejected:
            say(f"{rejected} products have no photo that can be decoded")
        digests = {"catalog": self.store.content_digest(), "photos": faces.hex()}
        return _Embedded(digests, products)

    def _tell(self, page: Sequence[Product], known: Mapping[str, bool]) -> int:
        """Sets the image states of products, and returns how many have no photo of use."""
        images = {product.id: product.images for product in page}
        refused = [photos[0] for photos in images.values() if first_usable(photos, known) is None]
        problems = self.store.vectors.problems(self.fingerprint, refused) if refused else {}
        states = image_states(images, known, problems)
        news = {p.id: states[p.id] for p in page if states[p.id] != p.image_state}
        if news and self.store.set_image_state(news, photos=images):
            # A click's write must find a gap between the commits.
            time.sleep(_PAUSE_S)
        return len(refused)

    def write(self, folder: Path, products: int) -> dict[str, object]:
        """Fills the folder of the artifact and returns its facts.

        Args:
            folder: An empty folder.
            products: About how many have a vector.
        """
        encoder, step = self.encoder(), max(1, products // _SAMPLE)
        gathered = Gallery(self.store, self.fingerprint, encoder.dim, step)
        with progress("Reading the catalogue", self.store.count()) as shown:
            columns = Columns.build(gathered.passing(counted(self.store.scan(), shown)))
        gallery, ids = gathered.vectors(), gathered.ids
        sample = gathered.sample[:_SAMPLE]
        texts = list(dict.fromkeys(text for product in sample for text in product.texts))
        with progress("Calibrating similarities", 3) as shown:
            words = text_floor(encoder, texts, gallery)
            shown.advance()
            cropped = [photo for _, photo in self._photos(sample, _CROP)]
            looks = photo_floor(encoder, cropped, gallery)
            shown.advance()
            views = [(place * step, photo) for place, photo in self._photos(sample, _VIEW)]
            alike = look_alike(encoder, views, gallery, np.array(gathered.styles, np.int64))
            shown.advance()
        facts = Snapshot.write(
            Draft(
                ids,
                gallery,
                self.fingerprint,
                _floors(words, looks),
                _asked(encoder, texts, gallery),
                alike.value,
            ),
            folder,
            faces=gathered.faces(),
            waiting=gathered.waiting,
            columns=columns,
        )
        canaries = Canaries.write([*_CANARIES, *texts[:4]], encoder, folder)
        return {
            **facts,
            "floor_evidence": {"text": words.facts(), "photo": looks.facts()},
            "look_alike_evidence": alike.facts(),
            "canaries": canaries.record(VectorIndex.open(folder), ids, gallery, folder),
        }

    def _photos(self, sample: Sequence[Pictured], crop: Crop) -> list[tuple[int, Pixels]]:
        size = self.encoder().image_size
        return sampled_photos(sample, self.media, size=size, crop=crop, workers=self.workers)


def _asked(encoder: Encoder, texts: Sequence[str], gallery: Vectors) -> Vectors | None:
    """Returns vectors to measure the recall with: words, and mixtures of photos."""
    if not len(gallery):
        return None
    rows, known = encoder.encode_texts(texts)
    queries: Vectors = np.concatenate([rows[known][:_SAMPLE], recall_queries(gallery, _SAMPLE)])
    return queries


def _open(encoder: Artifact | str, device: str) -> Encoder:
    spec = encoder.folder if isinstance(encoder, Artifact) else encoder
    return open_encoder(spec, device=device)


def _cores() -> int:
    return os.cpu_count() or 1


def _floors(words: Floor, looks: Floor) -> dict[str, float | None]:
    both = None if words.value is None or looks.value is None else min(words.value, looks.value)
    return {"text": words.value, "photo": looks.value, "mixed": both}
