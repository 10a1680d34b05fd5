"""Chooses the photo whose vector is a product's: the first of its photos that has one."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from catalog.feed import ChangeBatch
from services.image_retriever.exact import Vectors
from services.image_retriever.nearest import unit

_log = logging.getLogger(__name__)
_VECTOR = np.dtype("<f4")


class KnownVectors(Protocol):
    """The vectors of photos, by whoever keeps them."""

    def get(self, fingerprint: str, shas: Sequence[str]) -> dict[str, bytes]:
        """Returns the vectors that exist, little-endian float32; b"" for undecodable photos."""


class Faces(Protocol):
    """Tells of which photo a product's vector is now."""

    def face_of(self, product_id: str) -> str | None:
        """Returns the SHA-256 of the photo; None without a vector."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What a batch of changes does to the vectors of products.

    Attributes:
        removed: Products that have no vector any more.
        ids: Products that have another one.
        faces: SHA-256 of the photo of each.
        vectors: Unit rows float32 ``[len(ids), dim]``.
    """

    removed: tuple[str, ...]
    ids: tuple[str, ...]
    faces: tuple[str, ...]
    vectors: Vectors


class FaceChooser:
    """Follows which product shows which photos; used by one thread.

    Only the photos of products that may get a better vector are remembered: those whose vector is
    not that of their first photo. A photo that was refused may be mended.

    Args:
        known: Where vectors are looked up.
        fingerprint: Of the encoder.
        dim: Length of a vector.
        waiting: Photos of the products that wait at the start, by product.
    """

    def __init__(
        self,
        known: KnownVectors,
        fingerprint: str,
        dim: int,
        waiting: Mapping[str, Sequence[str]],
    ) -> None:
        self._known = known
        self._fingerprint = fingerprint
        self._dim = dim
        self._images: dict[str, tuple[str, ...]] = {}
        self._waiting: dict[str, set[str]] = {}
        for product_id, images in waiting.items():
            self._wait(product_id, tuple(images), tuple(images))

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """Returns the photos of the products that would take another vector, in their order."""
        return dict(self._images)

    def moves(self, batch: ChangeBatch, faces: Faces) -> Moves:
        """Returns what a batch does to the vectors; the same batch may come again.

        A product whose first photo is the one that its vector is of moves nothing, whatever else
        changed of it.

        Raises:
            Unavailable: The vectors cannot be looked up.
        """
        arrived = {each.sha256: each.vector for each in batch.vectors}
        shown = {each.product_id: each.product for each in batch.products}
        images = {
            product_id: product.images
            for product_id, product in shown.items()
            if product is not None and product.images
        }
        for sha in arrived:
            for product_id in self._waiting.get(sha, ()):
                if product_id not in shown:
                    images[product_id] = self._images[product_id]
        open_ = {key: each for key, each in images.items() if faces.face_of(key) != each[0]}
        vectors = self._vectors(open_, arrived)
        removed = [key for key in shown if key not in images and faces.face_of(key)]
        chosen: dict[str, str] = {}
        for product_id in shown:
            self._forget(product_id)
        for product_id, photos in open_.items():
            face = next((sha for sha in photos if sha in vectors and len(vectors[sha])), None)
            self._forget(product_id)
            self._wait(product_id, photos, photos if face is None else photos[: photos.index(face)])
            if face is None and faces.face_of(product_id):
                removed.append(product_id)
            elif face is not None and face != faces.face_of(product_id):
                chosen[product_id] = face
        rows = [vectors[face] for face in chosen.values()]
        stacked = np.stack(rows) if rows else np.zeros((0, self._dim), np.float32)
        return Moves(tuple(removed), tuple(chosen), tuple(chosen.values()), unit(stacked))

    def _vectors(
        self, images: Mapping[str, Sequence[str]], arrived: Mapping[str, bytes]
    ) -> dict[str, Vectors]:
        """Returns the vector of each photo that was looked at, empty where there is none."""
        wanted = dict.fromkeys(sha for photos in images.values() for sha in photos)
        unknown = [sha for sha in wanted if sha not in arrived]
        found = self._known.get(self._fingerprint, unknown) if unknown else {}
        return {
            sha: self._read(sha, arrived[sha] if sha in arrived else found[sha])
            for sha in wanted
            if sha in arrived or sha in found
        }

    def _read(self, sha: str, packed: bytes) -> Vectors:
        vector = np.frombuffer(packed, _VECTOR) if len(packed) % 4 == 0 else np.zeros(0, _VECTOR)
        if len(vector) == self._dim and np.isfinite(vector).all() and vector.any():
            return vector
        if packed:
            _log.error("the vector of photo %s is not sound: the photo counts as refused", sha)
        return np.zeros(0, np.float32)

    def _wait(self, product_id: str, photos: tuple[str, ...], better: Sequence[str]) -> None:
        for sha in better:
            self._waiting.setdefault(sha, set()).add(product_id)
            self._images[product_id] = photos

    def _forget(self, product_id: str) -> None:
        for sha in self._images.pop(product_id, ()):
            products = self._waiting.get(sha)
            if products is not None:
                products.discard(product_id)
                if not products:
                    del self._waiting[sha]
