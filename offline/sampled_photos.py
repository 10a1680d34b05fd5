"""Decodes the photos of sampled products as a shopper would show them."""

from collections.abc import Sequence

from catalog.crop import Crop
from catalog.media import MediaStore
from offline.pictured import Pictured
from services.image_retriever.decode import Pixels, UndecodablePhoto
from services.image_retriever.decode_bulk import bulk_decoder, each_photo


def sampled_photos(
    sample: Sequence[Pictured], media: MediaStore, *, size: int, crop: Crop, workers: int
) -> list[tuple[int, Pixels]]:
    """Returns the place of each product in the sample, and its photo uint8 ``[size, size, 3]``.

    A photo that is gone meanwhile is left out.

    Args:
        sample: The products.
        media: Where their photos lie.
        size: Side of the square in pixels.
        crop: What of each photo is kept.
        workers: Processes that decode.
    """
    decoder = bulk_decoder(workers)

    def decode(placed: tuple[int, Pictured]) -> Pixels:
        data = media.get(placed[1].face) or b""
        return decoder.decode(data, size=size, crop=crop)

    try:
        photos = each_photo(decode, enumerate(sample), workers=workers)
        return [
            (place, found)
            for (place, _), found in photos
            if not isinstance(found, UndecodablePhoto)
        ]
    finally:
        decoder.close()
