"""Translates the text service of the contract into questions to the index and its columns."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import grpc

from catalog.filter_wire import facet_to_proto
from catalog.wire import hits_to_proto
from fashion.catalog.v1 import catalog_pb2
from fashion.text.v1 import text_retriever_pb2 as pb
from fashion.text.v1 import text_retriever_pb2_grpc as pb_grpc
from runtime.budgets import longest_wait_s
from runtime.errors import DeadlineExceeded, InvalidArgument, ServiceError, Unavailable
from runtime.metrics import Metrics
from services.text_retriever.browse import browse, count_facets, product_rows, without_photo
from services.text_retriever.exclusions import excluded_groups
from services.text_retriever.index import TextIndex
from services.text_retriever.live import TextView
from services.text_retriever.servicer_messages import (
    MAX_BATCH,
    ORDERS,
    boosts_of,
    check_count,
    check_query,
    check_seq,
    completion_limit,
    completion_to_proto,
    filter_of,
    hit_count,
    rows_to_proto,
    status_of,
)

NAME = "fashion.text.v1.TextRetrieverService"
_BATCH_SIZES = (1, 2, 4, 8, 16, 32)
_LOOK_S = 0.01
_LONGEST_WAIT_S = 5.0

_Answer = TypeVar("_Answer")
_Context = grpc.aio.ServicerContext[object, object]


class Blocking(Protocol):
    """Runs a function off the event loop."""

    def __call__(self, function: Callable[[], _Answer], /) -> Awaitable[_Answer]:
        """Returns what the function returns."""


class Opened(Protocol):
    """An index in service."""

    @property
    def view(self) -> TextView:
        """What to answer from now; taken once an answer."""

    @property
    def is_following(self) -> bool:
        """Whether later changes will come."""


class TextRetrieverServicer(pb_grpc.TextRetrieverServiceServicer):
    """Answers from the index as it is when a call arrives; a whole call from one view.

    Args:
        opened: Returns the index in service, or None before there is one.
        run_blocking: Runs the batch off the event loop.
        metrics: Gets ``hemline_batch_queries``.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        opened: Callable[[], Opened | None],
        run_blocking: Blocking,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opened = opened
        self._run_blocking = run_blocking
        self._clock = clock
        self._batches = metrics.histogram(
            "batch_queries", "Queries in a batch", buckets=_BATCH_SIZES
        )

    async def RetrieveProducts(
        self, request: pb.RetrieveProductsRequest, context: _Context
    ) -> pb.RetrieveProductsResponse:
        """Finds products for each query of the batch."""
        arrived = self._clock()
        queries = request.queries
        if not 1 <= len(queries) <= MAX_BATCH:
            raise InvalidArgument(f"queries must hold 1 to {MAX_BATCH} entries", field="queries")
        spent = [query.deadline_ms / 1000 for query in queries if query.deadline_ms > 0]
        view = await self._view(request.min_seq, context, within_s=min(spent, default=None))
        self._batches.observe(len(queries))
        results = await self._run_blocking(lambda: self._answers(view.index, queries, arrived))
        return pb.RetrieveProductsResponse(results=results, generation=_generation(view))

    async def BrowseProducts(
        self, request: pb.BrowseProductsRequest, context: _Context
    ) -> pb.BrowseProductsResponse:
        """Lists the products that a filter admits."""
        if request.order not in ORDERS:
            raise InvalidArgument("unknown order", field="order")
        order, count, found = (
            ORDERS[request.order],
            hit_count(request.hit_count),
            filter_of(request),
        )
        view = await self._view(request.min_seq, context)
        listing = await self._run_blocking(
            lambda: browse(
                view.index.columns, found, order=order, count=count, collapse=request.collapse
            )
        )
        return pb.BrowseProductsResponse(
            product_ids=listing.ids, total=listing.total, generation=_generation(view)
        )

    async def CountFacets(
        self, request: pb.CountFacetsRequest, context: _Context
    ) -> pb.CountFacetsResponse:
        """Counts the values of fields over products."""
        check_count(request)
        view = await self._view(request.min_seq, context)
        ids, columns = list(request.product_ids), view.index.columns

        def counted() -> pb.CountFacetsResponse:
            facets = count_facets(columns, ids, request.fields, collapse=request.collapse)
            rows = rows_to_proto(product_rows(columns, ids)) if request.rows else None
            return pb.CountFacetsResponse(
                facets=map(facet_to_proto, facets), rows=rows, generation=_generation(view)
            )

        return await self._run_blocking(counted)

    async def CompleteText(
        self, request: pb.CompleteTextRequest, context: _Context
    ) -> pb.CompleteTextResponse:
        """Completes what a shopper is typing."""
        limit = completion_limit(request)
        view = await self._view(0, context)
        found = await self._run_blocking(lambda: view.index.completer.complete(request.text, limit))
        return pb.CompleteTextResponse(
            completions=map(completion_to_proto, found), generation=_generation(view)
        )

    async def _view(
        self, min_seq: int, context: _Context, *, within_s: float | None = None
    ) -> TextView:
        """Returns what to answer from, once it holds a change or most of the time is spent."""
        check_seq(min_seq)
        opened = self._opened()
        if opened is None:
            raise Unavailable("no text index is open yet", retry_after_s=1)
        view = opened.view
        if view.seq >= min_seq or not opened.is_following:
            return view
        limits = (_LONGEST_WAIT_S, context.time_remaining(), within_s)
        left_s = min(limit for limit in limits if limit is not None)
        until = self._clock() + longest_wait_s(left_s)
        while view.seq < min_seq and self._clock() < until:
            await asyncio.sleep(_LOOK_S)
            view = (self._opened() or opened).view
        return view

    def _answers(
        self, index: TextIndex, queries: Sequence[pb.TextQuery], arrived: float
    ) -> list[pb.TextResult]:
        return [self._answer(index, query, arrived) for query in queries]

    def _answer(self, index: TextIndex, query: pb.TextQuery, arrived: float) -> pb.TextResult:
        try:
            check_query(query)
            count, found, boosts = hit_count(query.hit_count), filter_of(query), boosts_of(query)
            if query.deadline_ms and (self._clock() - arrived) * 1000 >= query.deadline_ms:
                raise DeadlineExceeded("the query's budget is spent", field="deadline_ms")
            tokens = index.normalizer.tokens(query.text)
            excluded = excluded_groups(index.normalizer, query.excluded_text)
            ids, scores = index.search(tokens, count, found=found, boosts=boosts, excluded=excluded)
        except ServiceError as error:
            return pb.TextResult(status=status_of(error))
        return pb.TextResult(
            status=catalog_pb2.QueryStatus(),
            hits=hits_to_proto(ids, scores),
            terms=tokens,
            without_photo=without_photo(index.columns, ids),
        )


def _generation(view: TextView) -> catalog_pb2.Generation:
    return catalog_pb2.Generation(generation=view.generation, seq=view.seq)
