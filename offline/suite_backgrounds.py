"""Measures whether taking the background out of a photo helps to find what it shows."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalog.media import MediaStore
from catalog.product import Product
from offline import relevance
from offline.drawn_search import DrawnShop, drawn_shop
from offline.layout import DataDir
from offline.scored_encoder import choose_encoder
from offline.split import ensure_split
from offline.suite_report import Row, SuiteReport
from runtime.errors import SetupError
from services.image_retriever.decode_bulk import bulk_decoder
from services.image_retriever.encoder import Encoder, open_encoder

DEPTH = 10
AS_DRAWN, LAID, TAKEN_OUT = "as drawn", "laid on a ground", "the ground taken out"
KIND, HELPED, HURT, DECLINED = (
    "kind P@10",
    "helped",
    "hurt",
    "declined",
)
_PHOTOS = 100
_SIDE, _GARMENT = 448, 0.72
_NEAR = 10
_Pixels = NDArray[np.uint8]
_Mask = NDArray[np.bool_]


def _tiles(rng: np.random.Generator) -> NDArray[np.float64]:
    step = int(rng.integers(14, 40))
    rows, columns = np.indices((_SIDE, _SIDE)) // step
    return ((rows + columns) % 2).astype(np.float64)


def _boards(rng: np.random.Generator) -> NDArray[np.float64]:
    grain = rng.normal(0, 0.08, (_SIDE, 1)) + rng.normal(0, 0.05, (_SIDE, _SIDE))
    seams = (np.arange(_SIDE) % int(rng.integers(40, 90)) < 3)[:, None]
    return np.asarray(np.where(seams, 0.0, 0.6) + grain, np.float64)


def _stripes(rng: np.random.Generator) -> NDArray[np.float64]:
    rows, columns = np.indices((_SIDE, _SIDE))
    wave = np.sin((rows * rng.normal() + columns * rng.normal()) / rng.uniform(6, 18))
    return np.asarray(wave > 0, np.float64)


def _carpet(rng: np.random.Generator) -> NDArray[np.float64]:
    coarse = rng.random((_SIDE // 8, _SIDE // 8))
    return np.asarray(np.kron(coarse, np.ones((8, 8))), np.float64)


def _plain(rng: np.random.Generator) -> NDArray[np.float64]:
    slope = np.linspace(0.3, 0.7, _SIDE)[:, None] * np.ones((1, _SIDE))
    return np.asarray(slope + rng.normal(0, 0.03, (_SIDE, _SIDE)), np.float64)


GROUNDS: Mapping[str, Callable[[np.random.Generator], NDArray[np.float64]]] = MappingProxyType(
    {"tiles": _tiles, "boards": _boards, "stripes": _stripes, "carpet": _carpet, "wall": _plain}
)
"""How a ground mixes its two colours, 0 to 1 ``[448, 448]``."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A garment on a ground, RGB ``[448, 448, 3]``, and which pixels it is."""

    pixels: _Pixels
    garment: _Mask


def laid_on(photo: Image.Image, ground: str, seed: int) -> Laid:
    """Lays a drawn garment on a ground of two colours, with a shadow and the noise of a camera.

    Args:
        photo: The garment as drawn, on a ground of nearly one colour.
        ground: A name of :data:`GROUNDS`.
        seed: Draws colours and place.
    """
    rng = np.random.default_rng(seed)
    drawn = photo.convert("RGB").resize((round(_SIDE * _GARMENT),) * 2)
    own = np.asarray(drawn, np.int16)
    mask = np.abs(own - own[0, 0]).max(axis=2) > _NEAR
    share = GROUNDS[ground](rng)[..., None]
    colours = rng.integers(40, 216, (2, 3))
    pixels = colours[0] * (1 - share) + colours[1] * share
    top, left = (int(place) for place in rng.integers(20, _SIDE - len(mask) - 20, 2))
    where = np.zeros((_SIDE, _SIDE), np.bool_)
    where[top : top + len(mask), left : left + len(mask)] = mask
    shadow = np.roll(where, (6, 4), axis=(0, 1)) & ~where
    pixels = np.where(shadow[..., None], 0.75 * pixels, pixels)
    pixels[where] = own[mask]
    noisy = pixels + rng.normal(0, 4, pixels.shape)
    return Laid(np.clip(noisy, 0, 255).astype(np.uint8), where)


def backgrounds(data: DataDir | None, dataset: Path | None) -> SuiteReport:
    """Lays held-out drawn garments on grounds and searches with them; no other dataset is of use.

    Raises:
        SetupError: There is no drawn catalogue, or no encoder.
    """
    if data is None:
        raise SetupError("garments are taken from a drawn catalogue: name its --data")
    held = ensure_split(data).held_out
    chosen = choose_encoder(data)
    encoder = open_encoder(chosen.trained.folder if chosen.trained else chosen.name)
    with drawn_shop(data) as shop:
        seen = _seen(shop, held, MediaStore(data.media), encoder)
    return SuiteReport(
        "backgrounds",
        f"{len(seen.declined)} held-out garments on {len(GROUNDS)} grounds",
        tuple(_rows(seen)),
        ("helped, hurt: the share of photos of which more, or fewer, of the ten are of its kind.",),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """For each garment the share of its kind among ten, three ways, and whether it was left."""

    drawn: list[float]
    laid: list[float]
    alone: list[float]
    declined: list[bool]


def _seen(shop: DrawnShop, held: Sequence[str], media: MediaStore, encoder: Encoder) -> _Seen:
    rng = np.random.default_rng(0)
    seen = _Seen([], [], [], [])
    decoder = bulk_decoder(1)
    neighbours = _Neighbours(list(shop.products.values()), media, encoder)
    try:
        for number, name in enumerate(rng.permutation(sorted(held))[:_PHOTOS]):
            product = shop.products[str(name)]
            data = media.get(product.images[0])
            if data is None:
                continue
            ground = list(GROUNDS)[number % len(GROUNDS)]
            laid = _png(laid_on(Image.open(io.BytesIO(data)), ground, number).pixels)
            size = encoder.image_size
            garment, is_alone = decoder.decode_garment(laid, size=size)
            photos = [decoder.decode(data, size=size), decoder.decode(laid, size=size), garment]
            drawn, whole, alone = neighbours.of_kind(product, encoder.encode_photos(photos))
            seen.drawn.append(drawn)
            seen.laid.append(whole)
            seen.alone.append(alone)
            seen.declined.append(not is_alone)
    finally:
        decoder.close()
    return seen


class _Neighbours:
    """The photos of all products, to be compared with.

    Args:
        products: The products.
        media: Where their photos lie.
        encoder: Encodes them.
    """

    def __init__(self, products: Sequence[Product], media: MediaStore, encoder: Encoder) -> None:
        decoder = bulk_decoder(1)
        try:
            photos = [
                decoder.decode(media.get(each.images[0]) or b"", size=encoder.image_size)
                for each in products
            ]
        finally:
            decoder.close()
        self._products = products
        self._vectors = encoder.encode_photos(photos)

    def of_kind(self, product: Product, vectors: NDArray[np.float32]) -> list[float]:
        """The share of the product's kind among the ten nearest of other styles, by vector."""
        others = np.array([each.style_id != product.style_id for each in self._products])
        kinds = np.array([each.kind == product.kind for each in self._products])
        found = []
        for scores in vectors @ self._vectors.T:
            nearest = np.argsort(-np.where(others, scores, -2.0), kind="stable")[:DEPTH]
            found.append(float(kinds[nearest].mean()))
        return found


def _rows(seen: _Seen) -> list[Row]:
    figures: list[tuple[str, str, Sequence[float]]] = [
        (AS_DRAWN, KIND, seen.drawn),
        (LAID, KIND, seen.laid),
        (TAKEN_OUT, KIND, seen.alone),
        (TAKEN_OUT, HELPED, [a > b for a, b in zip(seen.alone, seen.laid, strict=True)]),
        (TAKEN_OUT, HURT, [a < b for a, b in zip(seen.alone, seen.laid, strict=True)]),
        (TAKEN_OUT, DECLINED, seen.declined),
    ]
    return [Row(name, figure, relevance.estimate(values)) for name, figure, values in figures]


def _png(pixels: _Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()
