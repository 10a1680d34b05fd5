"""Knows the products that have photos, and tells the catalogue what became of these."""

import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.product import Product
from catalog.store import CatalogStore
from offline.photo_vectors import PhotoVectors

_STATES_AT_ONCE, _PAUSE_S = 500, 0.03


@dataclass(frozen=True, slots=True)
class Pictured:
    """A product with photos: what the build needs of it.

    Attributes:
        id: Of the product.
        images: SHA-256 of its photos, the face first.
        texts: Its title, and short queries that mean it.
    """

    id: str
    images: tuple[str, ...]
    texts: tuple[str, ...]

    def face(self, embedded: PhotoVectors) -> str | None:
        """Returns the first photo that has a vector."""
        return next((sha for sha in self.images if sha in embedded.vectors), None)


def pictured(products: Iterable[Product]) -> Iterator[Pictured]:
    """Yields the products that have photos."""
    for product in products:
        if product.images:
            short = " ".join(filter(None, (product.gender, product.colour, product.kind)))
            texts = tuple(filter(None, (product.title, short, product.kind)))
            yield Pictured(product.id, product.images, texts)


def digest(products: Sequence[Pictured]) -> str:
    """Returns the SHA-256 of which product shows which photos, in hex."""
    whole = hashlib.sha256()
    for product in products:
        whole.update(f"{len(product.id)} {product.id} {' '.join(product.images)}\n".encode())
    return whole.hexdigest()


def spread(products: Sequence[Pictured], count: int) -> list[Pictured]:
    """Returns up to ``count`` products at even distances."""
    step = max(1, len(products) // count)
    return list(products[::step][:count])


def record_states(
    store: CatalogStore,
    products: Sequence[Pictured],
    faces: Mapping[str, str],
    embedded: PhotoVectors,
) -> int:
    """Sets ``image_state`` of each product, and returns how many have no photo of use."""
    states = {
        product.id: "embedded"
        if product.id in faces
        else f"rejected({embedded.refused[product.images[0]]})"
        for product in products
    }
    for part in _batched(list(states), _STATES_AT_ONCE):
        if store.set_image_state({product_id: states[product_id] for product_id in part}):
            # A click's write must find a gap between the commits.
            time.sleep(_PAUSE_S)
    return sum(state != "embedded" for state in states.values())


def _batched(ids: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    rest = iter(ids)
    while part := tuple(itertools.islice(rest, size)):
        yield part
