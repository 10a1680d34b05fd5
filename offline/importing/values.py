"""Turns what others write into the words, the counts and the times of the catalogue."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from html.parser import HTMLParser

from catalog.normalize import clean, readable
from offline.importing.records import BadRow

NOTHING = frozenset({"", "na", "n/a", "nan", "none", "null", "-", "—"})
_MAX_SECONDS = 253_402_300_799  # the end of the year 9999


def text_of(value: object) -> str:
    """Returns a value as clean text; nothing at all is the empty text.

    Raises:
        BadRow: The value is a list or an object.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return tidy(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal):
        return "" if value.is_nan() else f"{value:f}"
    if isinstance(value, int | float):
        return "" if value != value else str(value)
    raise BadRow("a text is expected where a list or an object stands")


def id_of(value: object) -> str:
    """Returns an id as clean text; nothing at all is the empty text.

    Raises:
        BadRow: The value is true or false, a list or an object.
    """
    if isinstance(value, bool):
        raise BadRow("an id that is true or false")
    return text_of(value)


def tidy(text: str) -> str:
    """Returns the text cleaned; most texts are clean already, and this is asked of each."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return clean(text)


def word_of(value: object) -> str:
    """Returns a label in the catalogue's form: "Tshirts" is "t-shirt", "Off White" "off-white"."""
    return _word(text_of(value))


def plain(text: str) -> str:
    """Returns a text without the HTML in it."""
    if "<" not in text and "&" not in text:
        return text
    parser = _Text()
    parser.feed(text)
    parser.close()
    return clean(" ".join(parser.parts))


def time_of(value: object) -> datetime:
    """Returns a time in UTC out of ISO 8601, a date, or seconds or milliseconds since 1970.

    A time without a zone is taken as UTC.

    Raises:
        BadRow: It is none of these.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    text = text_of(value)
    if re.fullmatch(r"\d{1,15}(\.\d{1,6})?", text):
        seconds = float(text)
        # Seconds reach 10^11 in the year 5138; whatever is more counts milliseconds.
        seconds = seconds / 1000 if seconds >= 1e11 else seconds
        if seconds <= _MAX_SECONDS:
            return datetime.fromtimestamp(seconds, UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadRow("not a time") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def whole_of(value: object, *, what: str) -> int:
    """Returns a count of 0 or more; nothing at all is 0.

    Raises:
        BadRow: It is no such count.
    """
    text = text_of(value)
    if not text:
        return 0
    if not re.fullmatch(r"\d{1,18}(\.0+)?", text):
        raise BadRow(f"{what} is not a whole number")
    return int(text.partition(".")[0])


def truth_of(value: object) -> bool:
    """Returns whether a value means yes."""
    return text_of(value).lower() in ("yes", "true", "1", "y", "t")


@lru_cache(maxsize=4096)
def _word(text: str) -> str:
    # A table has few labels, each in many rows.
    return "" if text.lower() in NOTHING else readable(text).lower()


class _Text(HTMLParser):
    """Collects the text of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
