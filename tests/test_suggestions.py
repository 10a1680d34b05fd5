"""Suggestions come from both sources through both doors, within their limits."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import grpc
import httpx
import pytest

from catalog.media import MediaStore
from fashion.search.v1 import search_pb2 as pb
from fashion.search.v1.search_pb2_grpc import (
    SearchServiceStub,
    add_SearchServiceServicer_to_server,
)
from runtime.errors import InvalidArgument, Unavailable
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.gateway.pictures import Pictures
from services.gateway.rest import create_app
from services.gateway.rest_routes import Rooms
from services.gateway.schemas_out import ProblemReply, SuggestReply
from services.gateway.servicer import NAME, SearchServicer
from services.gateway.stages import Completion
from services.gateway.suggesting import BUDGET_S, Suggester, Suggestion, merged
from tests.gateway_fakes import FakeText, House

DRESSES = [
    Completion("red dress", "query", 12),
    Completion("Dresses", "category", 40),
    Completion("Redwood", "brand", 3),
]


class Asked:
    """Past queries that are always the same."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    async def complete(self, text: str, count: int) -> Sequence[str]:
        return self.texts[:count]


async def test_a_text_stage_that_is_gone_costs_the_catalogues_words_alone() -> None:
    answer = await Suggester(FakeText(error=Unavailable("gone")), Asked("red hat")).suggest("re", 8)
    assert answer.found == [Suggestion("red hat", "query")]
    assert answer.degraded
    whole = await Suggester(FakeText(completions=DRESSES), Asked("red hat")).suggest("re", 8)
    assert not whole.degraded


def test_neither_source_crowds_out_the_other() -> None:
    asked = [f"red {number}" for number in range(9)]
    found = merged(asked, DRESSES, 6, typed="re")
    assert [each.text for each in found] == [
        "red 0", "red 1", "red 2", "red dress", "Dresses", "Redwood",
    ]  # fmt: skip
    alone = merged(asked, [], 6, typed="re")
    assert [each.text for each in alone] == asked[:6]


def test_each_text_is_suggested_once_under_the_kind_of_the_catalogue() -> None:
    found = merged(["dresses", "red dress"], DRESSES, 8, typed="re")
    assert found == [
        Suggestion("Dresses", "category"),
        Suggestion("red dress", "query"),
        Suggestion("Redwood", "brand"),
    ]
    assert merged(["red"], [], 8, typed="Red ") == []


class Doors:
    """Both doors to the same suggestions."""

    def __init__(self, folder: Path, suggester: Suggester) -> None:
        house, pictures = House(), Pictures(MediaStore(folder))
        rooms = Rooms(
            house.pipeline,
            house.documents,
            pictures,
            None,
            str,
            Metrics("gateway"),
            suggester=suggester,
        )
        self.servicer = SearchServicer(rooms)
        transport = httpx.ASGITransport(create_app(rooms, web=folder))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hemline")
        self.server = StageServer(
            "gateway", self._register, [NAME], ServerSettings(), Metrics("gateway")
        )
        self.text = suggester.words

    def _register(self, server: grpc.aio.Server) -> None:
        add_SearchServiceServicer_to_server(self.servicer, server)  # type: ignore[no-untyped-call]

    async def rest(self, query: str) -> SuggestReply:
        reply = await self.client.get(f"/v1/suggest?{query}")
        assert reply.status_code == 200, reply.text
        return SuggestReply.model_validate_json(reply.content)

    async def refused(self, query: str) -> str | None:
        reply = await self.client.get(f"/v1/suggest?{query}")
        assert reply.status_code == 400
        return ProblemReply.model_validate_json(reply.content).field


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    opened = Doors(tmp_path, Suggester(FakeText(completions=DRESSES), Asked("red hat")))
    async with opened.client:
        yield opened


@pytest.fixture
async def stub(doors: Doors) -> AsyncIterator[SearchServiceStub]:
    port = await doors.server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield SearchServiceStub(channel)  # type: ignore[no-untyped-call]
    doors.server.stop()
    await doors.server.serve_until_stopped()


async def test_both_doors_give_the_same_suggestions(doors: Doors, stub: SearchServiceStub) -> None:
    told = await doors.rest("q=re&limit=3")
    assert [(each.text, each.kind) for each in told.suggestions] == [
        ("red hat", "query"), ("red dress", "query"), ("Dresses", "category"),
    ]  # fmt: skip
    assert not told.degraded
    assert told.request_id
    reply = await stub.Suggest(pb.SuggestRequest(text="re", limit=3))
    assert [(each.text, each.kind) for each in reply.suggestions] == [
        (each.text, each.kind) for each in told.suggestions
    ]
    assert reply.request_id
    assert not reply.degraded


async def test_eight_are_suggested_where_nobody_says_how_many(
    doors: Doors, stub: SearchServiceStub
) -> None:
    await doors.rest("q=re")
    await stub.Suggest(pb.SuggestRequest(text="re"))
    assert isinstance(doors.text, FakeText)
    assert doors.text.completed == [("re", 8), ("re", 8)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"), ("q=", "q"), ("q=%20%09", "q"), ("q=" + "a" * 513, "q"), ("q=a&q=b", "q"),
        ("q=a&limit=0", "limit"), ("q=a&limit=21", "limit"), ("q=a&limit=-1", "limit"),
        ("q=a&limit=x", "limit"), ("q=a&limit=1&limit=2", "limit"), ("q=a&zq9=1", "query"),
    ],
)  # fmt: skip
async def test_rest_refuses_by_name(doors: Doors, query: str, field: str) -> None:
    assert await doors.refused(query) == field


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.SuggestRequest(), "text"),
        (pb.SuggestRequest(text=" "), "text"),
        (pb.SuggestRequest(text="a" * 513), "text"),
        (pb.SuggestRequest(text="a", limit=21), "limit"),
        (pb.SuggestRequest(text="a", limit=-1), "limit"),
    ],
)
async def test_grpc_refuses_by_name(
    stub: SearchServiceStub, request_: pb.SuggestRequest, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as told:
        await stub.Suggest(request_)
    assert told.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert dict(told.value.trailing_metadata() or ())["hemline-field"] == field


class Patient:
    """Completes nothing, and remembers how long it might have taken."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def complete(self, text: str, count: int, *, timeout_s: float) -> Sequence[Completion]:
        self.waits.append(timeout_s)
        return ()


async def test_nobody_waits_longer_for_suggestions_than_they_say() -> None:
    words = Patient()
    await Suggester(words).suggest("re", 8)
    await Suggester(words).suggest("re", 8, 9.0)
    await Suggester(words).suggest("re", 8, 0.1)
    assert words.waits == [BUDGET_S, BUDGET_S, 0.1]


async def test_a_text_that_the_stage_refuses_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        await Suggester(FakeText(error=InvalidArgument("no", field="text"))).suggest("re", 8)


async def test_the_description_tells_of_suggestions(doors: Doors) -> None:
    document = (await doors.client.get("/openapi.json")).json()
    call = document["paths"]["/v1/suggest"]["get"]
    assert {each["name"] for each in call["parameters"]} >= {"q", "limit"}
    kinds = document["components"]["schemas"]["SuggestionReply"]["properties"]["kind"]["enum"]
    assert kinds == ["query", "product", "category", "brand", "spelling"]
