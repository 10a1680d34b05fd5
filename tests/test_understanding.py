"""What the words of a query are read as, on a small shop."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.lexicon import Lexicon
from catalog.normalize import tokens
from catalog.product import Product, SizeStock
from catalog.product_filter import AllOf, Condition, admits, check_filter
from catalog.words import WordTable
from services.gateway.answer import Understood
from services.gateway.understanding import Reading, Understanding
from services.gateway.vocabulary import Vocabulary
from tests.shop import shop

_SLEEVES = ("sleeveless", "short", "long")
_MATERIALS = ("linen", "cotton", "organic cotton", "leather", "faux leather")


def _products() -> list[Product]:
    """The shop with sleeves, materials, sizes, two real brands and some special words."""
    found = []
    for place, each in enumerate(shop()):
        attributes = dict(each.attributes)
        if each.kind != "shorts":
            attributes["sleeve"] = _SLEEVES[place % 3]
        attributes["material"] = _MATERIALS[place % 5]
        found.append(
            replace(
                each,
                brand=("Ada & Finch", "Kite", "Rose", "Only")[place % 4],
                attributes=attributes,
                description="with a zebra zipper" if place % 7 == 0 else "plain and simple",
                sizes=tuple(SizeStock(size, 1) for size in ("S", "M", "XL", "38", "W32")),
            )
        )
    return found


PRODUCTS = _products()


def _vocabulary(products: Iterable[Product] = PRODUCTS) -> Vocabulary:
    return Vocabulary.gather(products, table=WordTable.default(), lexicon=Lexicon.default())


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """Reads by the words of the small shop."""
    return Understanding(_vocabulary())


def _kept(reading: Reading) -> list[Product]:
    return [p for p in PRODUCTS if reading.filter is None or admits(reading.filter, p)]


def _boosted(reading: Reading, field: str) -> set[str]:
    return {value for boost in reading.boosts if boost.field == field for value in boost.values}


def _effects(reading: Reading) -> set[tuple[str, str, str]]:
    return {(told.field, told.value, told.effect) for told in reading.understood}


def test_a_whole_wish_is_read(understanding: Understanding) -> None:
    reading = understanding.read("navy linen dress without sleeves, under 80")
    assert tokens(reading.words) == ["navy", "linen", "dress"]
    assert _boosted(reading, "colour") == {"navy"}
    assert _boosted(reading, "kind") == {"dress"}
    assert _boosted(reading, "attributes.material") == {"linen"}
    kept = _kept(reading)
    assert kept
    assert {p.attributes.get("sleeve", "") for p in kept} == {"", "sleeveless"}
    assert max(p.price_minor or 0 for p in kept) < 8000
    assert ("price_minor", "..7999", "filter") in _effects(reading)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("dress under 50", None, 4999),
        ("dress up to 50", None, 5000),
        ("dress 50 or less", None, 5000),
        ("dress over 20", 2001, None),
        ("dress at least 20", 2000, None),
        ("dress between 20 and 40 euros", 2000, 4000),
        ("dress between 40 and 20", 2000, 4000),
        ("20-40 euro dress", 2000, 4000),
        ("dress €49.99 max", None, 4999),
        ("dress max. 49,99 €", None, 4999),
        ("dress under fifty", None, 4999),
        ("dress under twenty five", None, 2499),
        ("dress under a hundred", None, None),
        ("dress up to 1 hundred", None, 10_000),
        ("dress up to 50 cents", None, 50),
        ("kleid unter 80 euro", None, 7999),
        ("kleid zwischen 20 und 40", 2000, 4000),
    ],
)
def test_a_price_is_a_filter(
    understanding: Understanding, text: str, least: int | None, most: int | None
) -> None:
    reading = understanding.read(text)
    condition = None if reading.filter is None else reading.filter
    if least is most is None:
        assert condition is None
        return
    assert isinstance(condition, Condition)
    told_least, told_most = condition.gte, condition.lte
    assert told_least == least
    assert told_most is None or most is not None
    assert told_most in (most, None if most is None else most - 1)


@pytest.mark.parametrize(
    "text",
    [
        "heels under 5 cm",
        "100% cotton dress",
        "dress from the 90s",
        "dress over 18000000",
        "3/4 sleeve",
    ],
)
def test_a_number_that_is_no_price_filters_nothing(understanding: Understanding, text: str) -> None:
    assert understanding.read(text).filter is None


def test_another_currency_is_no_price_here(understanding: Understanding) -> None:
    reading = understanding.read("dress under 50 dollars")
    assert reading.filter is None
    assert reading.words == "dress"


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("원피스 3만원 이하", 30_000),
        ("원피스 3만 5천원 이하", 35_000),
        ("원피스 3만5천원이하", 35_000),
        ("원피스 30,000원 이하", 30_000),
        ("dress up to 50", 50),
        ("dress up to ₩30,000", 30_000),
        ("dress up to 30k won", 30_000),
    ],
)
def test_a_price_is_told_in_the_currency_of_the_catalogue(text: str, most: int) -> None:
    won = [replace(p, currency="KRW", price_minor=(p.price_minor or 0) * 10) for p in PRODUCTS]
    reading = Understanding(_vocabulary(won)).read(text)
    assert reading.filter == Condition("price_minor", lte=most)


def test_a_size_is_a_filter_where_it_is_said_to_be_one(understanding: Understanding) -> None:
    assert understanding.read("dress size m").filter == Condition("size", ("M",))
    assert understanding.read("dress in size 38").filter == Condition("size", ("38",))
    assert understanding.read("dress size S/M").filter == Condition("size", ("S", "M"))
    assert understanding.read("XL shirt").filter == Condition("size", ("XL",))
    assert understanding.read("w32 shorts").filter == Condition("size", ("W32",))
    assert understanding.read("dress size 99").filter is None
    assert understanding.read("m shirt").filter is None


def test_a_brand_filters_in_quotes_and_lifts_without(understanding: Understanding) -> None:
    assert understanding.read('"Ada & Finch" shirt').filter == Condition("brand", ("Ada & Finch",))
    loose = understanding.read("ada finch shirt")
    assert loose.filter is None
    assert _boosted(loose, "brand") == {"Ada & Finch"}


def test_a_brand_that_is_a_word_is_a_brand_in_quotes_only(understanding: Understanding) -> None:
    assert not _boosted(understanding.read("rose dress"), "brand")
    assert not _boosted(understanding.read("only dresses"), "brand")
    assert understanding.read('"Only" dresses').filter == Condition("brand", ("Only",))


@pytest.mark.parametrize(
    ("text", "field", "gone"),
    [
        ("dress not black", "colour", {"black"}),
        ("not black dress", "colour", {"black"}),
        ("dress, no black or red", "colour", {"black", "red"}),
        ("dress in anything but black, white or red", "colour", {"black", "white", "red"}),
        ("dress not black and white", "colour", {"black", "white"}),
        ("shirt without stripes", "attributes.pattern", {"striped"}),
        ("shirt without any pattern", "attributes.pattern", {"striped", "floral"}),
        ("dress without sleeves", "attributes.sleeve", {"short", "long"}),
        ("no-sleeve dress", "attributes.sleeve", {"short", "long"}),
        ("sleeve-free dress", "attributes.sleeve", {"short", "long"}),
        ("dress not sleeveless", "attributes.sleeve", {"sleeveless"}),
        ("shirt without long sleeves", "attributes.sleeve", {"long"}),
        ("no cotton shirt", "attributes.material", {"cotton", "organic cotton"}),
        ("non-leather coat", "attributes.material", {"leather"}),
        ("something that isn't a dress", "kind", {"dress"}),
        ("hemd ohne streifen", "attributes.pattern", {"striped"}),
        ("kleid nicht schwarz", "colour", {"black"}),
        ("검정 말고 원피스", "colour", {"black"}),
    ],
)
def test_an_exclusion_takes_out_what_the_catalogue_knows(
    understanding: Understanding, text: str, field: str, gone: set[str]
) -> None:
    reading = understanding.read(text)

    def value(product: Product) -> str:
        name = field.removeprefix("attributes.")
        found = product.attributes.get(name, "") if name != field else getattr(product, field)
        return str(found)

    assert {value(p) for p in PRODUCTS} - {value(p) for p in _kept(reading)} == gone
    assert any(told.effect == "exclude" for told in reading.understood)


def test_what_is_wanted_beside_an_exclusion_stays(understanding: Understanding) -> None:
    reading = understanding.read("not black dress with stripes")
    assert _boosted(reading, "kind") == {"dress"}
    assert _boosted(reading, "attributes.pattern") == {"striped"}
    assert not _boosted(reading, "colour")
    assert tokens(reading.words) == ["dress", "stripe"]


def test_a_garment_named_before_makes_both_one_exclusion(understanding: Understanding) -> None:
    kept = _kept(understanding.read("summer dress, no black shirts"))
    assert {p.colour for p in kept if p.kind == "dress"} >= {"black"}
    assert not [p for p in kept if p.kind == "shirt" and p.colour == "black"]
    assert [p for p in kept if p.kind == "shirt"]


def test_what_no_attribute_knows_is_excluded_by_its_words(understanding: Understanding) -> None:
    reading = understanding.read("dress without zippers")
    assert reading.filter is None
    assert reading.excluded_words == "zipper"
    assert reading.negative == "zip"
    assert tokens(reading.words) == ["dress"]


def test_exclusions_can_be_named_beside_the_words(understanding: Understanding) -> None:
    reading = understanding.read("dress", exclude=("black", "zebra", "leather shorts"))
    kept = _kept(reading)
    assert not [p for p in kept if p.colour == "black"]
    assert not [p for p in kept if p.kind == "shorts" and p.attributes["material"] == "leather"]
    assert [p for p in kept if p.kind == "shorts"]
    assert reading.excluded_words == "zebra"


def test_faux_leather_is_no_leather(understanding: Understanding) -> None:
    kept = _kept(understanding.read("coat without leather"))
    assert "faux leather" in {p.attributes["material"] for p in kept}


def test_a_misspelt_word_is_mended_and_told(understanding: Understanding) -> None:
    reading = understanding.read("nvay drss with strpes")
    assert reading.did_you_mean == "navy dress with stripes"
    assert _boosted(reading, "colour") == {"navy"}
    assert ("words", "navy", "spell") in _effects(reading)


@pytest.mark.parametrize("text", ["navy dress", "kite dress", "robe", "red tee", "anorak"])
def test_no_word_that_is_known_is_mended(understanding: Understanding, text: str) -> None:
    assert understanding.read(text).did_you_mean == ""


def test_numbers_short_words_and_quoted_words_are_not_mended(
    understanding: Understanding,
) -> None:
    assert understanding.read('"drss" w33 rde').did_you_mean == ""


def test_a_longer_word_may_have_two_faults(understanding: Understanding) -> None:
    assert understanding.read("sleevlles").did_you_mean == "sleeveless"
    assert understanding.read("dxyss").did_you_mean == ""


def test_each_reading_can_be_refused(understanding: Understanding) -> None:
    text = "navy dress not black under 50 size m"
    refused = understanding.read(text, ignore=("colour:navy", "price_minor", "size"))
    assert _boosted(refused, "colour") == set()
    assert "navy" in refused.words
    assert refused.filter is not None
    assert not isinstance(refused.filter, AllOf)
    kept = understanding.read(text, ignore=("colour",))
    assert "black" in kept.words
    assert understanding.read("drss", ignore=("spelling",)).did_you_mean == ""
    assert understanding.read("drss", ignore=("words:dress",)).words == "drss"


def test_german_words_find_an_english_catalogue(understanding: Understanding) -> None:
    reading = understanding.read("dunkelblaues Leinenkleid")
    assert _boosted(reading, "colour") == {"navy"}
    assert _boosted(reading, "attributes.material") == {"linen"}
    assert _boosted(reading, "kind") == {"dress"}
    assert set(tokens(reading.words)) >= {"navy", "linen", "dress"}
    assert reading.readable.split()[-2:] == ["linen", "dress"]


def test_korean_words_find_an_english_catalogue(understanding: Understanding) -> None:
    reading = understanding.read("네이비 린넨원피스 추천해줘")
    assert _boosted(reading, "colour") == {"navy"}
    assert set(tokens(reading.words)) >= {"navy", "linen", "dress"}


def test_an_english_word_finds_a_german_catalogue() -> None:
    german = [
        replace(p, kind={"dress": "Kleid"}.get(p.kind, p.kind), title=f"Schönes {p.colour}")
        for p in PRODUCTS
    ]
    reading = Understanding(_vocabulary(german)).read("navy dress")
    assert _boosted(reading, "kind") == {"Kleid"}
    assert "Kleid" in reading.words


def test_a_concept_that_is_no_value_lifts_the_wider_one(understanding: Understanding) -> None:
    assert _boosted(understanding.read("trench coat"), "kind") == {"coat"}
    assert _boosted(understanding.read("outerwear"), "kind") == {"coat"}


def test_a_text_of_fillers_is_looked_up_as_it_stands(understanding: Understanding) -> None:
    assert understanding.read("please show me").words == "please show me"


def test_a_price_alone_leaves_no_words(understanding: Understanding) -> None:
    reading = understanding.read("under 50")
    assert reading.words == ""
    assert reading.filter == Condition("price_minor", lte=4999)


def test_a_vocabulary_is_what_was_written(tmp_path: Path) -> None:
    table, lexicon = WordTable.default(), Lexicon.default()
    facts = Vocabulary.write(PRODUCTS, tmp_path, table=table, lexicon=lexicon)
    opened = Vocabulary.open(tmp_path)
    assert facts["products"] == len(PRODUCTS) == opened.products
    assert opened == _vocabulary()
    text = "navy dress without sleeves under 50"
    assert Understanding(opened).read(text) == Understanding(_vocabulary()).read(text)


def test_an_empty_catalogue_still_reads() -> None:
    reading = Understanding(_vocabulary([])).read("navy dress without sleeves under 50 size m")
    assert "navy" in reading.words
    assert reading.filter is None


_ALPHABET = st.characters(codec="utf-8")
_WORDS = st.sampled_from(
    (
        "navy", "dress", "without", "sleeves", "not", "no", "or", "and", "under", "50", "between",
        "20", "euros", '"', "size", "m", ",", "ohne", "leinenkleid", "말고", "검정", "3만원",
        "zebra", "drss", "Ada", "&", "Finch", "-", "free", "with", "max", "€", "물방울", "xl",
        "이하",
    )
)  # fmt: skip


@given(st.text(_ALPHABET, max_size=600) | st.lists(_WORDS, max_size=40).map(" ".join))
def test_any_text_can_be_read(text: str) -> None:
    reading = _SHARED.read(text, exclude=(text,))
    if reading.filter is not None:
        check_filter(reading.filter)
    assert all(0 < boost.weight <= 100 and boost.values for boost in reading.boosts)
    assert len(reading.words) <= 512
    assert all(isinstance(told, Understood) for told in reading.understood)


@given(
    st.lists(_WORDS, max_size=12), st.sampled_from(("dress", "navy", "linen", "원피스", "kleid"))
)
def test_no_query_that_names_something_loses_all_its_words(words: list[str], named: str) -> None:
    reading = _SHARED.read(" ".join([named, ",", *words]))
    asked = (reading.words, reading.filter, reading.excluded_words, reading.negative)
    assert any(asked)
    if not any(word in words for word in ("말고", '"')):
        assert reading.words


_SHARED = Understanding(_vocabulary())


def test_what_no_product_is_called_yet_is_looked_up_as_it_is_written(
    understanding: Understanding,
) -> None:
    assert "zebrawort" in understanding.read("zebrawort").words.split()
    mended = understanding.read("drss")
    assert {"dress", "drss"} <= set(mended.words.split())
    assert mended.did_you_mean == "dress"


@pytest.mark.parametrize("text", ["원" * 512, "3만" * 250, "빨간원피스" * 100, "leinenkleid" * 46])
def test_a_word_without_an_end_takes_no_longer_than_many_words(
    understanding: Understanding, text: str
) -> None:
    def steps(given: str) -> int:
        count = 0

        def note(*_: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(note)
        try:
            understanding.read(given)
        finally:
            sys.setprofile(None)
        return count

    # Calls instead of seconds; a hostile word once cost a hundred times as many.
    assert steps(text) < 3 * steps("원피스 drses " * 57)


def test_another_one_is_no_exclusion(understanding: Understanding) -> None:
    found = understanding.read("noch ein rotes Kleid").understood
    assert {(told.value, told.effect) for told in found} == {("red", "boost"), ("dress", "boost")}
    neither = understanding.read("Kleid weder rot noch schwarz").understood
    assert {told.value for told in neither if told.effect == "exclude"} == {"red", "black"}
