"""The REST door to recommendations."""

import re

from starlette.requests import Request
from starlette.responses import Response

from runtime.errors import InvalidArgument
from runtime.tracing import current_request_id
from services.gateway import rest_bodies as bodies
from services.gateway.keys import ACT_AS_USER
from services.gateway.recommend_query import DEFAULT_PAGE_SIZE, RecommendQuery, within_left
from services.gateway.rest_json import ProductJson, recommended_to_json
from services.gateway.rest_openapi import Endpoint, body_of, parameter
from services.gateway.rest_paths import user_id_of
from services.gateway.rest_query import filter_of, header_s, number
from services.gateway.schemas_recommend import RecommendBody, RecommendReply, to_recommend_query
from services.gateway.servicer_rooms import Recommending

JSON = "application/json"
_NAMES = ("page_size", "filter", "new_share", "explain")
_FRACTION = re.compile(r"[01]|[01]?\.[0-9]{1,6}|1\.0{1,6}", re.ASCII)


class RecommendRoutes:
    """The endpoints. Each reads the raw request itself, so that nothing is coerced or echoed."""

    def __init__(self, recommending: Recommending, *, body_timeout_s: float) -> None:
        self._recommending = recommending
        self._body_timeout_s = body_timeout_s
        self._products = ProductJson()

    def endpoints(self) -> list[Endpoint]:
        """The routes."""
        waits = parameter(
            "X-Timeout-Ms", "header", "integer", "Milliseconds that the caller waits."
        )
        parameters = [
            parameter("user_id", "path", "string", "Id of the shopper."),
            parameter("page_size", "query", "integer", "Most products, 1 to 100; 24."),
            parameter("filter", "query", "string", "A FilterBody as URL-encoded JSON."),
            parameter("new_share", "query", "number", "Share of new arrivals, 0 to 1."),
            parameter("explain", "query", "boolean", "Whether each hit explains its place."),
            waits,
        ]
        path, body = "/v1/users/{user_id}/recommendations", {JSON: body_of(RecommendBody)}
        return [
            Endpoint(
                "GET", path, self.of_user, RecommendReply, None, parameters, scope=ACT_AS_USER
            ),
            Endpoint("POST", "/v1/recommendations", self.of_body, RecommendReply, body, [waits]),
        ]

    async def of_user(self, request: Request) -> Response:
        """Recommends products to a shopper."""
        told = request.query_params
        for name in told:
            if name not in _NAMES or len(told.getlist(name)) > 1:
                field = name if name in _NAMES else "query"
                raise InvalidArgument(f"the query may hold {', '.join(_NAMES)}, once", field=field)
        user_id = user_id_of(request)
        if not user_id:
            raise InvalidArgument("an id must be 1 to 128 characters", field="user_id")
        query = RecommendQuery(
            user_id=user_id,
            page_size=number(request, "page_size", DEFAULT_PAGE_SIZE),
            filter=filter_of(told.get("filter")),
            new_share=_share(told.get("new_share")),
            explain=_flag(told.get("explain")),
        )
        return await self._answer(request, query)

    async def of_body(self, request: Request) -> Response:
        """Recommends products to a shopper, a session, or a stranger."""
        raw = await bodies.read(request, bodies.MAX_JSON_BYTES, timeout_s=self._body_timeout_s)
        return await self._answer(request, to_recommend_query(bodies.parse(RecommendBody, raw)))

    async def _answer(self, request: Request, query: RecommendQuery) -> Response:
        found = await self._recommending.recommend(within_left(query, header_s(request)))
        body = recommended_to_json(found, self._products, current_request_id())
        return Response(body, media_type=JSON)


def _share(told: str | None) -> float | None:
    if told is None:
        return None
    if not _FRACTION.fullmatch(told):
        raise InvalidArgument("must be 0 to 1", field="new_share")
    return float(told)


def _flag(told: str | None) -> bool:
    if told not in (None, "true", "false"):
        raise InvalidArgument("must be true or false", field="explain")
    return told == "true"
