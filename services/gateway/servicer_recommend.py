"""The gRPC door to recommendations."""

from catalog.filter_wire import filter_from_proto
from fashion.catalog.v1 import catalog_pb2
from fashion.search.v1 import search_pb2 as pb
from runtime.errors import Unavailable
from services.gateway.recommend_query import DEFAULT_PAGE_SIZE, RecommendQuery, within_left
from services.gateway.servicer_messages import ProductMessages, add_hits
from services.gateway.servicer_rooms import Recommending


class RecommendMethods:
    """The method; ``recommending`` None is a gateway that recommends nothing."""

    def __init__(self, recommending: Recommending | None, messages: ProductMessages) -> None:
        self._recommending = recommending
        self._messages = messages

    async def recommend(
        self, request: pb.RecommendRequest, left_s: float | None, request_id: str
    ) -> pb.RecommendResponse:
        """Recommends, for no longer than the caller waits."""
        if self._recommending is None:
            raise Unavailable("this gateway recommends nothing")
        query = within_left(_query(request), left_s)
        found = await self._recommending.recommend(query)
        response = pb.RecommendResponse(
            mode=found.mode,
            degraded=found.degraded,
            degraded_reasons=found.degraded_reasons,
            coverage=found.coverage,
            release=found.release,
            generations={
                name: catalog_pb2.Generation(generation=each.name, seq=each.seq)
                for name, each in found.generations.items()
            },
            request_id=request_id,
            took_ms=found.took_ms,
        )
        add_hits(response, found.hits, self._messages)
        return response


def _query(request: pb.RecommendRequest) -> RecommendQuery:
    """What a request asks for.

    Raises:
        InvalidArgument: A field is out of its range.
    """
    return RecommendQuery(
        user_id=request.user_id,
        session_product_ids=tuple(request.session_product_ids),
        page_size=request.page_size or DEFAULT_PAGE_SIZE,
        filter=filter_from_proto(request.filter) if request.HasField("filter") else None,
        diversity=request.diversity if request.HasField("diversity") else None,
        quotas=dict(request.quotas),
        new_share=request.new_share if request.HasField("new_share") else None,
        explain=request.explain,
        budget_ms=request.budget_ms,
    )
