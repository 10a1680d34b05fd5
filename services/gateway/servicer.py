"""The gRPC door: SearchService over the same rooms as REST."""

from typing import Any, TypeAlias

import grpc

from fashion.search.v1 import search_pb2 as pb
from fashion.search.v1.search_pb2_grpc import SearchServiceServicer
from runtime.errors import InvalidArgument, NotFound
from runtime.tracing import METADATA_KEY, current_request_id
from services.gateway.limits import check_id, check_ids
from services.gateway.query import within_time
from services.gateway.servicer_interactions import InteractionMethods
from services.gateway.servicer_messages import (
    ProductMessages,
    answer_to_proto,
    similar_to_proto,
    suggestions_to_proto,
)
from services.gateway.servicer_products import ProductMethods
from services.gateway.servicer_queries import query_from_proto, similar_from_proto
from services.gateway.servicer_recommend import RecommendMethods
from services.gateway.servicer_rooms import Rooms
from services.gateway.similar import SimilarFinder
from services.gateway.suggesting import DEFAULT_LIMIT

NAME = "fashion.search.v1.SearchService"
MAX_BATCH = 100
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class SearchServicer(SearchServiceServicer):
    """Translates between messages and rooms, and raises what the guard turns into a status."""

    def __init__(self, rooms: Rooms) -> None:
        self._products = ProductMethods(rooms.writes)
        self._shoppers = InteractionMethods(rooms.recorder, rooms.histories)
        self._searching = rooms.searching
        self._documents = rooms.documents
        self._pictures = rooms.pictures
        self._suggester = rooms.suggester
        self._messages = ProductMessages()
        self._similar = SimilarFinder(rooms.searching, rooms.documents, rooms.neighbours)
        self._recommend = RecommendMethods(rooms.recommending, self._messages)

    async def Search(self, request: pb.SearchRequest, context: _Context) -> pb.SearchResponse:
        """Searches the catalogue, for no longer than the caller waits."""
        query = within_time(query_from_proto(request), context.time_remaining())
        answer = await self._searching.search(query)
        request_id = current_request_id()
        context.set_trailing_metadata(((METADATA_KEY, request_id),))
        return answer_to_proto(answer, self._messages, request_id)

    async def ListSimilarProducts(
        self, request: pb.ListSimilarProductsRequest, context: _Context
    ) -> pb.ListSimilarProductsResponse:
        """Returns products that are like a product."""
        asked = similar_from_proto(request)
        similar = await self._similar.find(asked, context.time_remaining())
        request_id = current_request_id()
        context.set_trailing_metadata(((METADATA_KEY, request_id),))
        return similar_to_proto(similar, self._messages, request_id)

    async def Recommend(
        self, request: pb.RecommendRequest, context: _Context
    ) -> pb.RecommendResponse:
        """Recommends products without a query."""
        request_id = current_request_id()
        context.set_trailing_metadata(((METADATA_KEY, request_id),))
        return await self._recommend.recommend(request, context.time_remaining(), request_id)

    async def Suggest(self, request: pb.SuggestRequest, context: _Context) -> pb.SuggestResponse:
        """Completes what a shopper is typing."""
        if self._suggester is None:
            raise NotFound("this gateway suggests nothing")
        limit = request.limit or DEFAULT_LIMIT
        answer = await self._suggester.suggest(request.text, limit, context.time_remaining())
        request_id = current_request_id()
        context.set_trailing_metadata(((METADATA_KEY, request_id),))
        return suggestions_to_proto(answer, request_id)

    async def GetProduct(
        self, request: pb.GetProductRequest, context: _Context
    ) -> pb.GetProductResponse:
        """Returns one product."""
        check_id(request.product_id, "product_id")
        found = await self._documents.read([request.product_id])
        product = found.get(request.product_id)
        if product is None:
            raise NotFound("there is no such product", field="product_id")
        return pb.GetProductResponse(product=self._messages.of(product))

    async def BatchGetProducts(
        self, request: pb.BatchGetProductsRequest, context: _Context
    ) -> pb.BatchGetProductsResponse:
        """Returns several products."""
        if not request.ids:
            raise InvalidArgument("give one id at least", field="ids")
        ids = list(dict.fromkeys(request.ids))
        check_ids(request.ids, MAX_BATCH, "ids")
        found = await self._documents.read(ids)
        return pb.BatchGetProductsResponse(
            products=[self._messages.of(found[name]) for name in ids if name in found],
            missing=[name for name in ids if name not in found],
        )

    async def UpsertProducts(
        self, request: pb.UpsertProductsRequest, context: _Context
    ) -> pb.UpsertProductsResponse:
        """Creates or replaces products, each with a verdict of its own."""
        return await self._products.upsert(request)

    async def DeleteProduct(
        self, request: pb.DeleteProductRequest, context: _Context
    ) -> pb.DeleteProductResponse:
        """Deletes a product."""
        return await self._products.delete(request)

    async def RecordInteractions(
        self, request: pb.RecordInteractionsRequest, context: _Context
    ) -> pb.RecordInteractionsResponse:
        """Keeps what shoppers did, each event with a verdict of its own."""
        return await self._shoppers.record(request)

    async def ListInteractions(
        self, request: pb.ListInteractionsRequest, context: _Context
    ) -> pb.ListInteractionsResponse:
        """Returns what a shopper did, newest first."""
        return await self._shoppers.history(request)

    async def DeleteUser(
        self, request: pb.DeleteUserRequest, context: _Context
    ) -> pb.DeleteUserResponse:
        """Forgets a shopper."""
        return await self._shoppers.forget(request)

    async def UploadImage(
        self, request: pb.UploadImageRequest, context: _Context
    ) -> pb.UploadImageResponse:
        """Keeps a photo."""
        return pb.UploadImageResponse(sha256=await self._pictures.put(request.photo))

    async def GetImage(self, request: pb.GetImageRequest, context: _Context) -> pb.GetImageResponse:
        """Returns a photo or its thumbnail."""
        picture = await self._pictures.get(request.sha256, request.width or None)
        return pb.GetImageResponse(photo=picture.data, media_type=picture.media_type)
