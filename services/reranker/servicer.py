"""Translates the ranking service of the contract into calls of the factors."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import grpc
import numpy as np

from fashion.catalog.v1 import catalog_pb2
from fashion.ranking.v1 import reranker_pb2 as pb
from fashion.ranking.v1 import reranker_pb2_grpc as pb_grpc
from runtime.errors import (
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    PreconditionFailed,
    ServiceError,
    Unavailable,
)
from services.reranker.factors import Factors, Vector
from services.reranker.generations import OpenGeneration, OpenGenerations

NAME = "fashion.ranking.v1.RerankerService"
MAX_BATCH = 32
MAX_CANDIDATES = 2000
MAX_HISTORY = 1000
MAX_CONFIDENCE = 1e4
MAX_FACTOR = 1e6
MAX_ID_CHARS = 128
# A batch up to this size takes less time than handing it to another thread.
_INLINE_CANDIDATES = 1000

_Answer = TypeVar("_Answer")
_Context = grpc.aio.ServicerContext[object, object]
_VECTOR = np.dtype("<f4")


class Blocking(Protocol):
    """Runs a function off the event loop."""

    def __call__(self, function: Callable[[], _Answer], /) -> Awaitable[_Answer]:
        """Returns what the function returns."""


class RerankerServicer(pb_grpc.RerankerServiceServicer):
    """Answers from the generations that are open when a call arrives.

    Args:
        opened: Returns what is open, or None before the first release was read.
        run_blocking: Runs long work off the event loop.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        opened: Callable[[], OpenGenerations | None],
        run_blocking: Blocking,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opened = opened
        self._run_blocking = run_blocking
        self._clock = clock

    async def GetUserFactors(
        self, request: pb.GetUserFactorsRequest, context: _Context
    ) -> pb.GetUserFactorsResponse:
        """Returns the trained factors of each user."""
        _check_batch(request.user_ids, "user_ids")
        generation = self._current_or(request.generation)
        return pb.GetUserFactorsResponse(
            users=[_trained(generation, user_id) for user_id in request.user_ids],
            generation=_named(generation),
        )

    async def FoldInHistories(
        self, request: pb.FoldInHistoriesRequest, context: _Context
    ) -> pb.FoldInHistoriesResponse:
        """Computes the factors of each history."""
        _check_batch(request.histories, "histories")
        generation = self._current_or(request.generation)
        users = await self._run_blocking(
            lambda: [_folded(generation, history) for history in request.histories]
        )
        return pb.FoldInHistoriesResponse(users=users, generation=_named(generation))

    async def ScoreCandidates(
        self, request: pb.ScoreCandidatesRequest, context: _Context
    ) -> pb.ScoreCandidatesResponse:
        """Computes the taste of each user vector for its candidates."""
        arrived = self._clock()
        _check_batch(request.queries, "queries")
        if not request.generation:
            raise InvalidArgument("generation is required", field="generation")
        generation = self._named_one(request.generation)

        def score() -> list[pb.TasteResult]:
            return [
                _scored(generation.factors, query, (self._clock() - arrived) * 1000)
                for query in request.queries
            ]

        if sum(len(query.product_ids) for query in request.queries) <= _INLINE_CANDIDATES:
            results = score()
        else:
            results = await self._run_blocking(score)
        return pb.ScoreCandidatesResponse(results=results, generation=_named(generation))

    def _current_or(self, name: str) -> OpenGeneration | None:
        return self._named_one(name) if name else self._all().current

    def _named_one(self, name: str) -> OpenGeneration:
        opened = self._all()
        generation = opened.find(name)
        if generation is None:
            current = opened.current.name if opened.current else "none"
            raise PreconditionFailed(
                f"the generation is not open; the current one is {current}", field="generation"
            )
        return generation

    def _all(self) -> OpenGenerations:
        opened = self._opened()
        if opened is None:
            raise Unavailable("no release is open yet")
        return opened


def _check_batch(queries: Sequence[object], field: str) -> None:
    if not 1 <= len(queries) <= MAX_BATCH:
        raise InvalidArgument(f"{field} must hold 1 to {MAX_BATCH} entries", field=field)


def _named(generation: OpenGeneration | None) -> catalog_pb2.Generation:
    if generation is None:
        return catalog_pb2.Generation()
    return catalog_pb2.Generation(generation=generation.name, seq=generation.seq)


def _trained(generation: OpenGeneration | None, user_id: str) -> pb.UserFactors:
    if not 1 <= len(user_id) <= MAX_ID_CHARS:
        message = f"a user id has 1 to {MAX_ID_CHARS} characters"
        return pb.UserFactors(status=_status(InvalidArgument(message, field="user_ids")))
    return _user(generation.factors.user(user_id) if generation else None)


def _folded(generation: OpenGeneration | None, history: pb.History) -> pb.UserFactors:
    try:
        confidences = _confidences(history)
    except InvalidArgument as error:
        return pb.UserFactors(status=_status(error))
    if generation is None:
        return _user(None)
    return _user(generation.factors.fold_in(history.product_ids, confidences))


def _confidences(history: pb.History) -> list[float] | None:
    if len(history.product_ids) > MAX_HISTORY:
        raise InvalidArgument(f"at most {MAX_HISTORY} products", field="product_ids")
    if not history.confidences:
        return None
    if len(history.confidences) != len(history.product_ids):
        raise InvalidArgument("one confidence for each product, or none", field="confidences")
    # A comparison with NaN is false, so this refuses it too.
    if not all(abs(each) <= MAX_CONFIDENCE for each in history.confidences):
        raise InvalidArgument("confidences must be finite and small", field="confidences")
    return list(history.confidences)


def _user(vector: Vector | None) -> pb.UserFactors:
    if vector is None:
        return pb.UserFactors(status=_status(NotFound("the model knows nothing of this user")))
    return pb.UserFactors(
        status=catalog_pb2.QueryStatus(), vector=vector.astype(_VECTOR, copy=False).tobytes()
    )


def _scored(factors: Factors, query: pb.TasteQuery, elapsed_ms: float) -> pb.TasteResult:
    try:
        if query.deadline_ms and elapsed_ms >= query.deadline_ms:
            raise DeadlineExceeded("the query's budget is spent", field="deadline_ms")
        vector, product_ids = _vector(factors, query.vector), _candidates(query)
    except ServiceError as error:
        return pb.TasteResult(status=_status(error))
    tastes, known, dots = factors.tastes(vector, product_ids)
    return pb.TasteResult(
        status=catalog_pb2.QueryStatus(),
        tastes=tastes.astype(_VECTOR, copy=False).tobytes(),
        known=known.tobytes(),
        dots=dots.astype(_VECTOR, copy=False).tobytes(),
    )


def _vector(factors: Factors, packed: bytes) -> Vector:
    if len(packed) != _VECTOR.itemsize * factors.dim:
        raise InvalidArgument(f"the vector must hold {factors.dim} float32", field="vector")
    vector = np.frombuffer(packed, _VECTOR)
    # A comparison with NaN is false, so this refuses it too.
    if not np.abs(vector).max() <= MAX_FACTOR:
        raise InvalidArgument("the vector must be finite and small", field="vector")
    return vector


def _candidates(query: pb.TasteQuery) -> list[str]:
    product_ids = list(query.product_ids)
    if len(product_ids) > MAX_CANDIDATES:
        raise InvalidArgument(f"at most {MAX_CANDIDATES} candidates", field="product_ids")
    if len(set(product_ids)) != len(product_ids):
        raise InvalidArgument("a candidate stands twice", field="product_ids")
    return product_ids


def _status(error: ServiceError) -> catalog_pb2.QueryStatus:
    return catalog_pb2.QueryStatus(
        code=error.code.grpc_number, message=error.message, field=error.field or ""
    )
