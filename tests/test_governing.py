"""An exclusion governs one thing, and leaves alone what is wanted beside it."""

import pytest

from catalog.lexicon import Lexicon
from catalog.product_filter import admits
from catalog.words import WordTable
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from tests.shop import shop

SHOP = shop()


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    table, lexicon = WordTable.default(), Lexicon.default()
    return Understanding(Vocabulary.gather(SHOP, table=table, lexicon=lexicon))


def told(understanding: Understanding, text: str, effect: str) -> set[str]:
    return {each.value for each in understanding.read(text).understood if each.effect == effect}


@pytest.mark.parametrize(
    ("text", "unwanted", "wanted"),
    [
        ("dress no stripes black", {"striped"}, {"dress", "black"}),
        ("shirt not black men", {"black"}, {"shirt", "men"}),
        ("shirt not black for men", {"black"}, {"shirt", "men"}),
        ("Hemd nicht schwarz Herren", {"black"}, {"shirt", "men"}),
        ("shirt no floral winter", {"floral"}, {"shirt", "winter"}),
    ],
)
def test_what_follows_the_excluded_thing_is_wanted(
    understanding: Understanding, text: str, unwanted: set[str], wanted: set[str]
) -> None:
    assert told(understanding, text, "exclude") == unwanted
    assert told(understanding, text, "boost") == wanted


def test_several_of_one_field_are_excluded_together(understanding: Understanding) -> None:
    for text in (
        "dress no black or navy",
        "dress not black, not navy",
        "dress neither black nor navy",
    ):
        assert told(understanding, text, "exclude") == {"black", "navy"}, text
        assert told(understanding, text, "boost") == {"dress"}, text


@pytest.mark.parametrize("text", ["not green shirt women", "no green shirt women"])
def test_a_garment_is_wanted_where_its_colour_is_not(
    understanding: Understanding, text: str
) -> None:
    assert told(understanding, text, "exclude") == {"green"}
    assert told(understanding, text, "boost") == {"shirt", "women"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("dress nto black", "not"),
        ("dress wihtout stripes", "without"),
        ("Kleid onhe Streifen", "ohne"),
    ],
)
def test_a_slip_in_the_negation_does_not_turn_it_round(
    understanding: Understanding, text: str, meant: str
) -> None:
    assert told(understanding, text, "spell") == {meant}
    assert len(told(understanding, text, "exclude")) == 1
    assert told(understanding, text, "boost") == {"dress"}


def test_brands_in_quotes_are_alternatives(understanding: Understanding) -> None:
    reading = understanding.read('"Brand 1" "Brand 2" dress')
    assert reading.filter is not None
    kept = {each.brand for each in SHOP if admits(reading.filter, each)}
    assert kept == {"Brand 1", "Brand 2"}
    assert told(understanding, '"Zara" dress', "unknown") == {"Zara"}
