"""Promises of listing, counting and following, asked of the text service through a channel."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from catalog.columns import Columns
from catalog.feed import Change
from catalog.filter_wire import facet_from_proto, filter_to_proto
from catalog.product import Product
from catalog.product_filter import AllOf, Condition, Not, ProductFilter, admits
from catalog.store import CatalogStore
from fashion.catalog.v1 import catalog_pb2
from fashion.text.v1 import text_retriever_pb2 as pb
from offline.build_text import build_text
from offline.layout import DataDir
from services.text_retriever.browse import Order, browse
from tests.random_filters import drawn_filters, drawn_product, drawn_products
from tests.test_columns import counted
from tests.test_text_retriever import Clock, Shelf, code_of, request, serving

INVALID = grpc.StatusCode.INVALID_ARGUMENT
MAX = 2**63
KEYS: dict[Order, Callable[[Product], tuple[int, str]]] = {
    "id": lambda p: (0, p.id),
    "price_asc": lambda p: (MAX if p.price_minor is None else p.price_minor, p.id),
    "price_desc": lambda p: (MAX if p.price_minor is None else -p.price_minor, p.id),
    "newest": lambda p: (-p.added_seq, p.id),
}


def changed(draw: random.Random, products: list[Product]) -> tuple[Columns, list[Product]]:
    """Returns the columns of products after some changed, came and went."""
    columns = Columns.build(products)
    there = {each.id: each for each in products}
    for _ in range(4):
        some = [drawn_product(draw, f"p-{draw.randrange(800):06d}x") for _ in range(20)]
        some += [drawn_product(draw, draw.choice(products).id) for _ in range(20)]
        there |= {each.id: each for each in some}
        doomed = draw.choice(sorted(there))
        there.pop(doomed)
        columns.apply([Change(each.id, 1, 0, each) for each in some])
        columns.apply([Change(doomed, 1, 0, None)])
    return columns, list(there.values())


@pytest.mark.parametrize("order", ["id", "price_asc", "price_desc", "newest"])
def test_a_list_is_exact_ordered_and_counted(order: Order) -> None:
    draw = random.Random(1)
    columns, products = changed(draw, drawn_products(draw, 700))
    filters: list[ProductFilter | None] = [None, *drawn_filters(draw, products, 30)]
    for found in filters:
        wanted = sorted(
            (each for each in products if found is None or admits(found, each)), key=KEYS[order]
        )
        for count in (1, 24, 1000):
            listing = browse(columns.view(), found, order=order, count=count)
            assert listing.ids == [each.id for each in wanted[:count]]
            assert listing.total == len(wanted)
        styles = {each.style_id: each for each in reversed(wanted)}
        firsts = [each.id for each in wanted if styles[each.style_id] is each]
        for count in (1, 24, 1000):
            listing = browse(columns.view(), found, order=order, count=count, collapse=True)
            assert listing.ids == firsts[:count]
            assert listing.total == len(firsts)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "artifacts")


async def test_filters_are_answered_query_by_query(shelf: Shelf) -> None:
    products = drawn_products(random.Random(2), 300)
    generation = shelf.publish(products, seq=7)
    red = Condition("colour", ("red",))
    batch = pb.RetrieveProductsRequest(
        queries=[
            pb.TextQuery(text="wool", filter=filter_to_proto(red)),
            pb.TextQuery(text="wool", filter=filter_to_proto(Condition("nobody", ("x",)))),
            pb.TextQuery(text="wool", filter=catalog_pb2.ProductFilter()),
            pb.TextQuery(text="wool", hit_count=1000),
        ],
        min_seq=3,
    )
    async with serving(shelf) as stub:
        reply = await stub.RetrieveProducts(batch)
    assert [result.status.field for result in reply.results] == ["", "filter.field", "filter", ""]
    assert [result.status.code for result in reply.results] == [0, 3, 3, 0]
    by_id = {each.id: each for each in products}
    wool = list(reply.results[3].hits.product_ids)
    assert list(reply.results[0].hits.product_ids) == [
        key for key in wool if admits(red, by_id[key])
    ]
    assert (reply.generation.generation, reply.generation.seq) == (generation, 7)


async def test_a_list_is_browsed_by_filter_and_sort(shelf: Shelf) -> None:
    products = drawn_products(random.Random(3), 300)
    shelf.publish(products, seq=7)
    found = AllOf((Condition("colour", ("red", "navy")), Not(Condition("kind", ("coat",)))))
    wanted = sorted((each for each in products if admits(found, each)), key=KEYS["price_asc"])
    async with serving(shelf) as stub:
        asked = pb.BrowseProductsRequest(
            filter=filter_to_proto(found), order=pb.BROWSE_ORDER_PRICE_ASC, hit_count=10
        )
        reply = await stub.BrowseProducts(asked)
        assert list(reply.product_ids) == [each.id for each in wanted[:10]]
        assert (reply.total, reply.generation.seq) == (len(wanted), 7)
        asked.collapse = True
        collapsed = await stub.BrowseProducts(asked)
        assert collapsed.total == len({each.style_id for each in wanted})
        everything = await stub.BrowseProducts(pb.BrowseProductsRequest())
        assert list(everything.product_ids) == [each.id for each in products[:200]]
        assert everything.total == 300
        for bad in (
            pb.BrowseProductsRequest(hit_count=1001),
            pb.BrowseProductsRequest(min_seq=-1),
            pb.BrowseProductsRequest(order=9),  # type: ignore[arg-type]
            pb.BrowseProductsRequest(filter=catalog_pb2.ProductFilter()),
        ):
            assert await code_of(stub.BrowseProducts(bad)) is INVALID


@pytest.mark.parametrize("collapse", [False, True])
async def test_facets_and_rows_are_those_of_the_products_asked_for(
    shelf: Shelf, collapse: bool
) -> None:
    products = drawn_products(random.Random(4), 500)
    shelf.publish(products, seq=7)
    some = products[::3]
    ids = [each.id for each in some]
    fields = ["brand", "category", "price_minor", "size", "attributes.sleeve", "in_stock"]
    async with serving(shelf) as stub:
        reply = await stub.CountFacets(
            pb.CountFacetsRequest(
                product_ids=[*ids, "nobody"], fields=fields, collapse=collapse, rows=True
            )
        )
        bare = await stub.CountFacets(pb.CountFacetsRequest(product_ids=ids))
        for bad in (
            pb.CountFacetsRequest(product_ids=["a"] * 2),
            pb.CountFacetsRequest(product_ids=[""]),
            pb.CountFacetsRequest(product_ids=map(str, range(1001))),
            pb.CountFacetsRequest(fields=["brand"] * 21),
            pb.CountFacetsRequest(fields=["nothing"]),
        ):
            assert await code_of(stub.CountFacets(bad)) is INVALID
    facets = {each.field: facet_from_proto(each) for each in reply.facets}
    assert list(facets) == fields
    for field in fields:
        if field != "price_minor":
            assert facets[field] == counted(some, field, collapse=collapse)
    priced = [each for each in some if each.price_minor is not None]
    for each in facets["price_minor"].ranges:
        inside = [
            p for p in priced if p.price_minor is not None and each.gte <= p.price_minor < each.lt
        ]
        assert each.count == len({p.style_id if collapse else p.id for p in inside})
    styles: dict[int, set[str]] = {}
    for number, product in zip(reply.rows.styles, some, strict=False):
        styles.setdefault(number, set()).add(product.style_id)
    assert all(number >= 0 and len(names) == 1 for number, names in styles.items())
    assert len(styles) == len({each.style_id for each in some})
    assert list(reply.rows.prices_minor) == [
        *(-1 if each.price_minor is None else each.price_minor for each in some),
        -1,
    ]
    assert list(reply.rows.added_seqs) == [*(each.added_seq for each in some), 0]
    assert reply.rows.styles[-1] == -1
    assert not bare.HasField("rows")


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[tuple[Shelf, CatalogStore]]:
    data = DataDir(tmp_path / "data").create()
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert(drawn_products(random.Random(5), 100))
    artifact = build_text(data)
    shelf = Shelf(data.artifacts, database_url=data.database_url)
    shelf.store.release({"text": artifact.generation}, seq=artifact.seq)
    yield shelf, store
    await asyncio.to_thread(shelf.opener.close)
    store.close()


async def test_an_answer_waits_for_the_change_it_must_hold(
    followed: tuple[Shelf, CatalogStore],
) -> None:
    shelf, store = followed
    async with serving(shelf) as stub:
        for n in range(3):
            seq = store.upsert([Product(id=f"new-{n}", style_id="s", title="Teal kaftan")]).seq
            asked = request("kaftan")
            asked.min_seq = seq
            reply = await stub.RetrieveProducts(asked)
            assert reply.generation.seq >= seq
            assert len(reply.results[0].hits.product_ids) == n + 1
            listing = await stub.BrowseProducts(
                pb.BrowseProductsRequest(order=pb.BROWSE_ORDER_NEWEST, hit_count=1, min_seq=seq)
            )
            assert list(listing.product_ids) == [f"new-{n}"]
        store.upsert([replace(store_product(store, "new-0"), price_minor=5, currency="EUR")])
        counted_ = await stub.CountFacets(
            pb.CountFacetsRequest(product_ids=["new-0"], rows=True, min_seq=store.seq())
        )
        assert list(counted_.rows.prices_minor) == [5]


def store_product(store: CatalogStore, key: str) -> Product:
    found = store.get(key)
    assert found is not None
    return found


async def test_a_change_that_never_comes_is_not_waited_for_beyond_the_deadline(
    followed: tuple[Shelf, CatalogStore],
) -> None:
    shelf, store = followed
    clock = Clock()
    clock.step = 0.01
    asked = request("wool")
    asked.min_seq = 10**12
    async with serving(shelf, clock) as stub:
        reply = await stub.RetrieveProducts(asked, timeout=2.0)
        assert reply.generation.seq == store.seq()
        assert reply.results[0].hits.product_ids
        asked.queries[0].deadline_ms = 60_000
        again = await stub.RetrieveProducts(asked, timeout=1.0)
        assert again.results[0].hits.product_ids


async def test_a_release_that_does_not_follow_is_not_waited_for(shelf: Shelf) -> None:
    shelf.publish(drawn_products(random.Random(6), 50), seq=7)
    asked = request("wool")
    asked.min_seq = 10**12
    async with serving(shelf) as stub:
        reply = await stub.RetrieveProducts(asked)
    assert reply.generation.seq == 7


async def test_a_new_release_goes_on_from_where_the_old_one_was(
    followed: tuple[Shelf, CatalogStore], tmp_path: Path
) -> None:
    shelf, store = followed
    async with serving(shelf) as stub:
        seq = store.upsert([Product(id="new", style_id="s", title="Teal kaftan")]).seq
        asked = request("kaftan")
        asked.min_seq = seq
        assert (await stub.RetrieveProducts(asked)).results[0].hits.product_ids
        artifact = build_text(DataDir(tmp_path / "data"))
        later = store.upsert([Product(id="newer", style_id="s", title="Teal kaftan")]).seq
        shelf.store.release({"text": artifact.generation}, seq=artifact.seq)
        await shelf.follower.poll()
        reply = await stub.RetrieveProducts(request("kaftan"))
        assert reply.generation.generation == artifact.generation
        assert reply.generation.seq >= later
        assert sorted(reply.results[0].hits.product_ids) == ["new", "newer"]
        last = store.delete(["new"]).seq
        asked.min_seq = last
        reply = await stub.RetrieveProducts(asked)
        assert list(reply.results[0].hits.product_ids) == ["newer"]
    shown = shelf.metrics.render().decode()
    assert f"hemline_applied_seq {float(last)}" in shown
    assert "hemline_catalog_followed 1.0" in shown
    assert "hemline_superseded_share" in shown
    assert 'hemline_change_delay_seconds_bucket{le="+Inf"}' in shown


async def test_without_its_catalogue_a_stage_is_not_ready_and_says_why(
    followed: tuple[Shelf, CatalogStore], tmp_path: Path
) -> None:
    shelf, _ = followed
    lost = Shelf(shelf.store._root, database_url=f"sqlite:///{tmp_path}/nowhere.db")
    await lost.follower.poll()
    assert lost.follower.value is None
    assert lost.states == [False]
    assert 'reason="catalogue_unavailable"' in lost.metrics.render().decode()
