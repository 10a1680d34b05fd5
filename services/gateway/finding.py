"""Finds the whole result of a search: asks everybody at once, merges, applies taste, and orders."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.product_filter import selected_values, without_field
from runtime.errors import DeadlineExceeded, InvalidArgument, ServiceError, Unavailable
from services.gateway.alike import LikenessFinder
from services.gateway.arrangement import Arrangement, arrange, mixed, needs_rows
from services.gateway.budget import RANKING_SHARE, Budget
from services.gateway.diversity import WINDOW, diversified
from services.gateway.explaining import reasons_of
from services.gateway.facets import Counted, FacetCounter, Question
from services.gateway.fanout import RETRY_AFTER_S, Leg, Legs, Stopwatch, ask, end, within
from services.gateway.fusion import (
    Frame,
    Fused,
    final_scores,
    fuse,
    fused_unit,
    minmax_frame,
    order,
    taste_frame,
)
from services.gateway.provenance import Provenance
from services.gateway.query import RELEVANCE, RETRIEVERS, Fusion, Query
from services.gateway.result_set import MAX_RESULTS, ResultSet
from services.gateway.taste import Liking, Shopper, TasteFinder
from services.gateway.tuned_fusion import TunedFusion

_Shopper = Shopper | ServiceError | None


@dataclass(frozen=True, slots=True)
class Search:
    """One search on its way: what is asked, how long it may take, and how long it took."""

    query: Query
    budget: Budget
    stopwatch: Stopwatch


@dataclass(frozen=True, slots=True)
class Finder:
    """Retrievers, ranking stage and counter, up to the order of all candidates."""

    legs: Mapping[str, Leg]
    taste: TasteFinder | None
    counter: FacetCounter
    alike: LikenessFinder
    release: Callable[[], str]
    tuned: Callable[[], TunedFusion] = TunedFusion

    async def find(self, search: Search) -> ResultSet:
        """The result within the budget.

        Raises:
            InvalidArgument, NotFound, TooLarge: The query cannot be answered as it is.
            Unavailable: No retriever that it needs answers, or, where it allows no partial
                answer, one stage does not.
            DeadlineExceeded: The budget is spent and there is nothing to show.
        """
        query = replace(search.query, fusion=self.tuned().of(search.query))
        search = replace(search, query=query)
        legs, shopper = await self._ask(search)
        fused = fuse(legs.answered, query.merging)
        found = list(fused.scores)
        # Which products are counted does not depend on taste, unless there are too many.
        counting = self._counting(search, legs, found) if len(found) <= MAX_RESULTS else None
        try:
            liking = await self._like(search, shopper, found)
            frame = _frame(query, legs, fused, liking)
            scores = final_scores(fused.scores, frame)
            ranked = order(scores)[:MAX_RESULTS]
            counting = counting or self._counting(search, legs, ranked)
            counted = await counting
        finally:
            await end([counting] if counting else [])
        arranged = arrange(ranked, query, counted.rows)
        before = [scores[group[0]] for group in arranged.groups]
        diverse, lost = await self._diverse(search, legs, arranged, before)
        provenance = Provenance(legs, liking, counted, lost)
        if provenance.is_partial and not query.allow_partial:
            raise Unavailable("a stage does not answer", retry_after_s=RETRY_AFTER_S)
        arranged = mixed(arranged, diverse, query, counted.rows)
        return ResultSet(
            arranged.ids,
            [scores[name] for name in arranged.ids],
            arranged.sizes,
            reasons_of(ranked, arranged, legs.answered, fused, frame, liking.mode)
            if query.explain
            else None,
            len(found) > MAX_RESULTS or legs.has_more(len(query.example_ids)),
            counted.facets,
            provenance.degraded_reasons(query.min_seq),
            provenance.coverage(),
            self.release(),
            provenance.generations(),
            _told(query.merging, [*legs.answered, *legs.failed]),
            before if arranged.diverse else [],
        )

    async def _ask(self, search: Search) -> tuple[Legs, _Shopper]:
        """Asks the retrievers and, at the same time, for the shopper's factors."""
        query = search.query
        asked = self._asked(query)
        looking = self._look_up(search)
        others = [without_field(query.filter, name) for name in _narrowed(query) if query.filter]
        try:
            legs = await ask(asked, query, search.budget, search.stopwatch, others)
            return legs, await _settled(looking)
        finally:
            await end([looking] if looking else [])

    def _asked(self, query: Query) -> dict[str, Leg]:
        """The retrievers that this query needs: text where there are words, or nothing at all."""
        able = {
            name: leg
            for name, leg in self.legs.items()
            if (not query.retrievers or name in query.retrievers)
            and (query.words or not query.parts if name == "text" else query.parts)
        }
        if not able:
            raise InvalidArgument(
                "none of the retrievers asked for can answer this query", field="retrievers"
            )
        asked = {name: leg for name, leg in able.items() if query.merging.weight(name) > 0}
        if not asked:
            raise InvalidArgument(
                "a retriever that can answer this query needs a weight above 0",
                field="fusion.weights",
            )
        return asked

    def _look_up(self, search: Search) -> "asyncio.Task[Shopper | None] | None":
        """Starts to ask for the shopper's factors, if taste has a say."""
        if self.taste is None or search.query.taste_share == 0:
            return None
        deadline = search.budget.share(RANKING_SHARE)
        found = within(deadline, self.taste.shopper(search.query, deadline))
        return asyncio.create_task(search.stopwatch.time("taste", found), name="taste")

    async def _like(self, search: Search, shopper: _Shopper, product_ids: Sequence[str]) -> Liking:
        """The taste for the candidates; nobody is asked where taste has no say."""
        if self.taste is None or search.query.taste_share == 0 or not product_ids:
            return Liking()
        deadline = search.budget.share(RANKING_SHARE)
        liking = self.taste.liking(search.query, shopper, product_ids, deadline)
        try:
            return await search.stopwatch.time("ranking", within(deadline, liking))
        except DeadlineExceeded as error:
            return self.taste.lost(error)

    async def _diverse(
        self, search: Search, legs: Legs, arranged: Arrangement, scores: Sequence[float]
    ) -> tuple[Sequence[int], ServiceError | None]:
        """The places of the first groups, so that they differ; and why not by their pictures.

        What is sorted stays as it is.
        """
        query = search.query
        if query.diversity == 0 or query.sort != RELEVANCE:
            return (), None
        heads = [group[0] for group in arranged.groups[:WINDOW]]
        deadline = search.budget.share(RANKING_SHARE)
        finding = self.alike.find(heads, deadline, by_pictures="image" in legs.answered)
        found = await search.stopwatch.time("diversity", finding)
        return diversified(scores[:WINDOW], found.likeness, query.diversity), found.error

    def _counting(
        self, search: Search, legs: Legs, product_ids: Sequence[str]
    ) -> "asyncio.Task[Counted]":
        """Starts to count the facets over these products, and learns what their order needs.

        A facet that the filter names is counted over what the query finds without that.
        """
        query = search.query
        narrowed = _narrowed(query)
        plain = [name for name in query.facets if name not in narrowed]
        questions = [
            Question(order(fuse(found, query.merging).scores)[:MAX_RESULTS], [name])
            for name, found in zip(narrowed, legs.others, strict=True)
        ]
        rows = needs_rows(query)
        if plain or rows:
            questions = [Question(product_ids, plain, rows), *questions]
        return asyncio.create_task(self._count(search, questions, legs), name="facets")

    async def _count(self, search: Search, questions: Sequence[Question], legs: Legs) -> Counted:
        if not questions:
            return Counted()
        deadline = search.budget.share(RANKING_SHARE)
        counting = self.counter.count(
            search.query, questions, deadline, lost=legs.failed.get("text")
        )
        return await search.stopwatch.time("facets", counting)


async def _settled(looking: "asyncio.Task[Shopper | None] | None") -> _Shopper:
    """What the look-up came to; taste is optional, so an error is an answer here."""
    if looking is None:
        return None
    try:
        return await looking
    except ServiceError as error:
        return error


def _narrowed(query: Query) -> list[str]:
    """The facets that the filter names at its top."""
    return [name for name in query.facets if selected_values(query.filter, name) is not None]


def _told(fusion: Fusion, asked: Collection[str]) -> Fusion:
    """The fusion with the weight of each retriever that was asked spelt out."""
    weights = {name: fusion.weight(name) for name in RETRIEVERS if name in asked}
    return replace(fusion, weights=weights)


def _frame(query: Query, legs: Legs, fused: Fused, liking: Liking) -> Frame:
    if liking.tastes is None:
        return Frame()
    if query.blend == "taste":
        return taste_frame(liking.tastes.tastes.tolist(), query.taste_share)
    unit = fused_unit(list(legs.answered), query.merging)
    return minmax_frame(fused.scores, liking.tastes.dots.tolist(), query.taste_share, unit=unit)
