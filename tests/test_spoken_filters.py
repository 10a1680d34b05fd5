"""Promises of prices and sizes as shoppers say them, in three languages."""

from dataclasses import replace

import pytest

from catalog.lexicon import Lexicon
from catalog.product import Product, SizeStock
from catalog.product_filter import Condition
from catalog.words import WordTable
from services.gateway.answer import Understood
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from tests.shop import shop

SIZES = ("S", "M", "L", "XXL", "3XL", "W32", "W34/L32", "38")


def _understanding(products: list[Product]) -> Understanding:
    words, lexicon = WordTable.default(), Lexicon.default()
    return Understanding(Vocabulary.gather(products, table=words, lexicon=lexicon))


def _products(sizes: tuple[str, ...] = SIZES) -> list[Product]:
    return [replace(each, sizes=tuple(SizeStock(size, 1) for size in sizes)) for each in shop(60)]


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """Reads by the words of a shop that sells in euros."""
    return _understanding(_products())


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("dress under 50", None, 4999),
        ("kleid unter 50", None, 4999),
        ("kleid weniger als 50 euro", None, 4999),
        ("원피스 50유로 미만", None, 4999),
        ("dress up to 50", None, 5000),
        ("dress max 50", None, 5000),
        ("dress 50 or under", None, 5000),
        ("kleid bis 50", None, 5000),
        ("kleid höchstens 50", None, 5000),
        ("원피스 50유로 이하", None, 5000),
        ("dress over 50", 5001, None),
        ("kleid über 50", 5001, None),
        ("원피스 50유로 초과", 5001, None),
        ("dress from 50", 5000, None),
        ("kleid ab 50", 5000, None),
        ("원피스 50유로 이상", 5000, None),
    ],
)
def test_every_language_means_the_same_by_its_bounds(
    understanding: Understanding, text: str, least: int | None, most: int | None
) -> None:
    assert understanding.read(text).filter == Condition("price_minor", gte=least, lte=most)


@pytest.mark.parametrize(
    ("text", "written", "currency"),
    [
        ("dress under $50", "under $50", "USD"),
        ("dress under 50 pounds", "under 50 pounds", "GBP"),
        ("원피스 3만원 이하", "3만원 이하", "KRW"),
    ],
)
def test_a_price_in_another_currency_is_told_and_not_used(
    understanding: Understanding, text: str, written: str, currency: str
) -> None:
    reading = understanding.read(text)
    assert reading.filter is None
    told = Understood("price_minor", currency, written, "other_currency")
    assert told in reading.understood


def test_a_price_where_nothing_has_one_is_told_and_not_used() -> None:
    unpriced = [replace(each, price_minor=None, currency="") for each in _products()]
    reading = _understanding(unpriced).read("dress under 50")
    assert reading.filter is None
    assert Understood("price_minor", "", "under 50", "no_prices") in reading.understood


@pytest.mark.parametrize(
    "text", ["dress under 1e9", "dress under 1.23456", "dress under 5x", "dress under 1e9 euro"]
)
def test_what_only_begins_like_a_number_is_no_price(
    understanding: Understanding, text: str
) -> None:
    assert understanding.read(text).filter is None


@pytest.mark.parametrize(
    "text",
    [
        "not too expensive dress",
        "a dress, not expensive",
        "nicht zu teures Kleid",
        "비싸지 않은 원피스",
    ],
)
def test_what_shall_not_cost_much_is_no_exclusion(understanding: Understanding, text: str) -> None:
    reading = understanding.read(text)
    assert not reading.excluded_words
    assert not reading.negative
    assert {told.effect for told in reading.understood} == {"boost"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("dress size M or L", ("M", "L")),
        ("size S, M and L", ("S", "M", "L")),
        ("Kleid Größe S oder M", ("S", "M")),
        ("shirt 2XL", ("XXL",)),
        ("shirt XXXL", ("3XL",)),
        ("jeans W34 L32", ("W34/L32",)),
        ("jeans 34/32", ("W34/L32",)),
        ("jeans W34/L32", ("W34/L32",)),
    ],
)
def test_sizes_are_read_however_they_are_written(
    understanding: Understanding, text: str, values: tuple[str, ...]
) -> None:
    reading = understanding.read(text)
    assert reading.filter == Condition("size", values)
    told = [each.value for each in reading.understood if each.effect == "filter"]
    assert tuple(told) == values


def test_one_of_two_sizes_can_be_refused(understanding: Understanding) -> None:
    reading = understanding.read("dress size M or L", ignore=["size:M"])
    assert reading.filter == Condition("size", ("L",))


@pytest.mark.parametrize(
    ("text", "name"),
    [("XXXXL shirt", "XXXXL"), ("shirt 4xl", "4XL"), ("dress size 99", "99")],
)
def test_a_size_that_no_product_has_is_told_and_not_used(
    understanding: Understanding, text: str, name: str
) -> None:
    reading = understanding.read(text)
    assert reading.filter is None
    unused = [each.value for each in reading.understood if each.effect == "no_such_size"]
    assert unused == [name]
    assert name.lower() not in reading.words.lower()


def test_a_waist_is_read_where_no_length_is_kept(understanding: Understanding) -> None:
    reading = understanding.read("jeans W32 L30")
    assert reading.filter == Condition("size", ("W32",))
    assert Understood("size", "L30", "W32 L30", "no_such_size") in reading.understood


def test_a_number_before_letters_is_no_size_without_it(understanding: Understanding) -> None:
    assert understanding.read("10XXL shirt").filter is None
