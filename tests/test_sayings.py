"""Promises of completions from the dictionaries, and of their place among the others."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.lexicon import Lexicon
from catalog.product import Product
from catalog.words import WordTable
from services.gateway.sayings import Sayings
from services.gateway.stages import Completion
from services.gateway.suggesting import Suggester, Suggestion, merged
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from tests.gateway_fakes import FakeText
from tests.shop import shop


def _vocabulary(products: list[Product]) -> Vocabulary:
    words, lexicon = WordTable.default(), Lexicon.default()
    return Vocabulary.gather(products, table=words, lexicon=lexicon)


@pytest.fixture(scope="module")
def sayings() -> Sayings:
    """Completes by what can be said of an English shop of dresses, shirts, coats and shorts."""
    return Understanding(_vocabulary(shop())).sayings


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("klei", "kleid"),
        ("Kleid", "dress"),  # what the catalogue calls it
        ("원피", "원피스"),
        ("rotes kl", "rotes kleid"),
        ("빨간 원", "빨간 원피스"),
        ("gow", "gown"),  # English, though no product is called so
    ],
)
def test_forms_of_the_catalogues_concepts_complete(
    sayings: Sayings, typed: str, completed: str
) -> None:
    assert completed in sayings.complete(typed, 8)


@pytest.mark.parametrize("typed", ["", " ", "k", "ohrr", "zzz kl", "<b>", "under", "sandale"])
def test_what_the_catalogue_has_not_is_not_completed(typed: str) -> None:
    unpriced = [replace(each, price_minor=None) for each in shop()]
    assert Understanding(_vocabulary(unpriced)).sayings.complete(typed, 8) == []


def test_a_garment_is_not_followed_by_another(sayings: Sayings) -> None:
    assert not [text for text in sayings.complete("kleid he", 20) if text == "kleid hemd"]
    assert "rotes hemd" in sayings.complete("rotes he", 20)


def test_a_limit_is_completed_by_prices_that_part_the_catalogue(sayings: Sayings) -> None:
    prices = sorted(each.price_minor or 0 for each in shop())
    found = sayings.complete("dress under", 3)
    assert found
    for text in found:
        before, _, limit = text.rpartition(" ")
        assert before == "dress under"
        assert prices[0] < 100 * int(limit) < 2 * prices[-1]
    assert sayings.complete("kleid unter", 3) == [
        text.replace("dress under", "kleid unter") for text in found
    ]
    begun = found[0][:-1]
    assert found[0] in sayings.complete(begun, 3)
    assert sayings.complete("zzzz under", 3) == []


def test_the_prices_that_part_the_catalogue_are_kept(tmp_path: Path) -> None:
    Vocabulary.write(shop(), tmp_path, table=WordTable.default(), lexicon=Lexicon.default())
    assert Vocabulary.open(tmp_path).prices == _vocabulary(shop()).prices
    assert len(_vocabulary(shop()).prices) == 3


TITLES = [Completion(f"Red dress {number}", "product", 1) for number in range(8)]


def test_what_can_be_said_comes_before_titles_and_takes_a_quarter_of_the_places() -> None:
    words = [Completion("red dress", "query", 9)]
    found = merged([], [*words, *TITLES], 8, typed="re", said=["rentierpullover", "rest", "reif"])
    assert [each.text for each in found][:4] == [
        "red dress",
        "rentierpullover",
        "rest",
        "Red dress 0",
    ]
    assert len(found) == 8


def test_alone_it_takes_all_places_as_queries() -> None:
    found = merged([], [], 8, typed="kle", said=["kleid", "kleidchen"])
    assert found == [Suggestion("kleid", "query"), Suggestion("kleidchen", "query")]


async def test_dictionaries_complete_where_no_product_is_called_so(sayings: Sayings) -> None:
    suggester = Suggester(FakeText(completions=[]), said=lambda: sayings)
    answer = await suggester.suggest("원피", 8)
    assert Suggestion("원피스", "query") in answer.found
    nobody = await Suggester(FakeText(completions=[])).suggest("원피", 8)
    assert not nobody.found
