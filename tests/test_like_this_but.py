"""Promises of "like this but red": photos, words and products in one query."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product as pairs
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from catalog.lexicon import Lexicon
from catalog.product import Product
from catalog.words import WordTable
from offline.local_stages import KeptVectors, LocalImage, local_pipeline
from services.gateway.parts import Example, Part, Photo, words
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import Query
from services.gateway.query_options import Rerank
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.index import VectorIndex
from services.text_retriever.index import TextIndex

KINDS = ("dress", "skirt", "jacket", "shirt", "coat", "bag")
COLOURS = ("red", "green", "blue", "black", "white", "yellow")
EACH, HELD_OUT, DIM = 12, 2, 48
# Kinds lie nearer to each other than colours do, and photos scatter: as it is with a real encoder.
KIND, COLOUR, SCATTER = 0.5, 0.8, 0.75
AXES = np.linalg.qr(np.random.default_rng(0).standard_normal((DIM, DIM)))[0]


def looks_like(kind: str, colour: str, seed: int) -> NDArray[np.float32]:
    """The unit vector of a photo."""
    scatter = np.random.default_rng((7, seed)).standard_normal(DIM) / np.sqrt(DIM)
    row = KIND * AXES[KINDS.index(kind)] + COLOUR * AXES[10 + COLOURS.index(colour)]
    row = row + SCATTER * scatter
    return np.asarray(row / np.linalg.norm(row), np.float32)


class Looks:
    """Knows photos by a number in their pixels, and words for kinds and colours."""

    fingerprint, dim, image_size = "looks-1", DIM, 16

    def encode_texts(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        rows = np.zeros((len(texts), DIM), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                if word in KINDS:
                    row += AXES[KINDS.index(word)]
                if word in COLOURS:
                    row += AXES[10 + COLOURS.index(word)]
        known = np.asarray(rows.any(axis=1))
        rows[known] /= np.linalg.norm(rows[known], axis=1, keepdims=True)
        return rows, known

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        numbers = [int(photo[8, 8, 0]) * 256 + int(photo[8, 8, 1]) for photo in photos]
        return np.stack([looks_like(*NAMES[number], number) for number in numbers])


NAMES = [pair for pair in pairs(KINDS, COLOURS) for _ in range(EACH + HELD_OUT)]


def photo_of(number: int) -> bytes:
    """The photo of a garment by its number."""
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (number // 256, number % 256, 0)).save(out, "PNG")
    return out.getvalue()


def is_held_out(number: int) -> bool:
    """Whether a garment is no product of the shop."""
    return number % (EACH + HELD_OUT) >= EACH


@dataclass(frozen=True, slots=True)
class Shop:
    """A search over the products, and the numbers of the garments that are none."""

    pipeline: SearchPipeline
    held_out: Sequence[int]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("shop")
    sold = {number: pair for number, pair in enumerate(NAMES) if not is_held_out(number)}
    products = [
        Product(
            id=f"p-{number:04d}",
            style_id=f"s-{number:04d}",
            title=f"{colour} {kind} {number}",
            kind=kind,
            colour=colour,
            images=(f"{number:064x}",),
        )
        for number, (kind, colour) in sold.items()
    ]
    vectors = np.stack([looks_like(*pair, number) for number, pair in sold.items()])
    for name in ("text", "image"):
        (folder / name).mkdir()
    TextIndex.write(products, folder / "text")
    VectorIndex.write(
        [each.id for each in products],
        vectors,
        folder / "image",
        fingerprint="looks-1",
        floors={},
        look_alike=0.9995,
    )
    table, lexicon = WordTable.default(), Lexicon.default()
    held = {each.id: each for each in products}
    decoder = PhotoDecoder(workers=1, timeout_s=60)
    image = LocalImage(Looks(), VectorIndex.open(folder / "image"), held, decoder)
    pipeline = local_pipeline(
        held,
        text=TextIndex.open(folder / "text"),
        image=image,
        vectors=KeptVectors(),
        understanding=Understanding(Vocabulary.gather(products, table=table, lexicon=lexicon)),
    )
    yield Shop(pipeline, [number for number in range(len(NAMES)) if is_held_out(number)])
    decoder.close()


def shown(number: int, weight: float = 1.0) -> Part:
    return Part(Photo(photo_of(number)), "parts[0]", weight)


async def found(shop: Shop, *parts: Part, rerank: Rerank | None = None) -> list[Product]:
    """The first ten products."""
    query = Query(parts=parts, page_size=10, rerank=rerank)
    answer = await shop.pipeline.search(query)
    assert not answer.degraded_reasons
    return [hit.product for hit in answer.hits]


async def test_like_this_but_in_another_colour(shop: Shop) -> None:
    """The promise: colour and kind P@10 of .8, over 72 photos and a colour of which each is not."""
    colours, kinds = [], []
    for number in shop.held_out:
        kind, colour = NAMES[number]
        wanted = COLOURS[(COLOURS.index(colour) + 1 + number % 5) % 6]
        assert wanted != colour
        hits = await found(shop, words(f"like this but {wanted}", "text"), shown(number))
        colours.append(sum(hit.colour == wanted for hit in hits) / 10)
        kinds.append(sum(hit.kind == kind for hit in hits) / 10)
    assert len(colours) == 72
    assert np.mean(colours) >= 0.8
    assert np.mean(kinds) >= 0.8


async def test_words_that_name_a_kind_are_followed(shop: Shop) -> None:
    kinds = []
    for number in shop.held_out[::6]:
        wanted = KINDS[(KINDS.index(NAMES[number][0]) + 1) % 6]
        hits = await found(shop, words(wanted, "text"), shown(number))
        kinds.append(sum(hit.kind == wanted for hit in hits) / 10)
    assert np.mean(kinds) >= 0.8


async def test_a_negative_product_moves_down_with_its_likes(shop: Shop) -> None:
    moved = []
    for number in shop.held_out[::6]:
        before = await found(shop, shown(number))
        away = before[2]
        after = await found(shop, shown(number), Part(Example(away.id), "parts[1]", -0.6))
        assert away.id not in {hit.id for hit in after}
        likes = [
            sum((hit.kind, hit.colour) == (away.kind, away.colour) for hit in hits)
            for hits in (before, after)
        ]
        moved.append(likes[0] - likes[1])
    assert min(moved) >= 0
    assert np.mean(moved) >= 3


async def test_a_mood_board_finds_what_its_photos_share(shop: Shop) -> None:
    together, alone = [], []
    for kind in KINDS:
        board = [number for number in shop.held_out if NAMES[number][0] == kind][::3]
        hits = await found(shop, *(shown(number) for number in board))
        together.append(sum(hit.kind == kind for hit in hits) / 10)
        for number in board:
            hits = await found(shop, shown(number))
            alone.append(sum(hit.kind == kind for hit in hits) / 10)
    assert np.mean(together) >= np.mean(alone)
    assert np.mean(together) >= 0.8


async def test_two_stages_go_from_the_picture_to_the_words(shop: Shop) -> None:
    shares = []
    for second in (0.1, 0.9):
        colours = []
        for number in shop.held_out[::6]:
            wanted = COLOURS[(COLOURS.index(NAMES[number][1]) + 2) % 6]
            query = Query(
                parts=(words(wanted, "text"), shown(number)),
                page_size=10,
                rerank=Rerank(0.7, second),
                retrievers=("image",),
            )
            hits = (await shop.pipeline.search(query)).hits
            colours.append(sum(hit.product.colour == wanted for hit in hits) / 10)
        shares.append(float(np.mean(colours)))
    assert shares[0] < 0.5 < 0.9 < shares[1]
