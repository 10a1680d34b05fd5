"""Walks through the products of a catalogue that have photos, a page at a time."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from catalog.product import Product
from catalog.store import CatalogStore
from offline.progress import Progress
from services.image_retriever.snapshot import packed_shas
from services.image_retriever.table import Shas

Vectors = NDArray[np.float32]
_VECTOR = np.dtype("<f4")
PAGE = 1024
_STEP = 100


@dataclass(frozen=True, slots=True)
class Pictured:
    """A product with a vector: what calibration needs of it.

    Attributes:
        id: Of the product.
        face: SHA-256 of the photo that its vector is of.
        texts: Its title, and short queries that mean it.
    """

    id: str
    face: str
    texts: tuple[str, ...]


def pages(products: Iterable[Product]) -> Iterator[list[Product]]:
    """Yields the products that have photos, 1,024 at a time."""
    page: list[Product] = []
    for product in products:
        if product.images:
            page.append(product)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def counted(products: Iterable[Product], shown: Progress) -> Iterator[Product]:
    """Yields products on, and shows how many there were."""
    pending = 0
    for product in products:
        yield product
        pending += 1
        if pending == _STEP:
            shown.advance(pending)
            pending = 0
    shown.advance(pending)


class FaceDigest:
    """The SHA-256 of which product shows which photo."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()

    def add(self, product_id: str, face: str | None) -> None:
        """Adds a product; None where none of its photos is of use."""
        self._whole.update(f"{len(product_id)} {product_id} {face or '-'}\n".encode())

    def hex(self) -> str:
        """Returns the digest."""
        return self._whole.hexdigest()


@dataclass(slots=True)
class Gallery:
    """The vectors of a catalogue's products, gathered from the rows of the store.

    Attributes:
        store: The catalogue.
        fingerprint: Of the encoder.
        dim: Length of a vector.
        step: Every how many products with a vector one is kept as a sample.
        ids: Product of each row.
        styles: Checksum of the style of each row.
        sample: Products at even distances.
        waiting: Photos of the products whose vector is not that of their first photo.
    """

    store: CatalogStore
    fingerprint: str
    dim: int
    step: int
    ids: list[str] = field(default_factory=list)
    styles: list[int] = field(default_factory=list)
    sample: list[Pictured] = field(default_factory=list)
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _rows: list[Vectors] = field(default_factory=list)
    _faces: list[Shas] = field(default_factory=list)

    def passing(self, products: Iterable[Product]) -> Iterator[Product]:
        """Yields the products on, and gathers the vectors of those that have one."""
        page: list[Product] = []
        for product in products:
            yield product
            if product.images:
                page.append(product)
            if len(page) == PAGE:
                self._gather(page)
                page = []
        self._gather(page)

    def vectors(self) -> Vectors:
        """Returns the rows float32 ``[n, dim]``; once, since it gives away the pages."""
        whole = np.empty((len(self.ids), self.dim), np.float32)
        start = 0
        self._rows.reverse()
        while self._rows:
            part = self._rows.pop()
            whole[start : start + len(part)] = part
            start += len(part)
        return whole

    def faces(self) -> Shas:
        """Returns the SHA-256 of each row's photo, uint8 ``[n, 32]``."""
        return np.concatenate([packed_shas([]), *self._faces])

    def _gather(self, page: list[Product]) -> None:
        shas = list(dict.fromkeys(sha for product in page for sha in product.images))
        packed = self.store.vectors.get(self.fingerprint, shas)
        rows = {sha: self._read(data) for sha, data in packed.items()}
        faces: list[str] = []
        vectors: list[Vectors] = []
        for product in page:
            face = next((sha for sha in product.images if rows.get(sha) is not None), None)
            if face != product.images[0]:
                self.waiting[product.id] = product.images
            row = None if face is None else rows[face]
            if face is None or row is None:
                continue
            if len(self.ids) % self.step == 0:
                self.sample.append(Pictured(product.id, face, _texts(product)))
            self.ids.append(product.id)
            self.styles.append(zlib.crc32(product.style_id.encode()))
            faces.append(face)
            vectors.append(row)
        if faces:
            self._faces.append(packed_shas(faces))
            self._rows.append(np.stack(vectors))

    def _read(self, packed: bytes) -> Vectors | None:
        """Returns a vector float32 ``[dim]``; None where there is none, or none that is sound."""
        if len(packed) != self.dim * _VECTOR.itemsize:
            return None
        row = np.frombuffer(packed, _VECTOR)
        return row if np.isfinite(row).all() and row.any() else None


def _texts(product: Product) -> tuple[str, ...]:
    short = " ".join(filter(None, (product.gender, product.colour, product.kind)))
    return tuple(filter(None, (product.title, short, product.kind)))
