"""Promises of both doors to recommendations: one answer, nothing coerced, nobody else's taste."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import pytest

from catalog.media import MediaStore
from fashion.catalog.v1 import catalog_pb2
from fashion.search.v1 import search_pb2 as pb
from fashion.search.v1.search_pb2_grpc import (
    SearchServiceStub,
    add_SearchServiceServicer_to_server,
)
from runtime.errors import Unavailable
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.gateway.access import Access
from services.gateway.key_file import dump, make_key
from services.gateway.keys import KeyRing
from services.gateway.main_recommend import ObservedRecommender, PersonalRecommender
from services.gateway.pictures import Pictures
from services.gateway.rest import create_app
from services.gateway.schemas_out import ProblemReply
from services.gateway.schemas_recommend import RecommendReply
from services.gateway.servicer import NAME, SearchServicer
from services.gateway.servicer_access import admission
from services.gateway.servicer_rooms import Rooms
from tests.gateway_fakes import down
from tests.test_recommending import NAMES, SHOP, Salon

MARK = "zq9secret"


class Doors:
    """A salon with both doors open, behind keys if there are any."""

    def __init__(self, folder: Path, *scopes: str) -> None:
        self.salon, self.metrics = Salon(), Metrics("gateway")
        self.headers: dict[str, str] = {}
        path = None
        if scopes:
            key, text = make_key("tests", scopes, at=datetime.now(UTC))
            path = folder / "keys.json"
            path.write_bytes(dump([key]))
            self.headers["authorization"] = f"Bearer {text}"
        access = Access(KeyRing(path))
        observed = ObservedRecommender(self.salon.recommender, self.metrics)
        rooms = Rooms(
            self.salon.house.pipeline,
            self.salon.house.documents,
            Pictures(MediaStore(folder)),
            None,
            str,
            self.metrics,
            access=access,
            recommending=PersonalRecommender(observed),
        )
        self.servicer = SearchServicer(rooms)
        transport = httpx.ASGITransport(create_app(rooms), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers=self.headers
        )
        self.server = StageServer(
            "gateway",
            self._register,
            [NAME],
            ServerSettings(in_flight_limit=64),
            self.metrics,
            admit=admission(access),
        )

    def _register(self, server: grpc.aio.Server) -> None:
        add_SearchServiceServicer_to_server(self.servicer, server)  # type: ignore[no-untyped-call]

    async def get(self, path: str) -> RecommendReply:
        return told(await self.client.get(path))

    async def post(self, **body: object) -> RecommendReply:
        return told(await self.client.post("/v1/recommendations", json=body))


def told(reply: httpx.Response) -> RecommendReply:
    assert reply.status_code == 200, reply.text
    return RecommendReply.model_validate_json(reply.content)


@pytest.fixture
def doors(tmp_path: Path) -> Doors:
    return Doors(tmp_path)


@pytest.fixture
async def stub(doors: Doors) -> AsyncIterator[SearchServiceStub]:
    port = await doors.server.start()
    doors.server.set_ready(True)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield SearchServiceStub(channel)  # type: ignore[no-untyped-call]
    doors.server.stop()
    await doors.server.serve_until_stopped()


async def test_rest_and_grpc_recommend_the_same(doors: Doors, stub: SearchServiceStub) -> None:
    red = {"field": "colour", "in": ["red"]}
    options: dict[str, Any] = {
        "page_size": 7,
        "new_share": 0.3,
        "diversity": 0.2,
        "explain": True,
    }
    quotas = {"brand": 3}
    rest = await doors.post(
        user_id="u-1", session_product_ids=[NAMES[3]], filter=red, quotas=quotas, **options
    )
    condition = catalog_pb2.FieldCondition(field="colour", values=["red"])
    reply = await stub.Recommend(
        pb.RecommendRequest(
            user_id="u-1",
            session_product_ids=[NAMES[3]],
            filter=catalog_pb2.ProductFilter(condition=condition),
            quotas=quotas,
            **options,
        )
    )
    assert len(rest.hits) == 7
    assert {hit.product.colour for hit in rest.hits} == {"red"}
    assert [hit.product.product_id for hit in reply.hits] == [hit.product.id for hit in rest.hits]
    for ours, theirs in zip(rest.hits, reply.hits, strict=True):
        assert ours.rank == theirs.rank
        assert ours.because is not None
        assert [(each.kind, each.product_id) for each in theirs.because] == [
            (each.kind, each.product_id or "") for each in ours.because
        ]
        assert ours.explanation is not None
        terms = [(each.name, each.value, each.mode) for each in theirs.explanation.terms]
        assert terms == [
            (each.name, each.value, each.mode or "") for each in ours.explanation.terms
        ]
        assert sum(value for _, value, _ in terms) == pytest.approx(ours.score, abs=1e-6)
        moves = [(each.stage, each.from_place, each.to_place) for each in theirs.explanation.moves]
        assert moves == [(each.stage, each.from_, each.to) for each in ours.explanation.moves]
    assert (reply.mode, reply.degraded, reply.release) == ("user", False, "r-000001")
    assert (rest.mode, rest.degraded, rest.release) == ("user", False, "r-000001")
    assert dict(reply.coverage) == rest.coverage
    assert reply.generations["ranking"].generation == rest.generations["ranking"].generation
    assert reply.request_id
    assert rest.request_id


async def test_the_address_of_a_shopper_recommends_to_them(doors: Doors) -> None:
    found = await doors.get("/v1/users/u-1/recommendations?page_size=5&new_share=0.4&explain=true")
    assert (found.mode, len(found.hits)) == ("user", 5)
    assert found.hits[0].explanation is not None
    condition = json.dumps({"field": "kind", "in": ["dress"]})
    narrow = await doors.get(f"/v1/users/u-1/recommendations?filter={quote(condition)}")
    assert {SHOP[hit.product.id].kind for hit in narrow.hits} == {"dress"}
    assert narrow.hits[0].explanation is None
    assert (await doors.get("/v1/users/a%2Fb/recommendations")).mode == "cold"


async def test_an_empty_body_is_a_stranger(doors: Doors, stub: SearchServiceStub) -> None:
    found = await doors.post()
    assert (found.mode, len(found.hits)) == ("cold", 24)
    kinds = {each.kind for hit in found.hits for each in hit.because or ()}
    assert kinds == {"popular", "new"}
    assert (await stub.Recommend(pb.RecommendRequest())).mode == "cold"


BAD_BODIES = {
    '{"page_size": 0}': "page_size",
    '{"page_size": "5"}': "page_size",
    '{"page_size": 101}': "page_size",
    '{"user_id": ""}': "user_id",
    '{"session_product_ids": [""]}': "session_product_ids[0]",
    '{"session_product_ids": "zq9secret"}': "session_product_ids",
    '{"new_share": 1.5}': "new_share",
    '{"new_share": NaN}': "new_share",
    '{"diversity": -1}': "diversity",
    '{"quotas": {"style": 0}}': "quotas.style",
    '{"budget_ms": 10}': "budget_ms",
    '{"filter": {"field": "zq9secret", "in": ["x"]}}': "filter.field",
    '{"page_size": 3, "page_size": 4}': "page_size",
    '{"text": "zq9secret"}': "text",
    "[]": "body",
    "": "body",
}


@pytest.mark.parametrize("body", BAD_BODIES)
async def test_bad_bodies_are_refused_by_field_without_an_echo(doors: Doors, body: str) -> None:
    reply = await doors.client.post("/v1/recommendations", content=body.encode())
    found = ProblemReply.model_validate_json(reply.content)
    assert (reply.status_code, found.field) == (400, BAD_BODIES[body])
    assert MARK not in reply.text


BAD_ADDRESSES = {
    "?page_size=0": "page_size",
    "?page_size=x": "page_size",
    "?new_share=2": "new_share",
    "?new_share=1e-1": "new_share",
    "?new_share=nan": "new_share",
    "?explain=yes": "explain",
    "?filter=zq9secret": "filter",
    "?surprise=zq9secret": "query",
    "?page_size=3&page_size=3": "page_size",
}


@pytest.mark.parametrize("query", BAD_ADDRESSES)
async def test_bad_addresses_are_refused_by_field(doors: Doors, query: str) -> None:
    reply = await doors.client.get(f"/v1/users/u-1/recommendations{query}")
    found = ProblemReply.model_validate_json(reply.content)
    assert (reply.status_code, found.field) == (400, BAD_ADDRESSES[query])
    assert MARK not in reply.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"page_size": 101}, "page_size"),
        ({"new_share": 2.0}, "new_share"),
        ({"budget_ms": 6000}, "budget_ms"),
        ({"filter": catalog_pb2.ProductFilter()}, "filter"),
        ({"quotas": {"kind": 2}}, "quotas"),
    ],
)
async def test_bad_requests_are_refused_over_grpc(
    stub: SearchServiceStub, wrong: dict[str, object], field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Recommend(pb.RecommendRequest(**wrong))  # type: ignore[arg-type]  # as told
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert dict(caught.value.trailing_metadata() or ())["hemline-field"] == field


async def test_only_who_may_act_as_a_shopper_is_shown_what_suits_one(tmp_path: Path) -> None:
    reader = Doors(tmp_path, "read")
    address = "/v1/users/u-1/recommendations"
    assert (await reader.client.get(address)).status_code == 403
    named = await reader.client.post("/v1/recommendations", json={"user_id": "u-1"})
    assert named.status_code == 403
    assert (await reader.post(session_product_ids=[NAMES[3]])).mode == "session"
    (tmp_path / "other").mkdir()
    actor = Doors(tmp_path / "other", "read", "act_as_user")
    assert (await actor.get(address)).mode == "user"
    assert (await actor.post(user_id="u-1")).mode == "user"
    without = httpx.Headers({})
    assert (await actor.client.get(address, headers=without)).status_code == 200
    actor.client.headers.clear()
    assert (await actor.client.get(address)).status_code == 401


async def test_only_who_may_act_as_a_shopper_is_over_grpc_too(tmp_path: Path) -> None:
    reader = Doors(tmp_path, "read")
    port = await reader.server.start()
    reader.server.set_ready(True)
    metadata = [("authorization", reader.headers["authorization"])]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = SearchServiceStub(channel)  # type: ignore[no-untyped-call]
        assert (await stub.Recommend(pb.RecommendRequest(), metadata=metadata)).mode == "cold"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Recommend(pb.RecommendRequest(user_id="u-1"), metadata=metadata)
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
    reader.server.stop()
    await reader.server.serve_until_stopped()


async def test_recommendations_are_measured_by_their_outcome(doors: Doors) -> None:
    await doors.post()
    doors.salon.stage.error = down(Unavailable)
    assert (await doors.post(user_id="u-1")).degraded
    doors.salon.text.error = down(Unavailable)
    assert (await doors.client.post("/v1/recommendations", json={})).status_code == 503
    shown = doors.metrics.render().decode()
    for outcome in ("ok", "degraded", "unavailable"):
        assert f'hemline_recommend_seconds_count{{outcome="{outcome}"}} 1.0' in shown
    assert 'hemline_recommend_mode_total{mode="cold"} 2.0' in shown


async def test_the_description_tells_of_recommendations(doors: Doors) -> None:
    document = (await doors.client.get("/openapi.json")).json()
    assert "/v1/recommendations" in document["paths"]
    assert document["paths"]["/v1/users/{user_id}/recommendations"]["get"]["x-scope"] == (
        "act_as_user"
    )
    assert "RecommendBody" in document["components"]["schemas"]
    assert "new_share" in document["components"]["schemas"]["RecommendBody"]["properties"]
