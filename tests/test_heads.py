"""Promises of which garment a query is about, and of what stands for one that no product is."""

import pytest

from catalog.lexicon import Lexicon
from catalog.product import Product, SizeStock
from catalog.words import WordTable
from services.gateway.understanding import Reading, Understanding
from services.gateway.vocabulary import Vocabulary

KINDS = ("bag", "shirt", "dress", "knitwear", "skirt", "jacket", "coat", "trousers", "shoes")


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """Reads by the words of a product of each kind."""
    products = [
        Product(
            id=kind,
            style_id=kind,
            title=f"Plain {kind}",
            kind=kind,
            colour="teal",
            attributes={"material": "denim", "fit": "relaxed"},
            sizes=tuple(SizeStock(size, 1) for size in ("S", "M", "L", "XL", "W32", "42")),
        )
        for kind in KINDS
    ]
    return Understanding(
        Vocabulary.gather(products, table=WordTable.default(), lexicon=Lexicon.default())
    )


def _kinds(reading: Reading) -> set[str]:
    return {value for boost in reading.boosts if boost.field == "kind" for value in boost.values}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Taschen", {"bag"}),
        ("teal Taschen", {"bag"}),
        ("Damen Taschen", {"bag"}),
        ("Hemd mit Taschen", {"shirt"}),
        ("Kleid und Tasche", {"dress", "bag"}),
        ("shirt dress", {"dress"}),
        ("jumper dress", {"dress"}),
        ("Jeanshemd", {"shirt"}),
        ("Jeansrock", {"skirt"}),
        ("shoes bags", {"shoes", "bag"}),
    ],
)
def test_the_garment_that_is_meant_is_lifted(
    understanding: Understanding, text: str, kinds: set[str]
) -> None:
    assert _kinds(understanding.read(text)) == kinds


def test_jeans_before_a_garment_are_its_material(understanding: Understanding) -> None:
    told = {(each.field, each.value) for each in understanding.read("Jeanshemd").understood}
    assert ("material", "denim") in told


@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("hoodie", "kind", {"knitwear"}),
        ("Kapuzenpullover", "kind", {"knitwear"}),
        ("후드티", "kind", {"knitwear"}),
        ("jumpsuit", "kind", {"dress"}),
        ("suit", "kind", {"jacket", "trousers"}),
        ("turquoise", "colour", {"teal"}),
        ("oversized shirt", "fit", {"relaxed"}),
        ("오버핏 셔츠", "fit", {"relaxed"}),
    ],
)
def test_what_is_most_like_stands_for_what_no_product_is(
    understanding: Understanding, text: str, field: str, values: set[str]
) -> None:
    told = understanding.read(text).understood
    assert {each.value for each in told if (each.field, each.effect) == (field, "widen")} == values


def test_a_garment_that_nothing_is_like_is_told_unknown(understanding: Understanding) -> None:
    (told,) = understanding.read("umbrella stand bikini").understood[-1:]
    assert (told.field, told.value, told.effect) == ("kind", "bikini", "unknown")


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("shirt extra large", {"XL"}),
        ("M사이즈 셔츠", {"M"}),
        ("S M dress", {"S", "M"}),
        ("jacket in M or L", {"M", "L"}),
        ("trousers 32/32", {"W32"}),
        ("shoes 42", {"42"}),
        ("dress 42", set()),
        ("large print shirt", set()),
    ],
)
def test_sizes_are_read_without_the_word_for_them(
    understanding: Understanding, text: str, sizes: set[str]
) -> None:
    told = understanding.read(text).understood
    assert {each.value for each in told if each.effect == "filter"} == sizes
