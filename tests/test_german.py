"""Promises about German: declensions and compounds, a dictionary, queries that are understood."""

import hashlib
import os
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.compounds import MAX_CHARS, Compounds
from catalog.lexicon import Lexicon
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.product_filter import admits
from catalog.words import WordTable
from offline.known_texts import known_texts, products_of
from offline.suite_german import (
    DATASET,
    READ,
    RECALL,
    WRITTEN,
    Pair,
    german,
    german_queries,
    is_held_out,
    read_pairs,
)
from offline.suite_german_catalog import (
    ANALYSED,
    APART,
    BENT,
    GERMAN,
    JOINED,
    SPELT,
    VARIANTS,
    WITHOUT,
    german_catalog,
)
from runtime.errors import SetupError
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from services.text_retriever.index import TextIndex
from tests.shop import shop

DATA = os.environ.get("HEMLINE_TEST_DATA", "")
KNOWN = (
    *("leinen", "kleid", "baumwolle", "hemd", "damen", "rock", "hose", "blau", "dunkelblau"),
    *("kurzarm", "gürtel", "ärmellos", "weiß", "dunkel", "lang", "länge", "taille", "jacke"),
    *("hohe taille", "über dem knie", "leder", "lederjacke", "orange"),
)
TEXT = st.text(max_size=2 * MAX_CHARS)


@pytest.fixture(scope="module")
def compounds() -> Compounds:
    """A dictionary of a few words."""
    return Compounds(KNOWN)


@pytest.fixture(scope="module")
def german_words() -> Normalizer:
    """The normaliser of a catalogue in German."""
    return _german()


@pytest.fixture(scope="module")
def english_shop() -> Understanding:
    """Reads queries by the words of a small shop that speaks English."""
    return _understanding(_shop())


def _shop() -> list[Product]:
    materials, sleeves = ("linen", "cotton", "leather"), ("sleeveless", "short", "long")
    return [
        replace(
            each,
            attributes={
                **each.attributes,
                "material": materials[place % 3],
                "sleeve": sleeves[place // 3 % 3],
            },
        )
        for place, each in enumerate(shop())
    ]


def _understanding(products: Sequence[Product], words: str = "") -> Understanding:
    table = WordTable.default().with_shop(words) if words else WordTable.default()
    return Understanding(Vocabulary.gather(products, table=table, lexicon=Lexicon.default()))


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("leinenkleid", "leinen kleid"),
        ("Leinenkleider", "leinen kleid"),
        ("baumwollhemden", "baumwolle hemd"),
        ("damenröcke", "damen rock"),
        ("taillengürtel", "taille gürtel"),
        ("damenlederjacke", "damen lederjacke"),
        ("dunkelblaues", "dunkelblau"),
        ("dunkles", "dunkel"),
        ("röcke", "rock"),
        ("langes", "lang"),
        ("längen", "länge"),
        ("oranger", "orange"),
        ("weisse", "weiß"),
        ("WEISSES", "weiß"),
        ("aermellos", "ärmellos"),
        ("armelloses", "ärmellos"),
        ("guertel", "gürtel"),
        ("baumwoll", "baumwolle"),
        ("palazzohosen", "palazzo hose"),
    ],
)
def test_a_word_is_taken_apart_into_what_the_dictionary_knows(
    word: str, parts: str, compounds: Compounds
) -> None:
    assert " ".join(compounds.parts(word)) == parts


@pytest.mark.parametrize("word", ["brot", "karotte", "hut", "a", "", "sweater", "x" * 100])
def test_a_word_of_which_nothing_is_known_has_no_parts(word: str, compounds: Compounds) -> None:
    assert compounds.parts(word) == ()


def test_a_phrase_is_met_in_every_declension(compounds: Compounds) -> None:
    assert compounds.phrase("hohe taille") == ("hohe", "taille")
    for written in ("hohe taille", "hohen taillen", "hoher taille"):
        found = tuple(part for word in written.split() for part in compounds.parts(word))
        assert found == compounds.phrase("hohe taille")


@settings(deadline=None)
@given(TEXT)
def test_any_word_can_be_taken_apart(word: str) -> None:
    compounds = Compounds(KNOWN)
    parts = compounds.parts(word)
    assert all(parts)
    assert sum(map(len, parts)) <= 2 * len(unicodedata.normalize("NFC", word).casefold())
    assert compounds.form(word) in ("", *KNOWN, *(w for form in KNOWN for w in form.split()))


def test_the_dictionary_is_large_and_in_its_plain_form() -> None:
    source = files("catalog").joinpath("languages/de.toml").read_text(encoding="utf-8")
    concepts = tomllib.loads(source)["concepts"]
    forms = [
        form for entries in concepts.values() for written in entries.values() for form in written
    ]
    assert len(forms) >= 2_000
    assert [form for form, count in Counter(forms).items() if count > 1] == []
    for form in forms:
        assert form == unicodedata.normalize("NFC", form).lower().strip()
    assert source == unicodedata.normalize("NFC", source)


@pytest.mark.parametrize(
    ("german_text", "field", "value"),
    [
        ("rotes", "colour", "red"),
        ("marineblaue", "colour", "navy"),
        ("grünen", "colour", "green"),
        ("Kleider", "kind", "dress"),
        ("Hemden", "kind", "shirt"),
        ("Wintermäntel", "kind", "coat"),
        ("gestreifte", "attributes.pattern", "striped"),
        ("geblümtes", "attributes.pattern", "floral"),
        ("aus Baumwolle", "attributes.material", "cotton"),
        ("ledernes", "attributes.material", "leather"),
        ("langärmlige", "attributes.sleeve", "long"),
        ("mit langen Ärmeln", "attributes.sleeve", "long"),
        ("Kurzarm", "attributes.sleeve", "short"),
        ("Damen", "gender", "women"),
        ("für den Sommer", "season", "summer"),
    ],
)
def test_a_german_word_lifts_what_an_english_catalogue_calls_it(
    german_text: str, field: str, value: str, english_shop: Understanding
) -> None:
    boosts = english_shop.read(german_text).boosts
    assert any(boost.field == field and value in boost.values for boost in boosts)


def test_a_compound_lifts_all_that_it_says(english_shop: Understanding) -> None:
    reading = english_shop.read("Damenleinenkleid")
    lifted = {(boost.field, value) for boost in reading.boosts for value in boost.values}
    assert {("gender", "women"), ("attributes.material", "linen"), ("kind", "dress")} <= lifted
    assert {"women", "linen", "dress"} <= set(reading.words.split())
    assert reading.did_you_mean == ""


@pytest.mark.parametrize("text", ["Kleid ohne Ärmel", "Kleid, nicht schwarz", "keine Shorts"])
def test_what_german_excludes_is_left_out(text: str, english_shop: Understanding) -> None:
    reading = english_shop.read(text)
    assert reading.filter is not None
    kept = [each for each in _shop() if admits(reading.filter, each)]
    assert 0 < len(kept) < len(_shop())
    if "Ärmel" in text:
        assert {each.attributes["sleeve"] for each in kept} == {"sleeveless"}
    if "schwarz" in text:
        assert "black" not in {each.colour for each in kept}
    if "Shorts" in text:
        assert "shorts" not in {each.kind for each in kept}


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("Kleid unter 50 Euro", 0, 5_000),
        ("Kleid bis 50 €", 0, 5_000),
        ("Kleid ab 30 Euro", 3_000, 10**9),
        ("Kleid zwischen 30 und 50 Euro", 3_000, 5_000),
        ("Kleid von 30 bis 50 Euro", 3_000, 5_000),
    ],
)
def test_german_prices_filter(
    text: str, least: int, most: int, english_shop: Understanding
) -> None:
    reading = english_shop.read(text)
    assert reading.filter is not None
    for each in _shop():
        price = each.price_minor or 0
        if price not in (least, most):
            assert admits(reading.filter, each) == (least <= price <= most)


def test_a_word_is_said_by_its_own_english_word() -> None:
    texts = {"a": "half sleeve shirt", "b": "short sleeve shirt", "c": "light pink shirt"}
    understanding = _understanding(products_of(texts))
    with known_texts(texts, WordTable.default()) as known:
        assert known.rank("a", "", understanding.read("Hemd mit halben Ärmeln")).own == 1
        assert known.rank("b", "", understanding.read("Kurzarmhemd")).own == 1
        assert known.rank("c", "", understanding.read("hellrosa Hemd")).own == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("schwarzer Rock", "black skirt"),
        ("roter rock", "red skirt"),
        ("rock für damen", "skirt women"),
        ("rock band tee", "rock band tee"),
        ("punk rock shirt", "punk rock shirt"),
        ("hose", "trousers"),
    ],
)
def test_a_word_that_english_has_too_is_read_by_what_else_is_said(query: str, words: str) -> None:
    english = {f"{n:03d}": f"{'black' if n % 2 else 'red'} women skirt" for n in range(40)}
    english |= {"rock": "rock band tee", "rock2": "punk shirt", "trousers": "trousers"}
    understanding = _understanding(products_of(english))
    assert understanding.read(query).words.split() == words.split()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("kleid aus leinen", "Leinenkleid"),
        ("leinenkleid", "Kleid aus reinem Leinen"),
        ("schwarze röcke", "schwarzer Rock"),
        ("jacken", "Damenlederjacke"),
        ("blumenmuster", "mit Muster aus Blumen"),
        ("aermelloses hemd", "ärmelloses Hemd"),
        ("grosse groessen", "große Größen"),
    ],
)
def test_words_of_a_german_catalogue_meet(query: str, text: str, german_words: Normalizer) -> None:
    asked = german_words.tokens(query)
    assert asked
    held = set(german_words.document_tokens(text))
    meeting = [token for token in asked if token in held]
    assert len(meeting) >= len(query.replace(" aus ", " ").split())


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("schuhe", "Handschuhe"),
        ("leder", "Kunstlederjacke"),
        ("hose", "Strumpfhose"),
        ("wolle", "Baumwollhemd"),
        ("anzug", "Schlafanzug"),
    ],
)
def test_a_garment_is_not_found_under_a_part_that_it_is_not(
    query: str, text: str, german_words: Normalizer
) -> None:
    assert not set(german_words.tokens(query)) & set(german_words.document_tokens(text))


@settings(deadline=None)
@given(TEXT)
def test_documents_and_queries_of_a_german_catalogue_say_the_same(text: str) -> None:
    words = _german()
    tokens = words.tokens(text, max_chars=len(text), max_tokens=10_000)
    assert set(tokens) <= set(words.document_tokens(text))


@cache
def _german() -> Normalizer:
    return Normalizer(WordTable.default().with_shop(GERMAN))


def test_an_index_keeps_the_dictionary_that_it_was_written_with(
    tmp_path: Path, german_words: Normalizer
) -> None:
    products = products_of({"a": "Leinenkleid", "b": "Lederjacke"})
    TextIndex.write(products, tmp_path, normalizer=german_words, writer_bytes=50_000_000)
    index = TextIndex.open(tmp_path)
    assert index.normalizer.table.german == german_words.table.german != ""
    ids, _ = index.search(index.normalizer.tokens("Kleider aus Leinen"), 5)
    assert ids == ["a"]


def test_an_english_catalogue_is_read_as_before() -> None:
    assert WordTable.default().german == ""
    assert Normalizer().tokens("Leinenkleider") == ["leinenkleider"]


def test_the_halves_of_the_pairs_are_told_by_the_number_of_the_row() -> None:
    assert [row for row in range(12) if is_held_out(row)] == [
        row for row in range(12) if _sha256_is_even(row)
    ]
    assert 5_800 < sum(map(is_held_out, range(12_000))) < 6_200


def _sha256_is_even(row: int) -> bool:
    return int(hashlib.sha256(str(row).encode()).hexdigest(), 16) % 2 == 0


def test_pairs_that_are_not_there_are_missed(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no German pairs"):
        german(None, tmp_path)
    with pytest.raises(SetupError, match=DATASET):
        german(None, None)


COLOURS = {
    "schwarz": "black",
    "rot": "red",
    "blau": "blue",
    "grün": "green",
    "weiß": "white",
    "gelb": "yellow",
    "grau": "grey",
    "braun": "brown",
    "violett": "violet",
    "türkis": "turquoise",
    "silbern": "silver",
    "marineblau": "navy",
}
STUFFS = {"Leinen": "linen", "Baumwoll": "cotton", "Leder": "leather", "Seiden": "silk"}
KINDS = {"kleid": "dress", "hemd": "shirt", "rock": "skirt", "hose": "trousers"}


def _pairs() -> list[Pair]:
    texts = [
        (
            f"{colours[1]} {stuffs[1]} {kinds[1]} with pockets",
            f"{colours[0]}es {stuffs[0]}{kinds[0]}",
        )
        for colours in COLOURS.items()
        for stuffs in STUFFS.items()
        for kinds in KINDS.items()
    ]
    return [Pair(row, *text) for row, text in enumerate(texts)]


def test_german_queries_find_their_english_twins() -> None:
    report = german_queries(_pairs())
    assert report.figure(READ, "MRR").mean >= 0.99
    assert report.figure(WRITTEN, RECALL).mean <= 0.2


def test_equal_texts_stand_against_each_other_unless_they_are_counted_as_right() -> None:
    texts = {"a": "red dress", "b": "red dress", "c": "red dress with dots", "d": "blue shirt"}
    with known_texts(texts, WordTable.default()) as known:
        rank = known.rank("a", "red dress")
        assert (rank.own, rank.equal) == (2, 1)
        missed = known.rank("d", "red dress")
        assert (missed.own, missed.equal) == (float("inf"), float("inf"))


def test_a_german_catalogue_is_found_however_its_words_are_written() -> None:
    texts = {pair.name: pair.german for pair in _pairs()}
    texts |= {f"w{word}": word for word in ("Leinen", "Leder", "Kleid", "Hose", "Hemd", "Rock")}
    report = german_catalog(texts)
    for variant in (BENT, SPELT):
        assert report.figure(ANALYSED, variant).mean == 1.0
        assert report.figure(ANALYSED, variant).count > 0
    for variant in (BENT, APART):
        found = report.figure(ANALYSED, variant)
        assert found.low > report.figure(WITHOUT, variant).high


def test_the_rules_of_the_variants_change_what_they_say() -> None:
    words = {"kleid", "baumwolle", "leinen"}
    text = "schwarzes Leinenkleid mit Crop-Top für große Größen"
    assert VARIANTS[BENT](text, words).startswith("schwarzer Leinenkleid")
    assert VARIANTS[APART](text, words) == text.replace("Leinenkleid", "kleid leinen")
    assert VARIANTS[JOINED](text, words) == text.replace("Crop-Top", "Croptop")
    assert VARIANTS[SPELT](text, words).endswith("fuer grosse Groessen")


@pytest.mark.skipif(not DATA, reason=f"HEMLINE_TEST_DATA names no folder with {DATASET}")
def test_german_queries_find_the_texts_of_real_shoppers() -> None:
    pairs = list(read_pairs(Path(DATA) / DATASET, held_out=False))[::6]
    report = german_queries(pairs)
    assert report.figure(READ, RECALL).low >= 0.75
    assert report.figure(WRITTEN, RECALL).high <= 0.35
