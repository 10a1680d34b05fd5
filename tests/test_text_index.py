"""Promises of the room that finds products by words."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from catalog.product import Product
from catalog.store import CatalogStore
from offline.build_text import build_text
from offline.layout import DataDir
from runtime.artifacts import ArtifactRefused
from runtime.errors import Internal, SetupError
from services.text_retriever.index import WEIGHTS, TextIndex
from tests.shop import shop

K1, B = 1.2, 0.75
SYNTAX = '(((( )))) [] {} "quoted" title:red AND OR NOT + - ~2 ^3 * ? \\ / && || ! <= >= [a TO b]'


def product(number: int, title: str, description: str = "", brand: str = "") -> Product:
    key = f"p-{number:04d}"
    return Product(id=key, style_id=key, title=title, description=description, brand=brand)


def index_of(products: Sequence[Product], folder: Path) -> TextIndex:
    folder.mkdir(exist_ok=True)
    TextIndex.write(products, folder)
    return TextIndex.open(folder)


def found(index: TextIndex, text: str, count: int = 1000) -> list[str]:
    ids, scores = index.search(index.normalizer.tokens(text), count)
    assert scores.dtype == np.float32
    assert len(ids) == len(scores) == len(set(ids))
    assert (np.diff(scores) <= 0).all()
    return ids


def random_queries(count: int) -> list[str]:
    draw = random.Random(5)  # Seeded: the same queries each time.
    words = [*SYNTAX.split(), "red", "t-shirt", "dress", "((((", "빨간", "Größe", "\x00", "\ud800"]
    points = [*range(0x20, 0x7F), *range(0xC0, 0x250), *range(0xAC00, 0xAC80), 0x202E, 0x1F457]
    queries = []
    for _ in range(count):
        if draw.random() < 0.5:
            queries.append(" ".join(draw.choices(words, k=draw.randint(0, 70))))
        else:
            queries.append("".join(map(chr, draw.choices(points, k=draw.randint(0, 700)))))
    return queries


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> TextIndex:
    products = [
        product(1, "Red summer dress"),
        product(2, "Red T-Shirt"),
        product(3, "Blue tee"),
        product(4, "Tees in green"),
        product(5, "White T shirt", "worn in summer"),
        product(6, "Black tank top", "goes with a red dress"),
        product(7, "Wool coat", brand="H&M"),
        product(8, "빨간 원피스"),
    ]
    return index_of(products, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> TextIndex:
    return index_of(shop(), tmp_path_factory.mktemp("large"))


@pytest.mark.parametrize("word", ["tee", "tees", "t-shirt", "T shirt", "tshirts", "tee shirt"])
def test_all_ways_to_write_a_t_shirt_find_the_same(small: TextIndex, word: str) -> None:
    assert sorted(found(small, word)) == ["p-0002", "p-0003", "p-0004", "p-0005"]
    assert found(small, word) == found(small, "tee")


@pytest.mark.parametrize("text", ["zzzz", "", "the and of", "((((" * 5000, SYNTAX[:20], "x y"])
def test_what_no_product_holds_finds_nothing(small: TextIndex, text: str) -> None:
    assert found(small, text) == []


def test_only_products_that_hold_a_word_are_found(small: TextIndex) -> None:
    assert sorted(found(small, "dress")) == ["p-0001", "p-0006"]
    assert found(small, "top") == ["p-0006"]
    assert found(small, "h&m") == ["p-0007"]
    assert found(small, "원피스") == ["p-0008"]


def test_a_word_that_nobody_has_changes_nothing(small: TextIndex) -> None:
    tokens = small.normalizer.tokens("red summer dress")
    ids, scores = small.search(tokens, 10)
    with_noise, same = small.search(["zzzz", *tokens, "qqqq"], 10)
    assert with_noise == ids
    assert np.array_equal(same, scores)


def test_who_holds_more_of_the_words_ranks_higher(small: TextIndex) -> None:
    assert found(small, "red summer dress")[0] == "p-0001"
    assert found(small, "white summer tee")[0] == "p-0005"


def test_a_word_said_twice_counts_once(small: TextIndex) -> None:
    assert found(small, "red red red coat") == found(small, "red coat")


def test_a_title_weighs_more_than_a_description(small: TextIndex) -> None:
    assert found(small, "dress") == ["p-0001", "p-0006"]
    assert found(small, "summer") == ["p-0001", "p-0005"]


def test_scores_are_bm25_over_weighted_fields(tmp_path: Path) -> None:
    draw = random.Random(2)
    words = ["red", "blue", "wool", "dress", "coat", "light", "soft"]
    # At most 39 weighted words: up to there the engine keeps lengths exactly.
    products = [
        product(n, " ".join(draw.choices(words, k=draw.randint(1, 8))), draw.choice(words))
        for n in range(200)
    ]
    index = index_of(products, tmp_path)
    bags = [
        p.title.split() * WEIGHTS["title"] + p.description.split() * WEIGHTS["description"]
        for p in products
    ]
    mean = sum(map(len, bags)) / len(bags)
    query = ["red", "wool"]
    expected = {p.id: 0.0 for p in products}
    for word in query:
        n = sum(word in bag for bag in bags)
        idf = math.log(1 + (len(bags) - n + 0.5) / (n + 0.5))
        for p, bag in zip(products, bags, strict=True):
            norm = K1 * (1 - B + B * len(bag) / mean)
            expected[p.id] += idf * (K1 + 1) * bag.count(word) / (bag.count(word) + norm)
    ids, scores = index.search(query, 1000)
    assert set(ids) == {key for key, score in expected.items() if score > 0}
    assert np.allclose(scores, [expected[key] for key in ids], rtol=1e-5)


def test_ties_are_broken_by_id_at_every_depth(tmp_path: Path) -> None:
    products = [product(n, ("Red", "Blue", "Red dress")[n % 3]) for n in range(3000)]
    index = index_of(products, tmp_path)
    whole = found(index, "red dress", 1000)
    assert whole == [f"p-{n:04d}" for n in range(2, 3000, 3)][:1000]
    for count in (1, 7, 240, 999):
        assert found(index, "red dress", count) == whole[:count]
    assert found(index, "blue", 300) == [f"p-{n:04d}" for n in range(1, 900, 3)]


def test_the_same_catalogue_gives_the_same_answers(large: TextIndex, tmp_path: Path) -> None:
    again = index_of(shop(), tmp_path)
    for text in ("red dress", "navy plain shirt for women", "brand 3", "winter coat floral"):
        ids, scores = large.search(large.normalizer.tokens(text), 100)
        same, equal = again.search(again.normalizer.tokens(text), 100)
        assert ids == same
        assert ids
        assert np.array_equal(scores, equal)


def test_attributes_brand_and_category_are_searched(large: TextIndex) -> None:
    by_id = {p.id: p for p in shop()}
    for text, field in (("winter", "season"), ("women", "gender")):
        ids = found(large, text)
        assert set(ids) == {p.id for p in by_id.values() if getattr(p, field) == text}


def test_thousands_of_generated_queries_kill_nothing(large: TextIndex) -> None:
    for text in [*random_queries(3000), "(" * 20_000, SYNTAX * 50]:
        found(large, text, 50)
    assert found(large, "red dress")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_generated_queries_kill_nothing(large: TextIndex) -> None:
    for text in random_queries(100_000):
        found(large, text, 50)
    assert found(large, "red dress")


def test_a_panic_of_the_engine_is_an_error_of_ours(small: TextIndex) -> None:
    with pytest.raises(Internal, match="panicked"):
        small.search(["red"], 0)
    assert found(small, "red")


def test_opening_leaves_the_files_as_they_are_and_needs_no_writing(tmp_path: Path) -> None:
    TextIndex.write([product(1, "Red dress")], tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for folder in (tmp_path / "index", tmp_path):
        folder.chmod(0o555)
    assert found(TextIndex.open(tmp_path), "dress") == ["p-0001"]
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_an_empty_catalogue_finds_nothing(tmp_path: Path) -> None:
    index = index_of([], tmp_path)
    assert len(index) == 0
    assert found(index, "red") == []


def test_products_out_of_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ascending"):
        TextIndex.write([product(2, "b"), product(1, "a")], tmp_path)


@pytest.mark.parametrize(
    ("name", "content"), [("columns/ids.json", b"[]"), ("index/meta.json", b"{}")]
)
def test_files_that_do_not_belong_together_are_refused(
    tmp_path: Path, name: str, content: bytes
) -> None:
    TextIndex.write([product(1, "Red dress")], tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactRefused):
        TextIndex.open(tmp_path)


def test_an_index_is_built_again_only_when_its_input_changed(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data").create()
    with pytest.raises(SetupError, match="no catalogue"):
        build_text(data)
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert(shop())
    first = build_text(data)
    assert (first.seq, first.facts["products"]) == (240, 240)
    store.set_image_state({shop()[0].id: "embedded"})
    assert build_text(data) == first
    store.upsert([product(1, "Teal kaftan")])
    second = build_text(data)
    assert second.generation != first.generation
    assert found(TextIndex.open(second.folder), "kaftan") == ["p-0001"]
    assert found(TextIndex.open(first.folder), "kaftan") == []
    store.close()
