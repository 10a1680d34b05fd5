"""Promises of which words of a catalogue complete what is typed."""

import pytest

from catalog.product import Product
from services.text_retriever.index import TextIndex


def _product(number: int, title: str, kind: str, colour: str = "navy") -> Product:
    return Product(
        id=f"p-{number}",
        style_id=f"s-{number}",
        title=title,
        kind=kind,
        colour=colour,
        category=(f"{kind.capitalize()}es",),
        description="Designed for a day of twenty degrees",
        attributes={"material": "denim"} if number % 2 else {},
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> TextIndex:
    """Dresses and coats, each of which is described as designed for a day of twenty degrees."""
    folder = tmp_path_factory.mktemp("index")
    products = [_product(n, "Linen shift", "dress") for n in range(3)]
    products += [_product(n + 3, "Wool wrap", "coat", "black") for n in range(2)]
    TextIndex.write(products, folder)
    return TextIndex.open(folder)


def _texts(index: TextIndex, typed: str) -> list[str]:
    return [each.text for each in index.completer.complete(typed, 8)]


def test_words_of_values_and_titles_complete_and_those_of_descriptions_do_not(
    index: TextIndex,
) -> None:
    assert {*_texts(index, "navy d")} == {"navy dress", "navy denim"}
    assert "navy shift" in _texts(index, "navy sh")


def test_a_word_of_a_description_completes_where_nothing_else_does(index: TextIndex) -> None:
    assert "degrees" in _texts(index, "degr")


def test_words_that_are_begun_are_gone_on_with(index: TextIndex) -> None:
    assert "navy dress" in _texts(index, "nav dr")
    assert "black coat" in _texts(index, "bla co")
    assert _texts(index, "bla dr") == []  # no dress is black


def test_a_letter_is_no_word_before_a_kind(index: TextIndex) -> None:
    assert not [text for text in _texts(index, "navy d") if text.startswith("navy d ")]


@pytest.mark.parametrize("typed", ["<b>", "<b", "[bl", '"bla', "*black", "(b)"])
def test_signs_are_left_away(index: TextIndex, typed: str) -> None:
    found = _texts(index, typed)
    assert found
    assert all(text[0].isalpha() for text in found)


def test_a_category_and_a_kind_of_one_name_come_once(index: TextIndex) -> None:
    assert [text for text in _texts(index, "dr") if text.lower().startswith("dress")] == ["Dresses"]


def test_a_title_is_no_completion_of_a_word_that_it_lacks(index: TextIndex) -> None:
    kinds = [each.kind for each in index.completer.complete("degr", 8)]
    assert "product" not in kinds
