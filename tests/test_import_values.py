"""What others write as prices, times and words is taken as they meant it."""

from decimal import Decimal

import pytest

from offline.importing.prices import price_of
from offline.importing.records import BadRow
from offline.importing.values import plain, text_of, time_of, word_of


@pytest.mark.parametrize(
    ("written", "currency", "minor", "named"),
    [
        ("19.99", "EUR", 1999, "EUR"),
        ("19,99 €", "", 1999, "EUR"),
        ("1,299.50", "EUR", 129_950, "EUR"),
        ("1.299,50", "EUR", 129_950, "EUR"),
        ("1.299", "EUR", 129_900, "EUR"),
        ("1 299,5", "EUR", 129_950, "EUR"),
        ("1.234.567", "EUR", 123_456_700, "EUR"),
        ("$5", "CAD", 500, "CAD"),
        ("$5", "", 500, "USD"),
        ("GBP 5", "", 500, "GBP"),
        ("5 eur", "EUR", 500, "EUR"),
        ("¥500", "CNY", 50_000, "CNY"),
        ("¥500", "", 500, "JPY"),
        ("199 kr", "SEK", 19_900, "SEK"),
        ("1'299.50", "CHF", 129_950, "CHF"),
        ("$12.99 - $19.99", "USD", 1299, "USD"),
        ("0.005", "EUR", 1, "EUR"),
        ("0.004", "EUR", 0, "EUR"),
        ("19.989999771118164", "EUR", 1999, "EUR"),
        ("1234.567", "EUR", 123_457, "EUR"),
        ("19.999", "EUR", 1_999_900, "EUR"),
        ("19,999", "EUR", 1_999_900, "EUR"),
        (19.999, "EUR", 2000, "EUR"),
        ("from 12.50", "EUR", 1250, "EUR"),
        ("12.99-19.99", "EUR", 1299, "EUR"),
        ("69,000원", "", 69_000, "KRW"),
        ("69000", "KRW", 69_000, "KRW"),
        ("1.234", "KWD", 1234, "KWD"),
        (0.1 + 0.2, "EUR", 30, "EUR"),
        (19.989999771118164, "EUR", 1999, "EUR"),
        (1.005, "EUR", 101, "EUR"),
        (Decimal("0.005"), "EUR", 1, "EUR"),
        (7, "EUR", 700, "EUR"),
        ("", "EUR", None, ""),
        (None, "EUR", None, ""),
        (float("nan"), "EUR", None, ""),
    ],
)
def test_a_price_is_what_was_meant(
    written: object, currency: str, minor: int | None, named: str
) -> None:
    assert price_of(written, currency) == (minor, named)


@pytest.mark.parametrize(
    "written",
    [
        *("cheap", "-5", -5, float("inf"), 1e300, "9" * 80, [5], True, "9" * 60),
        *("1e3", "1e400", "1_000", "0x10", "12 months", "5.5.5", "1,2,3", "1%%", "1,23,456"),
        *("EUR5 USD6", "EUR 5 EUR", "$5", "¥500", "GBP 5", "5 XYZ", "1.299.50", "0.123.456"),
        *("5.", ".5", "+5", "5-", "1-2-3", "5 6", "٥", "from", "€", "12.34.56,7", "1 2 345"),
    ],
)
def test_what_is_no_price_is_refused(written: object) -> None:
    with pytest.raises(BadRow):
        price_of(written, "EUR")


@pytest.mark.parametrize("written", ["5", "5 kr"])
def test_a_price_needs_a_currency(written: str) -> None:
    with pytest.raises(BadRow, match="without a currency"):
        price_of(written, "")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("$5", "another currency than the one told"),
        ("5 months", "something else than a currency"),
        ("EUR 5 EUR", "more than one currency"),
        ("1e3", "not a price"),
    ],
)
def test_a_refused_price_says_why(written: str, why: str) -> None:
    with pytest.raises(BadRow, match=why):
        price_of(written, "EUR")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2018-09-20", "2018-09-20T00:00:00+00:00"),
        ("2018-09-20T10:00:00+02:00", "2018-09-20T08:00:00+00:00"),
        (1_537_401_600, "2018-09-20T00:00:00+00:00"),
        (1_537_401_600_000, "2018-09-20T00:00:00+00:00"),
        ("1537401600.5", "2018-09-20T00:00:00.500000+00:00"),
    ],
)
def test_a_time_is_what_was_meant(written: object, meant: str) -> None:
    assert time_of(written).isoformat() == meant


@pytest.mark.parametrize("written", ["", "soon", "9" * 15, "-5", None])
def test_what_is_no_time_is_refused(written: object) -> None:
    with pytest.raises(BadRow, match="not a time"):
        time_of(written)


def test_words_and_texts_are_cleaned() -> None:
    assert word_of("Tshirts") == "t-shirt"
    assert word_of("NaN") == ""
    assert text_of(12.0) == "12"
    assert text_of(" a\x00 b ") == "a b"
    assert plain("<p>Soft &amp; warm</p>") == "Soft & warm"
    with pytest.raises(BadRow):
        text_of({"a": 1})
