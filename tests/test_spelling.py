"""Promises of mending what is misspelt in a query."""

import string
from random import Random

import pytest

from catalog.lexicon import Lexicon
from catalog.product import Product
from catalog.words import WordTable
from services.gateway.slips import is_slip
from services.gateway.spelling import Context, Spelling
from services.gateway.understanding import Reading, Understanding
from services.gateway.vocabulary import Vocabulary

FREQUENT = {
    "green": 135,
    "grey": 412,
    "shirt": 317,
    "short": 484,
    "bag": 199,
    "dress": 300,
    "cardigan": 40,
    "black": 220,
}
GARMENTS = {"shirt", "bag", "dress", "cardigan"}


def _spelling(frequencies: dict[str, int]) -> Spelling:
    return Spelling(frequencies, {}, {}, GARMENTS, 3000)


def _meant(word: str, context: Context | None = None) -> str:
    return _spelling(FREQUENT).mended(word, context or Context())[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("gren", "green"),  # a doubled letter, though more are grey
        ("geren", "green"),  # two letters swapped
        ("shrt", "shirt"),  # no garment is named, so it is one rather than a length
        ("bage", "bag"),  # three letters are enough for what products are called
        ("drees", "dress"),
        ("blck", "black"),
    ],
)
def test_the_likeliest_of_words_as_near_is_meant(written: str, meant: str) -> None:
    assert _meant(written) == meant


def test_beside_a_garment_no_other_one_is_meant_rather_than_a_commoner_word() -> None:
    assert _meant("shrt", Context(names_garment=True)) == "short"


def test_a_word_that_hardly_a_product_holds_is_not_preferred_for_its_consonants() -> None:
    rare = {"green": 1, "grey": 4000}
    assert _spelling(rare).mended("gren", Context())[0] == "grey"


def test_a_word_of_three_letters_with_another_first_one_is_not_meant() -> None:
    assert _spelling({"tag": 500}).mended("bag", Context())[0] == ""
    assert _spelling({"age": 500}).mended("bage", Context())[0] == ""


def _shop(more: str = "") -> Understanding:
    titles = ["Green cotton cardigan", "Grey wool dress", "Black linen shirt", "Striped bag", more]
    products = [
        Product(id=f"p-{n}", style_id=f"p-{n}", title=title, kind=title.split()[-1])
        for n, title in enumerate(filter(None, titles))
    ]
    words, lexicon = WordTable.default(), Lexicon.default()
    return Understanding(Vocabulary.gather(products, table=words, lexicon=lexicon))


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """Reads by the words of four products."""
    return _shop()


def _mends(reading: Reading) -> dict[str, str]:
    return {told.written: told.value for told in reading.understood if told.effect == "spell"}


@pytest.mark.parametrize("written", ["cardigann", "caridgan", "cardgan", "cardigane"])
def test_no_mend_is_kept_silent(understanding: Understanding, written: str) -> None:
    reading = understanding.read(f"green {written}")
    assert _mends(reading) == {written: "cardigan"}
    assert reading.did_you_mean == "green cardigan"


@pytest.mark.parametrize(
    "declined", ["grüner", "grünes", "Kleidern", "Taschen", "Jacken", "beiger"]
)
def test_a_declined_word_is_no_mistake(understanding: Understanding, declined: str) -> None:
    assert not _mends(understanding.read(declined))


def test_more_than_six_words_are_mended(understanding: Understanding) -> None:
    reading = understanding.read("grren blak strped lineen cottn shrt drss cardigann")
    assert len(_mends(reading)) == 8


def test_what_mending_costs_is_bounded() -> None:
    draw = Random(5)
    words = ["".join(draw.choices(string.ascii_lowercase, k=7)) for _ in range(500)]
    query = " ".join(f"{word[0]}x{word[1:]}" for word in words[:50])
    assert 6 < len(_mends(_shop(" ".join(words)).read(query))) < 50


@pytest.mark.parametrize("word", ["garden", "morning", "father", "around", "plane", "french"])
def test_an_ordinary_english_word_is_never_mended(word: str) -> None:
    reading = _shop("Arden trench feather lane round mourning").read(f"{word} dress")
    assert not _mends(reading)
    assert not reading.did_you_mean
    assert word in reading.words


def test_what_looks_alike_and_is_no_slip_is_only_asked_about(understanding: Understanding) -> None:
    reading = understanding.read("ocardigan")
    assert not _mends(reading)
    assert reading.did_you_mean == "cardigan"


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ("Klied", "kind", "dress"),
        ("Kleidd", "kind", "dress"),
        ("Kleit gruen", "kind", "dress"),
        ("Hemdt schwarz", "kind", "shirt"),
        ("gestreifftes Kleid", "pattern", "striped"),
        ("schwartzes Hemd", "colour", "black"),
    ],
)
def test_german_words_are_mended_as_well(
    understanding: Understanding, written: str, field: str, value: str
) -> None:
    reading = understanding.read(written)
    assert _mends(reading)
    told = {(each.field, each.value) for each in reading.understood}
    assert (field, value) in told


@pytest.mark.parametrize(
    ("written", "meant", "is_so"),
    [
        ("drses", "dress", True),
        ("drss", "dress", True),
        ("dresd", "dress", True),
        ("kleit", "kleid", True),
        ("dress", "press", False),
        ("plane", "lane", False),
        ("coat", "coal", False),
    ],
)
def test_a_slip_is_told_from_another_word(written: str, meant: str, is_so: bool) -> None:
    assert is_slip(written, meant) is is_so
