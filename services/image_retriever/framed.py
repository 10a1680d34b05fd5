"""Decodes a photo in all the frames in which it is worth looking at."""

from collections.abc import Callable
from dataclasses import dataclass

from catalog.crop import WHOLE, Crop
from runtime.errors import DeadlineExceeded, ServiceError
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.framing import FINER, Pixels, frames


@dataclass(frozen=True, slots=True)
class Photo:
    """A part that is a photo, or a rectangle of it, with its background or without."""

    data: bytes
    crop: Crop = WHOLE
    remove_background: bool = False


@dataclass(frozen=True, slots=True)
class PhotoFramer:
    """Decodes photos and frames them; safe to call from many threads.

    Attributes:
        decoder: Decodes them.
        clock: Seconds, monotonic.
    """

    decoder: PhotoDecoder
    clock: Callable[[], float]

    def frames(self, photo: Photo, size: int, deadline: float) -> tuple[list[Pixels], bool]:
        """Returns the frames of a photo, and whether its background is out if it is to be.

        Args:
            photo: What to decode.
            size: Side of each frame, pixels.
            deadline: Reading of the clock after which the frames are of no use.

        Raises:
            UndecodablePhoto: The photo is outside the limits, damaged, or too slow to decode.
            Overloaded: The decoder's queue is full.
            DeadlineExceeded: The time is over.
        """
        if photo.remove_background:
            garment, is_alone = self.decoder.decode_garment(
                photo.data, size=size, crop=photo.crop, wait_s=self._left(deadline)
            )
            return frames(garment), is_alone
        pixels = self._decode(photo, size, deadline)

        def finer() -> Pixels:
            try:
                return self._decode(photo, FINER * size, deadline)
            except ServiceError:  # the pixels that are there already will do
                return pixels

        return frames(pixels, finer), True

    def _decode(self, photo: Photo, size: int, deadline: float) -> Pixels:
        wait_s = self._left(deadline)
        return self.decoder.decode(photo.data, size=size, crop=photo.crop, wait_s=wait_s)

    def _left(self, deadline: float) -> float:
        left = deadline - self.clock()
        if left <= 0:
            raise DeadlineExceeded("the budget ran out before decoding")
        return left
