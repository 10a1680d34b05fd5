"""Finds the similarity from which on two photos show the same thing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.image_retriever.encoder import Encoder

Vectors = NDArray[np.float32]
Pixels = NDArray[np.uint8]

VIEW_QUANTILE, OTHER_QUANTILE = 0.05, 0.95
# Photos that are equal in every pixel differ by less than this, whatever the arithmetic.
MOST = 0.9995
_LEAST = 8


@dataclass(frozen=True, slots=True)
class LookAlike:
    """The similarity from which on two products look the same, and how it came about.

    Attributes:
        value: The similarity; None where there are too few photos to tell.
        views: The .05 quantile of the similarity of a photo and another view of it.
        others: The .95 quantile of the similarity of a product and the nearest of another style.
        photos: Photos that were compared.
    """

    value: float | None
    views: float | None
    others: float | None
    photos: int

    def facts(self) -> dict[str, object]:
        """Returns the manifest's words for it."""
        return {
            "views_p05": None if self.views is None else round(self.views, 4),
            "others_p95": None if self.others is None else round(self.others, 4),
            "photos": self.photos,
        }


def other_views(photos: Sequence[Pixels]) -> list[Pixels]:
    """Returns photos, uint8 ``[size, size, 3]`` and cut a little, as they are and mirrored."""
    return [view for photo in photos for view in (photo, np.ascontiguousarray(photo[:, ::-1]))]


def look_alike(
    encoder: Encoder,
    photos: Sequence[tuple[int, Pixels]],
    gallery: Vectors,
    styles: NDArray[np.int64],
) -> LookAlike:
    """Returns what 95 % of other views of a photo reach, but hardly any other product does.

    Where products of different styles are as near to each other as two views of one photo, the
    similarity is what only 5 % of them exceed with their nearest: to show a double is better than
    to lose a neighbour.

    Args:
        encoder: The encoder of the gallery.
        photos: Row in the gallery, and photo cut a little, of some products; uint8
            ``[size, size, 3]``.
        gallery: Unit rows float32 ``[n, dim]``.
        styles: A number for the style of each row, int64 ``[n]``.
    """
    if len(photos) < _LEAST:
        return LookAlike(None, None, None, len(photos))
    rows = [row for row, _ in photos]
    own = gallery[rows]
    pixels = other_views([photo for _, photo in photos])
    views = encoder.encode_photos(pixels).reshape(len(photos), 2, -1)
    same = np.einsum("nvd,nd->nv", views, own)
    nearest = [
        float(np.max(gallery @ vector, where=styles != styles[row], initial=-1.0))
        for row, vector in zip(rows, own, strict=True)
    ]
    seen = float(np.quantile(same, VIEW_QUANTILE))
    others = float(np.quantile(nearest, OTHER_QUANTILE))
    value = float(np.ceil(min(max(seen, others), MOST) * 1e4) / 1e4)
    return LookAlike(min(value, MOST), seen, others, len(photos))
