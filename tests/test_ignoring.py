"""What a caller does not want understood: fields, values and effects."""

from dataclasses import replace

import pytest

from catalog.lexicon import Lexicon
from catalog.product import SizeStock
from catalog.words import WordTable
from runtime.errors import InvalidArgument
from services.gateway.parts import words
from services.gateway.query import Query
from services.gateway.query_options import Understand
from services.gateway.reading import read
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from tests.shop import shop

PRODUCTS = [
    replace(
        each,
        brand="Corvo" if place % 2 else "Kite",
        attributes={**each.attributes, "heel": "block heel", "sleeve": "long"},
        description="with a zipper",
        sizes=(SizeStock("M", 1),),
    )
    for place, each in enumerate(shop())
]


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """Reads by the words of the small shop."""
    table, lexicon = WordTable.default(), Lexicon.default()
    return Understanding(Vocabulary.gather(PRODUCTS, table=table, lexicon=lexicon))


TEXT = 'navy drss under 80 size m "Corvo" without zippers, not black'


def _told(understanding: Understanding, *ignore: str) -> set[tuple[str, str]]:
    reading = understanding.read(TEXT, ignore=ignore)
    return {(each.field, each.effect) for each in reading.understood}


def test_nothing_is_ignored_unless_asked_for(understanding: Understanding) -> None:
    assert _told(understanding) == {
        ("colour", "boost"),
        ("words", "spell"),
        ("kind", "boost"),
        ("price_minor", "filter"),
        ("size", "filter"),
        ("brand", "filter"),
        ("detail", "exclude"),
        ("colour", "exclude"),
    }


@pytest.mark.parametrize(
    ("ignore", "gone"),
    [
        ("colour", {("colour", "boost"), ("colour", "exclude")}),
        ("Color", {("colour", "boost"), ("colour", "exclude")}),
        ("color : Navy", {("colour", "boost")}),
        ("colour:black", {("colour", "exclude")}),
        ("price", {("price_minor", "filter")}),
        ("price_minor:..7999", {("price_minor", "filter")}),
        ("size", {("size", "filter")}),
        ("brand:corvo", {("brand", "filter")}),
        ("detail", {("detail", "exclude")}),
        ("filter", {("price_minor", "filter"), ("size", "filter"), ("brand", "filter")}),
        ("exclude", {("detail", "exclude"), ("colour", "exclude")}),
        ("spell", {("words", "spell"), ("kind", "boost")}),
        ("spelling", {("words", "spell"), ("kind", "boost")}),
        ("words", {("words", "spell"), ("kind", "boost")}),
        ("words:dress", {("words", "spell"), ("kind", "boost")}),
        ("boost", {("colour", "boost"), ("kind", "boost")}),
    ],
)
def test_each_form_takes_back_what_it_names_and_nothing_else(
    understanding: Understanding, ignore: str, gone: set[tuple[str, str]]
) -> None:
    assert _told(understanding) - _told(understanding, ignore) == gone
    assert _told(understanding, ignore) <= _told(understanding)


def test_words_that_are_not_read_are_looked_up(understanding: Understanding) -> None:
    assert "black" in understanding.read("dress not black", ignore=("exclude",)).words.split()
    kept = understanding.read("crimson dress", ignore=("boost",))
    assert (kept.words, kept.boosts) == ("crimson dress", ())
    assert understanding.read('"Corvo" dress', ignore=("filter",)).words == "Corvo dress"
    assert "80" in understanding.read("dress under 80", ignore=("price",)).words.split()


def test_a_translation_can_be_refused_and_a_lift_with_it(understanding: Understanding) -> None:
    lifted = understanding.read("Kleid", ignore=("translate",))
    assert [told.effect for told in lifted.understood] == ["boost"]
    translated = understanding.read("Kleid", ignore=("boost",))
    assert [told.effect for told in translated.understood] == ["translate"]
    assert translated.words == "dress"
    assert understanding.read("Kleid", ignore=("boost", "translate")).words == "kleid"


def test_a_list_of_exclusions_holds_also_where_its_reading_is_refused(
    understanding: Understanding,
) -> None:
    read_it = understanding.read("dress", exclude=("black",))
    assert read_it.filter is not None
    for ignore in ("colour", "colour:black", "exclude"):
        literal = understanding.read("dress", exclude=("black",), ignore=(ignore,))
        assert literal.filter is None
        assert literal.excluded_words == "black"


@pytest.mark.parametrize(
    "ignore", ["heel", "attributes.heel", "attributes.none", "season", "neckline"]
)
def test_attributes_and_all_fields_can_be_named(understanding: Understanding, ignore: str) -> None:
    understanding.read("dress", ignore=(ignore, f"{ignore}:some value"))


@pytest.mark.parametrize("ignore", ["nope", "nope:navy", "filter:navy", "attributes.", "spell:x"])
@pytest.mark.parametrize("text", ["dress", ""])
def test_what_is_never_read_is_refused_by_its_place(
    understanding: Understanding, ignore: str, text: str
) -> None:
    options = Understand(ignore=("colour", ignore))
    parts = (words(text, "text"),) if text else ()
    with pytest.raises(InvalidArgument) as told:
        read(understanding, Query(parts, understand=options))
    assert told.value.field == "understand.ignore[1]"
    assert "colour" in told.value.message
    assert "spell" in told.value.message
    assert "nope" not in told.value.message
