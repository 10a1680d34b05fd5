"""Promises of words that the dictionaries know and the products are not called by."""

from dataclasses import replace

import pytest

from catalog.lexicon import Lexicon
from catalog.product import Product
from catalog.words import WordTable
from services.gateway.understanding import Reading, Understanding
from services.gateway.vocabulary import Vocabulary

KINDS = ("shoes", "jacket", "coat", "dress", "hat", "scarf")


def _product(number: int, title: str, kind: str = "") -> Product:
    return Product(id=f"p-{number:02d}", style_id=f"p-{number:02d}", title=title, kind=kind)


def _understanding(products: list[Product]) -> Understanding:
    words, lexicon = WordTable.default(), Lexicon.default()
    return Understanding(Vocabulary.gather(products, table=words, lexicon=lexicon))


PRODUCTS = [_product(n, f"Plain {kind}", kind) for n, kind in enumerate(KINDS)]


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """Reads by the words of a shop without sandals, gowns, belts and outerwear."""
    return _understanding(PRODUCTS)


def _told(reading: Reading, effect: str) -> list[str]:
    return [told.value for told in reading.understood if told.effect == effect]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("sandals", ["shoes"]),
        ("evening gown", ["dress"]),
        ("Gürtel", ["hat", "scarf"]),  # nothing is called an accessory
        ("ankle boots", ["shoes"]),
    ],
)
def test_what_no_product_is_called_is_looked_up_by_wider_concepts(
    understanding: Understanding, text: str, values: list[str]
) -> None:
    reading = understanding.read(text)
    assert set(values) <= {*reading.words.split()}
    assert set(values) <= {*reading.readable.split()}
    assert sorted(_told(reading, "widen")) == values
    lifted = {value for boost in reading.boosts for value in boost.values}
    assert lifted == {*values}


def test_a_wide_word_is_looked_up_by_the_narrower_ones(understanding: Understanding) -> None:
    reading = understanding.read("outerwear")
    assert {"jacket", "coat"} <= {*reading.words.split()}
    assert _told(reading, "boost") == ["outerwear"]


def test_a_word_that_products_hold_is_looked_up_by_itself() -> None:
    reading = _understanding([*PRODUCTS, _product(90, "Leather sandals", "shoes")]).read("sandals")
    assert reading.words == "sandals"
    assert not _told(reading, "widen")


@pytest.mark.parametrize("name", ["kind:sandals", "kind:shoes"])
def test_what_stands_for_a_word_can_be_refused(understanding: Understanding, name: str) -> None:
    reading = understanding.read("sandals", ignore=[name])
    assert reading.words == "sandals"
    assert not reading.boosts


def test_nonsense_is_widened_to_nothing(understanding: Understanding) -> None:
    reading = understanding.read("kvetchwort")
    assert (reading.words, reading.boosts, reading.understood) == ("kvetchwort", (), ())


def test_who_wants_no_belt_is_not_denied_hats(understanding: Understanding) -> None:
    reading = understanding.read("dress without belt")
    assert reading.filter is None
    assert not reading.excluded_words


def test_the_relation_can_be_edited(understanding: Understanding) -> None:
    sources = dict(Lexicon.default().sources)
    wide = '"shoes" = ["sneakers",'
    assert wide in sources["en"]
    sources["en"] = sources["en"].replace(wide, '"shoes" = ["umbrella", "sneakers",')
    table, lexicon = WordTable.default(), Lexicon.parse(sources)
    edited = Understanding(Vocabulary.gather(PRODUCTS, table=table, lexicon=lexicon))
    assert "shoes" in _told(edited.read("umbrella"), "widen")
    assert "shoes" not in _told(understanding.read("umbrella"), "widen")


def test_an_english_word_brings_no_crowd_of_synonyms() -> None:
    titles = ["White dress", "White gown", "White robe", "Black frock", "Long sleeved white dress"]
    unnamed = [replace(_product(n, title), kind="") for n, title in enumerate(titles)]
    reading = _understanding(unnamed)
    assert reading.read("white dress").words == "white dress"
    # What hardly a product is called brings what most are called, and nothing else.
    assert {*reading.read("frock").words.split()} == {"frock", "dress"}


def test_a_filler_of_another_language_takes_no_english_word_away() -> None:
    unnamed = [replace(_product(n, title), kind="") for n, title in enumerate(["Men's shirt"])]
    assert "men" in _understanding(unnamed).read("white men's shirt").words
