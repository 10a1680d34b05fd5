"""A product and a hit: the words that every stage speaks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

MAX_ID_CHARS = 128
MAX_IMAGES = 4


@dataclass(frozen=True, slots=True)
class SizeStock:
    """How many pieces of one size are in stock."""

    size: str
    stock: int


@dataclass(frozen=True, slots=True)
class Product:
    """One colour variant of a style: the thing that is found, priced and shown.

    ``style_id`` groups the variants; ``price_minor`` counts minor units of ``currency`` (cents)
    and is None where the catalogue knows no price; ``images`` are SHA-256 hashes of photos in the
    media store, the first is the face; ``seq`` is the catalogue's clock at the last change,
    ``added_seq`` at the one that brought the product in. Words such as ``kind``,
    ``gender``, ``colour`` and ``season`` are lower case, empty if unknown.
    """

    id: str
    style_id: str
    title: str
    description: str = ""
    brand: str = ""
    category: tuple[str, ...] = ()
    kind: str = ""
    gender: str = ""
    colour: str = ""
    season: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sizes: tuple[SizeStock, ...] = ()
    price_minor: int | None = None
    currency: str = ""
    images: tuple[str, ...] = ()
    product_url: str = ""
    image_state: str = "none"
    seq: int = 0
    added_seq: int = 0

    @property
    def in_stock(self) -> bool:
        """Whether any size is in stock; a product without sizes is."""
        return not self.sizes or any(size.stock > 0 for size in self.sizes)


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that a retriever found; ``score`` is finite, higher is better."""

    product_id: str
    score: float
