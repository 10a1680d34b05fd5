"""Promises of taking backgrounds out: what is kept is the garment, and doubt keeps the photo."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from offline.suite_backgrounds import GROUNDS, laid_on
from services.image_retriever.background import SIDE, garment_mask, without_background

TEE = ((60, 40), (100, 30), (156, 30), (196, 40), (240, 90), (205, 115), (190, 95), (190, 225))
FAINT = (210, 200, 190)


def drawn(colour: tuple[int, int, int]) -> Image.Image:
    """A T-shirt with a white stripe on the ground of a drawn shop."""
    photo = Image.new("RGB", (256, 256), (244, 243, 242))
    pen = ImageDraw.Draw(photo)
    left = [(256 - x, y) for x, y in reversed(TEE)]
    pen.polygon([*TEE, *left], fill=colour)
    pen.rectangle((70, 120, 186, 140), fill=FAINT)
    return photo


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def test_the_garment_is_what_is_kept() -> None:
    """Most of forty are told apart, and most of these well; a wall in two shades is the hardest."""
    overlaps = []
    for seed, ground in itertools.product(range(8), GROUNDS):
        laid = laid_on(drawn((200, 30, 60)), ground, seed)
        size = (SIDE, SIDE)
        small = np.asarray(Image.fromarray(laid.pixels).resize(size, Image.Resampling.BOX))
        truth = np.asarray(Image.fromarray(laid.garment).resize(size))
        found = garment_mask(small)
        if found is not None:
            overlaps.append(overlap(found, truth))
    assert len(overlaps) >= 28
    assert np.median(overlaps) >= 0.85
    assert np.quantile(overlaps, 0.2) >= 0.5


def test_what_is_left_stands_on_white_and_fills_the_photo() -> None:
    laid = laid_on(drawn((20, 60, 180)), "boards", 3)
    alone = without_background(Image.fromarray(laid.pixels))
    assert alone is not None
    rows, columns = np.nonzero(laid.garment)
    assert abs(alone.width - (np.ptp(columns) + 1)) <= 0.15 * 448
    assert abs(alone.height - (np.ptp(rows) + 1)) <= 0.15 * 448
    pixels = np.asarray(alone)
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners >= 250).all()


def test_the_same_photo_always_gives_the_same_garment() -> None:
    photo = Image.fromarray(laid_on(drawn((90, 160, 40)), "carpet", 1).pixels)
    one, other = without_background(photo), without_background(photo)
    assert one is not None
    assert other is not None
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("size", [(8, 8), (9, 400), (400, 9), (128, 128)])
def test_any_photo_is_taken_or_left(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    assert without_background(Image.fromarray(pixels)) is None


def test_a_garment_in_the_colours_of_its_ground_is_left() -> None:
    laid = laid_on(drawn((120, 120, 120)), "wall", 2)
    pixels = laid.pixels.copy()
    pixels[:] = pixels.mean(axis=(0, 1)).astype(np.uint8)
    pixels[laid.garment] += 2
    assert without_background(Image.fromarray(pixels)) is None
