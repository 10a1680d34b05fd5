"""What a query does not want: things said exactly, phrases that only look like it, a minus."""

from dataclasses import replace

import pytest

from catalog.lexicon import Lexicon
from catalog.normalize import tokens
from catalog.product import Product, SizeStock
from catalog.product_filter import Condition, Not, admits
from catalog.words import WordTable
from services.gateway.understanding import Reading, Understanding
from services.gateway.vocabulary import Vocabulary
from tests.shop import shop

_SLEEVES = ("sleeveless", "short", "long")
_NECKLINES = ("collar", "crew", "v-neck")
_BRANDS = ("Corvo", "Kite", "Ada & Finch")
_SIZES = (("S", "M"), ("L", "XL"))


def _products(currency: str = "EUR", unit: int = 1) -> list[Product]:
    """The shop with sleeves, necklines, brands, sizes and one word that few products hold."""
    return [
        replace(
            each,
            brand=_BRANDS[place % 3],
            colour="blue" if place % 11 == 0 else each.colour,
            currency=currency,
            price_minor=(each.price_minor or 0) * unit,
            attributes={
                **each.attributes,
                "sleeve": _SLEEVES[place % 3],
                "neckline": _NECKLINES[place % 3],
                "material": ("linen", "leather", "lace")[place % 3],
            },
            description="with a zebra zipper" if place % 7 == 0 else "plain and simple",
            sizes=tuple(SizeStock(size, 1) for size in _SIZES[place % 2]),
        )
        for place, each in enumerate(shop())
    ]


PRODUCTS = _products()


def _understanding(products: list[Product] = PRODUCTS, words: str = "") -> Understanding:
    table = WordTable.default().with_shop(words)
    return Understanding(Vocabulary.gather(products, table=table, lexicon=Lexicon.default()))


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """Reads by the words of the small shop."""
    return _understanding()


@pytest.fixture(scope="module")
def korean() -> Understanding:
    """Reads by the words of a shop that sells in won."""
    return _understanding(_products("KRW", 10))


def _effects(reading: Reading) -> set[tuple[str, str, str]]:
    return {(told.field, told.value, told.effect) for told in reading.understood}


def _boosted(reading: Reading) -> set[str]:
    return {value for boost in reading.boosts for value in boost.values}


@pytest.mark.parametrize(
    "text",
    [
        'dress not "Corvo"',
        'no "Corvo" dress',
        'dress not by "Corvo"',
        'dress -"Corvo"',
        'Kleid nicht von "Corvo"',
        'kein "Corvo" Kleid',
        'Kleid -"Corvo"',
        '"Corvo" 말고 원피스',
        '원피스 -"Corvo"',
    ],
)
def test_a_brand_in_quotes_behind_a_marker_is_left_out(
    understanding: Understanding, text: str
) -> None:
    reading = understanding.read(text)
    assert reading.filter == Not(Condition("brand", ("Corvo",)))
    assert _effects(reading) == {("brand", "Corvo", "exclude"), ("kind", "dress", "boost")}
    assert tokens(reading.words) == ["dress"]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("dress not size M", ("M",)),
        ("dress, no size S or M", ("S", "M")),
        ("dress not XL", ("XL",)),
        ("dress -XL", ("XL",)),
        ("Kleid keine Größe M", ("M",)),
        ("Kleid nicht in Größe M", ("M",)),
        ("M 사이즈 말고 원피스", ("M",)),
    ],
)
def test_a_size_behind_a_marker_is_left_out(
    understanding: Understanding, text: str, sizes: tuple[str, ...]
) -> None:
    reading = understanding.read(text)
    assert reading.filter == Not(Condition("size", sizes))
    assert ("size", sizes[0], "exclude") in _effects(reading)


def test_what_is_exact_stays_wanted_behind_another_exclusion(understanding: Understanding) -> None:
    effects = _effects(understanding.read('dress not black size M under 80 "Kite"'))
    assert {("size", "M", "filter"), ("brand", "Kite", "filter")} <= effects
    assert {("price_minor", "..7999", "filter"), ("colour", "black", "exclude")} <= effects


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("dress not over 50", None, 5000),
        ("dress, nothing over 50", None, 5000),
        ("dress not more expensive than 50", None, 5000),
        ("dress not under 50", 5000, None),
        ("dress nothing below 50", 5000, None),
        ("Kleid nicht über 50 Euro", None, 5000),
        ("Kleid nicht mehr als 50", None, 5000),
        ("Kleid nicht teurer als 50 Euro", None, 5000),
        ("Kleid nichts unter 50 Euro", 5000, None),
    ],
)
def test_a_price_that_is_not_wanted_leaves_the_others(
    understanding: Understanding, text: str, least: int | None, most: int | None
) -> None:
    reading = understanding.read(text)
    assert reading.filter == Condition("price_minor", gte=least, lte=most)
    told = f"{'' if least is None else least}..{'' if most is None else most}"
    assert ("price_minor", told, "filter") in _effects(reading)


@pytest.mark.parametrize("text", ["5만원 이상 말고 원피스", "5만원 이상 제외 원피스"])
def test_a_korean_price_that_is_not_wanted_leaves_the_others(
    korean: Understanding, text: str
) -> None:
    assert korean.read(text).filter == Condition("price_minor", lte=49_999)
    assert korean.read("5만원 넘지 않는 원피스").filter == Condition("price_minor", lte=50_000)


def test_prices_between_two_can_be_left_out(understanding: Understanding) -> None:
    reading = understanding.read("dress not between 20 and 40")
    assert reading.filter == Not(Condition("price_minor", gte=2000, lte=4000))
    assert ("price_minor", "2000..4000", "exclude") in _effects(reading)


def test_other_words_in_quotes_are_left_out_as_they_stand(understanding: Understanding) -> None:
    assert understanding.read('dress not "zebra"').excluded_words == "zebra"
    striped = understanding.read('dress not "striped"')
    assert striped.filter == Not(Condition("attributes.pattern", ("striped",)))
    assert understanding.read('dress "striped"').filter is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("none other than black dress", {"black", "dress"}),
        ("why not a red dress", {"red", "dress"}),
        ("not only black but also navy dress", {"black", "navy", "dress"}),
        ("nothing but black dresses", {"black", "dress"}),
        ("dress not without stripes", {"striped", "dress"}),
        ("no matter the price black dress", {"black", "dress"}),
        ("nicht nur schwarzes, sondern auch marineblaues Kleid", {"black", "navy", "dress"}),
        ("warum nicht ein rotes Kleid", {"red", "dress"}),
        ("nichts anderes als ein schwarzes Kleid", {"black", "dress"}),
        ("검정뿐만 아니라 네이비 원피스", {"black", "navy", "dress"}),
        ("검정 뿐만아니라 네이비 원피스", {"black", "navy", "dress"}),
        ("검정뿐 아니라 네이비 원피스", {"black", "navy", "dress"}),
        ("빨간 원피스 어때요", {"red", "dress"}),
        ("색상 상관없이 원피스", {"dress"}),
    ],
)
def test_what_only_looks_like_an_exclusion_leaves_nothing_out(
    understanding: Understanding, text: str, wanted: set[str]
) -> None:
    reading = understanding.read(text)
    assert not any(told.effect in ("exclude", "unknown") for told in reading.understood)
    assert (reading.filter, reading.excluded_words, reading.negative) == (None, "", "")
    assert wanted <= _boosted(reading)


def test_korean_that_takes_back_nothing_still_excludes(understanding: Understanding) -> None:
    reading = understanding.read("검정이 아니라 네이비 원피스")
    assert reading.filter == Not(Condition("colour", ("black",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no show dress", {"no", "show"}),
        ("no-show dress", {"no", "show"}),
        ("non stop black dress", {"non", "stop", "black"}),
        ("non-iron shirt", {"non", "iron", "shirt"}),
    ],
)
def test_names_that_begin_like_an_exclusion_are_looked_up(
    understanding: Understanding, text: str, said: set[str]
) -> None:
    reading = understanding.read(text)
    assert reading.filter is None
    assert said <= set(reading.words.split())


def test_laces_are_no_lace_and_a_strap_is_no_spaghetti_strap(understanding: Understanding) -> None:
    shoes = understanding.read("shoes without laces")
    assert shoes.filter is None
    assert ("detail", "laces", "exclude") in _effects(shoes)
    dress = understanding.read("dress without lace")
    assert dress.filter == Not(Condition("attributes.material", ("lace",)))
    assert ("detail", "strap", "exclude") in _effects(understanding.read("bag without strap"))
    straps = _effects(understanding.read("top without straps"))
    assert ("sleeve", "spaghetti strap", "exclude") in straps


@pytest.mark.parametrize("text", ["shirt -black", "-black shirt", "Hemd -schwarz", "셔츠 -검정"])
def test_a_minus_written_to_a_word_leaves_it_out(understanding: Understanding, text: str) -> None:
    reading = understanding.read(text)
    assert reading.filter == Not(Condition("colour", ("black",)))
    assert _boosted(reading) == {"shirt"}


def test_a_minus_governs_no_more_than_its_word(understanding: Understanding) -> None:
    reading = understanding.read("navy -blue dress -zipper shirt")
    assert _boosted(reading) >= {"navy", "dress", "shirt"}
    assert reading.excluded_words == "zipper"
    assert "navy" in {p.colour for p in PRODUCTS if reading.filter and admits(reading.filter, p)}


@pytest.mark.parametrize(
    "text", ["t-shirt", "slip-on", "navy - black", "2-pack", "20 -40 euro", "v-neck", "--black"]
)
def test_a_hyphen_is_no_minus(understanding: Understanding, text: str) -> None:
    reading = understanding.read(text)
    assert not any(told.effect in ("exclude", "unknown") for told in reading.understood)


def test_what_is_wanted_is_not_left_out_with_a_wider_word(understanding: Understanding) -> None:
    reading = understanding.read("navy dress, not blue")
    assert reading.filter is not None
    kept = {p.colour for p in PRODUCTS if admits(reading.filter, p)}
    assert "navy" in kept
    assert "blue" not in kept


@pytest.mark.parametrize("text", ["without sleeves", "ohne Ärmel", "소매 없는"])
def test_a_field_that_is_left_out_is_told_by_its_name(
    understanding: Understanding, text: str
) -> None:
    assert ("sleeve", "sleeves", "exclude") in _effects(understanding.read(text))


def test_a_list_takes_prices_sizes_and_brands(understanding: Understanding) -> None:
    def kept(text: str) -> list[Product]:
        found = understanding.read("dress", exclude=(text,)).filter
        assert found is not None
        return [product for product in PRODUCTS if admits(found, product)]

    assert max(p.price_minor or 0 for p in kept("over 50")) <= 5000
    assert min(p.price_minor or 0 for p in kept("under 50")) >= 5000
    assert not [p for p in kept("size M") if any(size.size == "M" for size in p.sizes)]
    assert {p.brand for p in kept('"Corvo"')} == {"Kite", "Ada & Finch"}
    both = kept("black over 50")
    assert not [p for p in both if p.colour == "black" and (p.price_minor or 0) > 5000]
    assert [p for p in both if p.colour == "black"]


@pytest.mark.parametrize("text", ["zzzz", ".*", "the"])
def test_what_nothing_knows_moves_nothing_and_is_told(
    understanding: Understanding, text: str
) -> None:
    plain, reading = understanding.read("dress"), understanding.read("dress", exclude=(text,))
    told = [each for each in reading.understood if each not in plain.understood]
    assert [(each.field, each.value, each.effect) for each in told] == [("words", text, "unknown")]
    assert replace(reading, understood=plain.understood) == plain


def test_what_nothing_knows_moves_nothing_in_words_either(understanding: Understanding) -> None:
    for text in ("dress without zzzz", "dress -zzzz", 'dress not "zzzz"'):
        reading = understanding.read(text)
        assert (reading.filter, reading.excluded_words, reading.negative) == (None, "", "")
        assert ("words", "zzzz", "unknown") in _effects(reading)
        assert reading.words == "dress"


def test_a_list_is_mended_like_words(understanding: Understanding) -> None:
    reading = understanding.read("dress", exclude=("zebrra",))
    assert reading.excluded_words == "zebra"
    assert ("words", "zebra", "spell") in _effects(reading)
    literal = understanding.read("dress", exclude=("zebrra",), ignore=("spell",))
    assert ("words", "zebrra", "unknown") in _effects(literal)


def test_taught_spellings_of_a_brand_are_the_brand() -> None:
    taught = _understanding(words='[brands]\nCorvo = ["corvus", "Cor-Vo House"]\n')
    for name in ("corvus", "cor vo house", "Corvo"):
        loose = taught.read(f"{name} dress")
        assert ("brand", "Corvo", "boost") in _effects(loose)
        assert loose.did_you_mean == ""
        exact = taught.read(f'"{name}" dress')
        assert exact.filter == Condition("brand", ("Corvo",))
        for text in (f"not {name} dress", f'dress not "{name}"'):
            assert taught.read(text).filter == Not(Condition("brand", ("Corvo",)))


def test_a_taught_spelling_that_the_catalogue_holds_too_is_the_same_brand() -> None:
    taught = _understanding(words='[brands]\nCorvo = ["Kite", "Nobody"]\n')
    for name in ("Corvo", "Kite", "Nobody"):
        found = taught.read(f'"{name}"').filter
        assert isinstance(found, Condition)
        assert set(found.values) == {"Corvo", "Kite"}
    unheld = _understanding(words='[brands]\nNobody = ["corvine"]\n')
    assert unheld.read('"corvine"').filter is None
