"""Answers a search: asks everybody at once, merges, applies taste, and cuts the page last."""

import asyncio
import time
from collections.abc import Callable, Mapping

from runtime.errors import DeadlineExceeded, InvalidArgument, ServiceError, Unavailable
from services.gateway.answer import Answer, Generation, Total
from services.gateway.budget import RANKING_SHARE, Budget
from services.gateway.coverage import OK, SKIPPED, STEPS, coverage_of, leg_reasons
from services.gateway.fanout import RETRY_AFTER_S, Leg, Legs, Stopwatch, ask, end, within
from services.gateway.fusion import (
    Frame,
    final_scores,
    fuse,
    minmax_frame,
    order,
    rrf_unit,
    taste_frame,
)
from services.gateway.page import Page
from services.gateway.query import Query
from services.gateway.stages import Documents
from services.gateway.taste import Liking, Shopper, TasteFinder

MAX_RESULTS = 1000


class SearchPipeline:
    """One search over retrievers, ranking stage and documents.

    Args:
        legs: The retrievers by name, ``text`` and ``image``; one may be missing.
        taste: The ranking stage; None where nothing is known of any shopper.
        documents: The products.
        release: Tells the name of the release in force.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        legs: Mapping[str, Leg],
        taste: TasteFinder | None,
        documents: Documents,
        *,
        release: Callable[[], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._legs = legs
        self._taste = taste
        self._documents = documents
        self._release = release
        self._clock = clock

    async def search(self, query: Query) -> Answer:
        """Answers within the budget of the query.

        Raises:
            InvalidArgument, NotFound, TooLarge: The query cannot be answered as it is.
            Unavailable: No retriever that it needs answers, or, where it allows no partial
                answer, one stage does not.
            DeadlineExceeded: The budget is spent and there is nothing to show.
        """
        asked = self._asked(query)
        budget = Budget(query.total_budget_ms / 1000, self._clock)
        stopwatch = Stopwatch(self._clock)
        looking = self._look_up(query, budget, stopwatch)
        try:
            legs = await ask(asked, query, budget, stopwatch)
            shopper = await _settled(looking)
        finally:
            await end([looking] if looking else [])
        fused = fuse({name: found.ids for name, found in legs.answered.items()}, query.fusion)
        liking = Liking()
        if self._taste and looking and fused:
            step = _like(self._taste, query, shopper, list(fused), budget)
            liking = await stopwatch.time("ranking", step)
        if (legs.failed or liking.reasons) and not query.allow_partial:
            raise Unavailable("a stage does not answer", retry_after_s=RETRY_AFTER_S)
        return await self._answer(query, legs, fused, liking, budget, stopwatch)

    def _asked(self, query: Query) -> dict[str, Leg]:
        """The retrievers that this query needs; text only where there are words to look up."""
        asked = {
            name: leg
            for name, leg in self._legs.items()
            if (not query.retrievers or name in query.retrievers)
            and query.fusion.weight(name) > 0
            and (name != "text" or query.words)
        }
        if not asked:
            raise InvalidArgument(
                "none of the retrievers asked for can answer this query", field="retrievers"
            )
        return asked

    def _look_up(
        self, query: Query, budget: Budget, stopwatch: Stopwatch
    ) -> "asyncio.Task[Shopper | None] | None":
        """Starts to ask for the shopper's factors, if taste has a say."""
        if self._taste is None or query.taste_share == 0:
            return None
        deadline = budget.share(RANKING_SHARE)
        found = within(deadline, self._taste.shopper(query, deadline))
        return asyncio.create_task(stopwatch.time("taste", found), name="taste")

    async def _answer(
        self,
        query: Query,
        legs: Legs,
        fused: Mapping[str, float],
        liking: Liking,
        budget: Budget,
        stopwatch: Stopwatch,
    ) -> Answer:
        """Orders all candidates, cuts the page, and reads the winners."""
        frame = _frame(query, legs, fused, liking)
        scores = final_scores(fused, frame)
        ranked = order(scores)[:MAX_RESULTS]
        page = Page(query, legs.answered, fused, frame, liking.mode)
        reading = within(budget.whole(), page.dress(ranked, scores, self._documents))
        hits, gone = await stopwatch.time("documents", reading)
        more = len(fused) > MAX_RESULTS or legs.has_more(len(query.example_ids))
        return Answer(
            hits=hits,
            total=Total(len(ranked) - gone, "gte" if more else "eq"),
            degraded_reasons=list(dict.fromkeys([*leg_reasons(legs.failed), *liking.reasons])),
            coverage=_coverage(legs, liking),
            release=self._release(),
            generations=_generations(legs, liking),
            took_ms=round(budget.spent_ms()),
            budget_ms=query.total_budget_ms,
            timings_ms=stopwatch.timings_ms,
        )


async def _like(
    taste: TasteFinder,
    query: Query,
    shopper: Shopper | ServiceError | None,
    product_ids: list[str],
    budget: Budget,
) -> Liking:
    deadline = budget.share(RANKING_SHARE)
    try:
        return await within(deadline, taste.liking(query, shopper, product_ids, deadline))
    except DeadlineExceeded as error:
        return taste.lost(error)


async def _settled(
    looking: "asyncio.Task[Shopper | None] | None",
) -> Shopper | ServiceError | None:
    """What the look-up came to; taste is optional, so an error is an answer here."""
    if looking is None:
        return None
    try:
        return await looking
    except ServiceError as error:
        return error


def _frame(query: Query, legs: Legs, fused: Mapping[str, float], liking: Liking) -> Frame:
    if liking.tastes is None:
        return Frame()
    if query.blend == "taste":
        return taste_frame(liking.tastes.tastes.tolist(), query.taste_share)
    unit = rrf_unit(list(legs.answered), query.fusion)
    return minmax_frame(fused, liking.tastes.dots.tolist(), query.taste_share, unit=unit)


def _coverage(legs: Legs, liking: Liking) -> dict[str, str]:
    coverage = dict.fromkeys(STEPS, SKIPPED)
    coverage |= dict.fromkeys(legs.answered, OK)
    coverage |= {name: coverage_of(error) for name, error in legs.failed.items()}
    return coverage | {"taste": liking.taste, "ranking": liking.ranking}


def _generations(legs: Legs, liking: Liking) -> dict[str, Generation]:
    found = {name: ranking.generation for name, ranking in legs.answered.items()}
    found["ranking"] = liking.generation
    return {name: generation for name, generation in found.items() if generation is not None}
