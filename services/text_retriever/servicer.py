"""Translates the text service of the contract into searches of the index."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import grpc

from catalog.wire import hits_to_proto
from fashion.catalog.v1 import catalog_pb2
from fashion.text.v1 import text_retriever_pb2 as pb
from fashion.text.v1 import text_retriever_pb2_grpc as pb_grpc
from runtime.errors import (
    Code,
    DeadlineExceeded,
    InvalidArgument,
    ServiceError,
    Unavailable,
)
from runtime.metrics import Metrics
from services.text_retriever.index import TextIndex

NAME = "fashion.text.v1.TextRetrieverService"
MAX_BATCH = 32
MAX_CHARS = 512
MAX_HITS = 1000
DEFAULT_HITS = 200
_BATCH_SIZES = (1, 2, 4, 8, 16, 32)

_Answer = TypeVar("_Answer")
_Context = grpc.aio.ServicerContext[object, object]
_log = logging.getLogger(__name__)


class Blocking(Protocol):
    """Runs a function off the event loop."""

    def __call__(self, function: Callable[[], _Answer], /) -> Awaitable[_Answer]:
        """Returns what the function returns."""


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """An open index, the name of its generation and the catalogue change it was built at."""

    index: TextIndex
    generation: str
    seq: int


class TextRetrieverServicer(pb_grpc.TextRetrieverServiceServicer):
    """Answers from the index that is open when a call arrives; a whole batch from one index.

    Args:
        opened: Returns the open index, or None before there is one.
        run_blocking: Runs the batch off the event loop.
        metrics: Gets ``hemline_batch_queries``.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        opened: Callable[[], OpenIndex | None],
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
        opened = self._opened()
        if opened is None:
            raise Unavailable("no text index is open yet", retry_after_s=1)
        self._batches.observe(len(queries))
        results = await self._run_blocking(lambda: self._answers(opened.index, queries, arrived))
        return pb.RetrieveProductsResponse(
            results=results,
            generation=catalog_pb2.Generation(generation=opened.generation, seq=opened.seq),
        )

    def _answers(
        self, index: TextIndex, queries: Sequence[pb.TextQuery], arrived: float
    ) -> list[pb.TextResult]:
        return [self._answer(index, query, arrived) for query in queries]

    def _answer(self, index: TextIndex, query: pb.TextQuery, arrived: float) -> pb.TextResult:
        try:
            _check(query)
            if query.deadline_ms and (self._clock() - arrived) * 1000 >= query.deadline_ms:
                raise DeadlineExceeded("the query's budget is spent", field="deadline_ms")
            tokens = index.normalizer.tokens(query.text)
            ids, scores = index.search(tokens, query.hit_count or DEFAULT_HITS)
        except ServiceError as error:
            return pb.TextResult(status=_status(error))
        return pb.TextResult(
            status=catalog_pb2.QueryStatus(), hits=hits_to_proto(ids, scores), terms=tokens
        )


def _check(query: pb.TextQuery) -> None:
    if not query.text.strip():
        raise InvalidArgument("text is required", field="text")
    if len(query.text) > MAX_CHARS:
        raise InvalidArgument(f"text may have at most {MAX_CHARS} characters", field="text")
    if not 0 <= query.hit_count <= MAX_HITS:
        raise InvalidArgument(f"hit_count must be 1 to {MAX_HITS}, or 0", field="hit_count")
    if query.deadline_ms < 0:
        raise InvalidArgument("deadline_ms must be 0 or more", field="deadline_ms")


def _status(error: ServiceError) -> catalog_pb2.QueryStatus:
    message = error.message
    if error.code is Code.INTERNAL:
        _log.error("a query failed: %s", message, exc_info=error)
        message = "internal error"
    return catalog_pb2.QueryStatus(
        code=error.code.grpc_number, message=message, field=error.field or ""
    )
