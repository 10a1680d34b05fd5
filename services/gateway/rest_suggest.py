"""The REST door to suggestions."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from runtime.errors import InvalidArgument
from runtime.tracing import current_request_id
from services.gateway.rest_openapi import Endpoint, parameter
from services.gateway.rest_query import header_s, number
from services.gateway.schemas_out import SuggestReply
from services.gateway.suggesting import DEFAULT_LIMIT, Suggester

JSON = "application/json"
_NAMES = ("q", "limit")


class SuggestRoutes:
    """The endpoint; it reads the query itself, so that nothing is coerced or echoed."""

    def __init__(self, suggester: Suggester) -> None:
        self._suggester = suggester

    def endpoints(self) -> list[Endpoint]:
        """The route."""
        parameters = [
            parameter("q", "query", "string", "What was typed so far, at most 512 characters."),
            parameter("limit", "query", "integer", "Most suggestions, 1 to 20; 8."),
            parameter("X-Timeout-Ms", "header", "integer", "Milliseconds that the caller waits."),
        ]
        return [Endpoint("GET", "/v1/suggest", self.suggest, SuggestReply, None, parameters)]

    async def suggest(self, request: Request) -> Response:
        """Completes what a shopper is typing, or mends its spelling."""
        told = request.query_params
        for name in told:
            if name not in _NAMES or len(told.getlist(name)) > 1:
                field = name if name in _NAMES else "query"
                raise InvalidArgument(f"the query may hold {', '.join(_NAMES)}, once", field=field)
        limit = number(request, "limit", DEFAULT_LIMIT)
        answer = await self._suggester.suggest(
            told.get("q", ""), limit, header_s(request), path="q"
        )
        body = {
            "suggestions": [{"text": each.text, "kind": each.kind} for each in answer.found],
            "degraded": answer.degraded,
            "request_id": current_request_id(),
        }
        return Response(orjson.dumps(body), media_type=JSON)
