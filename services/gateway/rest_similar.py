"""The REST door to products that are like a product."""

from starlette.requests import Request
from starlette.responses import Response

from runtime.errors import InvalidArgument
from runtime.tracing import current_request_id
from services.gateway.limits import check_range
from services.gateway.query import MAX_PAGE_SIZE
from services.gateway.rest_json import ProductJson, similar_to_json
from services.gateway.rest_openapi import Endpoint, parameter
from services.gateway.rest_paths import product_id_of
from services.gateway.rest_query import filter_of, header_s, number
from services.gateway.schemas_out import SimilarReply
from services.gateway.similar import DEFAULT_PAGE_SIZE, LOOK, SimilarFinder, SimilarQuery

JSON = "application/json"
_NAMES = ("by", "page_size", "filter")


class SimilarRoutes:
    """The endpoint; it reads the query itself, so that nothing is coerced or echoed."""

    def __init__(self, finder: SimilarFinder) -> None:
        self._finder = finder
        self._products = ProductJson()

    def endpoints(self) -> list[Endpoint]:
        """The route."""
        parameters = [
            parameter("product_id", "path", "string", "Id of the product."),
            parameter(
                "by", "query", "string", "In what they are like it: look, taste or bought_together."
            ),
            parameter("page_size", "query", "integer", "Most products, 1 to 100."),
            parameter("filter", "query", "string", "A FilterBody as URL-encoded JSON."),
            parameter("X-Timeout-Ms", "header", "integer", "Milliseconds that the caller waits."),
        ]
        path = "/v1/products/{product_id}/similar"
        return [Endpoint("GET", path, self.similar, SimilarReply, None, parameters)]

    async def similar(self, request: Request) -> Response:
        """Finds products that look like a product, or are taken by the same shoppers."""
        told = request.query_params
        for name in told:
            if name not in _NAMES or len(told.getlist(name)) > 1:
                field = name if name in _NAMES else "query"
                raise InvalidArgument(f"the query may hold {', '.join(_NAMES)}, once", field=field)
        asked = SimilarQuery(
            product_id_of(request),
            told.get("by", LOOK),
            _page_size(request),
            filter_of(told.get("filter")),
        )
        similar = await self._finder.find(asked, header_s(request))
        body = similar_to_json(similar, self._products, current_request_id())
        return Response(body, media_type=JSON)


def _page_size(request: Request) -> int:
    size = number(request, "page_size", DEFAULT_PAGE_SIZE)
    check_range(size, 1, MAX_PAGE_SIZE, "page_size")
    return size
