"""Promises of the image stage, asked over a real channel."""

import asyncio
import io
import itertools
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from catalog.store import CatalogStore
from fashion.catalog.v1 import catalog_pb2
from fashion.image.v1 import image_retriever_pb2 as pb
from fashion.image.v1.image_retriever_pb2_grpc import (
    ImageRetrieverServiceStub,
    add_ImageRetrieverServiceServicer_to_server,
)
from runtime.artifacts import Artifact, ArtifactRefused, ArtifactStore, Release
from runtime.errors import Code
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.image_retriever.batcher import EncodeBatcher
from services.image_retriever.canary import Canaries
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.encoder import Encoder
from services.image_retriever.live import LiveIndex
from services.image_retriever.pair import Openers, Pair, PairOpener
from services.image_retriever.parts import PartEncoder
from services.image_retriever.servicer import MAX_CALL_S, NAME, ImageRetrieverServicer
from services.image_retriever.snapshot import Snapshot
from services.image_retriever.wiring import LateCatalogue, openers
from tests.colours import COLOURS, ColourEncoder, photo, two_colours
from tests.image_artifact import pictured, write_snapshot
from tests.waiting import eventually

FLOORS = {"text": 0.5, "photo": 0.9, "mixed": 0.5}
PRODUCTS = [(f"{colour}-{n}", colour, 1 - n / 20) for colour in COLOURS for n in range(5)]


def write_index(
    folder: Path,
    encoder: ColourEncoder,
    *,
    look_alike: float | None = None,
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, object]:
    pixels = [_pixels(colour, shade) for _, colour, shade in PRODUCTS]
    Canaries.write(["red", "nothing known"], encoder, folder)
    products = [
        replace(pictured(product_id), colour=colour, kind=kinds.get(colour, "bag"))
        for product_id, colour, _ in PRODUCTS
    ]
    return write_snapshot(
        folder,
        products,
        encoder.encode_photos(pixels),
        fingerprint=encoder.fingerprint,
        floors=FLOORS,
        look_alike=look_alike,
    )


def photo_of(pixels: NDArray[np.uint8]) -> bytes:
    """Returns pixels as a PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _pixels(colour: str, shade: float) -> NDArray[np.uint8]:
    filled = [int(part * shade) for part in COLOURS[colour]]
    return np.tile(np.array(filled, np.uint8), (16, 16, 1))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder, encoder = tmp_path_factory.mktemp("index"), ColourEncoder()
    write_index(folder, encoder)
    index = LiveIndex(Snapshot.open(folder), generation="000001-abcdef01", seq=7)
    return Pair(index, encoder)


@pytest.fixture(scope="module")
def parts() -> Iterator[PartEncoder]:
    encoder = PartEncoder(EncodeBatcher(), PhotoDecoder())
    yield encoder
    encoder.close()


@asynccontextmanager
async def serving(
    opened: Callable[[], Pair | None],
    parts: PartEncoder | None,
    *,
    searches: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[ImageRetrieverServiceStub]:
    def register(server: grpc.aio.Server) -> None:
        servicer = ImageRetrieverServicer(
            opened, stage.run_blocking, encoder=parts, searches=searches, clock=clock
        )
        add_ImageRetrieverServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]

    settings = ServerSettings(in_flight_limit=64, max_message_mib=11)
    stage = StageServer("image", register, [NAME], settings, Metrics("image"))
    port = await stage.start()
    served = asyncio.create_task(stage.serve_until_stopped())
    try:
        options = [("grpc.max_send_message_length", -1)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            yield ImageRetrieverServiceStub(channel)  # type: ignore[no-untyped-call]
    finally:
        stage.stop()
        await served


@pytest.fixture
async def stub(pair: Pair, parts: PartEncoder) -> AsyncIterator[ImageRetrieverServiceStub]:
    async with serving(lambda: pair, parts) as stub:
        yield stub


def words(text: str, weight: float | None = None) -> pb.QueryPart:
    return pb.QueryPart(text=text, weight=weight)


def shot(data: bytes, weight: float | None = None, crop: pb.Crop | None = None) -> pb.QueryPart:
    return pb.QueryPart(photo=data, weight=weight, crop=crop)


def like(product_id: str, weight: float | None = None) -> pb.QueryPart:
    return pb.QueryPart(product_id=product_id, weight=weight)


async def encode(
    stub: ImageRetrieverServiceStub, *queries: Sequence[pb.QueryPart]
) -> pb.EncodeQueriesResponse:
    request = pb.EncodeQueriesRequest(queries=[pb.EncodeQuery(parts=parts) for parts in queries])
    reply: pb.EncodeQueriesResponse = await stub.EncodeQueries(request, timeout=30)
    return reply


async def search(
    stub: ImageRetrieverServiceStub, *queries: pb.VectorQuery, fingerprint: str = "colours-1"
) -> pb.SearchVectorsResponse:
    request = pb.SearchVectorsRequest(queries=queries, encoder_fingerprint=fingerprint)
    reply: pb.SearchVectorsResponse = await stub.SearchVectors(request, timeout=30)
    return reply


async def found(stub: ImageRetrieverServiceStub, *parts: pb.QueryPart, count: int = 5) -> list[str]:
    """The ids that a mixture finds, by both calls as the gateway makes them."""
    (encoded,) = (await encode(stub, parts)).queries
    assert encoded.status.code == 0, encoded.status.message
    query = pb.VectorQuery(vector=encoded.vector, kind=encoded.kind, hit_count=count)
    (result,) = (await search(stub, query)).results
    assert result.status.code == 0, result.status.message
    return list(result.hits.product_ids)


def vector_of(encoded: pb.EncodedQuery) -> NDArray[np.float32]:
    return np.frombuffer(encoded.vector, "<f4")


async def test_words_find_what_looks_like_them(stub: ImageRetrieverServiceStub) -> None:
    assert {name.split("-")[0] for name in await found(stub, words("RED"))} == {"red"}


async def test_a_photo_finds_what_looks_like_it(stub: ImageRetrieverServiceStub) -> None:
    assert (await found(stub, shot(photo("blue"))))[0] == "blue-0"


async def test_a_product_finds_itself_and_its_like(stub: ImageRetrieverServiceStub) -> None:
    assert (await found(stub, like("green-2")))[0] == "green-2"


async def test_a_crop_decides_what_is_looked_at(stub: ImageRetrieverServiceStub) -> None:
    data = two_colours("red", "blue")
    left = pb.Crop(x=0, y=0, width=0.4, height=1)
    right = pb.Crop(x=0.6, y=0, width=0.4, height=1)
    assert (await found(stub, shot(data, crop=left)))[0] == "red-0"
    assert (await found(stub, shot(data, crop=right)))[0] == "blue-0"


async def test_a_mixture_is_the_weighted_sum_of_its_parts(
    stub: ImageRetrieverServiceStub, pair: Pair
) -> None:
    reply = await encode(
        stub,
        [words("red")],
        [shot(photo("blue"))],
        [words("red", 2), shot(photo("blue"), 0.5), like("green-1", -1)],
    )
    red, blue, mixture = (vector_of(each) for each in reply.queries)
    green = pair.view.vector_of("green-1")
    assert green is not None
    wanted = 2 * red + 0.5 * blue - green
    assert np.allclose(mixture, wanted / np.linalg.norm(wanted), atol=1e-6)
    kinds = [each.kind for each in reply.queries]
    assert kinds == [pb.QUERY_KIND_TEXT, pb.QUERY_KIND_PHOTO, pb.QUERY_KIND_MIXED]


async def test_answers_name_their_encoder_and_index(stub: ImageRetrieverServiceStub) -> None:
    reply = await encode(stub, [words("red")])
    assert reply.encoder_fingerprint == "colours-1"
    assert (reply.generation.generation, reply.generation.seq) == ("000001-abcdef01", 7)
    query = pb.VectorQuery(vector=reply.queries[0].vector)
    assert (await search(stub, query)).generation == reply.generation


async def test_unknown_words_are_no_query_at_all(stub: ImageRetrieverServiceStub) -> None:
    reply = await encode(stub, [words("zzzz")], [words("zzzz"), shot(photo("red"))])
    nothing, rest = reply.queries
    assert nothing.status.code == 0
    assert nothing.vector == b""
    assert nothing.kind == pb.QUERY_KIND_TEXT
    assert rest.kind == pb.QUERY_KIND_PHOTO
    assert len(rest.vector) == 16


async def test_parts_that_cancel_out_are_refused(stub: ImageRetrieverServiceStub) -> None:
    (encoded,) = (await encode(stub, [words("red", 1), words("red", -1)])).queries
    assert encoded.status.code == Code.INVALID_ARGUMENT.grpc_number
    assert encoded.status.field == "parts"
    assert encoded.vector == b""


BAD_PARTS: dict[str, tuple[list[pb.QueryPart], str]] = {
    "no parts": ([], "parts"),
    "too many": ([words("red")] * 17, "parts"),
    "nothing in it": ([pb.QueryPart()], "parts[0]"),
    "empty text": ([words("red"), words(" \u200b ")], "parts[1].text"),
    "long text": ([words("a" * 513)], "parts[0].text"),
    "weight 0": ([words("red", 0)], "parts[0].weight"),
    "weight nan": ([words("red", float("nan"))], "parts[0].weight"),
    "weight 11": ([words("red", 11)], "parts[0].weight"),
    "words on a ground": (
        [pb.QueryPart(text="red", remove_background=True)],
        "parts[0].remove_background",
    ),
    "crop of words": ([pb.QueryPart(text="red", crop=pb.Crop(width=1, height=1))], "parts[0].crop"),
    "crop outside": (
        [shot(photo("red"), crop=pb.Crop(x=0.5, width=0.6, height=1))],
        "parts[0].crop",
    ),
    "long id": ([like("x" * 129)], "parts[0].product_id"),
    "no photo": ([words("red"), shot(b"nonsense")], "parts[1].photo"),
    "empty photo": ([shot(b"")], "parts[0].photo"),
}


@pytest.mark.parametrize("name", list(BAD_PARTS))
async def test_a_bad_query_is_told_its_field_and_hurts_no_other(
    stub: ImageRetrieverServiceStub, name: str
) -> None:
    bad, field = BAD_PARTS[name]
    reply = await encode(stub, [words("red")], bad, [shot(photo("blue"))])
    first, refused, last = reply.queries
    assert refused.status.code == Code.INVALID_ARGUMENT.grpc_number
    assert refused.status.field == field
    assert first.status.code == last.status.code == 0
    assert len(first.vector) == len(last.vector) == 16


async def test_an_unknown_product_is_not_found(stub: ImageRetrieverServiceStub) -> None:
    (encoded,) = (await encode(stub, [like("red-99")])).queries
    assert encoded.status.code == Code.NOT_FOUND.grpc_number
    assert encoded.status.field == "parts[0].product_id"


async def test_a_batch_has_bounds(stub: ImageRetrieverServiceStub) -> None:
    for queries in ([], [[words("red")]] * 33):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await encode(stub, *queries)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_photo_of_ten_mebibytes_passes_the_door(stub: ImageRetrieverServiceStub) -> None:
    """It is no photo, but it is the decoder that says so."""
    (encoded,) = (await encode(stub, [shot(b"\xff\xd8\xff" + bytes((10 << 20) - 3))])).queries
    assert encoded.status.code == Code.INVALID_ARGUMENT.grpc_number


async def test_many_queries_are_answered_as_each_alone(stub: ImageRetrieverServiceStub) -> None:
    names = list(COLOURS) * 8
    together = await encode(stub, *([words(name)] for name in names))
    alone = [(await encode(stub, [words(name)])).queries[0] for name in COLOURS]
    assert [each.vector for each in together.queries] == [each.vector for each in alone] * 8


async def test_the_floor_of_the_kind_cuts_the_hits(stub: ImageRetrieverServiceStub) -> None:
    (encoded,) = (await encode(stub, [words("red")])).queries
    kinds = (pb.QUERY_KIND_UNSPECIFIED, pb.QUERY_KIND_TEXT, pb.QUERY_KIND_PHOTO)
    reply = await search(
        stub, *(pb.VectorQuery(vector=encoded.vector, kind=kind) for kind in kinds)
    )
    free, text, strict = (result.hits for result in reply.results)
    assert len(free.product_ids) == len(PRODUCTS)
    assert min(free.scores) < FLOORS["text"] <= min(text.scores)
    assert min(strict.scores) >= FLOORS["photo"]
    assert 0 < len(strict.product_ids) < len(text.product_ids) < len(PRODUCTS)


async def test_each_vector_gets_its_own_count_and_exclusions(
    stub: ImageRetrieverServiceStub,
) -> None:
    (encoded,) = (await encode(stub, [like("red-0")])).queries
    reply = await search(
        stub,
        pb.VectorQuery(vector=encoded.vector, hit_count=3),
        pb.VectorQuery(vector=encoded.vector, hit_count=1, excluded_product_ids=["red-0"]),
    )
    three, one = (list(result.hits.product_ids) for result in reply.results)
    assert three[0] == "red-0"
    assert len(three) == 3
    assert one == [three[1]]


def floats(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


BAD_VECTORS: dict[str, tuple[pb.VectorQuery, str]] = {
    "empty": (pb.VectorQuery(), "vector"),
    "short": (pb.VectorQuery(vector=floats(1, 0, 0)), "vector"),
    "float64": (pb.VectorQuery(vector=struct.pack("<4d", 1, 0, 0, 0)), "vector"),
    "zero": (pb.VectorQuery(vector=floats(0, 0, 0, 0)), "vector"),
    "nan": (pb.VectorQuery(vector=floats(1, float("nan"), 0, 0)), "vector"),
    "infinite": (pb.VectorQuery(vector=floats(1, float("inf"), 0, 0)), "vector"),
    "huge": (pb.VectorQuery(vector=floats(1e30, 0, 0, 0)), "vector"),
    "count": (pb.VectorQuery(vector=floats(1, 0, 0, 0), hit_count=1001), "hit_count"),
    "order": (pb.VectorQuery(vector=floats(1, 0, 0, 0), order_vector=b"x"), "order_vector"),
    "no order": (pb.VectorQuery(vector=floats(1, 0, 0, 0), candidate_count=9), "candidate_count"),
    "kind alone": (
        pb.VectorQuery(vector=floats(1, 0, 0, 0), kind_vector=floats(1, 0, 0, 0)),
        "kind_vector",
    ),
    "few candidates": (
        pb.VectorQuery(
            vector=floats(1, 0, 0, 0),
            order_vector=floats(1, 0, 0, 0),
            hit_count=10,
            candidate_count=9,
        ),
        "candidate_count",
    ),
    "negative": (pb.VectorQuery(vector=floats(1, 0, 0, 0), hit_count=-1), "hit_count"),
    "kind": (pb.VectorQuery(vector=floats(1, 0, 0, 0), kind=99), "kind"),  # type: ignore[arg-type]
    "excluded": (
        pb.VectorQuery(vector=floats(1, 0, 0, 0), excluded_product_ids=["x"] * 65),
        "excluded_product_ids",
    ),
}


async def test_a_background_is_taken_out_where_that_is_asked_for(
    stub: ImageRetrieverServiceStub,
) -> None:
    """A red square on green tiles is red alone; on red tiles nothing tells it from them."""
    tiles = np.random.default_rng(0).integers(0, 40, (20, 20, 1)) + np.array([20, 150, 20])
    pixels = np.kron(tiles, np.ones((10, 10, 1))).astype(np.uint8)
    pixels[50:150, 60:140] = COLOURS["red"]
    bare, plain = photo_of(pixels), photo_of(np.full((200, 200, 3), COLOURS["red"], np.uint8))
    parts = [
        pb.QueryPart(photo=bare, remove_background=True),
        pb.QueryPart(photo=bare),
        pb.QueryPart(photo=plain, remove_background=True),
        words("red"),
    ]
    reply = await encode(stub, *([part] for part in parts))
    alone, whole, _, red = reply.queries
    assert vector_of(alone) @ vector_of(red) > 0.99 > vector_of(whole) @ vector_of(red)
    assert [each.background_kept for each in reply.queries] == [False, False, True, False]


async def test_products_that_look_like_an_example_are_left_out(
    tmp_path: Path, parts: PartEncoder
) -> None:
    encoder = ColourEncoder()
    write_index(tmp_path, encoder, look_alike=0.9)
    index = LiveIndex(Snapshot.open(tmp_path), generation="000001-abcdef01", seq=7)
    async with serving(lambda: Pair(index, encoder), parts) as stub:
        (encoded,) = (await encode(stub, [like("red-0")])).queries
        reply = await search(
            stub,
            *(
                pb.VectorQuery(
                    vector=encoded.vector,
                    excluded_product_ids=["red-0"],
                    excludes_look_alikes=is_asked,
                )
                for is_asked in (False, True)
            ),
        )
    all_, others = reply.results
    assert {name for name in all_.hits.product_ids if name.startswith("red")} == {
        f"red-{number}" for number in range(1, 5)
    }
    assert set(others.look_alike_ids) >= {"red-1", "red-2", "red-3", "red-4"}
    assert not set(others.look_alike_ids) & set(others.hits.product_ids)
    assert not all_.look_alike_ids
    assert all_.hits.product_ids[4] == others.hits.product_ids[0]


async def test_a_second_vector_orders_what_the_first_one_found(
    stub: ImageRetrieverServiceStub,
) -> None:
    red, blue = (await encode(stub, [words("red")], [words("blue")])).queries
    query = pb.VectorQuery(vector=red.vector, order_vector=blue.vector, hit_count=3)
    query.candidate_count = 7
    first = pb.VectorQuery(vector=red.vector, hit_count=7)
    (found, candidates) = (await search(stub, query, first)).results
    assert len(found.hits.product_ids) == 3
    assert set(found.hits.product_ids) < set(candidates.hits.product_ids)
    assert list(found.hits.scores) == sorted(found.hits.scores, reverse=True)


async def test_hits_are_of_the_kind_that_the_picture_has(
    tmp_path: Path, parts: PartEncoder
) -> None:
    encoder = ColourEncoder()
    write_index(tmp_path, encoder, kinds={"red": "dress", "yellow": "dress"})
    index = LiveIndex(Snapshot.open(tmp_path), generation="000001-abcdef01", seq=7)
    async with serving(lambda: Pair(index, encoder), parts) as stub:
        mixed, red = (await encode(stub, [words("red green")], [words("red")])).queries
        reply = await search(
            stub,
            *(
                pb.VectorQuery(
                    vector=mixed.vector,
                    order_vector=mixed.vector,
                    kind_vector=kind,
                    hit_count=10,
                    candidate_count=20,
                )
                for kind in (b"", red.vector)
            ),
        )
    free, dresses = (
        {name.split("-")[0] for name in each.hits.product_ids} for each in reply.results
    )
    assert "green" in free
    assert dresses == {"red", "yellow"}


async def test_vectors_are_handed_out_in_small(stub: ImageRetrieverServiceStub, pair: Pair) -> None:
    asked = ["blue-3", "no such product", "red-0"]
    reply = await stub.FetchVectors(pb.FetchVectorsRequest(product_ids=asked), timeout=30)
    rows = np.frombuffer(reply.vectors, np.int8).reshape(3, reply.dimension)
    assert reply.dimension == 4
    assert reply.generation.generation == "000001-abcdef01"
    assert not rows[1].any()
    for row, name in ((rows[0], "blue-3"), (rows[2], "red-0")):
        vector = pair.view.vector_of(name)
        assert vector is not None
        assert np.abs(row).max() == 127
        assert row @ vector / np.linalg.norm(row.astype(float)) > 0.999


@pytest.mark.parametrize(
    ("ids", "field"), [([], "product_ids"), (["a"] * 201, "product_ids"), ([""], "product_ids[0]")]
)
async def test_what_no_vector_can_be_of_is_told(
    stub: ImageRetrieverServiceStub, ids: list[str], field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.FetchVectors(pb.FetchVectorsRequest(product_ids=ids), timeout=30)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("name", list(BAD_VECTORS))
async def test_a_bad_vector_is_told_its_field_and_hurts_no_other(
    stub: ImageRetrieverServiceStub, name: str
) -> None:
    bad, field = BAD_VECTORS[name]
    good = pb.VectorQuery(vector=floats(1, 0, 0, 0), hit_count=2)
    reply = await search(stub, good, bad, good)
    first, refused, last = reply.results
    assert refused.status.code == Code.INVALID_ARGUMENT.grpc_number
    assert refused.status.field == field
    assert not refused.hits.product_ids
    assert first == last
    assert len(first.hits.product_ids) == 2


async def test_a_vector_of_another_encoder_is_refused(stub: ImageRetrieverServiceStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await search(stub, pb.VectorQuery(vector=floats(1, 0, 0, 0)), fingerprint="colours-2")
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "colours-1" in str(caught.value.details())


async def test_each_role_serves_its_half(pair: Pair, parts: PartEncoder) -> None:
    query = pb.VectorQuery(vector=floats(1, 0, 0, 0))
    async with serving(lambda: pair, parts, searches=False) as encoder:
        assert len((await encode(encoder, [words("red")])).queries) == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await search(encoder, query)
        assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    lone = Pair(pair.index, None)
    async with serving(lambda: lone, None) as searcher:
        assert len((await search(searcher, query)).results) == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await encode(searcher, [words("red")])
        assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION


async def test_nothing_is_served_before_a_release(parts: PartEncoder) -> None:
    async with serving(lambda: None, parts) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await encode(stub, [words("red")])
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_spent_budget_is_told_without_encoding(pair: Pair, parts: PartEncoder) -> None:
    # Each look at this clock finds a second gone.
    readings = iter(range(1_000_000))

    def register(server: grpc.aio.Server) -> None:
        servicer = ImageRetrieverServicer(
            lambda: pair, stage.run_blocking, encoder=parts, clock=lambda: float(next(readings))
        )
        add_ImageRetrieverServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]

    stage = StageServer("image", register, [NAME], ServerSettings(), Metrics("image"))
    port = await stage.start()
    served = asyncio.create_task(stage.serve_until_stopped())
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = ImageRetrieverServiceStub(channel)  # type: ignore[no-untyped-call]
        late = pb.VectorQuery(vector=floats(1, 0, 0, 0), deadline_ms=500)
        reply = await search(stub, late, pb.VectorQuery(vector=floats(1, 0, 0, 0)))
        assert reply.results[0].status.code == Code.DEADLINE_EXCEEDED.grpc_number
        assert reply.results[1].status.code == 0
        # The batcher reads the true clock, which is far past this one's small numbers.
        assert isinstance(pair.encoder, ColourEncoder)
        before = pair.encoder.texts
        (encoded,) = (await encode(stub, [words("red")])).queries
        assert encoded.status.code == Code.DEADLINE_EXCEEDED.grpc_number
        assert pair.encoder.texts == before
    stage.stop()
    await served


def publish(store: ArtifactStore, encoder: ColourEncoder) -> Artifact:
    return store.publish(
        "image",
        format=Snapshot.FORMAT,
        seq=3,
        write=lambda folder: {**write_index(folder, encoder), "encoder": encoder.fingerprint},
    )


def test_a_pair_opens_together_and_only_once(tmp_path: Path) -> None:
    store, opened = ArtifactStore(tmp_path), []

    def open_colours(name: str | Path) -> Encoder:
        opened.append(str(name))
        return ColourEncoder(str(name))

    opener = PairOpener(store, Openers(open_colours))
    first = opener(store.release({"image": publish(store, ColourEncoder()).generation}, seq=3))
    assert first.encoder is not None
    assert first.encoder.fingerprint == first.view.fingerprint == "colours-1"
    again = opener(store.release({"image": first.view.generation}, seq=4))
    assert again is first
    other = publish(store, ColourEncoder("colours-2"))
    second = opener(store.release({"image": other.generation}, seq=5))
    assert second.encoder is not None
    assert second.encoder.fingerprint == second.view.fingerprint == "colours-2"
    assert opened == ["colours-1", "colours-2"]


def test_an_index_of_another_encoder_is_refused(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    opener = PairOpener(store, Openers(lambda _: ColourEncoder("colours-2")), encoder="mine")
    release = store.release({"image": publish(store, ColourEncoder()).generation}, seq=3)
    with pytest.raises(ArtifactRefused) as caught:
        opener(release)
    assert caught.value.reason == "encoder_mismatch"


def test_an_encoder_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    """Same name, other vectors: what a wrong kernel or a broken precision would do."""

    class Drifted(ColourEncoder):
        def encode_texts(
            self, texts: Sequence[str]
        ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
            rows, known = super().encode_texts(texts)
            return rows[:, ::-1].copy(), known

    store = ArtifactStore(tmp_path)
    release = store.release({"image": publish(store, ColourEncoder()).generation}, seq=3)
    with pytest.raises(ArtifactRefused) as caught:
        PairOpener(store, Openers(lambda _: Drifted()))(release)
    assert caught.value.reason == "canaries"


def test_a_release_without_an_index_is_refused(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with pytest.raises(ArtifactRefused) as caught:
        PairOpener(store, Openers(None))(store.release({}, seq=1))
    assert caught.value.reason == "no_index"


def colour(*values: str) -> catalog_pb2.ProductFilter:
    condition = catalog_pb2.FieldCondition(field="colour", values=values)
    return catalog_pb2.ProductFilter(condition=condition)


async def test_each_vector_has_a_filter_of_its_own(stub: ImageRetrieverServiceStub) -> None:
    (encoded,) = (await encode(stub, [words("red")])).queries
    reply = await search(
        stub,
        pb.VectorQuery(vector=encoded.vector, filter=colour("blue", "green")),
        pb.VectorQuery(vector=encoded.vector),
        pb.VectorQuery(
            vector=encoded.vector,
            kind=pb.QUERY_KIND_TEXT,
            filter=catalog_pb2.ProductFilter(not_of=colour("red")),
        ),
    )
    some, all_, far = (list(result.hits.product_ids) for result in reply.results)
    assert {key.split("-")[0] for key in some} == {"blue", "green"}
    assert len(some) == 10
    assert len(all_) == len(PRODUCTS)
    assert all(not key.startswith("red") for key in far)
    assert len(far) < 15, "the floor holds as well"


async def test_a_bad_filter_is_told_its_field_and_hurts_no_other(
    stub: ImageRetrieverServiceStub,
) -> None:
    condition = catalog_pb2.FieldCondition(field="weather", values=["rain"])
    bad = catalog_pb2.ProductFilter(
        all_of=catalog_pb2.ProductFilterList(
            filters=[colour("red"), catalog_pb2.ProductFilter(condition=condition)]
        )
    )
    vector = floats(1, 0, 0, 0)
    reply = await search(
        stub,
        pb.VectorQuery(vector=vector, filter=bad),
        pb.VectorQuery(vector=vector, filter=catalog_pb2.ProductFilter()),
        pb.VectorQuery(vector=vector),
    )
    refused, empty, sound = reply.results
    assert refused.status.code == empty.status.code == Code.INVALID_ARGUMENT.grpc_number
    assert refused.status.field.startswith("filter.and[1]")
    assert empty.status.field == "filter"
    assert len(sound.hits.product_ids) == len(PRODUCTS)


class Shelf:
    """A catalogue of colours with its artifacts, and what opens them."""

    def __init__(self, root: Path) -> None:
        self.artifacts = ArtifactStore(root / "artifacts")
        self.store = CatalogStore.open(f"sqlite:///{root}/catalog.sqlite", create=True)
        self.encoder = ColourEncoder()
        rows = self.encoder.encode_photos([_pixels(c, shade) for _, c, shade in PRODUCTS])
        self.store.upsert([pictured(product_id) for product_id, _, _ in PRODUCTS])
        for (product_id, _, _), row in zip(PRODUCTS, rows, strict=True):
            self.embed(product_id, row)

    def embed(self, product_id: str, row: NDArray[np.float32]) -> None:
        sha = pictured(product_id).images[0]
        self.store.vectors.put("colours-1", [(sha, row.tobytes(), "")])

    def release(self, name: str) -> Release:
        def write(folder: Path) -> dict[str, object]:
            return {**write_index(folder, self.encoder), "encoder": "colours-1", "name": name}

        made = self.artifacts.publish(
            "image", format=Snapshot.FORMAT, seq=self.store.seq(), write=write
        )
        return self.artifacts.release({"image": made.generation}, seq=made.seq)

    def opener(self, *, encodes: bool = True) -> PairOpener:
        opened = (lambda _: self.encoder) if encodes else None
        return PairOpener(self.artifacts, openers(opened, lambda: self.store))


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    opened = Shelf(tmp_path)
    yield opened
    opened.store.close()


async def test_a_search_waits_for_the_change_that_it_names(shelf: Shelf) -> None:
    opener = shelf.opener(encodes=False)
    pair = opener(shelf.release("one"))
    query = pb.VectorQuery(vector=floats(1, 0, 0, 0), hit_count=1000)
    try:
        async with serving(lambda: pair, None) as stub:
            for n in range(5):
                shelf.store.upsert([pictured(f"new-{n}")])
                shelf.embed(f"new-{n}", np.array([1, 0, 0, 0], np.float32))
                seq = shelf.store.seq()
                request = pb.SearchVectorsRequest(
                    queries=[query], encoder_fingerprint="colours-1", min_seq=seq
                )
                reply = await stub.SearchVectors(request, timeout=30)
                assert reply.generation.seq >= seq
                assert f"new-{n}" in reply.results[0].hits.product_ids
            late = pb.SearchVectorsRequest(
                queries=[query], encoder_fingerprint="colours-1", min_seq=seq + 1000
            )
            reply = await stub.SearchVectors(late, timeout=0.5)
            assert reply.generation.seq == seq, "it answers from what there is, and says so"
            assert len(reply.results[0].hits.product_ids) == 25
    finally:
        opener.close()


async def test_a_wait_for_a_change_that_does_not_come_leaves_time_to_answer(shelf: Shelf) -> None:
    opener = shelf.opener(encodes=False)
    pair = opener(shelf.release("one"))
    ticks = itertools.count(0, 0.1)
    late = pb.SearchVectorsRequest(
        queries=[pb.VectorQuery(vector=floats(1, 0, 0, 0))],
        encoder_fingerprint="colours-1",
        min_seq=10**9,
    )
    try:
        async with serving(lambda: pair, None, clock=lambda: next(ticks)) as stub:
            reply = await stub.SearchVectors(late, timeout=60)
    finally:
        opener.close()
    assert reply.generation.seq < 10**9
    assert next(ticks) == pytest.approx(0.8 * MAX_CALL_S, abs=0.5)


async def test_an_index_that_follows_nothing_waits_for_nothing(
    stub: ImageRetrieverServiceStub,
) -> None:
    request = pb.SearchVectorsRequest(
        queries=[pb.VectorQuery(vector=floats(1, 0, 0, 0))],
        encoder_fingerprint="colours-1",
        min_seq=10**9,
    )
    reply = await stub.SearchVectors(request, timeout=3600)
    assert reply.generation.seq == 7


def test_a_new_pair_has_caught_up_before_it_is_returned(shelf: Shelf) -> None:
    opener = shelf.opener()
    release = shelf.release("one")
    shelf.store.upsert([pictured("new")])
    shelf.embed("new", np.array([0, 1, 0, 0], np.float32))
    shelf.store.delete(["red-0"])
    first = opener(release)
    try:
        assert first.view.seq == shelf.store.seq()
        assert first.view.vector_of("new") is not None
        assert first.view.vector_of("red-0") is None
        second = opener(shelf.release("two"))
        assert second.view.generation != first.view.generation
        assert second.view.seq == shelf.store.seq()
        shelf.store.upsert([pictured("newer")])
        seq = shelf.store.seq()
        eventually(lambda: second.view.seq == seq)
        assert first.view.seq < seq, "the pair before it follows no more"
    finally:
        opener.close()


def test_a_pair_that_cannot_catch_up_is_refused_and_the_old_one_follows_on(shelf: Shelf) -> None:
    opener = shelf.opener()
    first = opener(shelf.release("one"))
    try:
        old = shelf.artifacts.publish(
            "image",
            format=Snapshot.FORMAT,
            seq=0,
            write=lambda folder: {**write_index(folder, shelf.encoder), "encoder": "colours-1"},
        )
        shelf.store.delete(["red-0"])
        eventually(lambda: first.view.vector_of("red-0") is None)
        shelf.store.purge_tombstones(2**62)
        with pytest.raises(ArtifactRefused) as caught:
            opener(shelf.artifacts.release({"image": old.generation}, seq=0))
        assert caught.value.reason == "snapshot_too_old"
        shelf.store.delete(["red-1"])
        eventually(lambda: first.view.vector_of("red-1") is None)
    finally:
        opener.close()


def test_a_catalogue_that_is_not_there_yet_is_a_refusal_not_a_crash(
    shelf: Shelf, tmp_path: Path
) -> None:
    late = LateCatalogue(f"sqlite:///{tmp_path}/not yet.sqlite")
    release = shelf.release("one")
    opener = PairOpener(shelf.artifacts, openers(None, late))
    with pytest.raises(ArtifactRefused) as caught:
        opener(release)
    assert caught.value.reason == "catalogue_unavailable"
    late.close()
