"""Turns what others write into the words, the prices and the times of the catalogue."""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from html.parser import HTMLParser

from catalog.limits import MAX_INT64
from catalog.normalize import clean, readable
from offline.importing.records import BadRow

_NOTHING = frozenset({"", "na", "n/a", "nan", "none", "null", "-", "—"})
# Currencies whose minor unit is not a hundredth (ISO 4217).
_DIGITS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "₩": "KRW", "¥": "JPY", "원": "KRW", "₹": "INR"}
_NUMBER = re.compile(r"\d[\d.,'\u00a0\u202f ]*")
_CODE = re.compile(r"\b[A-Z]{3}\b")
_MAX_PRICE_CHARS = 64
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
    if isinstance(value, int | float | Decimal):
        return "" if value != value else str(value)
    raise BadRow("a text is expected where a list or an object stands")


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


def minor_digits(currency: str) -> int:
    """Returns how many decimals a currency has."""
    return _DIGITS.get(currency, 2)


def price_of(value: object, currency: str) -> tuple[int | None, str]:
    """Returns a price in minor units and its currency; (None, "") where no price is told.

    Text may carry a sign or a code of a currency, and dots, commas or spaces between thousands;
    of a range the lower end is taken. Fractions of a minor unit are rounded half up.

    Args:
        value: A number or a text, such as ``19.99``, ``"€ 1.299,00"`` or ``"from 12.50"``.
        currency: The currency where the value names none; empty where nobody told.

    Raises:
        BadRow: It is no price, or one of an unknown currency.
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        amount, named = _decimal(str(value)), ""
        if amount.is_nan():
            return None, ""
    else:
        text = text_of(value)
        if text.lower() in _NOTHING:
            return None, ""
        amount, named = _amount_in(text, currency)
    currency = named or currency
    if not currency:
        raise BadRow("a price without a currency")
    if not amount.is_finite() or not 0 <= amount <= MAX_INT64:
        raise BadRow("not a price")
    minor = amount.scaleb(minor_digits(currency)).to_integral_value(ROUND_HALF_UP)
    if minor > MAX_INT64:
        raise BadRow("not a price")
    return int(minor), currency


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
    return "" if text.lower() in _NOTHING else readable(text).lower()


def _amount_in(text: str, currency: str) -> tuple[Decimal, str]:
    numbers = _NUMBER.findall(text[:_MAX_PRICE_CHARS])
    if not numbers or text.startswith("-") or len(text) > _MAX_PRICE_CHARS:
        raise BadRow("not a price")
    sign = next((code for mark, code in _SIGNS.items() if mark in text), "")
    code = _CODE.search(text)
    named = code.group() if code else sign
    # A dollar sign is of many currencies: where one is told, it counts.
    if currency and not code and sign in ("USD", "JPY"):
        named = ""
    digits = minor_digits(named or currency)
    return min(_decimal(_plain_number(number, digits)) for number in numbers), named


def _plain_number(written: str, digits: int) -> str:
    number = re.sub(r"['\s]", "", written).rstrip(".,")
    place = max(number.rfind("."), number.rfind(","))
    if place < 0:
        return number
    whole, mark, rest = number[:place], number[place], number[place + 1 :]
    # "1.299" means thousands: no price has three decimals, but in some currencies.
    if mark in whole or (len(rest) == 3 and digits != 3):
        whole, rest = whole + rest, "0"
    return f"{whole.replace('.', '').replace(',', '')}.{rest}"


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise BadRow("not a price") from None


class _Text(HTMLParser):
    """Collects the text of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
