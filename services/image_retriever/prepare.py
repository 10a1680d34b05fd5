"""Prepares a stored photo for the encoder, with its thumbnails."""

from catalog.media import THUMBNAIL_WIDTHS, MediaStore
from services.image_retriever.decode import PhotoDecoder, Pixels, UndecodablePhoto

MISSING = "missing"
"""Why a photo that is not in the media store has no vector; no verdict, for it may come yet."""


def prepared(sha: str, media: MediaStore, decoder: PhotoDecoder, size: int) -> Pixels:
    """Decodes a photo, and keeps thumbnails where the photo is larger than these.

    Args:
        sha: SHA-256 of the photo.
        media: Where it lies.
        decoder: Decodes it.
        size: Side of the square in pixels.

    Returns:
        The photo on white, uint8 ``[size, size, 3]``, RGB.

    Raises:
        UndecodablePhoto: The photo is not there (``missing``), outside the limits, or damaged.
    """
    data = media.get(sha)
    if data is None:
        raise UndecodablePhoto(MISSING, "the photo is not in the media store")
    pixels, width = decoder.decode_measured(data, size=size)
    for narrower in THUMBNAIL_WIDTHS:
        if width > narrower and media.path(sha, narrower) is None:
            media.put_thumbnail(sha, narrower, decoder.thumbnail(data, width=narrower).payload)
    return pixels
