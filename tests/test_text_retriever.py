"""Promises of the text retriever, asked through a real channel."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest

from catalog.product import Product
from catalog.wire import hits_from_proto
from fashion.text.v1 import text_retriever_pb2 as pb
from fashion.text.v1 import text_retriever_pb2_grpc as pb_grpc
from runtime.artifacts import ArtifactStore
from runtime.generations import Follower
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.text_retriever.index import FORMAT, TextIndex
from services.text_retriever.live import FixedText, LiveText
from services.text_retriever.main import KIND, TextOpener
from services.text_retriever.servicer import NAME, TextRetrieverServicer
from tests.shop import shop
from tests.test_text_index import found, random_queries
from tests.test_text_live import Catalogue

INVALID, DEADLINE = 3, 4


class Clock:
    """Seconds that pass as a test says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Shelf:
    """Publishes text indexes and follows their releases."""

    def __init__(self, root: Path, *, database_url: str = "") -> None:
        self.metrics = Metrics("text")
        self.store = ArtifactStore(root)
        self.opener = TextOpener(self.store, database_url, str(root.parent), self.metrics)
        self.states: list[bool] = []
        self.follower: Follower[FixedText | LiveText] = Follower(
            self.store,
            self.opener.open,
            poll_s=0,
            on_state=lambda ready, _: self.states.append(ready),
            metrics=self.metrics,
            kinds=(KIND,),
        )

    def publish(self, products: list[Product], seq: int) -> str:
        """Releases an index of products and returns its generation."""
        artifact = self.store.publish(
            KIND, format=FORMAT, seq=seq, write=lambda folder: TextIndex.write(products, folder)
        )
        self.store.release({KIND: artifact.generation}, seq=seq)
        return artifact.generation


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "artifacts")


@asynccontextmanager
async def serving(
    shelf: Shelf, clock: Clock | None = None, live: LiveText | None = None
) -> AsyncIterator[pb_grpc.TextRetrieverServiceStub]:
    def register(server: grpc.aio.Server) -> None:
        servicer = TextRetrieverServicer(
            lambda: live or shelf.follower.value,
            stage.run_blocking,
            shelf.metrics,
            clock=clock or Clock(),
        )
        add = pb_grpc.add_TextRetrieverServiceServicer_to_server
        add(servicer, server)  # type: ignore[no-untyped-call]  # generated code

    settings = ServerSettings(in_flight_limit=256)
    stage = StageServer("text", register, [NAME], settings, shelf.metrics)
    port = await stage.start()
    await shelf.follower.poll()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield pb_grpc.TextRetrieverServiceStub(channel)  # type: ignore[no-untyped-call]
    finally:
        stage.stop()
        await stage.serve_until_stopped()


def request(*texts: str, hit_count: int = 0, deadline_ms: int = 0) -> pb.RetrieveProductsRequest:
    return pb.RetrieveProductsRequest(
        queries=[
            pb.TextQuery(text=text, hit_count=hit_count, deadline_ms=deadline_ms) for text in texts
        ]
    )


async def code_of(call: grpc.aio.UnaryUnaryCall[object, object]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def test_a_batch_is_answered_in_order_from_one_generation(shelf: Shelf) -> None:
    generation = shelf.publish(shop(), seq=240)
    async with serving(shelf) as stub:
        reply = await stub.RetrieveProducts(request("red dresses", "zzzz", "navy SHIRT"))
        room = shelf.follower.value
    assert room is not None
    assert (reply.generation.generation, reply.generation.seq) == (generation, 240)
    assert [result.status.code for result in reply.results] == [0, 0, 0]
    for result, tokens in zip(
        reply.results, [["red", "dress"], ["zzzz"], ["navy", "shirt"]], strict=True
    ):
        ids, scores = room.view.index.search(tokens, 200)
        hits = hits_from_proto(result.hits)
        assert [hit.product_id for hit in hits] == ids
        assert np.array_equal(np.array([hit.score for hit in hits], np.float32), scores)
        assert list(result.terms) == tokens
    assert not reply.results[1].hits.product_ids


async def test_one_bad_query_does_not_fail_its_batch(shelf: Shelf) -> None:
    shelf.publish(shop(), seq=1)
    batch = pb.RetrieveProductsRequest(
        queries=[
            pb.TextQuery(text="red dress"),
            pb.TextQuery(text=" \t"),
            pb.TextQuery(text="x" * 513),
            pb.TextQuery(text="red", hit_count=1001),
            pb.TextQuery(text="red", hit_count=-1),
            pb.TextQuery(text="red", deadline_ms=-1),
            pb.TextQuery(text="(" * 512),
        ]
    )
    async with serving(shelf) as stub:
        reply = await stub.RetrieveProducts(batch)
    statuses = [(result.status.code, result.status.field) for result in reply.results]
    assert statuses == [
        (0, ""),
        (INVALID, "text"),
        (INVALID, "text"),
        (INVALID, "hit_count"),
        (INVALID, "hit_count"),
        (INVALID, "deadline_ms"),
        (0, ""),
    ]
    assert reply.results[0].hits.product_ids
    assert not any("xx" in result.status.message for result in reply.results)


async def test_boosts_lift_and_excluded_words_leave_out(shelf: Shelf) -> None:
    products = [
        replace(each, images=("ab" * 32,) if place % 2 else ()) for place, each in enumerate(shop())
    ]
    shelf.publish(products, seq=240)
    by_id = {each.id: each for each in products}
    query = pb.TextQuery(
        text="dress",
        hit_count=1000,
        boosts=[pb.Boost(field="colour", values=["navy", "teal"], weight=1.5)],
        excluded_text="Floral",
    )
    async with serving(shelf) as stub:
        reply = await stub.RetrieveProducts(pb.RetrieveProductsRequest(queries=[query]))
    [result] = reply.results
    found = [by_id[name] for name in result.hits.product_ids]
    colours = [each.colour == "navy" for each in found]
    assert colours == sorted(colours, reverse=True)
    assert any(colours)
    assert not all(colours)
    assert {each.attributes["pattern"] for each in found} == {"plain", "striped"}
    dark = [place for place, each in enumerate(found) if not each.images]
    assert list(result.without_photo) == dark
    assert dark


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"boosts": [pb.Boost(field="colour", values=[], weight=1)]}, "boosts[0].values"),
        ({"boosts": [pb.Boost(field="colour", values=["a"] * 51)]}, "boosts[0].values"),
        ({"boosts": [pb.Boost(field="price", values=["a"])]}, "boosts[0].field"),
        ({"boosts": [pb.Boost(field="colour", values=[""])]}, "boosts[0].in[0]"),
        ({"boosts": [pb.Boost(field="kind", values=["a"], weight=-1)]}, "boosts[0].weight"),
        ({"boosts": [pb.Boost(field="kind", values=["a"], weight=101)]}, "boosts[0].weight"),
        (
            {"boosts": [pb.Boost(field="kind", values=["a"], weight=float("nan"))]},
            "boosts[0].weight",
        ),
        ({"boosts": [pb.Boost(field="kind", values=["a"], weight=1)] * 33}, "boosts"),
        ({"excluded_text": "a" * 513}, "excluded_text"),
    ],
)
async def test_a_malformed_boost_or_exclusion_is_named(
    shelf: Shelf, options: dict[str, object], field: str
) -> None:
    shelf.publish(shop(), seq=1)
    query = pb.TextQuery(text="dress", **options)  # type: ignore[arg-type]  # fields of a query
    async with serving(shelf) as stub:
        reply = await stub.RetrieveProducts(
            pb.RetrieveProductsRequest(queries=[query, pb.TextQuery(text="dress")])
        )
    assert [each.status.code for each in reply.results] == [INVALID, 0]
    assert reply.results[0].status.field == field


async def test_what_is_typed_is_completed_from_the_release(shelf: Shelf) -> None:
    generation = shelf.publish(shop(), seq=7)
    async with serving(shelf) as stub:
        reply = await stub.CompleteText(pb.CompleteTextRequest(text="red dr", limit=5))
        plenty = await stub.CompleteText(pb.CompleteTextRequest(text="s", limit=3))
    assert (reply.generation.generation, reply.generation.seq) == (generation, 7)
    first = reply.completions[0]
    held = sum(each.title.startswith("red") and "dress" in each.title for each in shop())
    assert (first.text, first.kind) == ("red dress", pb.COMPLETION_KIND_QUERY)
    assert first.product_count == held
    assert len(plenty.completions) == 3


@pytest.mark.parametrize(
    ("text", "limit"), [("", 8), ("  ", 8), ("a" * 513, 8), ("red", 21), ("red", -1)]
)
async def test_a_malformed_request_to_complete_is_refused(
    shelf: Shelf, text: str, limit: int
) -> None:
    shelf.publish(shop(), seq=7)
    async with serving(shelf) as stub:
        call = stub.CompleteText(pb.CompleteTextRequest(text=text, limit=limit))
        assert await code_of(call) == grpc.StatusCode.INVALID_ARGUMENT


async def test_the_number_of_hits_is_a_ceiling(shelf: Shelf) -> None:
    shelf.publish(shop(900), seq=1)
    async with serving(shelf) as stub:
        counts = []
        for hit_count in (0, 1, 1000):
            reply = await stub.RetrieveProducts(
                request("red navy white green black", hit_count=hit_count)
            )
            counts.append(len(reply.results[0].hits.product_ids))
    assert counts == [200, 1, 900]


async def test_a_query_whose_budget_is_spent_is_not_looked_up(shelf: Shelf) -> None:
    shelf.publish(shop(), seq=1)
    clock = Clock()
    async with serving(shelf, clock) as stub:
        clock.step = 0.004
        reply = await stub.RetrieveProducts(request("red", "red", "red", deadline_ms=10))
    assert [result.status.code for result in reply.results] == [0, 0, DEADLINE]


async def test_a_wait_for_a_change_that_does_not_come_leaves_time_to_answer(
    tmp_path: Path,
) -> None:
    catalogue = Catalogue(tmp_path, shop())
    clock, live = Clock(), catalogue.follow()
    clock.step = 0.01
    try:
        async with serving(Shelf(tmp_path / "artifacts"), clock, live) as stub:
            late = request("red", deadline_ms=600)
            late.min_seq = 10**9
            reply = await stub.RetrieveProducts(late)
    finally:
        catalogue.close()
    assert reply.generation.seq == live.view.seq
    assert reply.results[0].status.code == 0
    assert clock.now == pytest.approx(0.8 * 0.6, abs=0.05)


@pytest.mark.parametrize("size", [0, 33])
async def test_a_batch_of_no_or_too_many_queries_is_refused(shelf: Shelf, size: int) -> None:
    shelf.publish(shop(), seq=1)
    async with serving(shelf) as stub:
        call = stub.RetrieveProducts(request(*["red"] * size))
        assert await code_of(call) is grpc.StatusCode.INVALID_ARGUMENT
        reply = await stub.RetrieveProducts(request(*["red"] * 32))
    assert len(reply.results) == 32


async def test_without_an_index_it_is_unavailable_and_then_it_answers(shelf: Shelf) -> None:
    async with serving(shelf) as stub:
        call = stub.RetrieveProducts(request("red"))
        assert await code_of(call) is grpc.StatusCode.UNAVAILABLE
        shelf.publish(shop(), seq=1)
        await shelf.follower.poll()
        reply = await stub.RetrieveProducts(request("red"))
    assert reply.results[0].hits.product_ids
    assert shelf.states == [False, True]


async def test_a_new_release_is_swapped_in_and_a_damaged_one_is_not(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.publish(shop(), seq=1)
    kaftan = Product(id="p-9", style_id="p-9", title="Teal kaftan")
    async with serving(shelf) as stub:
        assert not (await stub.RetrieveProducts(request("kaftan"))).results[0].hits.product_ids
        second = shelf.publish([kaftan], seq=2)
        await shelf.follower.poll()
        reply = await stub.RetrieveProducts(request("kaftan"))
        assert reply.results[0].hits.product_ids == ["p-9"]
        third = shelf.publish(shop(), seq=3)
        (tmp_path / "artifacts" / KIND / third / "columns" / "ids.json").write_bytes(b"[]")
        await shelf.follower.poll()
        reply = await stub.RetrieveProducts(request("kaftan"))
    assert (reply.generation.generation, reply.generation.seq) == (second, 2)
    assert reply.results[0].hits.product_ids == ["p-9"]
    assert all(shelf.states)


async def test_generated_queries_kill_nothing(shelf: Shelf) -> None:
    shelf.publish(shop(), seq=1)
    texts = [text.encode("utf-8", "replace").decode() for text in random_queries(1600)]
    async with serving(shelf) as stub:
        for start in range(0, len(texts), 32):
            reply = await stub.RetrieveProducts(request(*texts[start : start + 32]))
            assert {result.status.code for result in reply.results} <= {0, INVALID}
        call = stub.RetrieveProducts(request("(" * 20_000))
        assert (await call).results[0].status.code == INVALID
        reply = await stub.RetrieveProducts(request("red dress"))
    room = shelf.follower.value
    assert room is not None
    assert list(reply.results[0].hits.product_ids) == found(room.view.index, "red dress", 200)
