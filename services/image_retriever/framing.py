"""Shows a photo in the margins that a catalogue's photos may have, where its own are others."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.image_retriever.view import Found

Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]
_Colour = tuple[int, int, int]

SHARES = (0.9, 0.8, 0.7)
"""The shares of a side that a photo that is cut off takes within the margins that are tried."""
TIGHT_SHARES = (0.95, 0.85, 0.75, 0.65)
"""The shares of a side that what stands in wide margins takes in the frames that are tried."""
WIDE = 0.72
"""Margins are wide where what they surround takes less than this share of a side."""
FINER = 2
"""By how much more finely a photo in wide margins is looked at: it is enlarged."""
NEAREST = 5
"""How many products tell how well the catalogue knows what a photo shows."""
_WHITE = 240  # in each channel; what is as light is ground
_SPECKS = 0.02  # an edge with less than this share of anything but ground is not crossed
_CORNER = 0.125  # of a side
_GROUND = 0.5  # of a corner
_SAME = 12  # in each channel, of 255: what differs by no more has the colour of the ground
_WHITE_GROUND = (255, 255, 255)


class Neighbours(Protocol):
    """Finds the products nearest to vectors."""

    def search(self, vectors: Vectors, count: int) -> list[Found]:
        """Returns the ``count`` nearest products of each unit row float32 ``[b, dim]``."""


def frames(photo: Pixels, finer: Callable[[], Pixels] | None = None) -> list[Pixels]:
    """Returns a photo as it is and, where its margins are none or wide, in others as well.

    Who cuts a garment out closely, or stands near to it, shows it larger than a catalogue does, and
    an encoder takes it for something else: a jacket without margins looks like a shirt. In wide
    margins of one colour it looks too small. Which of the frames is the catalogue's own, its
    products tell: the one in which they are nearest.

    Args:
        photo: uint8 ``[size, size, 3]``, RGB on white.
        finer: Returns the same photo in a multiple of its size; asked only where margins are wide.
            None: what they surround is enlarged from ``photo``.
    """
    size = len(photo)
    if is_in_wide_margins(photo):
        content, ground = _trimmed(photo if finer is None else finer())
        return [photo, *(_within(content, share, size, ground) for share in TIGHT_SHARES)]
    if is_cut(photo):
        return [photo, *(_within(photo, share, size, _WHITE_GROUND) for share in SHARES)]
    return [photo]


def best_framed(vectors: Sequence[Vectors], products: Neighbours) -> Vectors:
    """Returns the vector of the frame that the catalogue knows best.

    It is the one whose five nearest products are the nearest to it, at the mean; the first of equal
    ones.

    Args:
        vectors: Unit vector float32 ``[dim]`` of each frame, the photo as it is first; 1 or more.
        products: The catalogue.
    """
    if len(vectors) == 1:
        return vectors[0]
    found = products.search(np.stack(vectors), NEAREST)
    near = [float(each.scores.mean()) if len(each.scores) else -1.0 for each in found]
    return vectors[near.index(max(near))]


def is_cut(photo: Pixels) -> bool:
    """Tells whether something on a white ground reaches over an edge of the photo.

    White is at least half of two corners; a photo of a street has no edge to mend.
    """
    shown = np.asarray((photo < _WHITE).any(axis=2))
    corner = max(1, round(_CORNER * len(photo)))
    ends = slice(None, corner), slice(-corner, None)
    corners = [float(shown[rows, columns].mean()) for rows in ends for columns in ends]
    if sum(share < _GROUND for share in corners) < len(corners) // 2:
        return False
    edges = (shown[0], shown[-1], shown[:, 0], shown[:, -1])
    return any(float(edge.mean()) > _SPECKS for edge in edges)


def is_in_wide_margins(photo: Pixels) -> bool:
    """Tells whether what a photo shows takes less than :data:`WIDE` of each of its sides.

    A margin is of one colour all around; a photo of nothing else has none.
    """
    content, _ = _trimmed(photo)
    longest: int = max(content.shape[:2])
    return longest < WIDE * len(photo)


def _trimmed(photo: Pixels) -> tuple[Pixels, _Colour]:
    """Returns what stands in margins of one colour, uint8 ``[h, w, 3]``, and their colour.

    Where there are none it is all of the photo. White bars, as they stand beside a photo that is
    not square, are taken off first.
    """
    barred = _amid(photo, _WHITE_GROUND)
    bars = barred.shape[0] == photo.shape[0] or barred.shape[1] == photo.shape[1]
    for whole in (photo, barred) if bars else (photo,):
        edges = np.concatenate([whole[0], whole[-1], whole[:, 0], whole[:, -1]])
        red, green, blue = np.median(edges, axis=0).astype(int).tolist()
        ground = red, green, blue
        if float(_differs(edges, ground).mean()) <= _SPECKS:
            return _amid(whole, ground), ground
    return photo, _WHITE_GROUND


def _amid(photo: Pixels, ground: _Colour) -> Pixels:
    """Returns the part of a photo that holds all that has another colour; all where nothing has."""
    shown = _differs(photo, ground)
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if not len(rows):
        return photo
    return photo[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _differs(pixels: Pixels, colour: _Colour) -> NDArray[np.bool_]:
    apart = np.abs(pixels.astype(np.int16) - np.array(colour, np.int16))
    return np.asarray(apart.max(axis=-1) > _SAME)


def _within(photo: Pixels, share: float, size: int, ground: _Colour) -> Pixels:
    """Returns a photo, at so large a share of the longer side, amid a square of one colour."""
    scale = size * share / max(photo.shape[:2])
    high, wide = (max(1, round(side * scale)) for side in photo.shape[:2])
    small = Image.fromarray(photo).resize((wide, high), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (size, size), ground)
    whole.paste(small, ((size - wide) // 2, (size - high) // 2))
    return np.asarray(whole)
