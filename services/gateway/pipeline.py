"""Answers a search: finds the whole result, or finds it again, and cuts the page last."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from runtime.errors import InvalidArgument
from services.gateway.alike import LikenessFinder, Vectors
from services.gateway.answer import Answer, Total
from services.gateway.budget import Budget
from services.gateway.coverage import RESTARTED
from services.gateway.facets import FacetCounter
from services.gateway.fanout import Leg, Stopwatch, end, within
from services.gateway.finding import Finder, Search
from services.gateway.page import Page, cut
from services.gateway.paging import Paging, Start
from services.gateway.query import Query
from services.gateway.reading import no_understanding, read
from services.gateway.result_set import ResultSet
from services.gateway.stages import Documents, TextStage
from services.gateway.taste import TasteFinder
from services.gateway.tuned_fusion import TunedFusion
from services.gateway.understanding import Understanding

_NOT_LISTED = "no field holds it, and a list without words or a picture goes by fields alone"


@dataclass(frozen=True, slots=True)
class SearchPipeline:
    """One search over retrievers, ranking stage and documents.

    Attributes:
        legs: The retrievers by name, ``text`` and ``image``; one may be missing.
        taste: The ranking stage; None where nothing is known of any shopper.
        documents: The products.
        table: Counts facets; None counts the documents.
        paging: Keeps the results for further pages; None where there is only the first.
        release: Tells the name of the release in force.
        tuned: Tells how rankings are merged where a query does not say.
        understanding: Reads the words of queries; None where there is no vocabulary.
        vectors: Tells how alike pictures are, for diversity; None goes by attributes.
        clock: Monotonic seconds.
    """

    legs: Mapping[str, Leg]
    taste: TasteFinder | None
    documents: Documents
    table: TextStage | None = None
    paging: Paging | None = None
    release: Callable[[], str] = str
    tuned: Callable[[], TunedFusion] = TunedFusion
    understanding: Callable[[], Understanding | None] = no_understanding
    vectors: Vectors | None = None
    clock: Callable[[], float] = time.monotonic

    async def search(self, query: Query) -> Answer:
        """Answers within the budget of the query.

        Raises:
            InvalidArgument, NotFound, TooLarge: The query cannot be answered as it is.
            Gone: The page token is too old.
            Unavailable: No retriever that it needs answers, or, where it allows no partial
                answer, one stage does not.
            DeadlineExceeded: The budget is spent and there is nothing to show.
        """
        budget = Budget(query.total_budget_ms / 1000, self.clock)
        asked = read(self.understanding(), query)
        if asked.query.excluded_words and not asked.query.parts:
            raise InvalidArgument(_NOT_LISTED, field="exclude")
        search = Search(asked.query, budget, Stopwatch(self.clock))
        answer = await self._answered(search, query)
        return replace(answer, understood=asked.understood, did_you_mean=asked.did_you_mean)

    async def _answered(self, search: Search, query: Query) -> Answer:
        """Answers a search; pages are told apart by the query as it was asked."""
        if self.paging is None:
            if query.page_token:
                raise InvalidArgument("there is one page only", field="page_token")
            results = await self._found(search)
            page = await self._cut(search, results, 0, 0)
            return _answer(search, results, page)
        start = await search.stopwatch.time("paging", self.paging.start(query))
        results = start.results or await self._found(search)
        return await self._paged(self.paging, search, start, results)

    async def _found(self, search: Search) -> ResultSet:
        counter = FacetCounter(self.table, self.documents)
        alike = LikenessFinder(self.vectors, self.documents)
        finder = Finder(self.legs, self.taste, counter, alike, self.release, self.tuned)
        return await finder.find(search)

    async def _paged(
        self, paging: Paging, search: Search, start: Start, results: ResultSet
    ) -> Answer:
        """Cuts the page, and keeps a new result for the pages to come meanwhile."""
        place, query = start.place, search.query
        keeping = None
        # A page that keeps quotas may be of one hit.
        surely_shown = 1 if query.quotas else query.page_size
        if start.results is None and len(results.sizes) > place.offset + surely_shown:
            keeping = asyncio.create_task(paging.keep(start, results), name="keep")
        try:
            page = await self._cut(search, results, place.offset, place.shown)
            if keeping:
                await keeping
        finally:
            await end([keeping] if keeping else [])
        is_last = page.end >= len(results.sizes)
        token = "" if is_last else paging.token(start, page.end, page.shown)
        return _answer(search, results, page, restarted=start.is_restarted, token=token)

    async def _cut(self, search: Search, results: ResultSet, offset: int, shown: int) -> Page:
        query = search.query
        reading = cut(results, query, self.documents, offset=offset, shown=shown)
        return await search.stopwatch.time("documents", within(search.budget.whole(), reading))


def _answer(
    search: Search, results: ResultSet, page: Page, *, restarted: bool = False, token: str = ""
) -> Answer:
    gone = page.end - page.shown
    reasons = [*results.degraded_reasons, *([RESTARTED] if restarted else [])]
    return Answer(
        hits=page.hits,
        total=Total(len(results.sizes) - gone, "gte" if results.has_more else "eq"),
        degraded_reasons=reasons,
        coverage=results.coverage,
        release=results.release,
        generations=results.generations,
        took_ms=round(search.budget.spent_ms()),
        budget_ms=search.query.total_budget_ms,
        timings_ms=search.stopwatch.timings_ms,
        facets=results.facets,
        next_page_token=token,
        relevance_cost=results.relevance_cost(page.start, page.end),
        fusion=results.fusion,
    )
