"""Promises of the ranking service, asked through a real channel."""

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest

from fashion.ranking.v1 import reranker_pb2 as pb
from fashion.ranking.v1 import reranker_pb2_grpc as pb_grpc
from runtime.artifacts import ArtifactRefused, ArtifactStore, Release
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.reranker.factors import FORMAT, Factors, Vector
from services.reranker.generations import KIND, GenerationOpener, OpenGenerations
from services.reranker.servicer import MAX_BATCH, MAX_CANDIDATES, NAME, RerankerServicer
from tests.test_factors import folded, random_tables

IDS = [f"p-{number:04d}" for number in range(60)]
INVALID, NOT_FOUND, DEADLINE = 3, 5, 4


class Releases:
    """Publishes factors and opens their releases."""

    def __init__(self, root: Path) -> None:
        self.store = ArtifactStore(root)
        self.opener = GenerationOpener(self.store)
        self.opened: OpenGenerations | None = None

    def publish(self, factor: float) -> str:
        """Releases factors scaled by ``factor`` and returns their generation."""
        tables = random_tables()
        scaled = replace(tables, user_factors=np.float32(factor) * tables.user_factors)
        artifact = self.store.publish(
            KIND, format=FORMAT, seq=7, write=lambda folder: Factors.write(scaled, folder)
        )
        self.follow(self.store.release({KIND: artifact.generation}, seq=7))
        return artifact.generation

    def follow(self, release: Release) -> None:
        self.opened = self.opener(release)


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@asynccontextmanager
async def serving(
    releases: Releases, clock: Clock | None = None
) -> AsyncIterator[pb_grpc.RerankerServiceStub]:
    def register(server: grpc.aio.Server) -> None:
        servicer = RerankerServicer(
            lambda: releases.opened, stage.run_blocking, clock=clock or Clock()
        )
        add = pb_grpc.add_RerankerServiceServicer_to_server
        add(servicer, server)  # type: ignore[no-untyped-call]  # generated code

    settings = ServerSettings(in_flight_limit=64)
    stage = StageServer("ranking", register, [NAME], settings, Metrics("ranking"))
    port = await stage.start()
    stage.set_ready(True)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield pb_grpc.RerankerServiceStub(channel)  # type: ignore[no-untyped-call]
    finally:
        stage.stop()
        await stage.serve_until_stopped()


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path)


def floats(packed: bytes) -> Vector:
    return np.frombuffer(packed, "<f4")


def taste_query(
    vector: Sequence[float] | Vector, ids: Sequence[str] = IDS, deadline_ms: int = 0
) -> pb.TasteQuery:
    packed = np.asarray(vector, "<f4").tobytes()
    return pb.TasteQuery(vector=packed, product_ids=ids, deadline_ms=deadline_ms)


async def code_of(call: grpc.aio.UnaryUnaryCall[object, object]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def test_known_users_get_their_factors_and_unknown_ones_do_not(releases: Releases) -> None:
    generation = releases.publish(1.0)
    async with serving(releases) as stub:
        reply = await stub.GetUserFactors(
            pb.GetUserFactorsRequest(user_ids=["u-0003", "nobody", "", "x" * 129])
        )
    assert [user.status.code for user in reply.users] == [0, NOT_FOUND, INVALID, INVALID]
    assert np.array_equal(floats(reply.users[0].vector), random_tables().user_factors[3])
    assert not any(user.vector for user in reply.users[1:])
    assert (reply.generation.generation, reply.generation.seq) == (generation, 7)


async def test_candidates_are_scored_as_the_room_scores_them(releases: Releases) -> None:
    generation = releases.publish(1.0)
    room = Factors(random_tables())
    vector = random_tables().user_factors[0]
    ids = ["new", *IDS]
    async with serving(releases) as stub:
        reply = await stub.ScoreCandidates(
            pb.ScoreCandidatesRequest(queries=[taste_query(vector, ids)], generation=generation)
        )
    tastes, known, dots = room.tastes(vector, ids)
    result = reply.results[0]
    assert result.status.code == 0
    assert np.array_equal(floats(result.tastes), tastes)
    assert np.array_equal(np.frombuffer(result.known, bool), known)
    assert np.array_equal(floats(result.dots), dots)
    assert reply.generation.generation == generation


async def test_a_large_batch_is_scored_like_a_small_one(releases: Releases) -> None:
    generation = releases.publish(1.0)
    users = random_tables().user_factors
    many = [f"q-{number}" for number in range(MAX_CANDIDATES - 60)]
    queries = [taste_query(users[number % 20], [*IDS, *many]) for number in range(MAX_BATCH)]
    async with serving(releases) as stub:
        large = await stub.ScoreCandidates(
            pb.ScoreCandidatesRequest(queries=queries, generation=generation)
        )
        small = await stub.ScoreCandidates(
            pb.ScoreCandidatesRequest(queries=[taste_query(users[5])], generation=generation)
        )
    assert large.results[5].dots[: 60 * 4] == small.results[0].dots
    assert large.results[5].tastes[: 60 * 4] == small.results[0].tastes


async def test_histories_are_folded_in(releases: Releases) -> None:
    releases.publish(1.0)
    room = Factors(random_tables())
    histories = [
        pb.History(product_ids=IDS[:3]),
        pb.History(product_ids=IDS[:2], confidences=[2.0, -1.0]),
        pb.History(product_ids=["gone"]),
        pb.History(product_ids=IDS[:2], confidences=[1.0]),
        pb.History(product_ids=IDS[:1], confidences=[float("nan")]),
        pb.History(product_ids=["p"] * 1001),
        pb.History(),
    ]
    async with serving(releases) as stub:
        reply = await stub.FoldInHistories(pb.FoldInHistoriesRequest(histories=histories))
    codes = [user.status.code for user in reply.users]
    assert codes == [0, 0, NOT_FOUND, INVALID, INVALID, INVALID, NOT_FOUND]
    assert np.array_equal(floats(reply.users[0].vector), folded(room, IDS[:3]))
    assert np.array_equal(floats(reply.users[1].vector), folded(room, IDS[:2], [2.0, -1.0]))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (taste_query([1.0] * 7), "vector"),
        (pb.TasteQuery(vector=b"\0" * 31, product_ids=IDS), "vector"),
        (taste_query([float("nan")] * 8), "vector"),
        (taste_query([float("inf")] * 8), "vector"),
        (taste_query([1e30] * 8), "vector"),
        (taste_query([1.0] * 8, ["p-0001", "p-0001"]), "product_ids"),
        (taste_query([1.0] * 8, [str(n) for n in range(MAX_CANDIDATES + 1)]), "product_ids"),
    ],
)
async def test_a_bad_query_fails_alone(
    releases: Releases, query: pb.TasteQuery, field: str
) -> None:
    generation = releases.publish(1.0)
    async with serving(releases) as stub:
        reply = await stub.ScoreCandidates(
            pb.ScoreCandidatesRequest(
                queries=[query, taste_query([1.0] * 8)], generation=generation
            )
        )
    assert (reply.results[0].status.code, reply.results[0].status.field) == (INVALID, field)
    assert not reply.results[0].tastes
    assert reply.results[1].status.code == 0


async def test_a_query_whose_time_is_over_is_not_scored(releases: Releases) -> None:
    generation = releases.publish(1.0)
    clock = Clock()
    clock.step = 0.002
    queries = [taste_query([1.0] * 8, deadline_ms=budget) for budget in (1, 60_000, 0)]
    async with serving(releases, clock) as stub:
        reply = await stub.ScoreCandidates(
            pb.ScoreCandidatesRequest(queries=queries, generation=generation)
        )
    assert [result.status.code for result in reply.results] == [DEADLINE, 0, 0]


async def test_the_previous_generation_stays_open_and_no_other(releases: Releases) -> None:
    first, second = releases.publish(1.0), releases.publish(2.0)
    third = releases.publish(3.0)
    async with serving(releases) as stub:
        for generation, scale in ((second, 2.0), (third, 3.0), ("", 3.0)):
            reply = await stub.GetUserFactors(
                pb.GetUserFactorsRequest(user_ids=["u-0001"], generation=generation)
            )
            expected = np.float32(scale) * random_tables().user_factors[1]
            assert np.array_equal(floats(reply.users[0].vector), expected)
        calls = (
            stub.GetUserFactors(pb.GetUserFactorsRequest(user_ids=["u"], generation=first)),
            stub.FoldInHistories(
                pb.FoldInHistoriesRequest(histories=[pb.History()], generation=first)
            ),
            stub.ScoreCandidates(
                pb.ScoreCandidatesRequest(queries=[taste_query([1.0] * 8)], generation=first)
            ),
        )
        for call in calls:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
            assert third in (caught.value.details() or "")


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
async def test_a_batch_has_one_to_thirty_two_entries(releases: Releases, count: int) -> None:
    generation = releases.publish(1.0)
    async with serving(releases) as stub:
        users = pb.GetUserFactorsRequest(user_ids=["u"] * count)
        histories = pb.FoldInHistoriesRequest(histories=[pb.History()] * count)
        queries = pb.ScoreCandidatesRequest(
            queries=[taste_query([1.0] * 8)] * count, generation=generation
        )
        # Calls begin when they are made, and all three at once would be over the limit.
        assert await code_of(stub.GetUserFactors(users)) is grpc.StatusCode.INVALID_ARGUMENT
        assert await code_of(stub.FoldInHistories(histories)) is grpc.StatusCode.INVALID_ARGUMENT
        assert await code_of(stub.ScoreCandidates(queries)) is grpc.StatusCode.INVALID_ARGUMENT


async def test_scoring_names_its_generation(releases: Releases) -> None:
    releases.publish(1.0)
    async with serving(releases) as stub:
        request = pb.ScoreCandidatesRequest(queries=[taste_query([1.0] * 8)])
        assert await code_of(stub.ScoreCandidates(request)) is grpc.StatusCode.INVALID_ARGUMENT


async def test_before_the_first_release_nothing_is_answered(releases: Releases) -> None:
    async with serving(releases) as stub:
        call = stub.GetUserFactors(pb.GetUserFactorsRequest(user_ids=["u"]))
        assert await code_of(call) is grpc.StatusCode.UNAVAILABLE


async def test_a_release_without_factors_knows_nobody(releases: Releases) -> None:
    releases.follow(Release("r-000001", 3, {}))
    async with serving(releases) as stub:
        users = await stub.GetUserFactors(pb.GetUserFactorsRequest(user_ids=["u-0001"]))
        folded = await stub.FoldInHistories(
            pb.FoldInHistoriesRequest(histories=[pb.History(product_ids=IDS)])
        )
    assert [each.status.code for each in (*users.users, *folded.users)] == [NOT_FOUND] * 2


def test_a_restart_opens_the_previous_release_too(releases: Releases) -> None:
    first, second = releases.publish(1.0), releases.publish(2.0)
    release = releases.store.current()
    assert release is not None
    opened = GenerationOpener(releases.store)(release)
    assert opened.current is not None
    assert opened.previous is not None
    assert (opened.current.name, opened.previous.name) == (second, first)


def test_rolling_back_swaps_current_and_previous(releases: Releases) -> None:
    first, second = releases.publish(1.0), releases.publish(2.0)
    releases.follow(releases.store.release({KIND: first}, seq=7))
    assert releases.opened is not None
    assert releases.opened.find(first) is releases.opened.current
    assert releases.opened.find(second) is releases.opened.previous


def test_a_damaged_generation_leaves_the_open_one(releases: Releases, tmp_path: Path) -> None:
    first = releases.publish(1.0)
    before = releases.opened
    tables = random_tables()
    bad = releases.store.publish(
        KIND, format=FORMAT, seq=8, write=lambda folder: Factors.write(tables, folder)
    )
    target = bad.folder / "users.npy"
    target.chmod(0o644)
    target.write_bytes(target.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ArtifactRefused):
        releases.follow(Release("r-000002", 8, {KIND: bad.generation}))
    assert releases.opened is before
    assert before is not None
    assert before.find(first) is not None


def test_serving_needs_no_training_library() -> None:
    code = (
        "import sys, services.reranker.main; "
        "sys.exit(','.join({'implicit', 'scipy', 'torch', 'faiss'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
