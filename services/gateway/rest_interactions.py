"""The REST door to what shoppers do."""

import asyncio

import orjson
from starlette.requests import Request
from starlette.responses import Response

from catalog.interaction import Interaction
from runtime.errors import InvalidArgument
from services.gateway import rest_bodies as bodies
from services.gateway.history import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Histories
from services.gateway.interactions import MAX_BATCH_BYTES, Recorder
from services.gateway.keys import ACT_AS_USER, ERASE, WRITE
from services.gateway.limits import check_range
from services.gateway.rest_openapi import Endpoint, body_of, parameter
from services.gateway.rest_paths import user_id_of
from services.gateway.rest_query import number
from services.gateway.schemas_interactions import (
    ErasureReply,
    HistoryReply,
    InteractionsBody,
    InteractionsReply,
    to_events,
    written,
)
from services.gateway.shopper_factors import now

JSON = "application/json"
_NAMES = ("page_size", "page_token")


class InteractionRoutes:
    """The endpoints. Each reads the raw request itself."""

    def __init__(self, recorder: Recorder, histories: Histories, *, body_timeout_s: float) -> None:
        self._recorder = recorder
        self._histories = histories
        self._body_timeout_s = body_timeout_s

    def endpoints(self) -> list[Endpoint]:
        """The routes."""
        user_id = parameter("user_id", "path", "string", "Id of the shopper.")
        size = parameter("page_size", "query", "integer", "Most events, 1 to 1000.")
        token = parameter("page_token", "query", "string", "next_page_token of the page before.")
        body = {JSON: body_of(InteractionsBody)}
        path, user = "/v1/interactions", "/v1/users/{user_id}"
        history, seen = f"{user}/interactions", [user_id, size, token]
        return [
            Endpoint("POST", path, self.record, InteractionsReply, body, scope=WRITE),
            Endpoint("GET", history, self.history, HistoryReply, None, seen, scope=ACT_AS_USER),
            Endpoint("DELETE", user, self.forget, ErasureReply, None, [user_id], scope=ERASE),
        ]

    async def record(self, request: Request) -> Response:
        """Keeps up to 500 events, each once; what is accepted is durable."""
        raw = await bodies.read(request, MAX_BATCH_BYTES, timeout_s=self._body_timeout_s)
        if len(raw) > bodies.MAX_JSON_BYTES:
            # So much JSON would hold up the searches.
            items = await asyncio.to_thread(
                lambda: to_events(bodies.parse(InteractionsBody, raw), now())
            )
        else:
            items = to_events(bodies.parse(InteractionsBody, raw), now())
        results = [
            {
                "event_id": each.event_id,
                "status": each.status,
                "problem": each.problem or None,
                "field": each.field or None,
            }
            for each in await self._recorder.record(items)
        ]
        return _json({"results": results})

    async def history(self, request: Request) -> Response:
        """Returns what a shopper did, newest first."""
        told = request.query_params
        for name in told:
            if name not in _NAMES or len(told.getlist(name)) > 1:
                field = name if name in _NAMES else "query"
                raise InvalidArgument(f"the query may hold {', '.join(_NAMES)}, once", field=field)
        size = number(request, "page_size", DEFAULT_PAGE_SIZE)
        check_range(size, 1, MAX_PAGE_SIZE, "page_size")
        page = await self._histories.page(user_id_of(request), size, told.get("page_token", ""))
        events = [_event(each) for each in page.events]
        return _json({"events": events, "next_page_token": page.next_page_token or None})

    async def forget(self, request: Request) -> Response:
        """Forgets a shopper; also one of whom nothing is known."""
        return _json({"events": await self._histories.forget(user_id_of(request))})


def _event(event: Interaction) -> dict[str, object]:
    return {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "product_id": event.product_id,
        "kind": event.kind,
        "value": event.value,
        "at": written(event.at),
        "verified": event.verified,
        "helpful_votes": event.helpful_votes,
    }


def _json(body: dict[str, object]) -> Response:
    return Response(orjson.dumps(body), media_type=JSON)
