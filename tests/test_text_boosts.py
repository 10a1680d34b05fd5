"""Promises of boosts and exclusions in the room that finds products by words."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog.feed import Change
from catalog.normalize import Normalizer
from catalog.product import Product, SizeStock
from catalog.product_filter import Condition, Not, ProductFilter, admits
from catalog.words import WordTable
from services.text_retriever.boosts import Boost
from services.text_retriever.exclusions import excluded_groups
from services.text_retriever.index import TextIndex
from services.text_retriever.writable import WritableIndex
from tests.shop import COLOURS, KINDS, PATTERNS, shop

EVERY = 1000


def dressed(count: int = 240) -> list[Product]:
    """The shop, with sizes, and photos for two products in three."""
    return [
        replace(
            each,
            sizes=(SizeStock("S" if place % 2 else "M", place % 5),),
            images=("ab" * 32,) if place % 3 else (),
        )
        for place, each in enumerate(shop(count))
    ]


def expected(
    index: TextIndex,
    products: Sequence[Product],
    words: Sequence[str],
    boosts: Sequence[Boost],
    found: ProductFilter | None,
) -> list[tuple[str, float]]:
    """What is found, worked out product by product."""
    unit = math.log(1 + (index._searcher.num_docs - 0.5) / 1.5)
    plain = dict(zip(*index.search(words, EVERY), strict=True))
    by_id = {each.id: each for each in products}
    lifted = {
        name: float(score)
        + sum(each.weight * unit for each in boosts if admits(each.condition, by_id[name]))
        for name, score in plain.items()
        if found is None or admits(found, by_id[name])
    }
    return sorted(lifted.items(), key=lambda each: (-each[1], each[0]))


def assert_found(
    index: TextIndex, products: Sequence[Product], draw: random.Random, *, count: int
) -> None:
    words = draw.sample([*COLOURS, *KINDS, *PATTERNS], draw.randint(1, 3))
    boosts = draw.sample(BOOSTS, draw.randint(1, 4))
    found = draw.choice([None, None, *FILTERS])
    wanted = expected(index, products, words, boosts, found)
    ids, scores = index.search(words, count, found=found, boosts=boosts)
    best = [score for _, score in wanted[:count]]
    assert len(ids) == len(best)
    assert scores.tolist() == pytest.approx(best, abs=1e-4)
    # Scores that differ by less than a float32 may stand in either order.
    theirs = dict(wanted)
    assert [theirs[name] for name in ids] == pytest.approx(best, abs=1e-4)


BOOSTS = [
    Boost(Condition("colour", ("navy", "black")), 0.5),
    Boost(Condition("colour", ("red",)), 0.31),
    Boost(Condition("kind", ("dress",)), 2.0),
    Boost(Condition("attributes.pattern", ("floral",)), 0.2),
    Boost(Condition("brand", ("Brand 1",)), 0.07),
    Boost(Condition("size", ("S",)), 0.4),  # these two only the columns know
    Boost(Condition("has_photo", ("true",)), 0.13),
    Boost(Condition("colour", ("no such colour",)), 5.0),
]
FILTERS: list[ProductFilter] = [
    Condition("price_minor", gte=4000),
    Condition("colour", ("navy", "red")),
    Not(Condition("season", ("winter",))),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TextIndex:
    folder = tmp_path_factory.mktemp("boosted")
    TextIndex.write(dressed(), folder)
    return TextIndex.open(folder)


@pytest.mark.parametrize("seed", range(60))
def test_boosts_order_as_adding_them_to_each_product_does(built: TextIndex, seed: int) -> None:
    draw = random.Random(seed)  # Seeded: the same queries each time.
    assert_found(built, dressed(), draw, count=draw.choice([1, 7, 40, 300]))


@pytest.mark.parametrize("seed", range(20))
def test_boosts_hold_while_products_change(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    products = dressed()
    writable = WritableIndex.built(products, tmp_path, normalizer=Normalizer())
    for place in draw.sample(range(len(products)), 30):
        colour = draw.choice(COLOURS)
        products[place] = replace(
            products[place],
            colour=colour,
            title=f"{colour} {draw.choice(PATTERNS)} {products[place].kind}",
            images=(),
        )
    changes = [Change(each.id, seq, 0, each) for seq, each in enumerate(products, 1)]
    index = writable.apply(changes, pace=lambda: None)
    assert_found(index, products, draw, count=25)
    writable.close()


def test_a_product_is_lifted_once_however_many_values_it_has(built: TextIndex) -> None:
    products = dressed()
    one = Boost(Condition("colour", ("navy",)), 1.0)
    both = Boost(Condition("colour", ("navy", "navy", "no such")), 1.0)
    ids, scores = built.search(["dress"], EVERY, boosts=[one])
    again, same = built.search(["dress"], EVERY, boosts=[both])
    assert again == ids
    assert np.allclose(scores, same)
    assert {products[int(name[2:])].colour for name in ids[:5]} == {"navy"}


def test_a_boost_alone_finds_nothing(built: TextIndex) -> None:
    boost = Boost(Condition("colour", ("navy",)), 5.0)
    assert built.search([], 10, boosts=[boost])[0] == []
    ids, _ = built.search(["coat"], EVERY, boosts=[boost])
    assert sorted(ids) == sorted(built.search(["coat"], EVERY)[0])


def test_a_boost_of_no_weight_changes_nothing(built: TextIndex) -> None:
    boosts = [Boost(each.condition, 0.0) for each in BOOSTS]
    ids, scores = built.search(["navy", "dress"], 50, boosts=boosts)
    plain, same = built.search(["navy", "dress"], 50)
    assert ids == plain
    assert np.allclose(scores, same)


def test_nothing_that_holds_an_excluded_word_is_found(built: TextIndex) -> None:
    every, scores = built.search(["dress", "navy"], EVERY)
    titles = {each.id: each.title for each in dressed()}
    kept, same = built.search(["dress", "navy"], EVERY, excluded=[["floral"], ["coat"], ["zzzz"]])
    wanted = [name for name in every if not {"floral", "coat"} & {*titles[name].split()}]
    assert kept == wanted
    assert 0 < len(kept) < len(every)
    assert np.allclose(same, scores[[name in {*kept} for name in every]])


def test_excluding_the_only_word_leaves_nothing(built: TextIndex) -> None:
    assert built.search(["dress"], EVERY, excluded=[["dress"]])[0] == []


def test_a_group_of_words_is_excluded_where_all_of_it_is_held(built: TextIndex) -> None:
    every, _ = built.search(["dress"], EVERY)
    titles = {each.id: each.title for each in dressed()}
    kept, _ = built.search(["dress"], EVERY, excluded=[["floral", "navy"]])
    wanted = [name for name in every if not {"floral", "navy"} <= {*titles[name].split()}]
    assert kept == wanted
    assert len(kept) < len(every)


@pytest.mark.parametrize(
    ("language", "titles", "excluded", "left"),
    [
        ("en", ["Black tank top", "Black top", "Wool tank"], "tank tops", [1, 2]),
        ("de", ["Leinenkleid", "Kleid aus Leinen", "Kleid aus Wolle"], "leinenkleider", [2]),
        ("de", ["Rotes Kleid", "Rote Bluse"], "Kleides", [1]),
        ("ko", ["로고프린트 티", "로고 티", "줄무늬 티"], "로고", [2]),
    ],
)
def test_an_excluded_word_is_found_as_documents_hold_it(
    tmp_path: Path, language: str, titles: list[str], excluded: str, left: list[int]
) -> None:
    normalizer = Normalizer(WordTable.default().with_shop(f'language = "{language}"'))
    products = [
        Product(id=f"p-{place}", style_id="s", title=f"any {title}")
        for place, title in enumerate(titles)
    ]
    TextIndex.write(products, tmp_path, normalizer=normalizer)
    index = TextIndex.open(tmp_path)
    groups = excluded_groups(index.normalizer, excluded)
    ids, _ = index.search(["any"], 10, excluded=groups)
    assert ids == [f"p-{place}" for place in left]
