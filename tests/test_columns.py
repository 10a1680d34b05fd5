"""Promises of the columns."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog.column_view import ColumnsView
from catalog.columns import NO_PRICE, Columns
from catalog.facet import Facet, facet_of_counts
from catalog.feed import Change
from catalog.product import Product, SizeStock
from catalog.product_filter import AllOf, Condition, Not, ProductFilter, admits, values_of
from catalog.searched import text_digest
from tests.random_filters import FIELDS, drawn_filters, drawn_product, drawn_products
from tests.test_store import FULL, plain


def change(product: Product, seq: int = 1) -> Change:
    return Change(product.id, seq, 0, product)


def gone(product_id: str) -> Change:
    return Change(product_id, 1, 0, None)


def shown(view: ColumnsView, found: ProductFilter | None) -> set[str]:
    return {view.ids[row] for row in np.flatnonzero(view.mask(found)).tolist()}


def hold_to_the_oracle(
    view: ColumnsView, products: Sequence[Product], filters: Sequence[ProductFilter]
) -> None:
    assert shown(view, None) == {each.id for each in products}
    for found in filters:
        assert view.mask(found).shape == (len(view),)
        assert shown(view, found) == {each.id for each in products if admits(found, each)}


def counted(products: Sequence[Product], field: str, *, collapse: bool) -> Facet:
    held: dict[str, set[str]] = {}
    for each in products:
        for value in values_of(each, field):
            held.setdefault(value, set()).add(each.style_id if collapse else each.id)
    return facet_of_counts(field, {value: len(keys) for value, keys in held.items()})


def test_columns_hold_the_attributes_of_every_product() -> None:
    sold_out = replace(plain(2), colour="red", sizes=(SizeStock("M", 0),), added_seq=7)
    view = Columns.build([FULL, plain(1), sold_out]).view()
    assert len(view) == view.products == 3
    assert list(view.ids) == ["007", "p-0001", "p-0002"]
    assert view.row_of("p-0002") == 2
    assert view.row_of("nobody") is None
    assert view.rows_of(["p-0002", "nobody", "007"]).tolist() == [2, -1, 0]
    assert view.mask(Condition("colour", ("red",))).tolist() == [True, False, True]
    assert view.mask(Condition("in_stock", ("false",))).tolist() == [False, False, True]
    assert view.prices.tolist() == [4999, NO_PRICE, NO_PRICE]
    assert view.added.tolist() == [FULL.added_seq, 0, 7]
    assert view.text_digest.tolist() == [text_digest(each) for each in (FULL, plain(1), sold_out)]
    assert len(set(view.styles.tolist())) == len({FULL.style_id, "p-0001", "p-0002"})


def test_a_mask_admits_what_the_oracle_admits() -> None:
    draw = random.Random(1)
    products = drawn_products(draw, 2000)
    hold_to_the_oracle(Columns.build(products).view(), products, drawn_filters(draw, products, 200))


def test_a_mask_admits_what_the_oracle_admits_after_thousands_of_changes(tmp_path: Path) -> None:
    draw = random.Random(2)
    there = {each.id: each for each in drawn_products(draw, 500)}
    columns = Columns.build(there.values())
    rows: dict[str, int] = {}
    for step in range(120):
        changes: dict[str, Change] = {}
        for _ in range(40):
            key = f"p-{draw.randrange(900):06d}"
            if draw.random() < 0.2:
                changes[key] = gone(key)
                there.pop(key, None)
            else:
                there[key] = drawn_product(draw, key)
                changes[key] = change(there[key])
        columns.apply(list(changes.values()))
        for key in there:
            row = columns.view().row_of(key)
            assert row is not None
            assert rows.setdefault(key, row) == row, "a product keeps its row"
        if step % 10 == 0:
            filters = drawn_filters(draw, list(there.values()), 20)
            hold_to_the_oracle(columns.view(), list(there.values()), filters)
    columns.write(tmp_path)
    again = Columns.open(tmp_path).view()
    assert len(again) == again.products == len(there)
    filters = drawn_filters(draw, list(there.values()), 50)
    hold_to_the_oracle(again, list(there.values()), filters)
    for view in (again, columns.view()):
        order = sorted(there)
        ranks = view.id_ranks(view.rows_of(order))
        assert (np.diff(ranks) > 0).all()
        assert view.prices[view.rows_of(order)].tolist() == [
            NO_PRICE if there[key].price_minor is None else there[key].price_minor for key in order
        ]


def test_a_view_stays_what_it_was() -> None:
    draw = random.Random(3)
    products = drawn_products(draw, 400)
    columns = Columns.build(products)
    filters = drawn_filters(draw, products, 30)
    there = {each.id: each for each in products}
    kept: list[tuple[ColumnsView, list[Product]]] = []
    for _ in range(60):
        kept.append((columns.view(), list(there.values())))
        some = [drawn_product(draw, f"p-{draw.randrange(600):06d}") for _ in range(40)]
        doomed = draw.sample(sorted(there), 5)
        there |= {each.id: each for each in some}
        for key in doomed:
            there.pop(key)
        columns.apply([*map(change, some), *map(gone, doomed)])
    for view, products in kept[::7]:
        hold_to_the_oracle(view, products, filters)
        rows = view.rows_of([each.id for each in products])
        assert (rows >= 0).all()
        for field in ("brand", "category", "attributes.sleeve"):
            assert view.facet(rows, field) == counted(products, field, collapse=False)


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("field", [field for field in FIELDS if field != "price_minor"])
def test_a_facet_counts_each_value(field: str, collapse: bool) -> None:
    draw = random.Random(4)
    products = drawn_products(draw, 1000)
    columns = Columns.build(products)
    products[:50] = [drawn_product(draw, each.id) for each in products[:50]]
    columns.apply([change(each) for each in products[:50]])
    view = columns.view()
    some = products[::2]
    rows = view.rows_of([each.id for each in some])
    styles = view.at("style_id", rows) if collapse else None
    assert view.facet(rows, field, styles) == counted(some, field, collapse=collapse)


def test_a_facet_of_prices_counts_those_that_have_one() -> None:
    products = drawn_products(random.Random(5), 500)
    view = Columns.build(products).view()
    facet = view.facet(np.arange(500, dtype=np.int32), "price_minor")
    assert sum(each.count for each in facet.ranges) == sum(
        each.price_minor is not None for each in products
    )
    for each in facet.ranges:
        inside = Condition("price_minor", gte=each.gte, lt=each.lt)
        assert each.count == view.mask(inside).sum()


def test_a_product_that_comes_back_has_its_old_row_and_its_new_values() -> None:
    columns = Columns.build([plain(1), plain(2)])
    columns.apply([gone("p-0001")])
    without = columns.view()
    assert without.row_of("p-0001") is None
    assert without.rows_of(["p-0001", "p-0002"]).tolist() == [-1, 1]
    columns.apply([change(replace(plain(1), colour="teal", added_seq=9))])
    view = columns.view()
    assert view.row_of("p-0001") == 0
    assert view.added.tolist() == [9, 0]
    assert shown(view, Condition("colour", ("teal",))) == {"p-0001"}
    assert without.row_of("p-0001") is None


def test_a_new_product_has_its_place_among_the_ids() -> None:
    columns = Columns.build([plain(2), plain(5)])
    columns.apply([change(plain(9)), change(plain(1)), change(plain(3)), change(plain(4))])
    view = columns.view()
    rows = np.arange(6, dtype=np.int32)
    order = np.argsort(view.id_ranks(rows))
    assert [view.ids[row] for row in order] == [f"p-000{n}" for n in (1, 2, 3, 4, 5, 9)]


def test_a_change_of_price_leaves_the_text_as_it_was() -> None:
    assert text_digest(replace(FULL, price_minor=1, sizes=(), images=())) == text_digest(FULL)
    for field in ("title", "description", "brand", "kind", "gender", "colour", "season"):
        other = replace(FULL, **{field: "another"})  # type: ignore[arg-type]  # all are words
        assert text_digest(other) != text_digest(FULL)
    assert text_digest(replace(FULL, attributes={"a": "b"})) != text_digest(FULL)
    assert text_digest(replace(FULL, category=("A",))) != text_digest(FULL)


def test_an_empty_catalogue_has_columns(tmp_path: Path) -> None:
    Columns.build([]).write(tmp_path)
    columns = Columns.open(tmp_path)
    colour = AllOf((Condition("colour", ("red",)), Not(Condition("attributes.x", ("y",)))))
    assert columns.view().mask(colour).shape == (0,)
    columns.apply([change(FULL)])
    assert columns.view().products == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: np.save(folder / "brand.npy", np.zeros(3, np.int64)),
        lambda folder: np.save(folder / "brand.npy", np.zeros(2, np.int32)),
        lambda folder: np.save(folder / "brand.npy", np.full(3, 99, np.int32)),
        lambda folder: np.save(folder / "attribute_rows.npy", np.full(1, 9, np.int32)),
        lambda folder: (folder / "ids.json").write_bytes(b'["a","a","b"]'),
        lambda folder: (folder / "ids.json").write_bytes(b"[]"),
        lambda folder: (folder / "dictionaries.json").write_bytes(b"{}"),
        lambda folder: (folder / "attributes.json").write_bytes(b"{}"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(spoil: object, tmp_path: Path) -> None:
    Columns.build([replace(FULL, attributes={"a": "b"}), plain(1), plain(2)]).write(tmp_path)
    Columns.open(tmp_path)
    spoil(tmp_path)  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"."):
        Columns.open(tmp_path)


def test_a_product_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Columns.build([plain(1), plain(1)])
