"""Answers the image service of the contract from the encoder and the index."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import grpc
import numpy as np

from fashion.image.v1 import image_retriever_pb2 as pb
from fashion.image.v1 import image_retriever_pb2_grpc as pb_grpc
from runtime.budgets import longest_wait_s
from runtime.errors import InvalidArgument, PreconditionFailed, ServiceError, Unavailable
from services.image_retriever.live import LiveView
from services.image_retriever.pair import Pair
from services.image_retriever.parts import PartEncoder
from services.image_retriever.servicer_messages import (
    Search,
    named,
    read_search,
    write_encoded,
    write_fetched,
    write_found,
)
from services.image_retriever.servicer_mixtures import read_mixture
from services.image_retriever.view import Found

NAME = "fashion.image.v1.ImageRetrieverService"
MAX_BATCH = 32
MAX_CALL_S = 5.0
# A search that waits for a change looks this often.
_LOOK_S = 0.005
# A search over no more rows than this takes less time than handing it to another thread.
_INLINE_ROWS = 20_000
_Answer = TypeVar("_Answer")
_Context = grpc.aio.ServicerContext[object, object]


class Blocking(Protocol):
    """Runs a function off the event loop."""

    def __call__(self, function: Callable[[], _Answer], /) -> Awaitable[_Answer]:
        """Returns what the function returns."""


class ImageRetrieverServicer(pb_grpc.ImageRetrieverServiceServicer):
    """Answers each call from the pair that is open when the call arrives.

    Args:
        opened: Returns what is open, or None before the first release was read.
        run_blocking: Runs long work off the event loop.
        encoder: Encodes queries; None in a process that only searches.
        searches: Whether this process searches.
        clock: Seconds, monotonic; the encoder reads the same.
    """

    def __init__(
        self,
        opened: Callable[[], Pair | None],
        run_blocking: Blocking,
        *,
        encoder: PartEncoder | None,
        searches: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opened = opened
        self._run_blocking = run_blocking
        self._encoder = encoder
        self._searches = searches
        self._clock = clock

    async def EncodeQueries(
        self, request: pb.EncodeQueriesRequest, context: _Context
    ) -> pb.EncodeQueriesResponse:
        """Encodes each query into a unit vector."""
        arrived = self._clock()
        _check_batch(request.queries)
        pair = self._pair()
        view = pair.view
        if self._encoder is None or pair.encoder is None:
            raise PreconditionFailed("this process only searches: ask one with ROLE=encode or both")
        end = arrived + _seconds(context)
        queries = [
            read_mixture(query, arrived, end, in_own_words=pair.own_words)
            for query in request.queries
        ]
        encoded = await self._encoder.encode(queries, pair.encoder, view)
        return pb.EncodeQueriesResponse(
            queries=[write_encoded(each) for each in encoded],
            encoder_fingerprint=view.fingerprint,
            generation=named(view),
        )

    async def SearchVectors(
        self, request: pb.SearchVectorsRequest, context: _Context
    ) -> pb.SearchVectorsResponse:
        """Finds the products nearest to each vector."""
        arrived = self._clock()
        _check_batch(request.queries)
        if request.min_seq < 0:
            raise InvalidArgument("min_seq must not be negative", field="min_seq")
        self._check_searches()
        view = await self._view(request, arrived + _seconds(context))

        def search() -> list[Found | ServiceError]:
            elapsed_s = self._clock() - arrived
            return _search(view, [read_search(each, view, elapsed_s) for each in request.queries])

        if view.rows_read(len(request.queries)) <= _INLINE_ROWS:
            results = search()
        else:
            results = await self._run_blocking(search)
        return pb.SearchVectorsResponse(
            results=[write_found(each) for each in results], generation=named(view)
        )

    async def FetchVectors(
        self, request: pb.FetchVectorsRequest, context: _Context
    ) -> pb.FetchVectorsResponse:
        """Returns the vectors of products in small."""
        self._check_searches()
        return write_fetched(self._pair().view, request.product_ids)

    async def _view(self, request: pb.SearchVectorsRequest, end: float) -> LiveView:
        """Returns what to answer from, once it holds the change that the request asks for.

        It is what there is when the call's time is nearly over, or when nothing follows.
        """
        now = self._clock()
        latest = now + longest_wait_s(end - now)
        while True:
            pair = self._pair()
            view = pair.view
            if request.encoder_fingerprint != view.fingerprint:
                raise PreconditionFailed(
                    f"the index is of encoder {view.fingerprint}: encode the query again",
                    field="encoder_fingerprint",
                )
            is_new = view.seq >= request.min_seq or pair.following is None
            if is_new or self._clock() >= latest:
                return view
            await asyncio.sleep(_LOOK_S)

    def _check_searches(self) -> None:
        if not self._searches:
            raise PreconditionFailed("this process only encodes: ask one with ROLE=search or both")

    def _pair(self) -> Pair:
        pair = self._opened()
        if pair is None:
            raise Unavailable("no release is open yet", retry_after_s=1.0)
        return pair


def _check_batch(queries: Sequence[object]) -> None:
    if not 1 <= len(queries) <= MAX_BATCH:
        raise InvalidArgument(f"queries must hold 1 to {MAX_BATCH} entries", field="queries")


def _seconds(context: _Context) -> float:
    left = context.time_remaining()
    return MAX_CALL_S if left is None else min(left, MAX_CALL_S)


def _search(
    view: LiveView, searches: Sequence[Search | ServiceError]
) -> list[Found | ServiceError]:
    """Searches with all sound vectors of a batch at once; the others keep their errors."""
    sound = [search for search in searches if isinstance(search, Search)]
    if not sound:
        return [search for search in searches if isinstance(search, ServiceError)]
    found = iter(
        view.search(
            np.stack([search.vector for search in sound]),
            max(search.count for search in sound),
            floor=[search.floor for search in sound],
            excluded=[search.excluded for search in sound],
            filters=[search.filter for search in sound],
            unlike=[search.unlike for search in sound],
            reorder=[search.reorder for search in sound],
        )
    )
    return [
        search if isinstance(search, ServiceError) else next(found).first(search.count)
        for search in searches
    ]
