"""Promises of photos that are cut off at their edges."""

import io
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.image_retriever.batcher import EncodeBatcher
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.framed import Photo
from services.image_retriever.framing import (
    SHARES,
    TIGHT_SHARES,
    best_framed,
    frames,
    is_cut,
    is_in_wide_margins,
)
from services.image_retriever.index import VectorIndex
from services.image_retriever.parts import Encoded, Mixture, PartEncoder

SIZE = 40


def garment(margin: int, *, ground: int = 255) -> NDArray[np.uint8]:
    """A cross that reaches so near to each edge, on a ground."""
    photo = np.full((SIZE, SIZE, 3), ground, np.uint8)
    photo[margin : SIZE - margin, 14:26] = 20
    photo[14:26, margin : SIZE - margin] = 20
    return photo


def reach(photo: NDArray[np.uint8]) -> int:
    """Returns how many columns a garment reaches over."""
    columns = np.flatnonzero((photo < 70).any(axis=(0, 2)))
    return int(columns[-1] - columns[0] + 1)


class BySize:
    """Sees nothing but how large a garment is: an encoder that scale leads astray."""

    fingerprint, dim, image_size = "by-size", 2, SIZE

    def encode_texts(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        return np.zeros((len(texts), 2), np.float32), np.zeros(len(texts), np.bool_)

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        inked = np.array([(photo < 128).any(axis=2).any(axis=0).mean() for photo in photos])
        angles = np.pi / 2 * inked
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture
def index(tmp_path: Path) -> VectorIndex:
    """Products that take four fifths of their photos."""
    rows = BySize().encode_photos([garment(4)] * 6)
    ids = [f"p-{number}" for number in range(6)]
    VectorIndex.write(ids, rows, tmp_path, fingerprint="by-size", floors={})
    return VectorIndex.open(tmp_path)


@pytest.fixture
def parts() -> Iterator[PartEncoder]:
    encoder = PartEncoder(EncodeBatcher(), PhotoDecoder(workers=1, timeout_s=60))
    yield encoder
    encoder.close()


def test_a_photo_is_cut_off_where_something_on_white_crosses_an_edge() -> None:
    assert is_cut(garment(0))
    assert not is_cut(garment(1))
    assert not is_cut(garment(0, ground=120)), "a photo of a street has no edge to mend"
    assert not is_cut(np.full((SIZE, SIZE, 3), 255, np.uint8))


def test_a_photo_that_is_cut_off_is_tried_in_wider_margins() -> None:
    whole, cut = garment(1), garment(0)
    assert [each is whole for each in frames(whole)] == [True]
    framed = frames(cut)
    assert framed[0] is cut
    assert len(framed) == 1 + len(SHARES)
    for share, each in zip(SHARES, framed[1:], strict=True):
        assert each.shape == cut.shape
        assert not is_cut(each)
        reach = np.flatnonzero((each < 240).any(axis=(0, 2)))
        assert abs(reach[-1] - reach[0] + 1 - share * SIZE) <= 2


@pytest.mark.parametrize("ground", [255, 244, 120])
def test_a_photo_in_wide_margins_is_tried_in_narrower_ones(ground: int) -> None:
    small = garment(12, ground=ground)
    assert is_in_wide_margins(small)
    framed = frames(small)
    assert framed[0] is small
    assert len(framed) == 1 + len(TIGHT_SHARES)
    for share, each in zip(TIGHT_SHARES, framed[1:], strict=True):
        assert each.shape == small.shape
        assert each[0, 0].tolist() == [ground] * 3, "the margin keeps its colour"
        assert abs(reach(each) - share * SIZE) <= 3


def test_margins_are_wide_where_they_are_plain_on_all_sides() -> None:
    assert not is_in_wide_margins(garment(4)), "the catalogue's own margins"
    assert not is_in_wide_margins(np.full((SIZE, SIZE, 3), 200, np.uint8)), "nothing is shown"
    street = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    assert [each is street for each in frames(street)] == [True]
    long = garment(12)
    long[2:38, 18:22] = 20
    assert not is_in_wide_margins(long), "what is high fills a photo as well"
    low = garment(12)
    low[12:, 18:22] = 20
    assert not is_in_wide_margins(low), "what is cut off has no margin there"
    assert len(frames(low)) == 1 + len(SHARES)


def test_white_bars_beside_a_photo_are_trimmed_before_its_own_margins() -> None:
    """A photo on grey that is higher than wide stands between white bars."""
    barred = garment(12, ground=120)
    barred[:, :5] = barred[:, -5:] = 255
    assert is_in_wide_margins(barred)
    assert frames(barred)[1][0, 0].tolist() == [120] * 3


def test_what_stands_in_wide_margins_is_looked_at_more_finely() -> None:
    small, asked = garment(12), []

    def finer() -> NDArray[np.uint8]:
        asked.append(1)
        return np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)

    assert [reach(each) for each in frames(small, finer)[1:]] == [38, 34, 30, 26]
    assert len(asked) == 1
    frames(garment(4), finer)
    frames(garment(0), finer)
    assert len(asked) == 1, "no other photo is decoded twice"


def test_the_frame_is_that_which_the_catalogue_knows_best(index: VectorIndex) -> None:
    vectors = list(BySize().encode_photos(frames(garment(0))))
    best = best_framed(vectors, index)
    assert np.array_equal(best, vectors[1 + SHARES.index(0.8)])
    assert best_framed(vectors[:1], index) is vectors[0]


@pytest.mark.parametrize("margin", [0, 10, 14])
async def test_a_photo_in_other_margins_finds_what_the_catalogues_own_does(
    index: VectorIndex, parts: PartEncoder, margin: int
) -> None:
    out = io.BytesIO()
    photo = garment(margin)
    Image.fromarray(photo).save(out, "PNG")
    query = Mixture([Photo(out.getvalue())], [1.0], time.monotonic() + 60)
    (found,) = await parts.encode([query], BySize(), index)
    assert isinstance(found, Encoded)
    assert found.vector is not None
    own = index.vector_of("p-0")
    assert own is not None
    assert float(found.vector @ own) > 0.99
    assert float(BySize().encode_photos([photo])[0] @ own) < 0.98
