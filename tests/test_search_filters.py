"""Promises of filters, facets, sorting and collapse, over stages that know the whole shop."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.product import Product, SizeStock
from catalog.product_filter import (
    AllOf,
    AnyOf,
    Condition,
    Not,
    ProductFilter,
    admits,
    values_of,
    without_field,
)
from runtime.errors import DeadlineExceeded, InvalidArgument, Unavailable
from services.gateway.answer import Answer, RankedProduct
from services.gateway.query import SORTS
from tests.gateway_fakes import FakeImage, FakeRanking, FakeText, House, ask, down, terms
from tests.shop import shop

FIELDS = ("brand", "colour", "kind", "attributes.pattern", "in_stock", "size", "price_minor")


def wares(count: int = 160) -> list[Product]:
    """The shop with stock, with some products without a price, in another order of coming in."""
    return [
        replace(
            each,
            sizes=(SizeStock("M", place % 3), SizeStock("L", place % 2)),
            price_minor=None if place % 11 == 5 else each.price_minor,
            currency="" if place % 11 == 5 else "EUR",
            added_seq=1 + place * 37 % count,
        )
        for place, each in enumerate(shop(count))
    ]


WARES = wares()
SHOP = {each.id: each for each in WARES}
BY_WORDS = [each.id for place, each in enumerate(WARES) if place % 3]
BY_LOOK = [each.id for place, each in enumerate(reversed(WARES)) if place % 4]
LIKINGS = {each.id: place * 7 % 11 / 10 for place, each in enumerate(WARES) if place % 2}


def house(text: Sequence[str] = BY_WORDS, image: Sequence[str] = BY_LOOK) -> House:
    return House(FakeText(text), FakeImage(image), FakeRanking({"u-1": LIKINGS}), shop=WARES)


def search(rooms: House, text: str = "dress", **options: Any) -> Answer:
    return asyncio.run(rooms.pipeline.search(ask(text, page_size=100, **options)))


def walk(rooms: House, text: str = "dress", **options: Any) -> list[RankedProduct]:
    """All pages of a search."""
    hits: list[RankedProduct] = []
    token = ""
    while True:
        query = ask(text, page_token=token, **({"page_size": 100} | options))
        answer = asyncio.run(rooms.pipeline.search(query))
        hits += answer.hits
        assert not answer.degraded
        token = answer.next_page_token
        if not token:
            return hits


def one(value: str, field: str) -> Condition:
    return Condition(field, (value,))


_words = st.sampled_from(
    [Condition(field, (value,)) for field, value in (
        ("kind", "dress"), ("kind", "coat"), ("colour", "red"), ("colour", "navy"),
        ("brand", "Brand 1"), ("brand", "none such"), ("attributes.pattern", "plain"),
        ("size", "M"), ("in_stock", "true"), ("in_stock", "false"), ("has_photo", "true"),
    )]
)  # fmt: skip
_ranges = st.builds(
    lambda low, width: Condition("price_minor", gte=low, lt=low + width),
    st.integers(0, 12_000),
    st.integers(1, 6_000),
)
_members = st.deferred(lambda: st.lists(filters, min_size=1, max_size=3).map(tuple))
filters: st.SearchStrategy[ProductFilter] = st.recursive(
    _words | _ranges,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda each: AllOf(tuple(each)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda each: AnyOf(tuple(each)))
        | inner.map(Not)
    ),
    max_leaves=5,
)


def found_by(found: ProductFilter | None, ids: Sequence[str]) -> set[str]:
    """What a naive search finds."""
    return {name for name in ids if found is None or admits(found, SHOP[name])}


@settings(max_examples=80, deadline=None)
@given(filters, st.sampled_from(["dress", ""]), st.booleans())
def test_a_search_finds_just_what_the_filter_admits(
    found: ProductFilter, text: str, personal: bool
) -> None:
    options: dict[str, Any] = {"user_id": "u-1"} if personal else {}
    hits = walk(house(), text, filter=found, **options)
    expected = found_by(found, [*BY_WORDS, *BY_LOOK] if text else list(SHOP))
    assert {hit.product.id for hit in hits} == expected
    assert len(hits) == len(expected)


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("text", ["dress", ""])
@pytest.mark.parametrize("before", [None, one("dress", "kind"), one("Brand 2", "brand")])
def test_a_facet_value_clicked_gives_as_many(
    collapse: bool, text: str, before: ProductFilter | None
) -> None:
    rooms = house()
    answer = search(rooms, text, filter=before, facets=FIELDS, collapse=collapse)
    assert answer.total.relation == "eq"
    assert [facet.field for facet in answer.facets] == list(FIELDS)
    for facet in answer.facets:
        rest = without_field(before, facet.field) if before else None
        clicked = [(one(each.value, facet.field), each.count) for each in facet.values]
        clicked += [
            (Condition(facet.field, gte=each.gte, lt=each.lt), each.count) for each in facet.ranges
        ]
        assert clicked
        for condition, count in clicked:
            narrowed = AllOf((condition, rest)) if rest else condition
            after = search(rooms, text, filter=narrowed, collapse=collapse)
            assert (after.total.value, after.total.relation) == (count, "eq")


def test_an_active_facet_is_counted_as_if_it_were_not_and_marked() -> None:
    both = Condition("brand", ("Brand 1", "Brand 3", "none such"))
    answer = search(house(), filter=AllOf((both, one("dress", "kind"))), facets=("brand", "kind"))
    brands, kinds = answer.facets
    free = search(house(), filter=one("dress", "kind"), facets=("brand",)).facets[0]
    assert len(free.values) == 5
    counts = {each.value: each.count for each in brands.values}
    assert counts == {each.value: each.count for each in free.values} | {"none such": 0}
    assert {each.value for each in brands.values if each.selected} == {*both.values}
    assert [each.value for each in kinds.values if each.selected] == ["dress"]
    assert len(kinds.values) == 4


def test_a_selected_range_is_marked() -> None:
    free = search(house(), facets=("price_minor",)).facets[0].ranges
    condition = Condition("price_minor", gte=free[2].gte, lt=free[2].lt)
    active = search(house(), filter=condition, facets=("price_minor",)).facets[0].ranges
    assert [each.selected for each in active] == [place == 2 for place in range(len(free))]
    assert [replace(each, selected=False) for each in active] == list(free)


def test_a_facet_below_or_and_not_is_counted_with_the_filter() -> None:
    found = AnyOf((one("Brand 1", "brand"), one("Brand 2", "brand")))
    rooms = house()
    [brands] = search(rooms, filter=found, facets=("brand",)).facets
    assert {each.value for each in brands.values} == {"Brand 1", "Brand 2"}
    assert not any(each.selected for each in brands.values)
    assert rooms.text.filters == rooms.image.filters == [found]


def test_where_there_may_be_more_a_value_clicked_gives_at_least_as_many() -> None:
    many = wares(900)
    ids = [each.id for each in many]
    rooms = House(FakeText(ids), FakeImage(ids[::-1]), shop=many)
    answer = asyncio.run(rooms.pipeline.search(ask(facets=("colour", "price_minor"))))
    assert (answer.total.value, answer.total.relation) == (480, "gte")
    colours, _ = answer.facets
    assert sum(each.count for each in colours.values) == 480
    for each in colours.values:
        after = asyncio.run(rooms.pipeline.search(ask(filter=one(each.value, "colour"))))
        assert after.total.value >= each.count


def test_the_result_is_cut_at_a_thousand_and_so_are_its_facets() -> None:
    many = wares(1500)
    ids = [each.id for each in many]
    rooms = House(FakeText(ids), FakeImage(ids[::-1]), shop=many)
    answer = search(rooms, facets=("in_stock",))
    assert (answer.total.value, answer.total.relation) == (1000, "gte")
    assert sum(each.count for each in answer.facets[0].values) == 1000


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("text", ["dress", ""])
def test_hits_stand_in_the_order_asked_for(sort: str, text: str) -> None:
    hits = walk(house(), text, sort=sort, user_id="u-1", page_size=30)
    products = [hit.product for hit in hits]
    keys: dict[str, list[Any]] = {
        "price_asc": [
            (each.price_minor is None, each.price_minor or 0, each.id) for each in products
        ],
        "price_desc": [
            (each.price_minor is None, -(each.price_minor or 0), each.id) for each in products
        ],
        "newest": [(-each.added_seq, each.id) for each in products],
        "relevance": [(-hit.score, hit.product.id) for hit in hits],
    }
    assert keys[sort] == sorted(keys[sort])
    assert {each.id for each in products} == found_by(
        None, [*BY_WORDS, *BY_LOOK] if text else list(SHOP)
    )
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_without_words_the_newest_come_first_and_taste_may_say_otherwise() -> None:
    newest = [each.product.id for each in search(house(), "", sort="newest").hits]
    plain = search(house(), "", explain=True)
    assert [hit.product.id for hit in plain.hits] == newest
    assert [term.name for term in terms(plain.hits[0])] == ["fusion.text"]
    assert plain.coverage["image"] == "skipped"
    theirs = search(house(), "", user_id="u-1", personalization=1.0)
    assert LIKINGS.get(theirs.hits[0].product.id) == 1.0
    nobody = search(house(), "", user_id="u-1", personalization=0.0)
    assert nobody.hits == search(house(), "").hits


def test_a_list_without_words_is_exact_beyond_the_depth_of_a_search() -> None:
    many = wares(900)
    rooms = House(FakeText(), FakeImage(), shop=many)
    query = ask("", page_size=1, facets=("colour",), sort="price_desc")
    answer = asyncio.run(rooms.pipeline.search(query))
    assert (answer.total.value, answer.total.relation) == (900, "eq")
    assert rooms.text.asked == [("price_desc", 1000)]
    assert answer.hits[0].product.price_minor == max(each.price_minor or 0 for each in many)
    more = House(FakeText(), FakeImage(), shop=wares(1001))
    total = asyncio.run(more.pipeline.search(ask(""))).total
    assert (total.value, total.relation) == (1000, "gte")


def test_a_list_without_words_needs_the_text_stage() -> None:
    with pytest.raises(InvalidArgument) as caught:
        search(house(), "", retrievers=("image",))
    assert caught.value.field == "retrievers"
    rooms = house()
    rooms.text.error = down(Unavailable)
    with pytest.raises(Unavailable):
        search(rooms, "")
    assert rooms.image.searched == []


@pytest.mark.parametrize("sort", SORTS)
def test_collapsed_hits_are_the_best_of_their_styles(sort: str) -> None:
    flat = walk(house(), sort=sort, user_id="u-1")
    hits = walk(house(), sort=sort, user_id="u-1", collapse=True, page_size=10)
    styles = [hit.product.style_id for hit in hits]
    assert len(set(styles)) == len(styles)
    by_style: dict[str, list[str]] = {}
    for hit in flat:
        by_style.setdefault(hit.product.style_id, []).append(hit.product.id)
    expected = list(by_style.values())
    shown = [[hit.product.id, *(each.id for each in hit.variants or ())] for hit in hits]
    assert shown == expected
    answer = search(house(), sort=sort, user_id="u-1", collapse=True)
    assert answer.total.value == len(expected)


def test_only_a_collapsed_answer_has_variants() -> None:
    assert {hit.variants for hit in search(house()).hits} == {None}
    assert all(hit.variants is not None for hit in search(house(), collapse=True).hits)


def test_a_style_shows_at_most_twelve_variants() -> None:
    many = [replace(each, style_id="s-1") for each in wares(40)]
    rooms = House(FakeText([each.id for each in many]), FakeImage(), shop=many)
    answer = asyncio.run(rooms.pipeline.search(ask(collapse=True, facets=("colour",))))
    assert answer.total.value == len(answer.hits) == 1
    assert [each.id for each in answer.hits[0].variants or ()] == [each.id for each in many[1:13]]
    assert {each.count for each in answer.facets[0].values} == {1}


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("sort", SORTS)
def test_moves_lead_from_the_place_by_score_to_the_rank(sort: str, collapse: bool) -> None:
    plain = walk(house(), user_id="u-1", page_size=20)
    place = {hit.product.id: hit.rank for hit in plain}
    score = {hit.product.id: hit.score for hit in plain}
    hits = walk(house(), user_id="u-1", page_size=20, sort=sort, collapse=collapse, explain=True)
    moved = 0
    for hit in hits:
        assert hit.explanation is not None
        at = place[hit.product.id]
        for move in hit.explanation.moves:
            assert move.start == at != move.end
            assert move.why
            at = move.end
        assert at == hit.rank
        assert sum(term.value for term in terms(hit)) == pytest.approx(hit.score, abs=1e-9)
        assert hit.score == score[hit.product.id]
        moved += bool(hit.explanation.moves)
    assert bool(moved) == (collapse or sort != "relevance")


def test_a_product_that_no_longer_passes_the_filter_is_dropped_and_the_page_filled() -> None:
    rooms = house()
    cheap = Condition("price_minor", lt=9000)
    first = asyncio.run(rooms.pipeline.search(ask(filter=cheap, page_size=10, explain=True)))
    dearer = first.hits[3].product
    rooms.products.products[dearer.id] = replace(dearer, price_minor=9000)
    del rooms.products.products[first.hits[5].product.id]
    rooms.products.token += 1
    answer = asyncio.run(rooms.pipeline.search(ask(filter=cheap, page_size=10, explain=True)))
    left = [hit.product.id for place, hit in enumerate(first.hits) if place not in (3, 5)]
    assert [hit.product.id for hit in answer.hits][:8] == left
    assert len(answer.hits) == 10
    assert answer.total.value == first.total.value - 2
    fifth = answer.hits[4].explanation
    assert fifth is not None
    assert [(move.stage, move.start, move.end) for move in fifth.moves] == [("gone", 7, 5)]


def test_a_variant_takes_the_place_of_a_deleted_best() -> None:
    rooms = house()
    before = asyncio.run(rooms.pipeline.search(ask(collapse=True, page_size=5)))
    group = next(hit for hit in before.hits if hit.variants)
    assert group.variants
    del rooms.products.products[group.product.id]
    rooms.products.token += 1
    after = asyncio.run(rooms.pipeline.search(ask(collapse=True, page_size=5)))
    stand_in = after.hits[group.rank - 1]
    assert stand_in.product == group.variants[0]
    assert list(stand_in.variants or ()) == list(group.variants[1:])
    assert after.total == before.total


@pytest.mark.parametrize("kind", [Unavailable, DeadlineExceeded])
@pytest.mark.parametrize("collapse", [False, True])
def test_a_counter_that_fails_costs_a_reason_and_no_number(
    kind: type[Unavailable] | type[DeadlineExceeded], collapse: bool
) -> None:
    options: dict[str, Any] = {
        "facets": FIELDS, "sort": "price_asc", "collapse": collapse,
        "filter": one("dress", "kind"),
    }  # fmt: skip
    whole = search(house(), **options)
    rooms = house()
    rooms.text.count_error = down(kind)
    answer = search(rooms, **options)
    assert answer.hits == whole.hits
    assert answer.facets == whole.facets
    assert answer.degraded_reasons[0] == "text_unavailable"
    assert answer.coverage["text"] in ("error", "timeout")
    with pytest.raises(Unavailable):
        search(rooms, allow_partial=False, **options)


def test_without_the_text_stage_the_answer_equals_one_of_the_picture_side_alone() -> None:
    options: dict[str, Any] = {
        "facets": FIELDS, "sort": "newest", "collapse": True, "user_id": "u-1",
        "filter": Not(one("red", "colour")),
    }  # fmt: skip
    alone = search(house(), retrievers=("image",), **options)
    rooms = house()
    rooms.text.error = down(Unavailable)
    answer = search(rooms, **options)
    assert answer.hits == alone.hits
    assert (answer.total, answer.facets) == (alone.total, alone.facets)
    assert answer.degraded_reasons == ["text_unavailable"]
    assert rooms.text.counted == []  # it was not asked again
    assert not alone.degraded


def test_filters_reach_both_retrievers_and_every_page_asks_as_deep() -> None:
    rooms = house()
    found = one("dress", "kind")
    search(rooms, filter=found)
    rooms.now += 10_000
    asyncio.run(rooms.pipeline.search(ask(filter=found, page_size=100, candidate_factor=1)))
    assert rooms.text.filters == rooms.image.filters == [found, found]
    assert [count for _, count in rooms.text.asked] == [1000, 200]


def test_a_second_retrieval_encodes_nothing_twice() -> None:
    rooms = house()
    search(
        rooms, filter=AllOf((one("red", "colour"), one("dress", "kind"))), facets=("kind", "colour")
    )
    assert len(rooms.image.encoded) == 1
    assert len(rooms.image.filters) == len(rooms.text.filters) == 3


@pytest.mark.parametrize("options", [{}, {"facets": ("brand",)}, {"sort": "newest"}])
def test_an_answer_older_than_asked_says_so(options: dict[str, Any]) -> None:
    rooms = house()
    assert search(rooms, min_seq=5, **options).degraded_reasons == []
    assert {*rooms.text.min_seqs, *rooms.image.min_seqs} == {5}
    assert search(rooms, min_seq=6, **options).degraded_reasons == ["stale_index"]
    rooms.text.seq = 6
    assert search(rooms, min_seq=6, **options).degraded_reasons == []
    rooms.text.seq = rooms.image.seq = 5
    assert search(rooms, min_seq=6, **options).degraded_reasons == ["stale_index"]


def test_the_values_of_a_facet_are_those_that_products_hold() -> None:
    answer = search(house(), "", facets=("size", "in_stock", "category"))
    sizes, stock, categories = answer.facets
    for facet in (sizes, stock):
        for each in facet.values:
            assert each.count == sum(
                each.value in values_of(product, facet.field) for product in WARES
            )
    assert categories.values == ()


def test_nothing_found_has_empty_facets() -> None:
    answer = search(house(), filter=one("none such", "brand"), facets=("colour", "brand"))
    colours, brands = answer.facets
    assert answer.total.value == 0
    assert colours.values == ()
    assert sum(each.count for each in brands.values) == len({*BY_WORDS, *BY_LOOK})
