"""Embeds the photos of a catalogue and publishes them as its image index."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.media import MediaStore
from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.photo_vectors import PhotoVectors, VectorCache, embed_photos
from offline.pictured import Pictured, digest, pictured, record_states, spread
from offline.progress import progress, say
from offline.similarity_floors import Floor, photo_floor, text_floor
from runtime.artifacts import Artifact, ArtifactStore
from services.image_retriever.canary import Canaries
from services.image_retriever.decode import Crop, Pixels, UndecodablePhoto
from services.image_retriever.decode_bulk import bulk_decoder, each_photo
from services.image_retriever.encoder import Encoder, open_encoder
from services.image_retriever.index import VectorIndex

KIND = "image"
Vectors = NDArray[np.float32]
# Moves when another program would make another index of the same photos.
_PROGRAM = "1"
_SAMPLE = 256
_CANARIES = ("red dress", "blue jeans", "black shoes", "white shirt")
# What a shopper's hand cuts off the edges of a photo.
_CROP = Crop(0.08, 0.08, 0.84, 0.84)


def build_image(
    data: DataDir, encoder: Artifact | str, *, device: str = "cpu", workers: int = 0
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

    Raises:
        SetupError: There is no catalogue, the encoder cannot be opened, or the artifact cannot
            be written.
    """
    artifacts = ArtifactStore(data.artifacts)
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        # The clock before the content: what changes in between is built twice rather than missed.
        seq = store.seq()
        products = list(pictured(store.scan()))
        opened = None
        mark = encoder.facts.get("fingerprint") if isinstance(encoder, Artifact) else None
        if not isinstance(mark, str):
            opened = _open(encoder, device)
            mark = opened.fingerprint
        inputs = {"photos": digest(products), "encoder": mark, "program": _PROGRAM}
        found = artifacts.find(KIND, format=VectorIndex.FORMAT, inputs=inputs)
        if found is not None:
            return found
        build = _Build(
            store, MediaStore(data.media), opened or _open(encoder, device), workers or _cores()
        )
        return artifacts.publish(
            KIND,
            format=VectorIndex.FORMAT,
            seq=seq,
            inputs=inputs,
            parents={"encoder": encoder.generation} if isinstance(encoder, Artifact) else {},
            write=lambda folder: {
                **build.write(products, folder, cache=data.root / "vectors"),
                "encoder": "" if isinstance(encoder, Artifact) else encoder,
            },
        )
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class _Build:
    """One build: what it reads from, what it encodes with, how many processes decode."""

    store: CatalogStore
    media: MediaStore
    encoder: Encoder
    workers: int

    def write(
        self, products: Sequence[Pictured], folder: Path, *, cache: Path
    ) -> dict[str, object]:
        """Fills the folder of the artifact and returns its facts."""
        embedded = self._embed(products, cache)
        faces = {p.id: sha for p in products if (sha := p.face(embedded))}
        if rejected := record_states(self.store, products, faces, embedded):
            say(f"{rejected} products have no photo that can be decoded")
        gallery = np.zeros((len(faces), self.encoder.dim), np.float32)
        for row, sha in zip(gallery, faces.values(), strict=True):
            row[:] = embedded.vectors[sha]
        sample = spread([p for p in products if p.id in faces], _SAMPLE)
        texts = list(dict.fromkeys(text for product in sample for text in product.texts))
        with progress("Calibrating similarity floors", 2) as shown:
            words = text_floor(self.encoder, texts, gallery)
            shown.advance()
            looks = photo_floor(self.encoder, self._cropped(sample, faces), gallery)
            shown.advance()
        facts = VectorIndex.write(
            list(faces),
            gallery,
            folder,
            fingerprint=self.encoder.fingerprint,
            floors=_floors(words, looks),
            queries=self._queries(texts, gallery),
        )
        canaries = Canaries.write([*_CANARIES, *texts[:4]], self.encoder, folder)
        return {
            **facts,
            "floor_evidence": {"text": words.facts(), "photo": looks.facts()},
            "canaries": canaries.record(VectorIndex.open(folder), list(faces), gallery, folder),
            "photos_rejected": len(embedded.refused),
        }

    def _embed(self, products: Sequence[Pictured], cache: Path) -> PhotoVectors:
        """Embeds first photos, then the next one of products whose photo was refused."""
        kept = VectorCache(cache, self.encoder.fingerprint, self.encoder.dim)
        whole = PhotoVectors()
        for place in range(max((len(product.images) for product in products), default=0)):
            shas = [
                product.images[place]
                for product in products
                if place < len(product.images) and product.face(whole) is None
            ]
            more = embed_photos(shas, self.media, self.encoder, kept, workers=self.workers)
            whole.vectors.update(more.vectors)
            whole.refused.update(more.refused)
        return whole

    def _cropped(self, sample: Sequence[Pictured], faces: Mapping[str, str]) -> list[Pixels]:
        decoder = bulk_decoder(self.workers)
        size = self.encoder.image_size

        def decode(product: Pictured) -> Pixels:
            return decoder.decode(self.media.get(faces[product.id]) or b"", size=size, crop=_CROP)

        try:
            photos = each_photo(decode, sample, workers=self.workers)
            return [found for _, found in photos if not isinstance(found, UndecodablePhoto)]
        finally:
            decoder.close()

    def _queries(self, texts: Sequence[str], gallery: Vectors) -> Vectors | None:
        """Returns vectors to measure the recall with: words, and mixtures of photos."""
        rows, known = self.encoder.encode_texts(texts)
        pairs = np.random.default_rng(0).integers(max(1, len(gallery)), size=(2, _SAMPLE))
        if not len(gallery):
            return None
        queries: Vectors = np.concatenate(
            [rows[known][:_SAMPLE], gallery[pairs[0]] + gallery[pairs[1]]]
        )
        return queries


def _open(encoder: Artifact | str, device: str) -> Encoder:
    spec = encoder.folder if isinstance(encoder, Artifact) else encoder
    return open_encoder(spec, device=device)


def _cores() -> int:
    return os.cpu_count() or 1


def _floors(words: Floor, looks: Floor) -> dict[str, float | None]:
    both = None if words.value is None or looks.value is None else min(words.value, looks.value)
    return {"text": words.value, "photo": looks.value, "mixed": both}
