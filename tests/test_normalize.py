"""Promises of the normaliser."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.normalize import MAX_CHARS, MAX_TOKENS, Normalizer, clean, readable, tokens
from catalog.words import WordTable

GOLDEN = Path(__file__).parent / "golden" / "normalizer.txt"
CONTROL = "".join(map(chr, [*range(32), 127, 0xD800, 0xDFFF]))


def golden() -> list[tuple[str, list[str], str]]:
    """Reads the table made by hand."""
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if not line.startswith("#")]
    return [(written.strip(), words.split(), form.strip()) for written, words, form in rows]


@pytest.mark.parametrize(("written", "words", "form"), golden(), ids=lambda value: str(value))
def test_the_table_made_by_hand_holds(written: str, words: list[str], form: str) -> None:
    assert tokens(written) == words
    assert readable(written) == form


@pytest.mark.parametrize("word", ["tees", "crop-top", "V neck", "Off White", "trench coats"])
def test_readable_text_means_the_same_words(word: str) -> None:
    assert tokens(readable(word)) == tokens(word)


def test_a_document_is_found_by_the_parts_of_a_phrase_too() -> None:
    words = Normalizer().document_tokens("Black tank top in off-white")
    assert words == ["black", "tanktop", "tank", "top", "offwhite", "white"]


def test_a_query_is_cut_and_a_document_is_not() -> None:
    long = "dress " * 1000
    assert len(tokens(long)) == MAX_TOKENS
    assert len(Normalizer().document_tokens(long)) == 1000
    assert tokens("a" * (MAX_CHARS + 5)) == ["a" * MAX_CHARS]
    assert len(readable("b" * 2000)) <= MAX_CHARS


def test_another_table_may_be_injected() -> None:
    source = 'stop_words = ["le"]\nnouns = ["robe"]\n[forms]\nbleue = "bleu"\n[phrases.tshirt]\n'
    table = WordTable.parse(source + 'forms = ["tee shirt"]\nalso = ["haut"]\n')
    normalizer = Normalizer(table)
    assert normalizer.tokens("le tee-shirt bleue robes") == ["tshirt", "bleu", "robe"]
    assert normalizer.document_tokens("tee shirt") == ["tshirt", "haut"]


@pytest.mark.parametrize("missing", ["stop_words = []", "nouns = []"])
def test_a_table_that_lacks_a_part_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match="lacks"):
        WordTable.parse(missing)


def test_cleaning_keeps_the_words_and_drops_what_cannot_be_shown() -> None:
    assert clean(" Red\x00  dress\n\ud800 Größe\u200b ") == "Red dress Größe"
    assert clean("e\u0301") == "é"


@given(st.text(st.characters(), max_size=600))
def test_any_text_is_normalised_to_storable_words(text: str) -> None:
    for token in tokens(text):
        assert token
        assert not any(c.isspace() for c in token)
        token.encode()
    assert not set(clean(text)) & set(CONTROL)
    assert not set(readable(text)) & set(CONTROL)


@given(
    st.lists(
        st.sampled_from(["tee", "tees", "v-neck", "crop", "top", "off", "white", "gray", "dress"])
    )
)
def test_normalising_words_twice_changes_nothing(words: list[str]) -> None:
    once = tokens(" ".join(words))
    assert tokens(" , ".join(once)) == once
