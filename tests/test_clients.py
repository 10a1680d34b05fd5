"""Promises of the gateway's clients: real channels and pools, stages that answer by script."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import grpc
import numpy as np
import pytest

from catalog.crop import Crop
from fashion.catalog.v1 import catalog_pb2
from fashion.image.v1 import image_retriever_pb2 as image_pb
from fashion.image.v1 import image_retriever_pb2_grpc as image_grpc
from fashion.ranking.v1 import reranker_pb2 as ranking_pb
from fashion.ranking.v1 import reranker_pb2_grpc as ranking_grpc
from fashion.text.v1 import text_retriever_pb2 as text_pb
from fashion.text.v1 import text_retriever_pb2_grpc as text_grpc
from runtime.errors import (
    Code,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    PreconditionFailed,
    ServiceError,
    Unavailable,
)
from runtime.metrics import Metrics
from runtime.replicas import ReplicaPool
from runtime.server import ServerSettings, StageServer
from services.gateway.answer import Generation
from services.gateway.clients import ImageClient, RankingClient
from services.gateway.clients_text import TextClient
from services.gateway.gather import Gatherer, direct
from services.gateway.parts import Example, Part, Photo, words
from services.gateway.stages import Boost, Completion, QueryKind, QueryVector, UserFactors

GENERATION = catalog_pb2.Generation(generation="g-1", seq=9)
VECTOR = QueryVector("enc-1", QueryKind.MIXED, np.array([0.6, 0.8], "<f4").tobytes())
FACTORS = UserFactors("g-1", b"12345678")
Reply = Callable[[object], object]


def bad(code: Code, message: str = "no", field: str = "") -> catalog_pb2.QueryStatus:
    """The status of a query that was not answered."""
    return catalog_pb2.QueryStatus(code=code.grpc_number, message=message, field=field)


class Scripted:
    """Answers every call of every stage by the script of its method, and remembers the calls."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.requests: list[object] = []

    def answer(self, method: str, request: object) -> object:
        self.requests.append(request)
        return self.replies[method](request)


class Text(text_grpc.TextRetrieverServiceServicer):
    def __init__(self, script: Scripted) -> None:
        self.script = script

    async def RetrieveProducts(self, request: object, context: object) -> object:
        return self.script.answer("RetrieveProducts", request)

    async def CompleteText(self, request: object, context: object) -> object:
        return self.script.answer("CompleteText", request)


class Image(image_grpc.ImageRetrieverServiceServicer):
    def __init__(self, script: Scripted) -> None:
        self.script = script

    async def EncodeQueries(self, request: object, context: object) -> object:
        return self.script.answer("EncodeQueries", request)

    async def SearchVectors(self, request: object, context: object) -> object:
        return self.script.answer("SearchVectors", request)


class Ranking(ranking_grpc.RerankerServiceServicer):
    def __init__(self, script: Scripted) -> None:
        self.script = script

    async def GetUserFactors(self, request: object, context: object) -> object:
        return self.script.answer("GetUserFactors", request)

    async def FoldInHistories(self, request: object, context: object) -> object:
        return self.script.answer("FoldInHistories", request)

    async def ScoreCandidates(self, request: object, context: object) -> object:
        return self.script.answer("ScoreCandidates", request)


@dataclass
class Stages:
    """The three clients, and the script of the stages behind them."""

    script: Scripted
    text: TextClient
    image: ImageClient
    ranking: RankingClient

    def says(self, method: str, reply: object) -> None:
        def answer(request: object) -> object:
            if isinstance(reply, ServiceError):
                raise reply
            return reply

        self.script.replies[method] = answer


def _register(script: Scripted) -> Callable[[grpc.aio.Server], None]:
    def register(server: grpc.aio.Server) -> None:
        text_grpc.add_TextRetrieverServiceServicer_to_server(Text(script), server)  # type: ignore[no-untyped-call]
        image_grpc.add_ImageRetrieverServiceServicer_to_server(Image(script), server)  # type: ignore[no-untyped-call]
        ranking_grpc.add_RerankerServiceServicer_to_server(Ranking(script), server)  # type: ignore[no-untyped-call]

    return register


@pytest.fixture(params=[False, True], ids=["alone", "gathered"])
async def stages(request: pytest.FixtureRequest) -> AsyncIterator[Stages]:
    script, metrics = Scripted(), Metrics("gateway")
    settings = ServerSettings(in_flight_limit=64, max_message_mib=11)
    server = StageServer("fake", _register(script), [], settings, Metrics("fake"))
    target = f"static:127.0.0.1:{await server.start()}"
    server.set_ready(True)
    text = ReplicaPool("text", target, text_grpc.TextRetrieverServiceStub, metrics=metrics)
    image = ReplicaPool("image", target, image_grpc.ImageRetrieverServiceStub, metrics=metrics)
    ranking = ReplicaPool("ranking", target, ranking_grpc.RerankerServiceStub, metrics=metrics)
    for pool in (text, image, ranking):
        await pool.start()
    yield Stages(
        script,
        TextClient(text, gather=request.param),
        ImageClient(image, image, gather=request.param),
        RankingClient(ranking),
    )
    for pool in (text, image, ranking):
        await pool.close()
    server.stop()
    await server.serve_until_stopped()


def text_reply(*results: text_pb.TextResult) -> text_pb.RetrieveProductsResponse:
    return text_pb.RetrieveProductsResponse(results=results, generation=GENERATION)


HITS = catalog_pb2.PackedHits(product_ids=["a", "b"], scores=[2.5, 1.0])


async def test_words_become_a_ranking(stages: Stages) -> None:
    stages.says("RetrieveProducts", text_reply(text_pb.TextResult(hits=HITS)))
    found = await stages.text.retrieve("red dress", 240, filter=None, min_seq=0, timeout_s=5)
    assert (list(found.ids), list(found.scores)) == (["a", "b"], [2.5, 1.0])
    assert found.generation == Generation("g-1", 9)
    [asked] = stages.script.requests
    assert isinstance(asked, text_pb.RetrieveProductsRequest)
    assert [(query.text, query.hit_count) for query in asked.queries] == [("red dress", 240)]


async def test_a_query_that_failed_in_a_good_batch_fails(stages: Stages) -> None:
    failed = text_pb.TextResult(status=bad(Code.DEADLINE_EXCEEDED))
    stages.says("RetrieveProducts", text_reply(failed))
    with pytest.raises(DeadlineExceeded):
        await stages.text.retrieve("red", 200, filter=None, min_seq=0, timeout_s=5)


@pytest.mark.parametrize("answers", [0, 2])
async def test_another_number_of_answers_is_refused(stages: Stages, answers: int) -> None:
    stages.says("RetrieveProducts", text_reply(*[text_pb.TextResult(hits=HITS)] * answers))
    with pytest.raises(Internal):
        await stages.text.retrieve("red", 200, filter=None, min_seq=0, timeout_s=5)


async def test_scores_without_products_are_refused(stages: Stages) -> None:
    hits = catalog_pb2.PackedHits(product_ids=["a"], scores=[1, 2])
    stages.says("RetrieveProducts", text_reply(text_pb.TextResult(hits=hits)))
    with pytest.raises(Internal):
        await stages.text.retrieve("red", 200, filter=None, min_seq=0, timeout_s=5)


async def test_a_stage_that_is_not_there_is_unavailable(stages: Stages) -> None:
    stages.says("RetrieveProducts", Unavailable("no release is open yet"))
    with pytest.raises(Unavailable):
        await stages.text.retrieve("red", 200, filter=None, min_seq=0, timeout_s=5)


async def test_all_parts_are_encoded_with_crop_and_weight(stages: Stages) -> None:
    reply = image_pb.EncodeQueriesResponse(
        queries=[image_pb.EncodedQuery(vector=VECTOR.data, kind="QUERY_KIND_MIXED")],
        encoder_fingerprint="enc-1",
        generation=GENERATION,
    )
    stages.says("EncodeQueries", reply)
    parts = [
        words("red", "text"),
        Part(Photo(b"jpeg"), "parts[0]", 0.5, Crop(0.25, 0, 0.5, 1)),
        Part(Example("p-1"), "parts[1]", -2.0),
    ]
    assert await stages.image.encode([parts], timeout_s=5) == [VECTOR]
    [asked] = stages.script.requests
    assert isinstance(asked, image_pb.EncodeQueriesRequest)
    first, photo, example = asked.queries[0].parts
    assert (first.text, first.HasField("weight")) == ("red", False)
    assert (photo.photo, photo.weight, photo.crop.width) == (b"jpeg", 0.5, 0.5)
    assert (example.product_id, example.weight) == ("p-1", -2.0)


@pytest.mark.parametrize(
    ("told", "ours"),
    [
        ("parts[1].photo", "parts[0]"),
        ("queries[0].parts[2].product_id", "parts[1].product_id"),
        ("parts[0].text", "text"),
        ("photo", "parts[0]"),
        ("parts", "parts"),
        ("parts[9]", "parts"),
    ],
)
@pytest.mark.parametrize("code", [Code.INVALID_ARGUMENT, Code.NOT_FOUND])
async def test_a_bad_part_is_told_by_the_name_the_caller_gave_it(
    stages: Stages, told: str, ours: str, code: Code
) -> None:
    query = image_pb.EncodedQuery(status=bad(code, "not a photo", told))
    stages.says("EncodeQueries", image_pb.EncodeQueriesResponse(queries=[query]))
    parts = [words("red", "text"), Part(Photo(b"x"), "parts[0]"), Part(Example("p"), "parts[1]")]
    with pytest.raises(InvalidArgument, match="not a photo") as caught:
        await stages.image.encode([parts], timeout_s=5)
    assert caught.value.field == ours


async def test_vectors_become_a_ranking(stages: Stages) -> None:
    result = image_pb.VectorResult(hits=HITS)
    reply = image_pb.SearchVectorsResponse(results=[result], generation=GENERATION)
    stages.says("SearchVectors", reply)
    found = await stages.image.search(
        VECTOR, 300, excluded=("p-1",), filter=None, min_seq=0, timeout_s=5
    )
    assert list(found.ids) == ["a", "b"]
    [asked] = stages.script.requests
    assert isinstance(asked, image_pb.SearchVectorsRequest)
    assert asked.encoder_fingerprint == "enc-1"
    [query] = asked.queries
    assert (query.vector, query.hit_count, query.kind) == (VECTOR.data, 300, 3)
    assert list(query.excluded_product_ids) == ["p-1"]


async def test_another_encoder_is_told_as_such(stages: Stages) -> None:
    stages.says("SearchVectors", PreconditionFailed("the index is of another encoder"))
    with pytest.raises(PreconditionFailed):
        await stages.image.search(VECTOR, 200, excluded=(), filter=None, min_seq=0, timeout_s=5)


async def test_a_vector_that_is_refused_is_no_fault_of_the_caller(stages: Stages) -> None:
    result = image_pb.VectorResult(status=bad(Code.INVALID_ARGUMENT, "dim", "vector"))
    stages.says("SearchVectors", image_pb.SearchVectorsResponse(results=[result]))
    with pytest.raises(Internal):
        await stages.image.search(VECTOR, 200, excluded=(), filter=None, min_seq=0, timeout_s=5)


async def test_histories_have_factors_or_are_unknown(stages: Stages) -> None:
    for status, expected in (
        (catalog_pb2.QueryStatus(), FACTORS),
        (bad(Code.NOT_FOUND), None),
    ):
        users = [ranking_pb.UserFactors(status=status, vector=FACTORS.data)]
        stages.says(
            "FoldInHistories",
            ranking_pb.FoldInHistoriesResponse(users=users, generation=GENERATION),
        )
        assert await stages.ranking.fold_in(["a", "b"], timeout_s=5) == expected
        found = await stages.ranking.fold_in(
            ["a", "b"], confidences=[2.0, -1.5], generation="r-7", timeout_s=5
        )
        assert found == expected
    session, history = stages.script.requests[:2]
    assert isinstance(session, ranking_pb.FoldInHistoriesRequest)
    assert isinstance(history, ranking_pb.FoldInHistoriesRequest)
    assert list(session.histories[0].product_ids) == ["a", "b"]
    assert (session.generation, list(session.histories[0].confidences)) == ("", [])
    assert (history.generation, list(history.histories[0].confidences)) == ("r-7", [2.0, -1.5])


def tastes_reply(tastes: Sequence[float], known: bytes, dots: Sequence[float]) -> object:
    result = ranking_pb.TasteResult(
        tastes=np.array(tastes, "<f4").tobytes(),
        known=known,
        dots=np.array(dots, "<f4").tobytes(),
    )
    return ranking_pb.ScoreCandidatesResponse(results=[result], generation=GENERATION)


async def test_tastes_come_in_the_order_of_the_candidates(stages: Stages) -> None:
    stages.says("ScoreCandidates", tastes_reply([0.25, 0.75], b"\x01\x00", [1.5, 0]))
    found = await stages.ranking.tastes(FACTORS, ["a", "b"], timeout_s=5)
    assert found.tastes.tolist() == [0.25, 0.75]
    assert found.known.tolist() == [True, False]
    assert found.dots.tolist() == [1.5, 0.0]
    [asked] = stages.script.requests
    assert isinstance(asked, ranking_pb.ScoreCandidatesRequest)
    assert (asked.generation, asked.queries[0].vector) == ("g-1", FACTORS.data)


@pytest.mark.parametrize(
    "reply",
    [
        tastes_reply([0.5], b"\x01", [0.5]),
        tastes_reply([0.5, 0.5], b"\x01", [0.5, 0.5]),
        tastes_reply([0.5, float("nan")], b"\x01\x01", [0.5, 0.5]),
        tastes_reply([0.5, 0.5], b"\x01\x01", [0.5, float("inf")]),
    ],
    ids=["short", "not all known", "not a number", "infinite"],
)
async def test_tastes_that_do_not_fit_are_refused(stages: Stages, reply: object) -> None:
    stages.says("ScoreCandidates", reply)
    with pytest.raises(Internal):
        await stages.ranking.tastes(FACTORS, ["a", "b"], timeout_s=5)


async def test_a_closed_generation_is_told_as_such(stages: Stages) -> None:
    stages.says("ScoreCandidates", PreconditionFailed("g-2 is open"))
    with pytest.raises(PreconditionFailed):
        await stages.ranking.tastes(FACTORS, ["a"], timeout_s=5)


@dataclass
class Ask:
    """A query of a batch."""

    name: str
    deadline_ms: int = 0


@dataclass
class Sender:
    """Answers batches with the names in upper case, each when the test lets it."""

    gates: list[asyncio.Event] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    hedged: list[bool] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    error: Exception | None = None
    short: bool = False

    async def __call__(
        self, queries: Sequence[Ask], *, group: str, timeout_s: float, hedge: bool
    ) -> Sequence[str]:
        self.batches.append([query.name for query in queries])
        self.groups.append(group)
        self.hedged.append(hedge)
        self.timeouts.append(timeout_s)
        if self.gates:
            await self.gates.pop(0).wait()
        if self.error is not None:
            raise self.error
        return [query.name.upper() for query in queries][self.short :]


async def _ticks() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def _gathered(sender: Sender, names: str, **options: str) -> "list[asyncio.Task[str]]":
    """Sends the first alone, and the others while it is in flight."""
    gate = asyncio.Event()
    sender.gates = [gate]
    ask = Gatherer(sender)
    tasks = []
    for name in names:
        group = options.get(name, "")
        tasks.append(asyncio.create_task(ask(Ask(name), timeout_s=5, group=group)))
        await _ticks()
    gate.set()
    return tasks


async def test_an_idle_gatherer_sends_at_once() -> None:
    sender = Sender()
    ask = Gatherer(sender)
    assert [await ask(Ask(name), timeout_s=5) for name in "ab"] == ["A", "B"]
    assert sender.batches == [["a"], ["b"]]
    assert sender.hedged == [True, True]


async def test_what_waits_shares_a_call_that_is_not_hedged() -> None:
    sender = Sender()
    tasks = await _gathered(sender, "abcd")
    assert await asyncio.gather(*tasks) == ["A", "B", "C", "D"]
    assert sender.batches == [["a"], ["b", "c", "d"]]
    assert sender.hedged == [True, False]


async def test_a_call_holds_sixteen_at_most() -> None:
    sender = Sender()
    names = "abcdefghijklmnopqrstuvwxyz"
    tasks = await _gathered(sender, names)
    assert await asyncio.gather(*tasks) == list(names.upper())
    assert [len(batch) for batch in sender.batches] == [1, 16, 9]


async def test_groups_never_share_a_call() -> None:
    sender = Sender()
    tasks = await _gathered(sender, "abcde", b="x", c="y", d="x", e="y")
    assert await asyncio.gather(*tasks) == ["A", "B", "C", "D", "E"]
    assert list(zip(sender.batches, sender.groups, strict=True)) == [
        (["a"], ""), (["b", "d"], "x"), (["c", "e"], "y"),
    ]  # fmt: skip


async def test_who_has_left_is_not_sent() -> None:
    sender, gate = Sender(), asyncio.Event()
    sender.gates = [gate]
    ask = Gatherer(sender)
    tasks = []
    for name in "abc":
        tasks.append(asyncio.create_task(ask(Ask(name), timeout_s=5)))
        await _ticks()
    tasks[1].cancel()
    await _ticks()
    gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sender.batches == [["a"], ["c"]]


async def test_each_query_tells_until_when_it_is_of_use() -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    clock, sender, gate = Clock(), Sender(), asyncio.Event()
    sender.gates = [gate]
    ask = Gatherer(sender, clock=clock)
    queries = [Ask("a"), Ask("b"), Ask("c")]
    tasks = []
    for query, timeout_s in zip(queries, (60, 20, 30), strict=True):
        tasks.append(asyncio.create_task(ask(query, timeout_s=timeout_s)))
        await _ticks()
    clock.now = 5.0
    gate.set()
    await asyncio.gather(*tasks)
    assert [query.deadline_ms for query in queries] == [60_000, 15_000, 25_000]
    assert sender.timeouts == [60, 25]


async def test_a_late_answer_fails_only_those_who_waited_for_it() -> None:
    sender, never = Sender(), asyncio.Event()
    sender.gates = [never]
    ask = Gatherer(sender)
    with pytest.raises(DeadlineExceeded):
        await ask(Ask("a"), timeout_s=0.01)
    later = asyncio.create_task(ask(Ask("b"), timeout_s=5))
    await _ticks()
    never.set()
    assert await later == "B"


@pytest.mark.parametrize("how", ["direct", "gathered"])
async def test_an_error_of_a_call_reaches_all_who_shared_it(how: str) -> None:
    sender = Sender(error=Unavailable("gone"))
    if how == "direct":
        with pytest.raises(Unavailable):
            await direct(sender)(Ask("a"), timeout_s=5)
        return
    tasks = await _gathered(sender, "abc")
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in results] == [Unavailable] * 3
    sender.error = None
    assert await Gatherer(sender)(Ask("d"), timeout_s=5) == "D"


async def test_a_batch_that_comes_back_short_is_refused() -> None:
    sender = Sender(short=True)
    for ask in (direct(sender), Gatherer(sender)):
        with pytest.raises(Internal):
            await ask(Ask("a"), timeout_s=5)


async def test_boosts_and_excluded_words_reach_the_text_stage(stages: Stages) -> None:
    result = text_pb.TextResult(hits=HITS, without_photo=[1])
    stages.says("RetrieveProducts", text_reply(result))
    found = await stages.text.retrieve(
        "red dress",
        200,
        filter=None,
        min_seq=0,
        timeout_s=5,
        boosts=[Boost("colour", ("red", "wine"), 0.5)],
        excluded_text="floral",
    )
    assert found.without_photo == frozenset({"b"})
    [request] = stages.script.requests
    assert isinstance(request, text_pb.RetrieveProductsRequest)
    [query] = request.queries
    assert query.boosts[0] == text_pb.Boost(field="colour", values=["red", "wine"], weight=0.5)
    assert query.excluded_text == "floral"


async def test_places_that_are_not_there_are_a_bug_of_the_text_stage(stages: Stages) -> None:
    result = text_pb.TextResult(hits=HITS, without_photo=[2])
    stages.says("RetrieveProducts", text_reply(result))
    with pytest.raises(Internal):
        await stages.text.retrieve("red", 200, filter=None, min_seq=0, timeout_s=5)


async def test_completions_keep_their_kind(stages: Stages) -> None:
    told = [
        text_pb.Completion(text="red dress", kind="COMPLETION_KIND_QUERY", product_count=3),
        text_pb.Completion(text="Redo", kind="COMPLETION_KIND_BRAND", product_count=1),
    ]
    reply = text_pb.CompleteTextResponse(completions=told, generation=GENERATION)
    stages.says("CompleteText", reply)
    assert await stages.text.complete("red", 5, timeout_s=5) == [
        Completion("red dress", "query", 3),
        Completion("Redo", "brand", 1),
    ]
    [request] = stages.script.requests
    assert request == text_pb.CompleteTextRequest(text="red", limit=5)
