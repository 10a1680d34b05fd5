"""Promises of the similarity from which on two photos show the same thing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from offline.look_alikes import MOST, look_alike
from tests.colours import ColourEncoder


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


class Seeing(ColourEncoder):
    """Sees another view of a photo ``apart`` from it; the photo's number is its first pixel."""

    def __init__(self, gallery: NDArray[np.float32], apart: float) -> None:
        super().__init__()
        self.gallery, self.apart = gallery, apart

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        rng = np.random.default_rng(0)
        own = self.gallery[[int(photo.min()) for photo in photos]]
        return unit(own + self.apart * rng.standard_normal(own.shape) / np.sqrt(own.shape[1]))


def photos(count: int) -> list[tuple[int, NDArray[np.uint8]]]:
    return [(row, np.full((16, 16, 3), row, np.uint8)) for row in range(count)]


def test_it_is_what_other_views_of_a_photo_reach() -> None:
    gallery = unit(np.random.default_rng(1).standard_normal((100, 64)))
    found = look_alike(Seeing(gallery, 0.2), photos(100), gallery, np.arange(100))
    assert found.value is not None
    assert found.views is not None
    assert 0.9 < found.views <= found.value < 0.99
    assert found.value - found.views < 1e-4
    assert found.photos == 100


def test_products_that_lie_close_are_no_doubles() -> None:
    """Where other styles are nearer than other views, hardly any of them counts as the same."""
    rng = np.random.default_rng(2)
    gallery = unit(rng.standard_normal((1, 64)) + 0.1 * rng.standard_normal((100, 64)))
    found = look_alike(Seeing(gallery, 0.6), photos(100), gallery, np.arange(100))
    cosines = gallery @ gallery.T - 2 * np.eye(100)
    assert found.value is not None
    assert np.mean(cosines.max(axis=1) >= found.value) <= 0.06


def test_variants_of_the_same_style_do_not_count_as_others() -> None:
    gallery = unit(np.random.default_rng(3).standard_normal((50, 64)))
    twins = np.repeat(gallery, 2, axis=0)
    encoder, styles = Seeing(twins, 0.1), np.repeat(np.arange(50), 2)
    apart = look_alike(encoder, photos(100), twins, styles)
    together = look_alike(encoder, photos(100), twins, np.arange(100))
    assert apart.value is not None
    assert apart.value < MOST
    assert together.value == MOST


def test_a_few_photos_tell_nothing() -> None:
    gallery = unit(np.random.default_rng(4).standard_normal((7, 64)))
    assert look_alike(Seeing(gallery, 0.1), photos(7), gallery, np.arange(7)).value is None
