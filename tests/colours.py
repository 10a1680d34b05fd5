"""A small true world of colours: an encoder that sees and reads them, and photos of them."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = {
    "red": (220, 20, 20),
    "green": (20, 200, 20),
    "blue": (20, 20, 220),
    "yellow": (220, 200, 20),
}


class ColourEncoder:
    """Puts the words for colours where their photos lie; knows no other word.

    Args:
        fingerprint: Name of the space.
    """

    dim = 4
    image_size = 16

    def __init__(self, fingerprint: str = "colours-1") -> None:
        self.fingerprint = fingerprint
        self.texts = 0
        self.photos = 0

    def encode_texts(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Returns the mean of the colours that a text names."""
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                if word in COLOURS:
                    row += _direction(np.array(COLOURS[word], np.float32))
        known = np.abs(rows).sum(axis=1) > 0
        rows[known] /= np.linalg.norm(rows[known], axis=1, keepdims=True)
        self.texts += len(texts)
        return rows, known

    def encode_photos(self, photos: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Returns the direction of the mean colour, white left out."""
        self.photos += len(photos)
        rows = [_direction(_mean(photo)) for photo in photos]
        return np.stack(rows) if rows else np.zeros((0, self.dim), np.float32)


def photo(colour: str, *, shade: float = 1.0, size: tuple[int, int] = (24, 32)) -> bytes:
    """Returns a PNG of one colour; ``shade`` below 1 is darker."""
    filled = tuple(int(part * shade) for part in COLOURS[colour])
    out = io.BytesIO()
    Image.new("RGB", size, filled).save(out, "PNG")
    return out.getvalue()


def two_colours(left: str, right: str) -> bytes:
    """Returns a PNG whose halves have two colours."""
    image = Image.new("RGB", (40, 40), COLOURS[left])
    image.paste(COLOURS[right], (20, 0, 40, 40))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _mean(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = pixels.reshape(-1, 3).astype(np.float32)
    coloured = flat[flat.min(axis=1) < 250]
    mean: NDArray[np.float32] = coloured.mean(axis=0) if len(coloured) else flat.mean(axis=0)
    return mean


def _direction(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    # The fourth axis is how light it is, so that shades differ.
    row = np.append(colour - colour.mean(), (colour.mean() - 100) / 4).astype(np.float32)
    unit: NDArray[np.float32] = row / np.linalg.norm(row)
    return unit
