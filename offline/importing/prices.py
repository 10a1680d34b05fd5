"""Reads what others write as a price, by a strict grammar: what does not fit is refused."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from catalog.limits import MAX_INT64
from catalog.money import minor_digits
from offline.importing.records import BadRow
from offline.importing.values import NOTHING, text_of

_DOLLARS = ("USD", "AUD", "CAD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP")
# What a sign may mean; where nobody told a currency, "$" and "¥" mean the first.
_SIGNS: dict[str, tuple[str, ...]] = {
    "$": _DOLLARS, "¥": ("JPY", "CNY"), "kr": ("SEK", "NOK", "DKK", "ISK"),
    "US$": ("USD",), "A$": ("AUD",), "AU$": ("AUD",), "C$": ("CAD",), "CA$": ("CAD",),
    "NZ$": ("NZD",), "HK$": ("HKD",), "S$": ("SGD",), "R$": ("BRL",), "€": ("EUR",),
    "£": ("GBP",), "₩": ("KRW",), "원": ("KRW",), "円": ("JPY",), "元": ("CNY",), "₹": ("INR",),
    "₺": ("TRY",), "₽": ("RUB",), "฿": ("THB",), "₫": ("VND",), "₪": ("ILS",), "zł": ("PLN",),
    "Kč": ("CZK",), "Ft": ("HUF",),
}  # fmt: skip
_CODE = re.compile(
    "AED|ALL|AMD|ARS|AUD|AZN|BAM|BDT|BGN|BHD|BND|BOB|BRL|BYN|CAD|CHF|CLP|CNY|COP|CRC|CZK|"
    "DKK|DOP|DZD|EGP|EUR|GBP|GEL|GHS|GTQ|HKD|HNL|HUF|IDR|ILS|INR|IQD|ISK|JMD|JOD|JPY|KES|"
    "KRW|KWD|KZT|LBP|LKR|LYD|MAD|MDL|MKD|MNT|MOP|MUR|MXN|MYR|NGN|NIO|NOK|NPR|NZD|OMR|PAB|"
    "PEN|PHP|PKR|PLN|PYG|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TND|TRY|TTD|TWD|TZS|UAH|UGX|USD|"
    "UYU|UZS|VND|XAF|XOF|XPF|ZAR"
)
_ENDS = re.compile(r"\s*[-–]\s*")
_END = re.compile(r"([^0-9]{0,8})([0-9](?:.*[0-9])?)([^0-9]{0,8})")
_NUMBER = re.compile(
    r"(?P<whole>[0-9]+|[1-9][0-9]{0,2}(?P<group>[.,'’\u00a0\u202f ])[0-9]{3}"
    r"(?:(?P=group)[0-9]{3})*)(?:(?P<mark>[.,])(?P<rest>[0-9]+))?"
)
_MAX_PRICE_CHARS = 64
_NO_PRICE = "not a price"


def price_of(value: object, currency: str) -> tuple[int | None, str]:
    """Returns a price in minor units and its currency; (None, "") where no price is told.

    A text is a number with at most one code or sign of a currency before or after it, or two such
    with a dash between them, of which the lower one is taken; "from" may stand in front. Digits
    are grouped by three, or not at all. Fractions of a minor unit are rounded half up, in texts
    as in numbers.

    Exactly three digits after the only separator are a group, as in ``1.299``, unless they cannot
    be one (``0.005``, ``1234.567``) or the currency has three decimals. In a number, that is one
    that is no text, the point always is the decimal one.

    Args:
        value: A number or a text, such as ``19.99``, ``"€ 1.299,00"`` or ``"from 12.50"``.
        currency: The currency that the value must be of; empty where nobody told.

    Raises:
        BadRow: It is no price, or one of an unknown currency, or of another one.
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        amount = Decimal(str(value))
        if amount.is_nan():
            return None, ""
    else:
        text = text_of(value)
        if text.lower() in NOTHING:
            return None, ""
        amount, currency = _amount_in(text, currency)
    if not currency:
        raise BadRow("a price without a currency")
    if not amount.is_finite() or not 0 <= amount <= MAX_INT64:
        raise BadRow(_NO_PRICE)
    minor = amount.scaleb(minor_digits(currency)).to_integral_value(ROUND_HALF_UP)
    if minor > MAX_INT64:
        raise BadRow(_NO_PRICE)
    return int(minor), currency


def _amount_in(text: str, told: str) -> tuple[Decimal, str]:
    if len(text) > _MAX_PRICE_CHARS:
        raise BadRow(_NO_PRICE)
    if text[:5].lower() == "from ":
        text = text[5:].lstrip()
    ends = [_END.fullmatch(end) for end in _ENDS.split(text)]
    found = [end for end in ends if end is not None]
    if len(found) != len(ends) or len(ends) > 2:
        raise BadRow(_NO_PRICE)
    marks = [mark for end in found for mark in (end[1].strip(), end[3].strip()) if mark]
    if len(marks) > len(found) or len(set(marks)) > 1 or any(e[1] and e[3] for e in found):
        raise BadRow("a price with more than one currency, or with words beside it")
    currency = _currency(marks[0], told) if marks else told
    return min(_number(end[2], minor_digits(currency)) for end in found), currency


def _currency(mark: str, told: str) -> str:
    meant = _SIGNS.get(mark, ())
    if not meant and (_CODE.fullmatch(mark) or mark.upper() == told):
        meant = (mark.upper(),)
    if not meant:
        raise BadRow("a price beside which something else than a currency stands")
    if told and told not in meant:
        raise BadRow("a price in another currency than the one told")
    if told or len(meant) == 1 or mark in "$¥":
        return told or meant[0]
    return ""


def _number(written: str, digits: int) -> Decimal:
    """Returns the number that digits and separators tell, by the rules of :func:`price_of`."""
    found = _NUMBER.fullmatch(written)
    if found is None or (found["mark"] and found["mark"] == found["group"]):
        raise BadRow(_NO_PRICE)
    whole, rest = re.sub("[^0-9]", "", found["whole"]), found["rest"] or "0"
    can_be_group = not found["group"] and len(whole) <= 3 and not whole.startswith("0")
    if len(rest) == 3 and digits != 3 and can_be_group:
        whole, rest = whole + rest, "0"
    try:
        return Decimal(f"{whole}.{rest}")
    except InvalidOperation:
        raise BadRow(_NO_PRICE) from None
