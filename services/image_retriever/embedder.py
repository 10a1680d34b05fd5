"""Embeds the photos that wait in the catalogue, each once in the whole system."""

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from catalog.media import MediaStore
from catalog.store import CatalogStore
from catalog.vectors import ImageVectors
from runtime.errors import Internal
from services.image_retriever.batcher import EncodeBatcher, Vectors
from services.image_retriever.decode import PhotoDecoder, UndecodablePhoto
from services.image_retriever.encoder import Encoder
from services.image_retriever.prepare import MISSING, prepared

_log = logging.getLogger(__name__)
_VECTOR = np.dtype("<f4")
_PRODUCTS = 64  # looked at in one round
_LOOK_AGAIN_S = 30.0  # for a photo that was not in the media store
_FORGOTTEN = 100_000

Images = Mapping[str, tuple[str, ...]]
_Row = tuple[str, bytes | None, str]


@dataclass(frozen=True, slots=True)
class EmbedSettings:
    """How an embedder works.

    Attributes:
        at_once: Photos that it claims at a time.
        lease_s: Seconds of database time after which others may take over its claims.
        holder: Its name in the claims.
        on_embedded: Told, of each photo, what became of it: ``embedded`` or ``rejected``; and the
            seconds from the claim to the vector row.
    """

    at_once: int = 8
    lease_s: float = 60.0
    holder: str = field(default_factory=lambda: f"image-{secrets.token_hex(8)}")
    on_embedded: Callable[[str, float], None] = lambda *_: None


class Embedder:
    """Takes products whose photos wait, and gives each a vector or a verdict.

    A product gets the vector of the first of its photos that can be decoded; the next one is
    looked at only when the first was refused. Any number of replicas share the work: a photo is
    claimed before it is decoded, and a claim whose holder died runs out. Queries go first in the
    batcher, and photos are decoded in workers of their own.

    Args:
        catalogue: Returns the catalogue, opened when it is first needed.
        media: Its photos.
        batcher: Encodes.
        decoder: Decodes.
        settings: How it works.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        catalogue: Callable[[], CatalogStore],
        media: MediaStore,
        batcher: EncodeBatcher,
        decoder: PhotoDecoder,
        settings: EmbedSettings = EmbedSettings(),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._media = media
        self._batcher = batcher
        self._decoder = decoder
        self._settings = settings
        self._clock = clock
        self._fingerprint = ""
        self._absent: dict[str, float] = {}
        self._judged: dict[str, tuple[str, ...]] = {}

    def round(self, encoder: Encoder, waiting: Images) -> int:
        """Looks once at what waits, and returns how many photos and products it dealt with.

        Args:
            encoder: Whose vectors are wanted.
            waiting: Photos of products that the index would give another vector, in their order;
                beside those that the catalogue calls pending.

        Raises:
            ServiceError: The catalogue or the encoder does not answer; what was done stays, and
                what was claimed is given back.
        """
        store = self._catalogue()
        if encoder.fingerprint != self._fingerprint:
            self._fingerprint = encoder.fingerprint
            self._judged.clear()
        pending = store.pending_photos(encoder.fingerprint, _PRODUCTS)
        images: dict[str, tuple[str, ...]] = {each.id: each.images for each in pending}
        for product_id, photos in waiting.items():
            if len(images) >= 2 * _PRODUCTS:
                break
            if self._judged.get(product_id) != photos and not self._is_absent(photos):
                images.setdefault(product_id, photos)
        if not images:
            return 0
        shas = list(dict.fromkeys(sha for photos in images.values() for sha in photos))
        known = store.vectors.verdicts(encoder.fingerprint, shas)
        missing = self._missing([sha for sha in shas if sha not in known])
        known.update(dict.fromkeys(missing, False))
        usable = [first_usable(photos, known) for photos in images.values()]
        wanted = list(dict.fromkeys(sha for sha in usable if sha and sha not in known))
        done = self._embed(wanted, encoder, store.vectors)
        known.update({sha: vector is not None for sha, vector, _ in done})
        self._judge(images, known, missing)
        return len(done) + _tell(store, images, known, encoder.fingerprint)

    def _embed(self, wanted: Sequence[str], encoder: Encoder, vectors: ImageVectors) -> list[_Row]:
        """Embeds what can be claimed of the photos, and keeps the verdicts."""
        if not wanted:
            return []
        settings = self._settings
        began = self._clock()
        ours = vectors.claim(
            encoder.fingerprint,
            wanted[: settings.at_once],
            holder=settings.holder,
            lease_s=settings.lease_s,
        )
        if not ours:
            return []
        try:
            rows = self._encoded(ours, encoder, began + settings.lease_s / 2)
            vectors.put(encoder.fingerprint, rows)
        finally:
            # What has its verdict is no longer claimed; the rest is anybody's again.
            vectors.release(encoder.fingerprint, ours, holder=settings.holder)
        for _, vector, _ in rows:
            verdict = "rejected" if vector is None else "embedded"
            settings.on_embedded(verdict, self._clock() - began)
        return rows

    def _encoded(self, shas: Sequence[str], encoder: Encoder, until: float) -> list[_Row]:
        """Returns the verdicts on photos; those begun after ``until`` are left to others."""
        rows: list[_Row] = []
        begun: list[tuple[str, Future[Vectors | None]]] = []
        for sha in shas:
            if self._clock() > until:
                break
            try:
                pixels = prepared(sha, self._media, self._decoder, encoder.image_size)
            except UndecodablePhoto as refusal:
                if refusal.reason != MISSING:
                    rows.append((sha, None, refusal.reason))
                continue
            begun.append((sha, self._batcher.photo_behind(encoder, pixels)))
        for sha, future in begun:
            try:
                vector = future.result()
            except Internal as error:
                # Once more would end the same: the photo is refused, the others go on.
                _log.error("photo %s cannot be encoded: %s", sha, error)
                rows.append((sha, None, "encoder"))
                continue
            if vector is not None:
                rows.append((sha, vector.astype(_VECTOR).tobytes(), ""))
        return rows

    def _missing(self, shas: Sequence[str]) -> set[str]:
        """Returns which photos are not in the media store, and remembers when to look again."""
        missing = {sha for sha in shas if self._media.path(sha) is None}
        if len(self._absent) > _FORGOTTEN:
            self._absent.clear()
        self._absent.update(dict.fromkeys(missing, self._clock() + _LOOK_AGAIN_S))
        return missing

    def _judge(self, images: Images, known: Mapping[str, bool], missing: set[str]) -> None:
        """Remembers the products that nothing more can be done for, so that others get a turn."""
        if len(self._judged) > _FORGOTTEN:
            self._judged.clear()
        for product_id, photos in images.items():
            usable = first_usable(photos, known)
            if (usable is None or usable in known) and missing.isdisjoint(photos):
                self._judged[product_id] = photos

    def _is_absent(self, photos: Sequence[str]) -> bool:
        return any(self._absent.get(sha, 0.0) > self._clock() for sha in photos)


def _tell(store: CatalogStore, images: Images, known: Mapping[str, bool], fingerprint: str) -> int:
    """Sets the states of the products whose verdict is in, and returns how many changed."""
    states: dict[str, str] = {}
    refused: dict[str, str] = {}
    for product_id, photos in images.items():
        usable = first_usable(photos, known)
        if usable is None:
            refused[product_id] = photos[0]
        elif usable in known:
            states[product_id] = "embedded"
    if refused:
        problems = store.vectors.problems(fingerprint, list(refused.values()))
        for product_id, sha in refused.items():
            states[product_id] = f"rejected({problems.get(sha, MISSING)})"
    # A shop that changes a photo meanwhile waits for another verdict.
    return store.set_image_state(states, photos=images) if states else 0


def first_usable(photos: Sequence[str], known: Mapping[str, bool]) -> str | None:
    """Returns the first of a product's photos that is not refused; None where all are.

    Args:
        photos: The photos, the face first.
        known: Of the photos that were looked at: whether they have a vector.
    """
    return next((sha for sha in photos if known.get(sha, True)), None)
