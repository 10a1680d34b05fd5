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
from services.image_retriever.framing import SHARES, best_framed, frames, is_cut
from services.image_retriever.index import VectorIndex
from services.image_retriever.parts import Encoded, Mixture, PartEncoder, Photo

SIZE = 40


def garment(margin: int, *, ground: int = 255) -> NDArray[np.uint8]:
    """A cross that reaches so near to each edge, on a ground."""
    photo = np.full((SIZE, SIZE, 3), ground, np.uint8)
    photo[margin : SIZE - margin, 14:26] = 20
    photo[14:26, margin : SIZE - margin] = 20
    return photo


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


def test_the_frame_is_that_which_the_catalogue_knows_best(index: VectorIndex) -> None:
    vectors = list(BySize().encode_photos(frames(garment(0))))
    best = best_framed(vectors, index)
    assert np.array_equal(best, vectors[1 + SHARES.index(0.8)])
    assert best_framed(vectors[:1], index) is vectors[0]


async def test_a_photo_that_is_cut_off_finds_what_the_whole_one_does(
    index: VectorIndex, parts: PartEncoder
) -> None:
    out = io.BytesIO()
    Image.fromarray(garment(0)).save(out, "PNG")
    query = Mixture([Photo(out.getvalue())], [1.0], time.monotonic() + 60)
    (found,) = await parts.encode([query], BySize(), index)
    assert isinstance(found, Encoded)
    assert found.vector is not None
    own = index.vector_of("p-0")
    assert own is not None
    assert float(found.vector @ own) > 0.999
    assert float(BySize().encode_photos([garment(0)])[0] @ own) < 0.98
