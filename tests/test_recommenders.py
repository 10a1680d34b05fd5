"""Promises of the proposals and neighbours of the ranking stage."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest
from scipy import sparse

from catalog.columns import Columns
from catalog.filter_wire import filter_to_proto
from catalog.product import Product, SizeStock
from catalog.product_filter import Condition, ProductFilter, admits
from catalog.store import CatalogStore
from fashion.ranking.v1 import reranker_pb2 as pb
from fashion.ranking.v1 import reranker_pb2_grpc as pb_grpc
from runtime.artifacts import ArtifactStore
from runtime.errors import PreconditionFailed
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.reranker import neighbours as near
from services.reranker import popularity as popular
from services.reranker.admission import NEW_SHARE, Allowed, CatalogView, Shelf
from services.reranker.factors import FORMAT, Factors, FactorTables
from services.reranker.generations import KIND, GenerationOpener, OpenGenerations
from services.reranker.live import LiveCatalog
from services.reranker.neighbours import Neighbours
from services.reranker.popularity import Popularity
from services.reranker.recommenders import Proposed, Shelved, Wanted, neighbours_of, recommend
from services.reranker.servicer import NAME, RerankerServicer
from tests.random_filters import drawn_filters, drawn_products
from tests.test_columns import change, gone
from tests.waiting import eventually

DIM = 6


class World:
    """A drawn catalogue, and models that know most of it and a few that it no longer has."""

    def __init__(self, seed: int = 1, count: int = 300) -> None:
        self.draw = random.Random(seed)
        drawn = drawn_products(self.draw, count)
        self.products = [replace(each, added_seq=at) for at, each in enumerate(drawn, 1)]
        self.draw.shuffle(self.products)
        numbers = np.random.default_rng(seed)
        self.ids = [each.id for each in self.products[: count - 20]] + ["gone-1", "gone-2"]
        size = len(self.ids)
        tables = FactorTables(
            self.ids,
            [],
            numbers.standard_normal((size, DIM)).astype(np.float32),
            np.zeros((0, DIM), np.float32),
            1.0,
            5.0,
        )
        self.tables = tables
        self.factors = Factors(tables)
        self.matrix = numbers.random((size, size)) * (numbers.random((size, size)) < 0.2)
        np.fill_diagonal(self.matrix, 0)
        self.popularity = numbers.random(size).astype(np.float32)
        self.seasons = numbers.random((size, 4)).astype(np.float32)
        self.vector = numbers.standard_normal(DIM).astype(np.float32)

    def models(self, folder: Path) -> Shelved:
        """All three models, the neighbours as they come from their files."""
        Neighbours.write(self.ids, sparse.csr_matrix(self.matrix.astype(np.float32)), folder)
        found = Neighbours.open(folder)
        shown = Popularity(self.ids, self.popularity, self.popularity, self.seasons)
        return Shelved(
            (self.factors, Shelf(self.ids)), (found, Shelf(self.ids)), (shown, Shelf(self.ids))
        )

    def view(self) -> CatalogView:
        return CatalogView(Columns.build(self.products).view(), 1, 9)

    def permitted(self, allowed: Allowed) -> set[str]:
        """The oracle: what of the catalogue may be proposed."""
        return {
            each.id
            for each in self.products
            if (allowed.filter is None or admits(allowed.filter, each))
            and each.id not in allowed.excluded_ids
            and each.style_id not in allowed.excluded_styles
            and (allowed.out_of_stock or each.in_stock)
        }


@pytest.fixture
def world() -> World:
    return World()


def wanted(
    world: World, allowed: Allowed | None = None, recent: Sequence[str] = (), count: int = 30
) -> Wanted:
    found = allowed or Allowed()
    return Wanted(world.vector, recent, [1.0] * len(recent), found, count, "winter")


def by_source(found: Sequence[Proposed]) -> dict[str, Proposed]:
    return {each.source: each for each in found}


def ranked(world: World, scores: np.ndarray, may: set[str], count: int) -> list[str]:
    """The oracle of an order: products of positive score or any, best first."""
    rows = [row for row, name in enumerate(world.ids) if name in may]
    return [world.ids[row] for row in sorted(rows, key=lambda row: (-scores[row], row))][:count]


def test_each_source_proposes_its_best_of_what_is_allowed(world: World, tmp_path: Path) -> None:
    models, view = world.models(tmp_path), world.view()
    recent = world.ids[:5]
    filters: list[ProductFilter | None] = [None, *drawn_filters(world.draw, world.products, 30)]
    for found in filters:
        styles = tuple({each.style_id for each in world.draw.sample(world.products, 5)})
        ids = tuple(each.id for each in world.draw.sample(world.products, 20))
        allowed = Allowed(found, ids, styles, out_of_stock=world.draw.random() < 0.5)
        may = world.permitted(allowed)
        lists = by_source(recommend(models, view, wanted(world, allowed, recent)))
        taste = world.factors.dots(world.vector)
        assert list(lists["taste"].product_ids if "taste" in lists else []) == ranked(
            world, taste, may, 30
        )
        together = world.matrix[:5].sum(axis=0)
        spoken = {world.ids[row] for row in np.flatnonzero(together)} & may
        assert list(lists["bought_together"].product_ids if spoken else []) == ranked(
            world, together.astype(np.float32), spoken, 30
        )
        shown = Popularity(world.ids, world.popularity, world.popularity, world.seasons)
        assert list(lists["popular"].product_ids if "popular" in lists else []) == ranked(
            world, shown.scores("winter"), may, 30
        )


def test_new_are_the_latest_of_the_catalogue_those_that_fit_first(
    world: World, tmp_path: Path
) -> None:
    models, view = world.models(tmp_path), world.view()
    newest = sorted(world.products, key=lambda each: -each.added_seq)
    late = {each.id for each in newest[: round(NEW_SHARE * len(newest))]}
    may = late & world.permitted(Allowed())
    found = by_source(recommend(models, view, wanted(world)))["new"]
    assert set(found.product_ids) == may
    assert (np.diff(found.scores) <= 0).all()
    known = dict(zip(found.product_ids, found.scores.tolist(), strict=True))
    dots = dict(zip(world.ids, world.factors.dots(world.vector).tolist(), strict=True))
    assert all(known[name] == pytest.approx(dots[name], rel=1e-5) for name in may & dots.keys())
    stranger = replace(wanted(world), vector=None)
    plain = by_source(recommend(models, view, stranger))["new"]
    assert list(plain.product_ids) == [each.id for each in newest if each.id in may]


def test_a_stranger_is_proposed_what_is_popular_and_new(world: World, tmp_path: Path) -> None:
    lists = recommend(world.models(tmp_path), world.view(), replace(wanted(world), vector=None))
    assert [each.source for each in lists] == ["popular", "new"]


def test_a_shopper_who_likes_nothing_has_no_list_of_taste(world: World, tmp_path: Path) -> None:
    nothing = replace(wanted(world), vector=np.zeros(DIM, np.float32))
    lists = recommend(world.models(tmp_path), world.view(), nothing)
    assert "taste" not in by_source(lists)


def test_because_names_what_says_most_for_a_product(world: World, tmp_path: Path) -> None:
    history, weights = [world.ids[at] for at in (3, 9, 30)], [1.0, 4.0, 2.0]
    vector = world.factors.fold_in(history, weights)
    assert vector is not None
    asked = Wanted(vector, history, weights, Allowed(), 50, "winter")
    lists = by_source(recommend(world.models(tmp_path), world.view(), asked))
    items = world.tables.item_factors.astype(np.float64)
    rows = [world.ids.index(name) for name in history]
    scaled = 5.0 * np.array(weights)
    left = items.T @ items + np.eye(DIM) + (items[rows].T * (scaled - 1)) @ items[rows]
    taste = lists["taste"]
    for name, place in zip(taste.product_ids, taste.because.tolist(), strict=True):
        said = scaled * (items[rows] @ np.linalg.solve(left, items[world.ids.index(name)]))
        assert place == (int(said.argmax()) if said.max() > 0 else -1)
        assert said.sum() == pytest.approx(
            float(taste.scores[list(taste.product_ids).index(name)]), rel=1e-3, abs=1e-4
        )
    together = lists["bought_together"]
    for name, place in zip(together.product_ids, together.because.tolist(), strict=True):
        said = np.array(weights) * world.matrix[rows, world.ids.index(name)]
        assert place == int(said.argmax())


def test_without_a_catalogue_nothing_is_filtered_and_a_filter_is_refused(
    world: World, tmp_path: Path
) -> None:
    models = world.models(tmp_path)
    excluded = Allowed(excluded_ids=world.ids[:50])
    lists = by_source(recommend(models, None, wanted(world, excluded, count=1000)))
    assert "new" not in lists
    assert set(lists["taste"].product_ids) == set(world.ids[50:])
    with pytest.raises(PreconditionFailed):
        recommend(models, None, wanted(world, Allowed(Condition("kind", ("dress",)))))


def test_neighbours_are_the_nearest_allowed_ones(world: World, tmp_path: Path) -> None:
    models, view = world.models(tmp_path), world.view()
    items = world.tables.item_factors
    units = items / np.linalg.norm(items, axis=1, keepdims=True)
    allowed = Allowed(excluded_styles=(world.products[4].style_id,))
    may = world.permitted(allowed)
    for row in range(0, 100, 7):
        cosines = units @ units[row]
        near_ones = {world.ids[at] for at in np.flatnonzero(cosines > 0)} & may - {world.ids[row]}
        found, scores = neighbours_of(models, view, world.ids[row], "taste", allowed, 12)
        assert found == ranked(world, cosines, near_ones, 12)
        assert np.allclose(scores, np.sort([cosines[world.ids.index(e)] for e in found])[::-1])
        together = world.matrix[row].astype(np.float32)
        spoken = {world.ids[at] for at in np.flatnonzero(together)} & may
        found, _ = neighbours_of(models, view, world.ids[row], "bought_together", allowed, 12)
        assert found == ranked(world, together, spoken, 12)
    for by in ("taste", "bought_together"):
        assert neighbours_of(models, view, "nobody", by, allowed, 12)[0] == []
        assert neighbours_of(Shelved(), view, world.ids[0], by, allowed, 12)[0] == []


def test_a_shelf_follows_a_catalogue_that_grows_shrinks_and_is_read_anew(world: World) -> None:
    shelf = Shelf(world.ids)
    early = Columns.build(world.products[:100])
    before = CatalogView(early.view(), 1, 1)

    def there(view: CatalogView) -> set[str]:
        admitted = shelf.admitted(Allowed(out_of_stock=True), view, view.columns.mask(None))
        return {world.ids[row] for row in np.flatnonzero(admitted)}

    known = set(world.ids)
    assert there(before) == {each.id for each in world.products[:100]} & known
    early.apply([change(each) for each in world.products[100:150]])
    early.apply([gone(world.products[0].id)])
    after = CatalogView(early.view(), 1, 2)
    assert there(after) == {each.id for each in world.products[1:150]} & known
    assert there(before) == {each.id for each in world.products[:100]} & known
    anew = CatalogView(Columns.build(world.products[50:]).view(), 2, 3)
    assert there(anew) == {each.id for each in world.products[50:]} & known


def in_stock(product_id: str, stock: int) -> Product:
    return Product(id=product_id, style_id=product_id, title="x", sizes=(SizeStock("M", stock),))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/catalog.db"


def is_read(live: LiveCatalog) -> bool:
    return live.view is not None


def test_a_catalogue_that_comes_late_is_followed(url: str) -> None:
    live = LiveCatalog(lambda: CatalogStore.open(url), retry_s=0.05)
    with closing(live):
        assert live.wait(20)
        assert not is_read(live)
        assert live.problem
        with closing(CatalogStore.open(url, create=True)) as store:
            store.upsert([in_stock("a", 1), in_stock("b", 1)])
            eventually(lambda: is_read(live))
            assert not live.problem
            seq = store.upsert([in_stock("a", 0), in_stock("c", 1)]).seq
            assert live.wait_for(seq, 20)
    view = live.view
    assert view is not None
    assert view.seq == seq
    mask = view.columns.mask(Allowed().condition)
    assert {view.columns.ids[row] for row in np.flatnonzero(mask).tolist()} == {"b", "c"}


class Opened:
    """A stage over published artifacts, with or without a catalogue."""

    def __init__(self, root: Path, world: World) -> None:
        self.store = ArtifactStore(root)
        made = {
            KIND: (FORMAT, lambda folder: Factors.write(world.tables, folder)),
            near.KIND: (
                near.FORMAT,
                lambda folder: Neighbours.write(
                    world.ids, sparse.csr_matrix(world.matrix.astype(np.float32)), folder
                ),
            ),
            popular.KIND: (
                popular.FORMAT,
                lambda folder: Popularity.write(
                    world.ids, world.popularity, world.popularity, world.seasons, folder
                ),
            ),
        }
        self.names = {
            kind: self.store.publish(kind, format=number, seq=7, write=write).generation
            for kind, (number, write) in made.items()
        }
        self.opener = GenerationOpener(self.store)
        self.opened: OpenGenerations = self.opener(self.store.release(self.names, seq=7))


class Still:
    """A catalogue at which nothing changes; None is one that was not read yet."""

    def __init__(self, view: CatalogView | None) -> None:
        self.view = view


@pytest.fixture
async def stage(tmp_path: Path, world: World) -> "AsyncIterator[Stage]":
    """The service over a real channel."""
    opened, still = Opened(tmp_path, world), Still(world.view())

    def register(server: grpc.aio.Server) -> None:
        servicer = RerankerServicer(
            lambda: opened.opened, served.run_blocking, still, season=lambda: "winter"
        )
        pb_grpc.add_RerankerServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]  # generated code

    settings = ServerSettings(in_flight_limit=64)
    served = StageServer("ranking", register, [NAME], settings, Metrics("ranking"))
    port = await served.start()
    served.set_ready(True)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Stage(pb_grpc.RerankerServiceStub(channel), opened, still)  # type: ignore[no-untyped-call]
    served.stop()
    await served.serve_until_stopped()


class Stage:
    """What a test needs of the stage that it asks."""

    def __init__(self, stub: pb_grpc.RerankerServiceStub, opened: Opened, still: Still) -> None:
        self.stub = stub
        self.opened = opened
        self.still = still


async def test_the_service_proposes_what_the_rooms_propose(
    stage: Stage, world: World, tmp_path: Path
) -> None:
    (tmp_path / "room").mkdir()
    models = world.models(tmp_path / "room")
    allowed = Allowed(Condition("in_stock", ("true",)), tuple(world.ids[5:9]))
    query = pb.RecommendQuery(
        vector=world.vector.astype("<f4").tobytes(),
        recent_product_ids=world.ids[:3],
        recent_confidences=[1, 2, -1],
        filter=filter_to_proto(Condition("in_stock", ("true",))),
        excluded_product_ids=world.ids[5:9],
        count=25,
    )
    room = Wanted(world.vector, world.ids[:3], [1, 2, -1], allowed, 25, "winter")
    name = stage.opened.names[KIND]
    reply = await stage.stub.RecommendProducts(
        pb.RecommendProductsRequest(queries=[query, pb.RecommendQuery(count=0)], generation=name)
    )
    found, refused = reply.results
    assert reply.generation.generation == name
    assert (refused.status.code, refused.status.field) == (3, "count")
    wanted_lists = recommend(models, world.view(), room)
    assert [each.source for each in found.lists] == [each.source for each in wanted_lists]
    for told, held in zip(found.lists, wanted_lists, strict=True):
        assert list(told.product_ids) == list(held.product_ids)
        assert np.array_equal(np.frombuffer(told.scores, "<f4"), held.scores)
        assert list(told.because) == held.because.tolist()


BAD_QUERIES = {
    "count": pb.RecommendQuery(count=1001),
    "season": pb.RecommendQuery(count=1, season="monsoon"),
    "recent_product_ids": pb.RecommendQuery(count=1, recent_product_ids=["x"] * 101),
    "recent_confidences": pb.RecommendQuery(
        count=1, recent_product_ids=["x"], recent_confidences=[float("nan")]
    ),
    "excluded_product_ids": pb.RecommendQuery(count=1, excluded_product_ids=["x"] * 2001),
    "excluded_style_ids": pb.RecommendQuery(count=1, excluded_style_ids=["x"] * 2001),
    "filter": pb.RecommendQuery(count=1, filter={}),
    "vector": pb.RecommendQuery(count=1, vector=b"1234"),
}


@pytest.mark.parametrize("field", BAD_QUERIES)
async def test_a_malformed_query_is_refused_by_the_name_of_its_field(
    field: str, stage: Stage
) -> None:
    name = stage.opened.names[KIND]
    request = pb.RecommendProductsRequest(queries=[BAD_QUERIES[field]], generation=name)
    reply = await stage.stub.RecommendProducts(request)
    assert (reply.results[0].status.code, reply.results[0].status.field) == (3, field)


async def test_a_vector_needs_the_name_of_its_generation(stage: Stage, world: World) -> None:
    query = pb.RecommendQuery(vector=world.vector.astype("<f4").tobytes(), count=3)
    for name, code in (
        ("", grpc.StatusCode.INVALID_ARGUMENT),
        ("000009-deadbeef", grpc.StatusCode.FAILED_PRECONDITION),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stage.stub.RecommendProducts(
                pb.RecommendProductsRequest(queries=[query], generation=name)
            )
        assert caught.value.code() == code


async def test_neighbours_are_found_over_the_wire(stage: Stage, world: World) -> None:
    request = pb.FindNeighboursRequest(product_id=world.ids[0], by="bought_together", count=5)
    reply = await stage.stub.FindNeighbours(request)
    together = {world.ids[at] for at in np.flatnonzero(world.matrix[0])}
    may = together & world.permitted(Allowed())
    assert list(reply.product_ids) == ranked(world, world.matrix[0].astype(np.float32), may, 5)
    assert reply.generation.generation == stage.opened.names[near.KIND]
    for bad in (
        pb.FindNeighboursRequest(product_id="", by="taste", count=5),
        pb.FindNeighboursRequest(product_id="x", by="look", count=5),
        pb.FindNeighboursRequest(product_id="x", by="taste", count=0),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stage.stub.FindNeighbours(bad)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_before_its_catalogue_is_read_the_stage_scores_and_proposes_nothing(
    stage: Stage, world: World
) -> None:
    stage.still.view = None
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stage.stub.RecommendProducts(
            pb.RecommendProductsRequest(queries=[pb.RecommendQuery(count=3)])
        )
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    query = pb.TasteQuery(vector=world.vector.astype("<f4").tobytes(), product_ids=world.ids[:5])
    reply = await stage.stub.ScoreCandidates(
        pb.ScoreCandidatesRequest(queries=[query], generation=stage.opened.names[KIND])
    )
    assert reply.results[0].status.code == 0


def test_a_release_without_further_models_proposes_less(tmp_path: Path, world: World) -> None:
    opened = Opened(tmp_path, world)
    alone = opened.opener(opened.store.release({KIND: opened.names[KIND]}, seq=7))
    lists = recommend(
        alone.models(alone.current), world.view(), wanted(world, recent=world.ids[:3])
    )
    assert [each.source for each in lists] == ["taste", "new"]
    nothing = opened.opener(opened.store.release({}, seq=7))
    assert [
        each.source for each in recommend(nothing.models(None), world.view(), wanted(world))
    ] == ["new"]
    again = opened.opener(opened.store.release(opened.names, seq=7))
    assert again.neighbours is not None
    assert again.popularity is not None
