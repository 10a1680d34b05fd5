"""Promises of what is kept of shoppers: both doors over a real catalogue."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.confidence import confidences
from catalog.interaction import Interaction
from catalog.store import CatalogStore
from fashion.catalog.v1 import catalog_pb2
from fashion.search.v1 import search_pb2 as pb
from services.gateway.history import MAX_TOKEN_CHARS, Histories
from services.gateway.interactions import MAX_BATCH_BYTES, Recorder
from services.gateway.schemas_interactions import (
    ErasureReply,
    EventReply,
    EventVerdictReply,
    HistoryReply,
    InteractionsReply,
)
from services.gateway.schemas_out import ProblemReply
from services.gateway.write_lane import WriteLane
from tests.write_doors import WriteDoors, open_doors

MARK = "zq9secret"
PREFIX = "of-one-moment-"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
CALM = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Json = dict[str, Any]


@pytest.fixture
async def doors(tmp_path: Path, database: str) -> AsyncIterator[WriteDoors]:
    """A gateway on each kind of database in turn, with three products, one of them deleted."""
    async with open_doors(tmp_path, url=database) as opened:
        await fill(opened)
        yield opened


@pytest.fixture
async def light_doors(tmp_path: Path) -> AsyncIterator[WriteDoors]:
    """A gateway on a file, for what does not differ from database to database."""
    async with open_doors(tmp_path) as opened:
        await fill(opened)
        yield opened


async def fill(doors: WriteDoors) -> None:
    for name in ("p-1", "p-2", "p-gone"):
        reply = await doors.client.put(f"/v1/products/{name}", json={"title": "Dress"})
        assert reply.status_code == 200
    assert (await doors.client.delete("/v1/products/p-gone")).status_code == 200


def event(event_id: str, **changes: object) -> Json:
    return {"event_id": event_id, "user_id": "u-1", "product_id": "p-1", "kind": "view"} | changes


async def post(doors: WriteDoors, *events: object) -> list[EventVerdictReply]:
    reply = await doors.client.post("/v1/interactions", json={"events": list(events)})
    assert reply.status_code == 200, reply.text
    assert MARK not in reply.text
    return InteractionsReply.model_validate_json(reply.content).results


async def told(doors: WriteDoors, *events: object) -> list[str]:
    return [each.status for each in await post(doors, *events)]


async def history(doors: WriteDoors, user_id: str = "u-1", query: str = "") -> HistoryReply:
    path = f"/v1/users/{quote(user_id, safe='')}/interactions{query}"
    reply = await doors.client.get(path)
    assert reply.status_code == 200, reply.text
    return HistoryReply.model_validate_json(reply.content)


def ids(found: HistoryReply) -> list[str]:
    return [each.event_id for each in found.events]


def problem(reply: httpx.Response, status: int) -> ProblemReply:
    assert reply.status_code == status, reply.text
    assert MARK not in reply.text
    return ProblemReply.model_validate_json(reply.content)


async def test_an_event_counts_once_however_often_it_is_sent(doors: WriteDoors) -> None:
    assert await told(doors, event("e-1"), event("e-2"), event("e-1")) == [
        "accepted", "accepted", "duplicate",
    ]  # fmt: skip
    # Also with other words, and of another shopper: the id says which event it is.
    again = [event("e-2"), event("e-1", user_id="u-2", kind="like"), event("e-3")]
    assert await told(doors, *again) == ["duplicate", "duplicate", "accepted"]
    assert len(list(doors.store.interactions())) == 3
    assert (await history(doors, "u-2")).events == []


async def test_what_is_kept_is_shown_as_it_was_sent_newest_first(doors: WriteDoors) -> None:
    sent = [
        event("e-1", at="2026-01-31T12:00:00Z"),
        event("e-2", at="2026-01-31T13:00:00.123456+01:00", kind="rating", value=4.5,
              verified=True, helpful_votes=3),
        event("e-3", at="2024-02-29t00:00:00.5z", kind="impression"),
    ]  # fmt: skip
    assert set(await told(doors, *sent)) == {"accepted"}
    plain: Json = {"value": None, "verified": False, "helpful_votes": 0}
    assert (await history(doors)).events == [
        EventReply(**(sent[1] | {"at": "2026-01-31T12:00:00.123456Z"})),
        EventReply(**(plain | sent[0])),
        EventReply(**(plain | sent[2] | {"at": "2024-02-29T00:00:00.500000Z"})),
    ]


async def test_an_event_without_a_time_happened_now(doors: WriteDoors) -> None:
    before = datetime.now(UTC)
    await post(doors, event("e-1"), event("e-2", at=None))
    for each in doors.store.history("u-1", 5):
        assert before - timedelta(milliseconds=1) <= each.at <= datetime.now(UTC)


async def test_a_product_that_never_was_is_rejected_and_one_that_is_gone_is_not(
    doors: WriteDoors,
) -> None:
    found = await post(
        doors,
        event("e-1", product_id="p-gone", kind="return"),
        event("e-2", product_id="p-never"),
        event("e-3", product_id="p-2"),
    )
    assert [each.status for each in found] == ["accepted", "rejected", "accepted"]
    assert (found[1].field, found[1].event_id) == ("product_id", "e-2")
    assert ids(await history(doors)) == ["e-3", "e-1"]


FAR = (datetime.now(UTC) + timedelta(days=1, hours=1)).isoformat()
BAD_EVENTS: dict[str, tuple[object, str]] = {
    "an id of nobody": (event("e", user_id=""), "user_id"),
    "a control character": (event("e", user_id="zq9secret\n"), "user_id"),
    "an id that no address holds": (event("e", user_id=".."), "user_id"),
    "no product": (event("e", product_id=""), "product_id"),
    "a long id": (event("e" * 129), "event_id"),
    "no id": ({"user_id": "u-1", "product_id": "p-1", "kind": "view"}, "event_id"),
    "another kind": (event("e", kind="zq9secret"), "kind"),
    "a search": (event("e", kind="search"), "kind"),
    "a rating without stars": (event("e", kind="rating"), "value"),
    "six stars": (event("e", kind="rating", value=6), "value"),
    "no star": (event("e", kind="rating", value=0.9), "value"),
    "a view with stars": (event("e", value=3), "value"),
    "stars in words": (event("e", kind="rating", value="zq9secret"), "value"),
    "the day after tomorrow": (event("e", at=FAR), "at"),
    "before there were shops": (event("e", at="1969-12-31T23:59:59Z"), "at"),
    "a time without a zone": (event("e", at="2026-01-31T12:00:00"), "at"),
    "no day": (event("e", at="2026-02-30T12:00:00Z"), "at"),
    "a time in words": (event("e", at="zq9secret"), "at"),
    "a time in numbers": (event("e", at=1769860800), "at"),
    "the end of time": (event("e", at="9999-12-31T23:59:59-23:59"), "at"),
    "votes below nothing": (event("e", helpful_votes=-1), "helpful_votes"),
    "votes without end": (event("e", helpful_votes=10**30), "helpful_votes"),
    "truth in words": (event("e", verified="yes"), "verified"),
    "an unknown field": (event("e", **{"zq9secret <b>": 1}), ""),
    "a list": ([1], ""),
    "nothing": (None, ""),
}


@pytest.mark.parametrize("name", BAD_EVENTS)
async def test_a_bad_event_is_rejected_alone_by_field_without_an_echo(
    light_doors: WriteDoors, name: str
) -> None:
    bad, field = BAD_EVENTS[name]
    first, found, last = await post(light_doors, event("good-1"), bad, event("good-2"))
    assert (first.status, found.status, last.status) == ("accepted", "rejected", "accepted")
    assert found.problem
    assert field in ("", found.field)
    assert ids(await history(light_doors)) == ["good-2", "good-1"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{}", b'{"events": []}', b'{"events": {}}', b'{"events": null}',
     b'{"events": [{}], "more": 1}', b'{"events": [NaN', b'{"events": [' + b"[" * 10000,
     b'{"events": ["\\ud800"]}', b'{"events": [{"event_id": "a", "event_id": "b"}]}',
     json.dumps({"events": [event("e")] * 501}).encode()],
    ids=range(13),
)  # fmt: skip
async def test_what_is_no_batch_is_refused_whole(light_doors: WriteDoors, raw: bytes) -> None:
    problem(await light_doors.client.post("/v1/interactions", content=raw), 400)
    assert list(light_doors.store.interactions()) == []


async def test_five_hundred_events_are_one_batch_and_a_large_body_is_refused(
    light_doors: WriteDoors,
) -> None:
    many = [event(f"e-{number}", user_id=f"u-{number}") for number in range(500)]
    assert await told(light_doors, *many) == ["accepted"] * 500
    padding = b" " * MAX_BATCH_BYTES
    body = b'{"events": []}' + padding
    assert problem(await light_doors.client.post("/v1/interactions", content=body), 413)


@CALM
@given(raw=st.binary(max_size=200))
async def test_no_bytes_are_an_internal_error(light_doors: WriteDoors, raw: bytes) -> None:
    for body in (raw, b'{"events":[' + raw + b"]}"):
        reply = await light_doors.client.post("/v1/interactions", content=body)
        assert reply.status_code in (200, 400)


_FIELDS = st.sampled_from(
    ["event_id", "user_id", "product_id", "kind", "value", "at", "verified", "helpful_votes"]
)
_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
    st.sampled_from(["p-1", "rating", "view", "2026-01-31T12:00:00Z"]),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
)  # fmt: skip


@CALM
@given(body=st.dictionaries(_FIELDS, _VALUES))
async def test_no_event_is_an_internal_error(light_doors: WriteDoors, body: Json) -> None:
    raw = json.dumps({"events": [body]}).encode("utf-8", "replace")
    reply = await light_doors.client.post("/v1/interactions", content=raw)
    assert reply.status_code in (200, 400)


async def test_a_history_is_read_in_pages_without_a_gap_while_more_comes(
    doors: WriteDoors,
) -> None:
    # Many at the same moment: time alone does not tell where a page ended.
    many = [event(f"e-{n:03d}", at=(NOON + timedelta(seconds=n // 7)).isoformat())
            for n in range(40)]  # fmt: skip
    await post(doors, *many)
    seen: list[str] = []
    query = "?page_size=9"
    while query:
        found = await history(doors, query=query)
        seen += ids(found)
        await post(doors, event(f"new-{len(seen)}", at=(NOON + timedelta(days=1)).isoformat()))
        token = found.next_page_token
        query = f"?page_size=9&page_token={token}" if token else ""
    assert seen == [each["event_id"] for each in reversed(many)]


async def test_a_page_that_ends_with_the_history_is_the_last(light_doors: WriteDoors) -> None:
    await post(light_doors, *[event(f"e-{n}") for n in range(4)])
    found = await history(light_doors, query="?page_size=4")
    assert (len(found.events), found.next_page_token) == (4, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=0", "page_size"), ("page_size=1001", "page_size"), ("page_size=x", "page_size"),
        ("page_token=zq9secret", "page_token"), ("page_token=" + "A" * 12, "page_token"),
        ("page_token=" + "A" * (MAX_TOKEN_CHARS + 4), "page_token"),
        ("page_token=%FF", "page_token"), ("zq9secret=1", "query"),
        ("page_size=1&page_size=2", "page_size"),
    ],
)  # fmt: skip
async def test_a_bad_question_for_a_history_is_refused_by_field(
    light_doors: WriteDoors, query: str, field: str
) -> None:
    reply = await light_doors.client.get(f"/v1/users/u-1/interactions?{query}")
    assert problem(reply, 400).field == field


@CALM
@given(token=st.text(min_size=1, max_size=60))
async def test_no_token_is_an_internal_error(light_doors: WriteDoors, token: str) -> None:
    reply = await light_doors.client.get(
        "/v1/users/u-1/interactions", params={"page_token": token.encode("utf-8", "replace")}
    )
    assert reply.status_code in (200, 400)


@pytest.mark.parametrize("name", ["a/b", "%2F", "ü?#", " ", "u-1:x", "ß" * 128])
async def test_every_shopper_is_reached_by_an_encoded_path(
    light_doors: WriteDoors, name: str
) -> None:
    await post(light_doors, event("e-1", user_id=name), event("e-2", user_id="other"))
    assert ids(await history(light_doors, name)) == ["e-1"]
    reply = await light_doors.client.delete(f"/v1/users/{quote(name, safe='')}")
    assert ErasureReply.model_validate_json(reply.content).events == 1
    assert ids(await history(light_doors, name)) == []
    assert ids(await history(light_doors, "other")) == ["e-2"]


@pytest.mark.parametrize("path", ["%ff", "a%c3", "a%00", "x" * 129])
async def test_what_can_be_no_id_names_no_shopper(light_doors: WriteDoors, path: str) -> None:
    for reply in (
        await light_doors.client.get(f"/v1/users/{path}/interactions"),
        await light_doors.client.delete(f"/v1/users/{path}"),
    ):
        assert problem(reply, 400).field == "user_id"


async def test_an_erased_shopper_is_gone_and_nobody_else(doors: WriteDoors) -> None:
    await post(doors, *[event(f"e-{n}") for n in range(5)], event("o-1", user_id="u-2"))
    before = doors.store.interactions_digest()
    reply = await doors.client.delete("/v1/users/u-1")
    assert ErasureReply.model_validate_json(reply.content).events == 5
    assert [each.user_id for each in doors.store.interactions()] == ["u-2"]
    # By this the next training knows that it must learn anew.
    assert doors.store.interactions_digest() != before
    again = await doors.client.delete("/v1/users/u-1")
    assert ErasureReply.model_validate_json(again.content).events == 0
    assert await told(doors, event("e-9")) == ["accepted"]


async def test_an_impression_is_kept_and_says_nothing_of_taste(doors: WriteDoors) -> None:
    assert await told(doors, event("e-1", kind="impression")) == ["accepted"]
    assert ids(await history(doors)) == ["e-1"]
    learned = doors.store.journal.learned("u-1", 10)
    assert (list(learned.events), learned.mark) == ([], doors.store.journal.mark("nobody", 10))
    assert confidences(doors.store.history("u-1", 10)) == {}


def test_the_mark_of_a_history_is_another_after_each_change(store: CatalogStore) -> None:
    journal = store.journal
    at = [NOON + timedelta(seconds=n) for n in range(6)]

    seen = [journal.mark("u-1", 3)]
    # In no order, so that events come within and before the newest three.
    for number in (3, 5, 1, 4, 2, 0):
        store.add_interactions([Interaction(f"e-{number}", "u-1", "p-1", "view", at[number])])
        seen.append(journal.mark("u-1", 3))
        learned = journal.learned("u-1", 3)
        assert learned.mark == seen[-1]
        assert [each.at for each in learned.events] == sorted(each.at for each in learned.events)
    # The last two lie before the newest three, of which alone taste is made.
    assert len(set(seen[:5])) == 5
    assert seen[4] == seen[5] == seen[6]
    store.add_interactions([Interaction("i", "u-1", "p-1", "impression", at[5])])
    assert journal.mark("u-1", 3) == seen[-1]
    store.journal.forget("u-1")
    assert journal.mark("u-1", 3) == seen[0]


def message(event_id: str, **changes: object) -> catalog_pb2.Interaction:
    fields: Json = {"event_id": event_id, "user_id": "u-1", "product_id": "p-1", "kind": "view"}
    return catalog_pb2.Interaction(**(fields | changes))


def test_the_mark_knows_events_of_one_moment_apart(store: CatalogStore) -> None:
    """As an import by the day brings them: more than are read, and all of one time."""
    known = f"{PREFIX}known"
    store.add_interactions([same_moment(f"m-{at:04d}", known) for at in range(1200)])
    before = store.journal.mark(known, 1000)
    assert before == store.journal.learned(known, 1000).mark
    store.add_interactions([same_moment("m-1100a", known)])
    after = store.journal.mark(known, 1000)
    assert after == store.journal.learned(known, 1000).mark != before

    erased = f"{PREFIX}erased"
    store.add_interactions([same_moment(f"a-{at}", erased) for at in range(3)])
    before = store.journal.mark(erased, 1000)
    assert store.journal.forget(erased) == 3
    store.add_interactions([same_moment(f"b-{at}", erased) for at in range(3)])
    assert store.journal.mark(erased, 1000) != before


def same_moment(name: str, user_id: str) -> Interaction:
    return Interaction(name, user_id, "p-1", "like", datetime(2026, 11, 1, tzinfo=UTC))


def test_who_is_forgotten_leaves_nothing_in_the_files(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    with closing(CatalogStore.open(f"sqlite:///{file}", create=True)) as store:
        store.add_interactions([same_moment(f"e-{at}", "SOMEBODY-ELSE") for at in range(200)])
        events = [same_moment(f"TELLING-{at}", "TELLTALE-USER") for at in range(200)]
        store.add_interactions(events)
        assert store.journal.forget("TELLTALE-USER") == 200
        for kept in tmp_path.iterdir():  # also while the house runs
            assert b"TELL" not in kept.read_bytes(), kept.name
        assert len(store.history("SOMEBODY-ELSE", 500)) == 200


async def test_grpc_keeps_shows_and_forgets_as_rest_does(doors: WriteDoors) -> None:
    timed = message("e-1", kind="rating", value=4.3, verified=True, helpful_votes=2)
    timed.at.FromDatetime(NOON)
    late = message("e-4")
    late.at.FromDatetime(datetime.now(UTC) + timedelta(days=2))
    never = message("e-5")
    never.at.seconds = 2**62
    events = [timed, message("e-2"), timed, message("e-3", product_id="p-x"), late, never,
              message("e-6", kind="search"), message("")]  # fmt: skip
    reply = await doors.stub.RecordInteractions(pb.RecordInteractionsRequest(events=events))
    assert [(each.event_id, each.status, each.field) for each in reply.results] == [
        ("e-1", "accepted", ""), ("e-2", "accepted", ""), ("e-1", "duplicate", ""),
        ("e-3", "rejected", "product_id"), ("e-4", "rejected", "at"), ("e-5", "rejected", "at"),
        ("e-6", "rejected", "kind"), ("", "rejected", "event_id"),
    ]  # fmt: skip
    first = await doors.stub.ListInteractions(
        pb.ListInteractionsRequest(user_id="u-1", page_size=1)
    )
    assert [each.event_id for each in first.events] == ["e-2"]
    rest = await history(doors, query=f"?page_token={first.next_page_token}")
    assert rest.events == [
        EventReply(event_id="e-1", user_id="u-1", product_id="p-1", kind="rating", value=4.3,
                   at="2026-01-31T12:00:00Z", verified=True, helpful_votes=2)
    ]  # fmt: skip
    second = await doors.stub.ListInteractions(
        pb.ListInteractionsRequest(user_id="u-1", page_token=first.next_page_token)
    )
    assert (list(second.events), second.next_page_token) == ([timed], "")
    gone = await doors.stub.DeleteUser(pb.DeleteUserRequest(user_id="u-1"))
    assert gone.events == 2
    assert list(doors.store.interactions()) == []


BAD_CALLS = {
    "no events": ("RecordInteractions", pb.RecordInteractionsRequest(), "events"),
    "too many": (
        "RecordInteractions", pb.RecordInteractionsRequest(events=[message("e")] * 501), "events",
    ),
    "nobody's history": ("ListInteractions", pb.ListInteractionsRequest(), "user_id"),
    "a size": (
        "ListInteractions", pb.ListInteractionsRequest(user_id="u", page_size=-1), "page_size",
    ),
    "a token": (
        "ListInteractions", pb.ListInteractionsRequest(user_id="u", page_token="?"), "page_token",
    ),
    "nobody": ("DeleteUser", pb.DeleteUserRequest(), "user_id"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CALLS)
async def test_bad_calls_are_refused_by_field(light_doors: WriteDoors, name: str) -> None:
    method, request, field = BAD_CALLS[name]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(light_doors.stub, method)(request)
    trailer = dict(caught.value.trailing_metadata() or ())
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert trailer.get("hemline-field") == field


class Order:
    """Notes what is done to the cache, and what the store held just then."""

    def __init__(self, store: CatalogStore) -> None:
        self.store = store
        self.steps: list[tuple[str, list[str], int]] = []

    async def changed(self, user_ids: object) -> None:
        assert isinstance(user_ids, set)
        self.steps.append(("changed", sorted(user_ids), self._kept()))

    async def forget(self, user_id: str) -> None:
        self.steps.append(("forget", [user_id], self._kept()))

    def _kept(self) -> int:
        return len(list(self.store.interactions()))


async def test_the_cache_hears_of_each_change_before_and_after_the_store(
    light_doors: WriteDoors,
) -> None:

    store, lane = light_doors.store, WriteLane()
    order = Order(store)
    clicked: list[set[str]] = []
    recorder = Recorder(
        lambda: store.journal, lane, order, acknowledged=lambda users: clicked.append(set(users))
    )
    events = [
        Interaction("e-1", "u-1", "p-1", "view", NOON),
        Interaction("e-2", "u-2", "p-1", "like", NOON),
        Interaction("e-3", "u-3", "p-1", "impression", NOON),
    ]
    await recorder.record(events)
    # Sent again, it is told again: the first time somebody may have died in between.
    await recorder.record(events[:1])
    await Histories(lambda: store.journal, lane, order).forget("u-2")
    both = ["u-1", "u-2"]
    assert order.steps == [
        ("changed", both, 0), ("changed", both, 3),
        ("changed", ["u-1"], 3), ("changed", ["u-1"], 3),
        ("forget", ["u-2"], 3), ("forget", ["u-2"], 2),
    ]  # fmt: skip
    assert clicked == [{"u-1", "u-2"}, set()]
    lane.close()


async def test_a_client_that_hangs_up_leaves_the_cache_as_right_as_the_store(
    light_doors: WriteDoors,
) -> None:

    store, lane = light_doors.store, WriteLane()
    order, held, let_go = Order(store), threading.Event(), threading.Event()

    class Slow:
        def record(self, events: Sequence[Interaction]) -> list[str]:
            held.set()
            let_go.wait()
            return store.journal.record(events)

    recorder = Recorder(Slow, lane, order)
    event = Interaction("e-1", "u-1", "p-1", "view", NOON)
    writing = asyncio.create_task(recorder.record([event]))
    await asyncio.to_thread(held.wait)
    writing.cancel()
    let_go.set()
    await recorder.settle()
    assert order.steps == [("changed", ["u-1"], 0), ("changed", ["u-1"], 1)]
    lane.close()


async def test_the_description_tells_how_to_record(light_doors: WriteDoors) -> None:
    document = (await light_doors.client.get("/openapi.json")).json()
    paths = document["paths"]
    assert paths["/v1/interactions"]["post"]["x-scope"] == "write"
    assert paths["/v1/users/{user_id}/interactions"]["get"]["x-scope"] == "act_as_user"
    assert paths["/v1/users/{user_id}"]["delete"]["x-scope"] == "erase"
    assert "EventBody" in document["components"]["schemas"]
