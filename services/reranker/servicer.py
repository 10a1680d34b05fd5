"""Translates the ranking service of the contract into calls of the factors."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import grpc

from catalog.seasons import season_of
from fashion.ranking.v1 import reranker_pb2 as pb
from fashion.ranking.v1 import reranker_pb2_grpc as pb_grpc
from runtime.errors import InvalidArgument, PreconditionFailed, ServiceError, Unavailable
from services.reranker.admission import CatalogView
from services.reranker.generations import OpenGeneration, OpenGenerations
from services.reranker.recommenders import neighbours_of, recommend
from services.reranker.servicer_answers import answering, check_time, folded, scored, trained
from services.reranker.servicer_messages import (
    MAX_BATCH,
    MAX_CANDIDATES,
    MAX_ID_CHARS,
    NEIGHBOURS_BY,
    allowed_of,
    check_batch,
    count_of,
    named,
    packed,
    proposed_to_proto,
    status_of,
    wanted_of,
)

__all__ = ["MAX_BATCH", "MAX_CANDIDATES", "NAME", "RerankerServicer"]

NAME = "fashion.ranking.v1.RerankerService"
# A batch up to this size takes less time than handing it to another thread.
_INLINE_CANDIDATES = 1000

_Answer = TypeVar("_Answer")
_Context = grpc.aio.ServicerContext[object, object]


class Blocking(Protocol):
    """Runs a function off the event loop."""

    def __call__(self, function: Callable[[], _Answer], /) -> Awaitable[_Answer]:
        """Returns what the function returns."""


class Catalogue(Protocol):
    """The catalogue that the stage follows."""

    @property
    def view(self) -> CatalogView | None:
        """The catalogue as it is now; None until it was read."""


def today() -> str:
    """The season of today."""
    return season_of(datetime.now(UTC).date())


class RerankerServicer(pb_grpc.RerankerServiceServicer):
    """Answers from the generations that are open when a call arrives.

    Args:
        opened: Returns what is open, or None before the first release was read.
        run_blocking: Runs long work off the event loop.
        catalogue: What products are held against; None where the stage follows none.
        season: Tells the season of today.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        opened: Callable[[], OpenGenerations | None],
        run_blocking: Blocking,
        catalogue: Catalogue | None = None,
        *,
        season: Callable[[], str] = today,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._season = season
        self._opened = opened
        self._run_blocking = run_blocking
        self._clock = clock

    async def GetUserFactors(
        self, request: pb.GetUserFactorsRequest, context: _Context
    ) -> pb.GetUserFactorsResponse:
        """Returns the trained factors of each user."""
        check_batch(request.user_ids, "user_ids")
        generation = self._current_or(request.generation)
        return pb.GetUserFactorsResponse(
            users=[trained(generation, user_id) for user_id in request.user_ids],
            generation=named(generation),
        )

    async def FoldInHistories(
        self, request: pb.FoldInHistoriesRequest, context: _Context
    ) -> pb.FoldInHistoriesResponse:
        """Computes the factors of each history."""
        check_batch(request.histories, "histories")
        generation = self._current_or(request.generation)
        users = await self._run_blocking(
            lambda: [folded(generation, history) for history in request.histories]
        )
        return pb.FoldInHistoriesResponse(users=users, generation=named(generation))

    async def ScoreCandidates(
        self, request: pb.ScoreCandidatesRequest, context: _Context
    ) -> pb.ScoreCandidatesResponse:
        """Computes the taste of each user vector for its candidates."""
        arrived = self._clock()
        check_batch(request.queries, "queries")
        if not request.generation:
            raise InvalidArgument("generation is required", field="generation")
        generation = self._named_one(request.generation)

        def score() -> list[pb.TasteResult]:
            return [
                scored(generation.factors, query, (self._clock() - arrived) * 1000)
                for query in request.queries
            ]

        if sum(len(query.product_ids) for query in request.queries) <= _INLINE_CANDIDATES:
            results = score()
        else:
            results = await self._run_blocking(score)
        return pb.ScoreCandidatesResponse(results=results, generation=named(generation))

    async def RecommendProducts(
        self, request: pb.RecommendProductsRequest, context: _Context
    ) -> pb.RecommendProductsResponse:
        """Proposes products to each of some shoppers, as one list for each source."""
        arrived = self._clock()
        check_batch(request.queries, "queries")
        if not request.generation and any(query.vector for query in request.queries):
            raise InvalidArgument("a vector needs its generation", field="generation")
        generation = self._current_or(request.generation)
        models, catalog = self._all().models(generation), self._catalog()

        def propose(query: pb.RecommendQuery) -> pb.RecommendResult:
            try:
                check_time(query.deadline_ms, (self._clock() - arrived) * 1000)
                factors = generation.factors if generation else None
                wanted = wanted_of(query, factors, self._season)
                return proposed_to_proto(recommend(models, catalog, wanted))
            except ServiceError as error:
                return pb.RecommendResult(status=status_of(error))

        results = await self._run_blocking(lambda: [propose(query) for query in request.queries])
        return pb.RecommendProductsResponse(results=results, generation=named(generation))

    async def FindNeighbours(
        self, request: pb.FindNeighboursRequest, context: _Context
    ) -> pb.FindNeighboursResponse:
        """Returns the products that are taken by whom a product is, or together with it."""
        if not 1 <= len(request.product_id) <= MAX_ID_CHARS:
            message = f"a product id has 1 to {MAX_ID_CHARS} characters"
            raise InvalidArgument(message, field="product_id")
        if request.by not in NEIGHBOURS_BY:
            raise InvalidArgument(f"must be one of {', '.join(NEIGHBOURS_BY)}", field="by")
        allowed, count = allowed_of(request), count_of(request.count)
        opened, catalog = self._all(), self._catalog()
        models = opened.models(opened.current)
        product_ids, scores = await self._run_blocking(
            lambda: neighbours_of(models, catalog, request.product_id, request.by, allowed, count)
        )
        return pb.FindNeighboursResponse(
            product_ids=product_ids,
            scores=packed(scores),
            generation=answering(opened, request.by),
        )

    def _catalog(self) -> CatalogView | None:
        """The catalogue to hold products against; None where the stage follows none."""
        if self._catalogue is None:
            return None
        view = self._catalogue.view
        if view is None:
            raise Unavailable("the catalogue is not read yet")
        return view

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
