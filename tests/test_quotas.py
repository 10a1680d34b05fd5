"""Promises of quotas: no page breaks them, and every product is on some page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.quotas import Shelf, in_pages
from tests.gateway_fakes import product

Column = list[int]


def cut(
    order: Sequence[int], columns: dict[str, Column], quotas: dict[str, int], size: int
) -> list[list[int]]:
    """The pages of an order: each ends where it is full or the next product would break a quota."""
    pages: list[list[int]] = [[]]
    for at in order:
        held = Counter((name, columns[name][place]) for place in pages[-1] for name in quotas)
        full = len(pages[-1]) == size or any(
            held[name, columns[name][at]] >= most
            for name, most in quotas.items()
            if columns[name][at] >= 0
        )
        if full:
            pages.append([])
        pages[-1].append(at)
    return pages


@st.composite
def lists(draw: st.DrawFn) -> tuple[dict[str, Column], dict[str, int], int]:
    """Columns of one length, quotas over them, and a page size."""
    count = draw(st.integers(0, 40))
    names = draw(st.sets(st.sampled_from(["brand", "style", "colour"]), min_size=1))
    values = st.lists(st.integers(-1, 5), min_size=count, max_size=count)
    columns = {name: draw(values) for name in sorted(names)}
    quotas = {name: draw(st.integers(1, 4)) for name in sorted(names)}
    return columns, quotas, draw(st.integers(1, 12))


@settings(deadline=None)
@given(lists())
def test_every_page_keeps_the_quotas_and_every_product_is_on_one(
    drawn: tuple[dict[str, Column], dict[str, int], int],
) -> None:
    columns, quotas, size = drawn
    order = in_pages(columns, quotas, size)
    assert sorted(order) == list(range(len(next(iter(columns.values())))))
    for page in cut(order, columns, quotas, size):
        for name, most in quotas.items():
            held = Counter(value for at in page if (value := columns[name][at]) >= 0)
            assert max(held.values(), default=0) <= most


@settings(deadline=None)
@given(lists())
def test_a_page_takes_the_first_that_it_may(
    drawn: tuple[dict[str, Column], dict[str, int], int],
) -> None:
    columns, quotas, size = drawn
    left = list(range(len(next(iter(columns.values())))))
    naive: list[int] = []
    while left:
        page: list[int] = []
        for at in left:
            held = Counter((name, columns[name][each]) for each in page for name in quotas)
            admitted = all(
                columns[name][at] < 0 or held[name, columns[name][at]] < most
                for name, most in quotas.items()
            )
            if admitted and len(page) < size:
                page.append(at)
        naive += page
        left = [at for at in left if at not in page]
    assert in_pages(columns, quotas, size) == naive


@settings(deadline=None)
@given(lists())
def test_what_breaks_no_quota_stays_as_it_is(
    drawn: tuple[dict[str, Column], dict[str, int], int],
) -> None:
    columns, quotas, size = drawn
    order = in_pages(columns, quotas, size)
    again = {name: [column[at] for at in order] for name, column in columns.items()}
    assert in_pages(again, quotas, size) == list(range(len(order)))


def test_a_page_is_short_rather_than_break_the_promise() -> None:
    acme, nord = 0, 1
    brands = [acme, acme, acme, nord, acme]
    order = in_pages({"brand": brands}, {"brand": 1}, 3)
    assert order == [0, 3, 1, 2, 4]
    assert cut(order, {"brand": brands}, {"brand": 1}, 3) == [[0, 3], [1], [2], [4]]


def test_what_has_no_brand_is_of_no_brand() -> None:
    assert in_pages({"brand": [-1, -1, -1]}, {"brand": 1}, 3) == [0, 1, 2]
    shelf = Shelf({"brand": 1})
    assert all(shelf.takes(replace(product(name), brand="")) for name in "abc")


@pytest.mark.parametrize(("field", "other"), [("brand", "brand"), ("colour", "colour")])
def test_a_shelf_is_counted_by_the_documents_it_shows(field: str, other: str) -> None:
    shelf = Shelf({field: 2})
    assert shelf.takes(product("a"))
    assert shelf.takes(product("b"))
    assert not shelf.takes(product("c"))
    changed = {other: "another"}
    assert shelf.takes(replace(product("c"), **changed))  # type: ignore[arg-type]


def test_one_quota_that_is_full_is_enough_to_wait() -> None:
    shelf = Shelf({"brand": 5, "style": 1})
    assert shelf.takes(product("a"))
    assert not shelf.takes(product("a"))
    assert shelf.takes(product("b"))
