"""Reads the queries that are to be encoded from messages."""

import math

from catalog.crop import WHOLE, Crop, crop_at
from catalog.normalize import clean
from fashion.image.v1 import image_retriever_pb2 as pb
from runtime.errors import InvalidArgument, ServiceError
from services.image_retriever.framed import Photo
from services.image_retriever.mixture import MAX_WEIGHT
from services.image_retriever.parts import Example, Mixture, Words

MAX_PARTS = 16
MAX_TEXT_CHARS, MAX_ID_CHARS = 512, 128


def read_mixture(
    query: pb.EncodeQuery, arrived: float, end: float, *, in_own_words: bool = False
) -> Mixture | ServiceError:
    """Returns a query to encode, or what is wrong with it.

    Args:
        query: The message.
        arrived: Reading of the clock when the call arrived.
        end: Reading of the clock at which the call is over.
        in_own_words: Whether words are encoded in the shopper's language, not in English.
    """
    try:
        return _mixture(query, arrived, end, in_own_words)
    except ServiceError as error:
        return error


def check_id(product_id: str, at: str) -> None:
    """Refuses an id that no product can have; ``at`` is its path in the request."""
    if not 1 <= len(product_id) <= MAX_ID_CHARS:
        raise InvalidArgument(f"a product id has 1 to {MAX_ID_CHARS} characters", field=at)


def _mixture(query: pb.EncodeQuery, arrived: float, end: float, in_own_words: bool) -> Mixture:
    if not 1 <= len(query.parts) <= MAX_PARTS:
        raise InvalidArgument(f"a query has 1 to {MAX_PARTS} parts", field="parts")
    if query.deadline_ms < 0:
        raise InvalidArgument("deadline_ms must not be negative", field="deadline_ms")
    if query.deadline_ms:
        end = min(end, arrived + query.deadline_ms / 1000)
    return Mixture(
        [_part(part, number, in_own_words) for number, part in enumerate(query.parts)],
        [_weight(part, number) for number, part in enumerate(query.parts)],
        end,
    )


def _part(part: pb.QueryPart, number: int, in_own_words: bool) -> Words | Photo | Example:
    at = f"parts[{number}]"
    source = part.WhichOneof("source")
    if part.HasField("crop") and source != "photo":
        raise InvalidArgument("only a photo can be cropped", field=f"{at}.crop")
    if part.remove_background and source != "photo":
        raise InvalidArgument("only a photo has a background", field=f"{at}.remove_background")
    if part.own_text and source != "text":
        raise InvalidArgument("only with text", field=f"{at}.own_text")
    if source == "text":
        text, own = _words(part.text, f"{at}.text"), _words(part.own_text, f"{at}.own_text")
        if not text:
            raise InvalidArgument("text must not be empty", field=f"{at}.text")
        return Words(own if own and in_own_words else text)
    if source == "photo":
        crop = _crop(part.crop, f"{at}.crop") if part.HasField("crop") else WHOLE
        return Photo(part.photo, crop, part.remove_background)
    if source == "product_id":
        check_id(part.product_id, f"{at}.product_id")
        return Example(part.product_id)
    raise InvalidArgument("a part is a text, a photo or a product", field=at)


def _words(text: str, at: str) -> str:
    if len(text) > MAX_TEXT_CHARS:
        raise InvalidArgument(f"text has at most {MAX_TEXT_CHARS} characters", field=at)
    return clean(text)


def _crop(crop: pb.Crop, at: str) -> Crop:
    return crop_at(at, x=crop.x, y=crop.y, width=crop.width, height=crop.height)


def _weight(part: pb.QueryPart, number: int) -> float:
    weight = part.weight if part.HasField("weight") else 1.0
    if not math.isfinite(weight) or not 0 < abs(weight) <= MAX_WEIGHT:
        raise InvalidArgument(
            f"a weight is -{MAX_WEIGHT:g} to {MAX_WEIGHT:g} and not 0",
            field=f"parts[{number}].weight",
        )
    return weight
