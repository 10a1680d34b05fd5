"""Promises about Korean: words taken apart, spaces that do not matter, queries understood."""

import os
import tomllib
import unicodedata
from importlib.resources import files
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.hangul import has_hangul, is_part, segments
from catalog.lexicon import Lexicon
from catalog.normalize import Normalizer, tokens
from catalog.product import Product
from catalog.product_filter import Condition, Not, ProductFilter, admits
from catalog.words import WordTable
from offline.drawn_truth import DrawnTruth, Label
from offline.layout import DataDir
from offline.suite_korean import KOREAN, LITERAL, SHARE, WORDS, korean_queries, share
from offline.suite_korean_names import (
    JOINED,
    PARTICLES,
    PARTS,
    SPLIT,
    WITHOUT,
    WRITTEN,
    is_held_out,
    known_items,
    korean_names,
    read_products,
)
from runtime.errors import SetupError
from services.gateway.understanding import Understanding
from services.gateway.vocabulary import Vocabulary
from services.text_retriever.index import TextIndex
from tests.shop import shop

SHOP = os.environ.get("HEMLINE_TEST_DATA", "")
SYLLABLES = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), max_size=80)
KNOWN = frozenset(
    [
        *("반팔", "티셔츠", "셔츠", "체크무늬", "롱", "원피스", "청", "치마", "여름", "면", "코트"),
        *("블랙", "없는", "로고", "v넥", "니트", "아이", "티", "나"),
    ]
)


@pytest.fixture(scope="module")
def forms() -> frozenset[str]:
    """All Korean forms of the dictionary."""
    return frozenset(form for c in Lexicon.default().concepts for form in c.forms.get("ko", ()))


@pytest.fixture(scope="module")
def english_shop() -> Understanding:
    """Reads queries by the words of a small shop that speaks English and sells in euros."""
    return _understanding(shop())


@pytest.fixture(scope="module")
def korean_shop() -> Understanding:
    """Reads queries by the words of a small shop that speaks Korean and sells in won."""
    return _understanding(KOREAN_PRODUCTS)


def _understanding(products: list[Product]) -> Understanding:
    table, lexicon = WordTable.default(), Lexicon.default()
    return Understanding(Vocabulary.gather(products, table=table, lexicon=lexicon))


def _korean_product(number: int, title: str, colour: str, price: int) -> Product:
    return Product(
        f"k-{number}", f"k-{number}", title, colour=colour, price_minor=price, currency="KRW"
    )


KOREAN_PRODUCTS = [
    _korean_product(1, "오버핏 롱패딩 점퍼", "블랙", 150_000),
    _korean_product(2, "와이드 데님팬츠", "블루", 49_000),
    _korean_product(3, "체크 셔츠원피스", "레드", 36_000),
    _korean_product(4, "골지 브이넥 니트", "블랙", 29_000),
    _korean_product(5, "로고 반팔 티셔츠 500ml", "화이트", 18_000),
]


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("반팔티셔츠", ["반팔", "티셔츠"]),
        ("체크무늬셔츠", ["체크무늬", "셔츠"]),
        ("청치마", ["청", "치마"]),
        ("롱원피스", ["롱", "원피스"]),
        ("v넥니트", ["v넥", "니트"]),
        ("로고없는", ["로고", "없는"]),
        ("여름용", ["여름"]),
        ("원피스를", ["원피스"]),
        ("여름원피스로", ["여름", "원피스"]),
        ("블랙코트같은", ["블랙", "코트"]),
        ("면으로", ["면"]),
        ("나이키티셔츠", ["나이키", "티셔츠"]),
        ("체크무늬나이키", ["체크무늬", "나이키"]),
    ],
)
def test_a_word_is_taken_apart_into_what_is_known(word: str, parts: list[str]) -> None:
    assert segments(word, KNOWN) == parts


@pytest.mark.parametrize(
    "word", ["코트니", "아이코닉", "면접룩", "티나", "스코트", "나이", "dress", "", "면도"]
)
def test_a_name_that_happens_to_hold_a_form_stays_whole(word: str) -> None:
    assert segments(word, KNOWN) == [word]


def test_the_head_of_a_compound_is_the_longest_form_at_its_end() -> None:
    known = {"반팔", "반팔티", "셔츠", "티셔츠"}
    assert segments("반팔티셔츠", known) == ["반팔", "티셔츠"]


@given(SYLLABLES, st.sets(SYLLABLES.filter(bool), max_size=6))
def test_any_word_can_be_taken_apart(word: str, known: set[str]) -> None:
    parts = segments(word, known)
    place = 0
    for part in parts:
        place = word.index(part, place) + len(part)
    assert parts == [word] or any(part in known for part in parts)


@given(st.lists(SYLLABLES.filter(bool), min_size=1, max_size=5), st.randoms())
def test_spaces_between_korean_words_change_no_part(words: list[str], draw: Random) -> None:
    joined = unicodedata.normalize("NFKC", "".join(words))[:16]
    place = draw.randrange(len(joined))
    spaced = f"{joined[:place]} {joined[place:]}"
    assert [t for t in tokens(joined) if is_part(t)] == [t for t in tokens(spaced) if is_part(t)]


def test_words_of_other_scripts_have_no_parts() -> None:
    assert not any(map(is_part, tokens("navy dress, größe 42, синий шарф, 紺のドレス")))


@pytest.mark.parametrize(
    ("query", "product"),
    [
        ("롱 패딩", "k-1"),
        ("롱패딩점퍼", "k-1"),
        ("오버핏패딩", "k-1"),
        ("데님 팬츠", "k-2"),
        ("와이드데님", "k-2"),
        ("원피스를", "k-3"),
        ("셔츠 원피스", "k-3"),
        ("브이넥니트로", "k-4"),
        ("반팔티셔츠", "k-5"),
    ],
)
def test_a_product_is_found_wherever_the_spaces_stand(
    tmp_path: Path, query: str, product: str
) -> None:
    TextIndex.write(KOREAN_PRODUCTS, tmp_path)
    index = TextIndex.open(tmp_path)
    ids, _ = index.search(index.normalizer.tokens(query), 5)
    assert ids[0] == product


def test_a_whole_word_counts_more_than_a_part_of_another(tmp_path: Path) -> None:
    products = [
        _korean_product(1, "데님팬츠코트", "블랙", 1),
        _korean_product(2, "데님 자켓", "블랙", 1),
    ]
    TextIndex.write(products, tmp_path)
    ids, _ = TextIndex.open(tmp_path).search(Normalizer().tokens("데님"), 2)
    assert ids == ["k-2", "k-1"]


def test_the_dictionary_says_what_it_should(forms: frozenset[str]) -> None:
    table = tomllib.loads(
        files("catalog").joinpath("languages", "ko.toml").read_text(encoding="utf-8")
    )
    written = [form for field in table["concepts"].values() for w in field.values() for form in w]
    assert len(forms) >= 900
    assert all(form == unicodedata.normalize("NFC", form).lower() for form in written)
    assert all(" " not in form and len(form) <= 16 for form in written)
    assert all(
        len(w) == len(set(w)) for field in table["concepts"].values() for w in field.values()
    )
    assert not forms & set(table["fillers"]["words"])
    assert all(name.isascii() for field in table["concepts"].values() for name in field)


@pytest.mark.parametrize("field", ["colour", "kind", "material", "pattern", "gender", "season"])
def test_every_english_concept_that_is_worn_is_said_in_korean(field: str) -> None:
    strange = {
        "kurta",
        "kurti",
        "lehenga",
        "salwar",
        "dupatta",
        "casual shoes",
        "jute",
        "lambswool",
    }
    strange |= {"waterproof fabric"}
    unsaid = {
        concept.name
        for concept in Lexicon.default().concepts
        if concept.field == field and "en" in concept.forms and "ko" not in concept.forms
    }
    assert unsaid <= strange


@pytest.mark.parametrize(
    ("query", "boosts"),
    [
        ("빨간 원피스", {("colour", "red"), ("kind", "dress")}),
        ("빨간원피스", {("colour", "red"), ("kind", "dress")}),
        (
            "남색 줄무늬셔츠 추천해줘",
            {("colour", "navy"), ("pattern", "striped"), ("kind", "shirt")},
        ),
        ("꽃무늬 반바지", {("pattern", "floral"), ("kind", "shorts")}),
        ("겨울에 입을 검정색 코트", {("season", "winter"), ("colour", "black"), ("kind", "coat")}),
        ("남자 흰 셔츠", {("gender", "men"), ("colour", "white"), ("kind", "shirt")}),
        ("여성용무지코트", {("gender", "women"), ("pattern", "plain"), ("kind", "coat")}),
        ("초록색으로 된 드레스", {("colour", "green"), ("kind", "dress")}),
    ],
)
def test_korean_words_mean_what_an_english_shop_has(
    english_shop: Understanding, query: str, boosts: set[tuple[str, str]]
) -> None:
    reading = english_shop.read(query)
    lifted = {(b.field.removeprefix("attributes."), b.values[0]) for b in reading.boosts}
    assert lifted == boosts
    assert not has_hangul(reading.words)
    assert not has_hangul(reading.readable)


@pytest.mark.parametrize(
    ("query", "field", "values"),
    [
        ("빨간색 말고 원피스", "colour", {"red"}),
        ("빨간색이나 초록색 아닌 원피스", "colour", {"red", "green"}),
        ("꽃무늬가 없는 원피스", "attributes.pattern", {"floral"}),
        ("줄무늬없는셔츠", "attributes.pattern", {"striped"}),
        ("무늬 없는 코트", "attributes.pattern", {"striped", "floral"}),
        ("검정 빼고 코트", "colour", {"black"}),
    ],
)
def test_korean_exclusions_leave_out(
    english_shop: Understanding, query: str, field: str, values: set[str]
) -> None:
    reading = english_shop.read(query)
    assert _excluded(reading.filter, field) == values
    lifted = {(b.field, value) for b in reading.boosts for value in b.values}
    assert not lifted & {(field, value) for value in values}


def _excluded(found: ProductFilter | None, field: str) -> set[str]:
    members = getattr(found, "filters", (found,))
    inner = [each.filter for each in members if isinstance(each, Not)]
    conditions = [each for each in inner if isinstance(each, Condition) and each.field == field]
    return {value for each in conditions for value in each.values}


@pytest.mark.parametrize(
    ("query", "prices"),
    [
        ("5만원 이하 원피스", {18_000, 29_000, 36_000, 49_000}),
        ("원피스 3만6천원 이하", {18_000, 29_000, 36_000}),
        ("3만 6천원 미만 니트", {18_000, 29_000}),
        ("오만원이하 바지", {18_000, 29_000, 36_000, 49_000}),
        ("36,000원까지", {18_000, 29_000, 36_000}),
        ("10만원 이상 패딩", {150_000}),
        ("2만원에서 4만원 사이 옷", {29_000, 36_000}),
        ("2만원~4만원 니트", {29_000, 36_000}),
        ("20000원부터 40000원까지", {29_000, 36_000}),
        ("3만원대 원피스", {36_000}),
        ("10만원대의 패딩", {150_000}),
        ("14만원대 패딩", set()),
        ("백바지", {18_000, 29_000, 36_000, 49_000, 150_000}),
    ],
)
def test_korean_prices_filter(korean_shop: Understanding, query: str, prices: set[int]) -> None:
    found = korean_shop.read(query).filter
    kept = {p.price_minor for p in KOREAN_PRODUCTS if found is None or admits(found, p)}
    assert kept == prices


def test_a_korean_shop_is_asked_for_what_was_written(korean_shop: Understanding) -> None:
    assert "셔츠원피스" in korean_shop.read("체크 셔츠원피스").words.split()
    assert "500ml" in korean_shop.read("티셔츠 500ml").words.split()


def test_a_phrase_that_is_written_with_spaces_is_not_taken_for_a_typing_error(
    english_shop: Understanding,
) -> None:
    reading = english_shop.read("하이 웨이스트 반바지")
    assert not reading.did_you_mean
    assert {(b.field, b.values) for b in reading.boosts} == {("kind", ("shorts",))}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("원피쓰룩", ""),
        ("와이드 데님펜츠", "와이드 데님팬츠"),
        ("체크 셔츠원피수", "체크 셔츠원피스"),
    ],
)
def test_a_korean_word_is_mended_letter_by_letter(
    korean_shop: Understanding, written: str, meant: str
) -> None:
    assert korean_shop.read(written).did_you_mean == meant


def test_the_truth_of_drawn_products_is_what_the_shop_says() -> None:
    truth = DrawnTruth(300, 7)
    red = truth.holding(Label("colour", "burgundy"))
    coats = truth.holding(Label("kind", "Coats"))
    assert red
    assert coats
    assert truth.right((Label("colour", "burgundy"), Label("kind", "coat"))) == red & coats
    assert not truth.knows(Label("kind", "spaceship"))
    assert not truth.right((Label("kind", "spaceship"),))
    assert truth.knows(Label("kind", "hoodie"))
    assert not truth.holding(Label("kind", "hoodie"))


def test_a_share_is_that_of_the_means() -> None:
    found = share([0.4, 0.4, 0.1], [0.5, 0.5, 0.2])
    assert found.mean == pytest.approx(0.75)
    assert found.low <= found.mean <= found.high
    assert share([], []).count == 0


def test_korean_queries_find_what_their_english_twins_find(world: DataDir) -> None:
    report = korean_queries(world)
    assert report.figure(f"{KOREAN}, {WORDS}", SHARE).mean >= 0.85
    assert report.figure(f"{LITERAL}, {WORDS}", "P@10").mean < 0.05


def test_queries_that_are_not_there_are_missed(world: DataDir, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no Korean queries"):
        korean_queries(world, tmp_path / "none.jsonl")


def test_a_known_item_is_written_in_four_ways(tmp_path: Path) -> None:
    _write_shop(tmp_path)
    products = read_products(tmp_path)
    items = [item for half in (True, False) for item in known_items(products, held_out=half)]
    assert {item.product_id for item in items} == {p.id for p in products}
    assert all(is_held_out(item.product_id) for item in known_items(products, held_out=True))
    for item in items:
        assert " " not in item.texts[JOINED].removeprefix("무지상점 ")
        assert item.texts[JOINED].replace(" ", "") == item.texts[WRITTEN].replace(" ", "")
        assert len(item.texts[PARTICLES]) > len(item.texts[WRITTEN])


def test_parts_find_names_whose_spaces_are_set_otherwise(tmp_path: Path) -> None:
    _write_shop(tmp_path)
    report = korean_names(tmp_path, held_out=True)
    for way in (JOINED, PARTICLES):
        with_parts = report.figure(f"{way}: {PARTS}", "MRR").mean
        assert with_parts > report.figure(f"{way}: {WITHOUT}", "MRR").mean


def test_a_shop_that_is_not_there_is_missed(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no Korean shop"):
        korean_names(tmp_path)


def _write_shop(folder: Path) -> None:
    colours, fits = ("블랙", "네이비", "베이지"), ("오버핏", "와이드", "슬림")
    kinds = ("패딩", "데님팬츠", "가디건", "스커트", "맨투맨")
    names = [f"{colour} {fit} {kind}" for colour in colours for fit in fits for kind in kinds]
    rows = [f"{1000 + n},무지상점,{name},{20_000 + n},outers," for n, name in enumerate(names)]
    text = "\n".join(["product_id,brand,name,price_krw,categories,colors", *rows])
    (folder / "products.csv").write_text(text + "\n", encoding="utf-8")


@pytest.mark.skipif(not SHOP, reason="HEMLINE_TEST_DATA names no folder with musinsa_ko")
def test_names_of_a_real_shop_are_found_however_their_spaces_are_set() -> None:
    report = korean_names(Path(SHOP) / "musinsa_ko")
    for way in (JOINED, SPLIT, PARTICLES):
        found = report.figure(f"{way}: {PARTS}", "R@10")
        assert found.low > report.figure(f"{way}: {WITHOUT}", "R@10").high
    written = report.figure(f"{WRITTEN}: {PARTS}", "R@10")
    assert written.mean >= report.figure(f"{WRITTEN}: {WITHOUT}", "R@10").mean - 0.01
