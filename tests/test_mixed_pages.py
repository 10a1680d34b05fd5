"""Promises of diversity and quotas in a whole search: pages, moves, costs, and what is lost."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog.product import Product
from runtime.errors import Unavailable
from services.gateway.answer import Answer, RankedProduct
from tests.gateway_fakes import FakeImage, FakeText, House, ask, down
from tests.shop import shop

SHOP = shop(90)
VALUES: Mapping[str, Any] = {
    "brand": lambda product: product.brand,
    "style": lambda product: product.style_id,
    "colour": lambda product: product.colour,
}


@dataclass
class WatchedImage(FakeImage):
    """Notes whose vectors were asked for, and may refuse them."""

    refusal: Exception | None = None
    fetched: list[list[str]] = field(default_factory=list)

    async def fetch(self, product_ids: Sequence[str], *, timeout_s: float) -> NDArray[np.int8]:
        self.fetched.append(list(product_ids))
        if self.refusal is not None:
            raise self.refusal
        return await super().fetch(product_ids, timeout_s=timeout_s)


def house(products: Sequence[Product] = SHOP, **options: Any) -> tuple[House, WatchedImage]:
    """A house whose two retrievers rank all products, each in an order of its own."""
    draw = random.Random(4)
    names = [each.id for each in products]
    text, pictured = draw.sample(names, len(names)), draw.sample(names, len(names))
    looks = {each.id: [9 * (hash_of(each) >> bit & 1) + bit for bit in range(4)] for each in SHOP}
    image = WatchedImage(pictured, looks=looks)
    return House(FakeText(text), image, shop=products, **options), image


def hash_of(product: Product) -> int:
    """A number that products of one kind and colour share."""
    return sum(map(ord, product.kind + product.colour))


def ids(answer: Answer) -> list[str]:
    return [hit.product.id for hit in answer.hits]


async def walk(rooms: House, **options: Any) -> list[Answer]:
    answers = [await rooms.pipeline.search(ask(**options))]
    while token := answers[-1].next_page_token:
        answers.append(await rooms.pipeline.search(ask(**options, page_token=token)))
    return answers


def keeps(quotas: Mapping[str, int], answers: Sequence[Answer]) -> bool:
    """Whether no page holds too many of one value."""
    return all(
        max(Counter(VALUES[name](hit.product) for hit in answer.hits).values(), default=0) <= most
        for answer in answers
        for name, most in quotas.items()
    )


def replayed(hit: RankedProduct, place_by_score: int) -> int:
    """Where the moves of a hit lead from its place by score."""
    assert hit.explanation is not None
    place = place_by_score
    for move in hit.explanation.moves:
        assert move.start == place
        assert move.end != place
        place = move.end
    return place


QUOTAS = [
    {"brand": 1},
    {"brand": 2, "colour": 3},
    {"style": 1},
    {"brand": 4, "style": 1, "colour": 2},
]


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("quotas", QUOTAS, ids=str)
async def test_every_page_keeps_the_quotas_and_every_product_is_reached(
    quotas: dict[str, int], collapse: bool
) -> None:
    rooms, _ = house()
    options: dict[str, Any] = {"page_size": 10, "collapse": collapse}
    answers = await walk(rooms, quotas=quotas, diversity=0.4, **options)
    assert keeps(quotas, answers)
    plain = await walk(rooms, **options)
    if not collapse or "style" not in quotas:  # a style is one hit of its page already
        assert not keeps(quotas, plain)
    found = [name for answer in answers for name in ids(answer)]
    assert sorted(found) == sorted(name for answer in plain for name in ids(answer))
    assert [hit.rank for answer in answers for hit in answer.hits] == list(range(1, len(found) + 1))
    assert len({answer.total for answer in [*answers, *plain]}) == 1
    assert all(answer.hits for answer in answers)


async def test_a_short_page_has_a_next_one() -> None:
    same = [replace(each, brand="Acme") for each in SHOP[:5]]
    rooms, _ = house(same)
    answers = await walk(rooms, quotas={"brand": 2}, page_size=10)
    assert [len(answer.hits) for answer in answers] == [2, 2, 1]
    assert rooms.text.asked == [("red dress", 200)], "further pages are kept ones"


async def test_products_that_changed_or_went_since_break_no_promise() -> None:
    quotas = {"brand": 2, "colour": 4}
    rooms, _ = house()
    first = await rooms.pipeline.search(ask(page_size=12, quotas=quotas))
    everybody = {each.id for each in SHOP}
    shown, gone = {*ids(first)}, set(random.Random(1).sample(sorted(everybody - {*ids(first)}), 20))
    for each in SHOP:
        if each.id in gone:
            del rooms.products.products[each.id]
        elif each.id not in shown and hash_of(each) % 3 == 0:
            rooms.products.products[each.id] = replace(each, brand="Acme", colour="navy")
    rooms.products.token += 1
    answers, token = [first], first.next_page_token
    while token:
        query = ask(page_size=12, quotas=quotas, page_token=token)
        answers.append(await rooms.pipeline.search(query))
        token = answers[-1].next_page_token
    assert keeps(quotas, answers)
    found = [name for answer in answers for name in ids(answer)]
    assert sorted(found) == sorted(everybody - gone)


async def test_a_variant_that_takes_a_place_keeps_the_quota_too() -> None:
    pairs = [
        Product(id=f"{style}{colour}", style_id=style, title="Dress", colour=colour)
        for style in "abcd"
        for colour in ("red", "navy")
    ]
    rooms, _ = house(pairs)
    options: dict[str, Any] = {"collapse": True, "page_size": 3, "quotas": {"colour": 2}}
    heads = [name for answer in await walk(rooms, **options) for name in ids(answer)]
    for name in heads:
        if name.endswith("red"):
            del rooms.products.products[name]
    rooms.products.token += 1
    answers = await walk(rooms, **options)
    assert keeps({"colour": 2}, answers)
    assert sum(len(answer.hits) for answer in answers) == 4


async def test_diversity_parts_what_looks_alike() -> None:
    rooms, image = house()
    plain = await rooms.pipeline.search(ask(page_size=8))
    mixed = await rooms.pipeline.search(ask(page_size=8, diversity=0.8))
    assert ids(mixed)[0] == ids(plain)[0], "the best stays the first"

    def kinds(answer: Answer) -> int:
        return len({tuple(image.looks[name]) for name in ids(answer)})

    assert kinds(mixed) > kinds(plain)
    assert len(image.fetched) == 1
    assert len(image.fetched[0]) == len(SHOP)


async def test_only_the_first_hundred_are_mixed() -> None:
    products = [replace(SHOP[at % 90], id=f"x-{at:03}", style_id=f"y-{at}") for at in range(150)]
    rooms, image = house(products)
    plain = [name for page in await walk(rooms, page_size=50) for name in ids(page)]
    mixed = [name for page in await walk(rooms, page_size=50, diversity=0.9) for name in ids(page)]
    assert len(image.fetched[0]) == 100
    assert mixed[:100] != plain[:100]
    assert sorted(mixed[:100]) == sorted(plain[:100])
    assert mixed[100:] == plain[100:]


@pytest.mark.parametrize("options", [{}, {"diversity": 0.6}, {"quotas": {"brand": 1}}], ids=str)
@pytest.mark.parametrize("collapse", [False, True])
async def test_moves_replay_to_the_rank(options: dict[str, Any], collapse: bool) -> None:
    rooms, _ = house()
    answers = await walk(rooms, explain=True, page_size=9, collapse=collapse, **options)
    hits = [hit for answer in answers for hit in answer.hits]
    everything = [hit for page in await walk(rooms, page_size=100) for hit in page.hits]
    by_score = {hit.product.id: hit.rank for hit in everything}
    assert all(replayed(hit, by_score[hit.product.id]) == hit.rank for hit in hits)
    stages = {move.stage for hit in hits if hit.explanation for move in hit.explanation.moves}
    assert stages == {*options} | ({"collapse"} if collapse else set())


async def test_all_moves_follow_each_other() -> None:
    rooms, _ = house()
    options: dict[str, Any] = {"diversity": 0.7, "quotas": {"brand": 2}, "collapse": True}
    [answer] = [await rooms.pipeline.search(ask(explain=True, page_size=20, **options))]
    told = [
        [move.stage for move in hit.explanation.moves] for hit in answer.hits if hit.explanation
    ]
    assert ["collapse", "diversity", "quotas"] in told
    [why] = {
        move.why
        for hit in answer.hits
        if hit.explanation
        for move in hit.explanation.moves
        if move.stage == "quotas"
    }
    assert why == "a page holds at most 2 of one brand"


async def test_what_the_page_lost_in_relevance_is_told() -> None:
    rooms, _ = house()
    plain = await walk(rooms, page_size=15)
    assert {answer.relevance_cost for answer in plain} == {0.0}
    best = sum(hit.score for hit in plain[0].hits)
    costs = []
    for diversity in (0.2, 0.5, 1.0):
        answer = await rooms.pipeline.search(ask(page_size=15, diversity=diversity))
        shown = sum(hit.score for hit in answer.hits)
        assert answer.relevance_cost == pytest.approx(1 - shown / best)
        costs.append(answer.relevance_cost)
    assert 0 < costs[0] < costs[1] < costs[2] < 1
    pages = await walk(rooms, page_size=15, quotas={"brand": 1})
    short = sum(hit.score for hit in pages[0].hits)
    of_that_size = sum(hit.score for hit in plain[0].hits[: len(pages[0].hits)])
    assert pages[0].relevance_cost == pytest.approx(1 - short / of_that_size)
    assert all(0 <= answer.relevance_cost < 1 for answer in pages)


async def test_a_sorted_list_keeps_its_order_but_for_quotas() -> None:
    rooms, image = house()
    by_price = await walk(rooms, page_size=12, sort="price_asc")
    mixed = await walk(rooms, page_size=12, sort="price_asc", diversity=1.0)
    assert list(map(ids, mixed)) == list(map(ids, by_price))
    assert image.fetched == []
    paged = await walk(rooms, page_size=12, sort="price_asc", quotas={"brand": 2})
    assert keeps({"brand": 2}, paged)
    for answer in paged:
        prices = [hit.product.price_minor or 0 for hit in answer.hits]
        assert prices == sorted(prices)


async def test_a_lost_picture_side_equals_a_search_without_it() -> None:
    rooms, _ = house()
    alone = await rooms.pipeline.search(ask(retrievers=("text",), diversity=0.6))
    lost, image = house()
    image.error = down(Unavailable)
    answer = await lost.pipeline.search(ask(diversity=0.6))
    assert ids(answer) == ids(alone)
    assert ids(answer) != ids(await rooms.pipeline.search(ask(retrievers=("text",))))
    assert list(answer.degraded_reasons) == ["image_unavailable"]
    assert image.fetched == [], "who did not answer the search is not asked again"


async def test_vectors_that_do_not_come_are_told_and_attributes_take_their_place() -> None:
    rooms, image = house()
    plain = await rooms.pipeline.search(ask())
    image.refusal = down(Unavailable)
    answer = await rooms.pipeline.search(ask(diversity=0.8))
    assert ids(answer) != ids(plain)
    assert list(answer.degraded_reasons) == ["image_unavailable"]
    assert answer.coverage["image"] == "error"
    with pytest.raises(Unavailable):
        await rooms.pipeline.search(ask(diversity=0.8, allow_partial=False))
    with_pictures = await house()[0].pipeline.search(ask(diversity=0.8))
    assert ids(answer) != ids(with_pictures)
    assert not with_pictures.degraded


async def test_a_list_without_words_is_mixed_too() -> None:
    rooms, image = house()
    answers = await walk(rooms, text="", diversity=0.7, quotas={"brand": 2}, page_size=10)
    assert keeps({"brand": 2}, answers)
    assert len({name for answer in answers for name in ids(answer)}) == len(SHOP)
    assert image.fetched == [], "only the text side was asked, which tells attributes"
