"""Shows a photo that is cut off at its edges in the margins that a catalogue's photos may have."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.image_retriever.view import Found

Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]

SHARES = (0.9, 0.8, 0.7)
"""The shares of a side that a photo takes within the margins that are tried."""
NEAREST = 5
"""How many products tell how well the catalogue knows what a photo shows."""
_WHITE = 240  # in each channel; what is as light is ground
_SPECKS = 0.02  # an edge with less than this share of anything but ground is not crossed
_CORNER = 0.125  # of a side
_GROUND = 0.5  # of a corner


class Neighbours(Protocol):
    """Finds the products nearest to vectors."""

    def search(self, vectors: Vectors, count: int) -> list[Found]:
        """Returns the ``count`` nearest products of each unit row float32 ``[b, dim]``."""


def frames(photo: Pixels) -> list[Pixels]:
    """Returns a photo as it is and, where it is cut off, in wider and wider white margins.

    Who cuts a garment out closely, or stands near to it, shows it larger than a catalogue does, and
    an encoder takes it for something else: a jacket without margins looks like a shirt. Which of
    the frames is the catalogue's own, its products tell: the one in which they are nearest.

    Args:
        photo: uint8 ``[size, size, 3]``, RGB on white.
    """
    return [photo, *(_within(photo, share) for share in SHARES)] if is_cut(photo) else [photo]


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


def _within(photo: Pixels, share: float) -> Pixels:
    size = len(photo)
    side = max(1, round(size * share))
    small = Image.fromarray(photo).resize((side, side), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (size, size), (255, 255, 255))
    whole.paste(small, ((size - side) // 2, (size - side) // 2))
    return np.asarray(whole)
