"""Promises of filters and facets."""

from dataclasses import replace

import numpy as np
import pytest

from catalog.facet import FacetRange, FacetValue, facet_of_counts, facet_of_numbers, round_edges
from catalog.filter_wire import (
    facet_from_proto,
    facet_to_proto,
    filter_from_proto,
    filter_to_proto,
)
from catalog.product import Product, SizeStock
from catalog.product_filter import (
    AllOf,
    AnyOf,
    Condition,
    Not,
    ProductFilter,
    admits,
    check_filter,
    selected_values,
    values_of,
    without_field,
)
from fashion.catalog.v1 import catalog_pb2 as pb
from runtime.errors import InvalidArgument

DRESS = Product(
    id="p-1",
    style_id="s-1",
    title="Navy dress",
    brand="Acme",
    category=("Women", "Dresses"),
    kind="dress",
    gender="women",
    colour="navy",
    attributes={"pattern": "plain", "neckline": ""},
    sizes=(SizeStock("S", 0), SizeStock("M", 3)),
    price_minor=4999,
    currency="EUR",
    images=("a" * 64,),
)
BARE = Product(id="p-2", style_id="p-2", title="Thing")
NAVY = Condition("colour", ("navy",))
CHEAP = Condition("price_minor", lt=5000)


def deep(levels: int) -> ProductFilter:
    found: ProductFilter = NAVY
    for _ in range(levels - 1):
        found = Not(found)
    return found


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("id", ("p-1",)),
        ("style_id", ("s-1",)),
        ("brand", ("Acme",)),
        ("category", ("Women", "Dresses")),
        ("kind", ("dress",)),
        ("gender", ("women",)),
        ("colour", ("navy",)),
        ("season", ()),
        ("size", ("M",)),
        ("in_stock", ("true",)),
        ("has_photo", ("true",)),
        ("price_minor", ("4999",)),
        ("attributes.pattern", ("plain",)),
        ("attributes.neckline", ()),
        ("attributes.sleeve", ()),
    ],
)
def test_a_product_holds_the_values_that_its_facets_show(
    field: str, values: tuple[str, ...]
) -> None:
    assert values_of(DRESS, field) == values
    assert all(admits(Condition(field, (value, "?")), DRESS) for value in values)
    assert not admits(Condition(field, ("?",)), DRESS)


@pytest.mark.parametrize(
    ("found", "dress", "bare"),
    [
        (Condition("colour", ("Navy",)), False, False),
        (Condition("category", ("Dresses",)), True, False),
        (Condition("size", ("S",)), False, False),
        (Condition("in_stock", ("false",)), False, False),
        (Condition("has_photo", ("false",)), False, True),
        (Condition("price_minor", gte=4999, lte=4999), True, False),
        (Condition("price_minor", gt=4999), False, False),
        (Condition("price_minor", lt=4999), False, False),
        (Condition("price_minor", gte=5000, lt=4000), False, False),
        (Not(CHEAP), False, True),
        (AllOf((NAVY, CHEAP)), True, False),
        (AnyOf((NAVY, Not(CHEAP))), True, True),
        (AllOf((NAVY, Not(CHEAP))), False, False),
    ],
)
def test_a_filter_admits_what_it_says(found: ProductFilter, dress: bool, bare: bool) -> None:
    check_filter(found)
    assert (admits(found, DRESS), admits(found, BARE)) == (dress, bare)


def test_a_product_whose_sizes_are_all_gone_is_out_of_stock() -> None:
    gone = replace(DRESS, sizes=(SizeStock("S", 0),))
    assert values_of(gone, "in_stock") == ("false",)
    assert values_of(gone, "size") == ()


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (Condition("nothing", ("x",)), "filter.field"),
        (Condition("attributes.", ("x",)), "filter.field"),
        (Condition("colour"), "filter.in"),
        (Condition("colour", ("x",) * 1001), "filter.in"),
        (Condition("colour", ("red", "")), "filter.in[1]"),
        (Condition("colour", ("x" * 1001,)), "filter.in[0]"),
        (Condition("colour", gte=1), "filter"),
        (Condition("price_minor", ("1",), gte=1), "filter"),
        (Condition("price_minor", lt=2**63), "filter.lt"),
        (Condition("price_minor", ("01",)), "filter.in[0]"),
        (Condition("price_minor", ("-1",)), "filter.in[0]"),
        (Condition("price_minor", ("\u00b2",)), "filter.in[0]"),
        (Condition("in_stock", ("True",)), "filter.in[0]"),
        (AllOf(()), "filter.and"),
        (AnyOf((NAVY, Not(Condition("?", ("x",))))), "filter.or[1].not.field"),
        (AllOf((AnyOf((NAVY,) * 11), AnyOf((NAVY,) * 10))), "filter"),
        (deep(9), "filter" + ".not" * 8),
    ],
)
def test_a_malformed_filter_is_refused_by_name(found: ProductFilter, field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_filter(found)
    assert caught.value.field == field
    with pytest.raises(InvalidArgument):
        filter_from_proto(_message(found))


@pytest.mark.parametrize(
    ("field", "needed"),
    [
        ("colour", "this field needs 1 to 1000 values"),
        ("attributes.zq9", "this field needs 1 to 1000 values"),
        ("price_minor", "price_minor needs a range or 1 to 1000 values"),
    ],
)
def test_a_condition_of_nothing_is_told_what_its_field_needs(field: str, needed: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_filter(Condition(field))
    assert caught.value.message == needed


def _message(found: ProductFilter) -> pb.ProductFilter:
    try:
        return filter_to_proto(found)
    except ValueError:  # A number that no message can hold.
        raise InvalidArgument("over 64 bits") from None


def test_the_largest_filter_is_taken() -> None:
    check_filter(AllOf((Condition("id", tuple(map(str, range(1000)))),) * 20))
    check_filter(deep(8))


@pytest.mark.parametrize(
    "found",
    [NAVY, AllOf((NAVY, Not(AnyOf((CHEAP, Condition("price_minor", gte=0, lte=9, gt=1))))))],
)
def test_a_filter_survives_the_wire(found: ProductFilter) -> None:
    message = pb.ProductFilter.FromString(filter_to_proto(found).SerializeToString())
    assert filter_from_proto(message) == found


@pytest.mark.parametrize("message", [pb.ProductFilter(), pb.ProductFilter(not_of={})])
def test_a_node_of_no_kind_is_refused(message: pb.ProductFilter) -> None:
    with pytest.raises(InvalidArgument):
        filter_from_proto(message)


def test_a_field_is_taken_out_of_the_top_level_only() -> None:
    nested = AnyOf((NAVY, CHEAP))
    assert without_field(NAVY, "colour") is None
    assert without_field(NAVY, "brand") == NAVY
    assert without_field(AllOf((NAVY, CHEAP)), "colour") == CHEAP
    assert without_field(AllOf((NAVY, CHEAP, nested)), "colour") == AllOf((CHEAP, nested))
    assert without_field(AllOf((NAVY, NAVY)), "colour") is None
    assert without_field(nested, "colour") == nested
    assert without_field(Not(NAVY), "colour") == Not(NAVY)


def test_the_selected_values_are_those_of_the_top_level() -> None:
    assert selected_values(None, "colour") is None
    assert selected_values(AllOf((CHEAP, NAVY)), "colour") == NAVY
    assert selected_values(NAVY, "colour") == NAVY
    assert selected_values(AnyOf((NAVY, CHEAP)), "colour") is None
    assert selected_values(Not(NAVY), "colour") is None


def test_values_come_most_frequent_first_then_by_value() -> None:
    counts = {"b": 2, "a": 2, "c": 9, "none": 0} | {f"v{n:03d}": 1 for n in range(200)}
    facet = facet_of_counts("colour", counts)
    assert facet.values[:4] == (
        FacetValue("c", 9),
        FacetValue("a", 2),
        FacetValue("b", 2),
        FacetValue("v000", 1),
    )
    assert len(facet.values) == 100
    assert facet_from_proto(facet_to_proto(facet)) == facet


@pytest.mark.parametrize(
    ("numbers", "edges"),
    [
        ([], []),
        ([0], [0, 1]),
        ([1999, 4999], [1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000]),
        ([0, 7999], [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]),
        ([0, 8000], [0, 2000, 4000, 6000, 8000, 10000]),
        ([*range(100, 700, 6), 10**6], [100, 200, 300, 400, 500, 600, 700, 800, 1000100]),
        ([2**63 - 1], [2**63 - 1, 2**63 - 1]),
    ],
)
def test_ranges_are_round_and_at_most_eight(numbers: list[int], edges: list[int]) -> None:
    assert list(round_edges(np.array(numbers, np.int64))) == edges


def test_ranges_hold_every_number_and_count_styles_once() -> None:
    draw = np.random.default_rng(3)
    for size in (1, 2, 50, 1000):
        numbers = draw.integers(0, 10 ** draw.integers(1, 9), size)
        styles = draw.integers(0, 20, size).astype(np.int32)
        facet = facet_of_numbers("price_minor", numbers)
        assert 1 <= len(facet.ranges) <= 8
        assert sum(each.count for each in facet.ranges) == size
        for each in facet.ranges:
            assert each.count == ((numbers >= each.gte) & (numbers < each.lt)).sum()
        collapsed = facet_of_numbers("price_minor", numbers, styles=styles)
        for each in collapsed.ranges:
            inside = (numbers >= each.gte) & (numbers < each.lt)
            assert each.count == len(set(styles[inside].tolist()))
        assert facet_from_proto(facet_to_proto(facet)) == facet
    assert facet_of_numbers("price_minor", np.array([7, 7])).ranges == (FacetRange(7, 8, 2),)
