"""Promises of completing what a shopper types."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from catalog.feed import Change
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.words import WordTable
from services.text_retriever.index import TextIndex
from services.text_retriever.spelling import WordList, edits_allowed
from services.text_retriever.suggest import Completion
from services.text_retriever.writable import WritableIndex
from tests.shop import shop

BRAND, CATEGORY, PRODUCT, QUERY, SPELLING = "brand", "category", "product", "query", "spelling"


def product(number: int, title: str, **fields: object) -> Product:
    key = f"p-{number:03d}"
    made = Product(id=key, style_id=key, title=title)
    return replace(made, **fields)  # type: ignore[arg-type]  # fields of a product


SMALL = [
    product(1, "Navy linen dress", brand="New Balance", kind="dress", category=("Dresses",)),
    product(2, "Navy wool dress", brand="New Look", kind="dress", category=("Dresses",)),
    product(3, "Navy V-neck tee", brand="Adidas", kind="t-shirt", category=("T-Shirts",)),
    product(4, "Red T-shirts, 2 pack", brand="adidas", kind="t-shirt", category=("T-Shirts",)),
    product(5, "Off-shoulder top", brand="Levi's", kind="top", category=("Tops",)),
    product(6, "Striped sandals", brand="Zürich & Co", kind="sandals", category=("Shoes",)),
    product(7, "롱패딩 점퍼", brand="노스", kind="패딩"),
]


def index_of(products: Sequence[Product], folder: Path, words: str = "") -> TextIndex:
    normalizer = Normalizer(WordTable.default().with_shop(words))
    TextIndex.write(products, folder, normalizer=normalizer)
    return TextIndex.open(folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> TextIndex:
    return index_of(SMALL, tmp_path_factory.mktemp("small"))


def texts(index: TextIndex, typed: str, limit: int = 8) -> list[str]:
    return [each.text for each in index.completer.complete(typed, limit)]


def one(index: TextIndex, typed: str, text: str) -> Completion:
    found = {each.text: each for each in index.completer.complete(typed, 20)}
    assert text in found, [*found]
    return found[text]


def test_a_word_is_completed_by_words_that_stand_with_the_others(small: TextIndex) -> None:
    assert one(small, "navy dr", "navy dress") == Completion("navy dress", QUERY, 2)
    assert one(small, "navy li", "navy linen").product_count == 1
    assert "red dress" not in texts(small, "red dr")


def test_brands_and_categories_are_completed_by_any_word_of_their_names(small: TextIndex) -> None:
    assert one(small, "bal", "New Balance") == Completion("New Balance", BRAND, 1)
    assert {"New Balance", "New Look"} <= {*texts(small, "new")}
    assert one(small, "dress", "Dresses") == Completion("Dresses", CATEGORY, 2)
    assert one(small, "zürich", "Zürich & Co").kind == BRAND


def test_what_is_typed_whole_is_followed_by_the_kinds_that_it_leads_to(small: TextIndex) -> None:
    assert one(small, "navy", "navy dress") == Completion("navy dress", QUERY, 2)
    assert one(small, "navy", "navy t-shirt").product_count == 1
    assert "dress dress" not in texts(small, "dress")


def test_titles_come_last_and_as_they_are_written(small: TextIndex) -> None:
    found = small.completer.complete("navy lin", 8)
    assert found[-1] == Completion("Navy linen dress", PRODUCT, 1)
    assert found[0].kind == QUERY


@pytest.mark.parametrize("typed", ["t-sh", "tsh", "T Shi", "t-shirt", "tshirt"])
def test_a_phrase_is_completed_however_it_is_written(small: TextIndex, typed: str) -> None:
    found = small.completer.complete(typed, 8)
    assert any("shirt" in each.text.lower() for each in found)
    assert all("t-shoe" not in each.text for each in found)


def test_hyphens_in_the_midst_of_a_phrase(small: TextIndex) -> None:
    assert one(small, "off-sh", "off-shoulder").product_count == 1


def test_a_plural_is_completed_as_it_is_typed(small: TextIndex) -> None:
    assert one(small, "navy dresse", "navy dresses").product_count == 2


@pytest.mark.parametrize(
    ("typed", "mended"),
    [
        ("nvay", "navy"),  # two letters in each other's place
        ("navvy dress", "navy dress"),
        ("addidas", "adidas"),
        ("sandlas", "sandals"),
        ("strped", "striped"),
        ("navy drss", "navy dress"),
        ("shuolder", "shoulder"),
    ],
)
def test_a_typo_is_mended(small: TextIndex, typed: str, mended: str) -> None:
    found = small.completer.complete(typed, 8)
    assert found, "nothing was found"
    spelt = [each.text for each in found if each.kind == SPELLING]
    assert Normalizer().tokens(spelt[0]) == Normalizer().tokens(mended)


def test_a_typo_at_the_beginning_of_a_word_is_mended_before_the_word_is_whole(
    small: TextIndex,
) -> None:
    assert any(text.startswith("navy dress") for text in texts(small, "nawy dre"))
    assert any("strip" in text for text in texts(small, "strpi"))


@pytest.mark.parametrize("typed", ["rde", "xq", "zzzzzz", "navy zzzzzz", "", "  ", "!?", "12345"])
def test_what_leads_nowhere_is_not_completed(small: TextIndex, typed: str) -> None:
    assert texts(small, typed) == []


def test_a_word_that_is_known_is_not_mended(small: TextIndex) -> None:
    assert all(each.kind != SPELLING for each in small.completer.complete("top", 8))
    assert all(each.kind != SPELLING for each in small.completer.complete("navy", 8))


def test_what_was_typed_is_no_completion_and_nothing_comes_twice(small: TextIndex) -> None:
    for typed in ("navy", "Dresses", "navy dress", "a", "n", "s", "t"):
        found = [text.casefold() for text in texts(small, typed, 20)]
        assert typed.casefold() not in found
        assert len(found) == len({*found})


def test_the_limit_is_a_ceiling(small: TextIndex) -> None:
    for limit in (1, 2, 3, 8, 20):
        assert len(texts(small, "n", limit)) <= limit
    assert len(texts(small, "n", 1)) == 1


def test_the_most_frequent_comes_first(tmp_path: Path) -> None:
    index = index_of(shop(), tmp_path)
    found = [each for each in index.completer.complete("s", 6) if each.kind != PRODUCT]
    counts = [each.product_count for each in found]
    assert counts == sorted(counts, reverse=True)
    held = sum("striped" in each.title for each in shop())
    assert {"stripe": held}.items() <= {each.text: each.product_count for each in found}.items()


def test_equal_catalogues_complete_equally(small: TextIndex, tmp_path: Path) -> None:
    again = index_of(SMALL, tmp_path)
    for typed in ("n", "na", "navy d", "nawy", "t", "s", "addid", "롱"):
        assert again.completer.complete(typed, 20) == small.completer.complete(typed, 20)


def test_korean_words_are_completed(small: TextIndex) -> None:
    assert "롱패딩" in texts(small, "롱패")
    assert "노스" in texts(small, "노")


def test_german_words_are_shown_as_they_are_written(tmp_path: Path) -> None:
    products = [product(n, t) for n, t in enumerate(["Dunkle Hose", "Blaue Hose", "Rote Jacken"])]
    index = index_of(products, tmp_path, 'language = "de"')
    assert "dunkle hose" in [text.lower() for text in texts(index, "dunkle ho")]
    assert "jacken" in texts(index, "jack")


def test_another_spelling_of_a_brand_leads_to_it(tmp_path: Path) -> None:
    index = index_of(SMALL, tmp_path, '[brands]\n"Adidas" = ["아디다스", "three stripes"]')
    assert one(index, "아디", "Adidas").kind == BRAND
    assert one(index, "thr", "Adidas").kind == BRAND


def test_changes_are_completed_at_once(tmp_path: Path) -> None:
    index = WritableIndex.built(SMALL, tmp_path, normalizer=Normalizer())
    kaftan = product(8, "Ochre kaftan", brand="Quirk", kind="kaftan")
    view = index.apply([Change("p-008", 1, 0, kaftan)], pace=lambda: None)
    assert one(view, "ochre ka", "ochre kaftan").product_count == 1
    assert one(view, "qui", "Quirk").kind == BRAND
    assert any("kaftan" in text for text in texts(view, "kafatn"))
    assert "Ochre kaftan" in texts(view, "och")
    gone = index.apply([Change("p-008", 2, 0, None)], pace=lambda: None)
    assert texts(gone, "qui") == []
    assert texts(gone, "och") == []
    assert texts(gone, "kafatn") == []
    assert one(view, "qui", "Quirk").kind == BRAND  # A view stays what it was.
    index.close()


def test_a_changed_title_is_shown_as_it_is_now(tmp_path: Path) -> None:
    index = WritableIndex.built(SMALL, tmp_path, normalizer=Normalizer())
    changed = replace(SMALL[5], title="Striped clogs")
    view = index.apply([Change(changed.id, 1, 0, changed)], pace=lambda: None)
    assert "Striped clogs" in texts(view, "stri")
    assert "Striped sandals" not in texts(view, "stri")
    index.close()


def test_an_empty_catalogue_completes_nothing(tmp_path: Path) -> None:
    assert texts(index_of([], tmp_path), "red") == []


WORDS = st.text("abcdeé롱패", min_size=1, max_size=9)


@given(st.lists(WORDS, max_size=30, unique=True), WORDS)
@settings(max_examples=300)
def test_near_words_are_those_that_a_comparison_of_all_finds(words: list[str], word: str) -> None:
    edits = edits_allowed(word)
    wanted = {
        (OSA.distance(word, each), each)
        for each in words
        if edits and each != word and OSA.distance(word, each) <= edits
    }
    half = len(words) // 2
    found = WordList(words[:half]).with_words(words[half:]).near(word)
    assert sorted(found) == sorted(wanted)


@given(st.lists(WORDS, max_size=30, unique=True), WORDS)
@settings(max_examples=300)
def test_words_that_start_nearly_so_are_those_that_a_comparison_of_all_finds(
    words: list[str], start: str
) -> None:
    edits = edits_allowed(start)
    lengths = range(len(start) - edits, len(start) + edits + 1)
    wanted = {
        (off, each)
        for each in words
        if edits and each != start
        if (off := min(OSA.distance(start, each[:length]) for length in lengths)) <= edits
    }
    assert sorted(WordList(words).near_start(start)) == sorted(wanted)


@given(st.text(max_size=600))
@settings(max_examples=200)
def test_whatever_is_typed_is_answered(small: TextIndex, typed: str) -> None:
    assert len(small.completer.complete(typed, 8)) <= 8
