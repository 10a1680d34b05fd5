"""Says which part of a photo is meant."""

import math
from dataclasses import dataclass

from runtime.errors import InvalidArgument

_SLACK = 1e-6  # fractions arrive as float32


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle in fractions of the upright photo, all within 0 to 1, by default all of it.

    Raises:
        InvalidArgument: A number is not finite, the rectangle has no area, or it reaches out of
            the photo; ``field`` is ``crop``.
    """

    x: float = 0.0
    y: float = 0.0
    width: float = 1.0
    height: float = 1.0

    def __post_init__(self) -> None:
        edges = (self.x, self.y, self.width, self.height)
        if not all(math.isfinite(edge) and 0 <= edge <= 1 for edge in edges):
            raise InvalidArgument("a crop has fractions within 0 to 1", field="crop")
        if min(self.width, self.height) <= 0:
            raise InvalidArgument("a crop needs an area", field="crop")
        if max(self.x + self.width, self.y + self.height) > 1 + _SLACK:
            raise InvalidArgument("the crop reaches out of the photo", field="crop")


WHOLE = Crop()
"""All of the photo."""


def crop_at(field: str, *, x: float, y: float, width: float, height: float) -> Crop:
    """Returns a rectangle that a caller named, such as ``parts[1].crop``.

    Raises:
        InvalidArgument: It is none; ``field`` names it.
    """
    try:
        return Crop(x, y, width, height)
    except InvalidArgument as error:
        raise InvalidArgument(error.message, field=field) from None
