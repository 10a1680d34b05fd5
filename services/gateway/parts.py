"""Says what a query may be made of: words, photos, and products as examples."""

import math
from dataclasses import dataclass

from catalog.crop import Crop
from catalog.normalize import clean
from runtime.errors import InvalidArgument
from services.gateway.limits import check_id

MAX_TEXT_CHARS = 512
MAX_WEIGHT = 10.0


@dataclass(frozen=True, slots=True)
class Words:
    """Words, already cleaned by :func:`catalog.normalize.clean`.

    ``lookup`` are those that the text retriever looks up, and ``own`` those that the shopper said,
    without prices, exclusions and fillers, where they are not the same. ``text`` is what an encoder
    that reads English is given; one that reads many languages is given ``own``.
    """

    text: str
    lookup: str = ""
    own: str = ""


@dataclass(frozen=True, slots=True)
class Photo:
    """Bytes of a JPEG, PNG or WebP photo."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo of the media store, by the SHA-256 of its bytes in lower-case hex."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Example:
    """A product that the wanted ones resemble."""

    product_id: str


Source = Words | Photo | StoredPhoto | Example


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query; ``field`` is its path in the request, such as ``parts[1]``.

    ``remove_background`` is for photos: what stands around the garment is taken out.
    """

    source: Source
    field: str
    weight: float = 1.0
    crop: Crop | None = None
    remove_background: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and 0 < abs(self.weight) <= MAX_WEIGHT):
            raise InvalidArgument(
                f"weight must be -{MAX_WEIGHT:g} to {MAX_WEIGHT:g} and not 0",
                field=f"{self.field}.weight",
            )
        is_photo = isinstance(self.source, Photo | StoredPhoto)
        if self.crop is not None and not is_photo:
            raise InvalidArgument("only a photo can be cropped", field=f"{self.field}.crop")
        if self.remove_background and not is_photo:
            raise InvalidArgument(
                "only a photo has a background", field=f"{self.field}.remove_background"
            )
        match self.source:
            case Words(text=text):
                _check_words(text, self.field)
            case StoredPhoto(sha256):
                if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
                    raise InvalidArgument("not a SHA-256 in lower-case hex", field=self.field)
            case Example(product_id):
                check_id(product_id, f"{self.field}.product_id")
            case Photo(data):
                if not data:
                    raise InvalidArgument("the photo is empty", field=self.field)


def words(text: str, path: str, weight: float = 1.0) -> Part:
    """A part of words, cleaned.

    Raises:
        InvalidArgument: There are no words, or too many.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise InvalidArgument(f"at most {MAX_TEXT_CHARS} characters", field=path)
    return Part(Words(clean(text)), path, weight)


def _check_words(text: str, path: str) -> None:
    if not text:
        raise InvalidArgument("the text holds no words", field=path)
