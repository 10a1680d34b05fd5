"""Finds out who is to be recommended to, and asks the sources of proposals."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from catalog.product_filter import AllOf, Condition
from runtime.errors import PreconditionFailed, ServiceError
from services.gateway.answer import Generation
from services.gateway.budget import Budget, Deadline
from services.gateway.coverage import OK, SKIPPED, STEPS, coverage_of, leg_reasons, taste_reasons
from services.gateway.fanout import end, within
from services.gateway.proposals import (
    BOUGHT_TOGETHER,
    COLD,
    NEW,
    SESSION,
    TASTE,
    USER,
    Asked,
    Proposals,
    ProposedList,
    ProposingStage,
)
from services.gateway.recommend_query import RecommendQuery
from services.gateway.shopper_past import Past
from services.gateway.stages import TextStage
from services.gateway.taste import Shopper, TasteFinder

_LEAST_PROPOSALS, _MOST_PROPOSALS = 100, 500
_PER_HIT = 5  # of each source: variants of one style, what is gone, and quotas take some
_PER_HIT_OF_STRANGERS = 15  # of the few sources, so that there are several kinds among them
_KNOWING_SHARE, _PROPOSING_SHARE = 0.3, 0.3
_IN_STOCK = Condition("in_stock", ("true",))
_T = TypeVar("_T")


class Pasts(Protocol):
    """Tells what shoppers had to do with."""

    async def of(self, user_id: str) -> Past:
        """What the shopper had to do with; HistoryUnavailable where nobody can tell."""
        ...


@dataclass(slots=True)
class Course:
    """How far an answer has come, and what was missing on the way."""

    query: RecommendQuery
    budget: Budget
    past: Past = field(default_factory=Past)
    reasons: list[str] = field(default_factory=list)
    coverage: dict[str, str] = field(default_factory=lambda: dict.fromkeys(STEPS, SKIPPED))
    generations: dict[str, Generation] = field(default_factory=dict)

    def lost(self, step: str, error: ServiceError, reasons: Sequence[str]) -> None:
        """Notes that a step did not come to its end."""
        self.coverage[step] = coverage_of(error)
        self.reasons += reasons

    def answered(self, step: str, generation: Generation | None = None) -> None:
        """Notes that a step did, and from which generation, where it is of one."""
        self.coverage[step] = OK
        if generation is not None:
            self.generations[step] = generation

    @property
    def depth(self) -> int:
        """Most products of each source, and most that are looked at."""
        query = self.query
        is_stranger = not query.user_id and not query.session_product_ids
        per_hit = _PER_HIT_OF_STRANGERS if is_stranger else _PER_HIT
        return min(max(per_hit * query.page_size, _LEAST_PROPOSALS), _MOST_PROPOSALS)


@dataclass(frozen=True, slots=True)
class Sources:
    """Who is asked for proposals.

    Attributes:
        stage: Proposes products.
        taste: Finds the factors of shoppers and sessions.
        pasts: Tells what shoppers had to do with.
        text: Lists new arrivals where the ranking stage proposes nothing.
    """

    stage: ProposingStage
    taste: TasteFinder
    pasts: Pasts
    text: TextStage

    async def ask(self, course: Course) -> tuple[Proposals, str]:
        """The proposals, and by what they were made: ``user``, ``session`` or ``cold``.

        Raises:
            Unavailable: Neither the ranking stage nor the text stage answers.
            DeadlineExceeded: They do not answer in time.
        """
        shopper = await self._know(course)
        deadline = course.budget.share(_PROPOSING_SHARE)
        try:
            found = await within(deadline, self._proposed(course, shopper, deadline))
        except ServiceError as error:
            course.lost("ranking", error, leg_reasons({"ranking": error}))
            found = await self._newest(course)
        else:
            course.answered("ranking", found.generation)
        return found, _mode(found, shopper, course)

    async def _know(self, course: Course) -> Shopper | None:
        """Finds out who it is: their factors, and what they had to do with."""
        query = course.query
        if not query.user_id and not query.session_product_ids:
            return None
        deadline = course.budget.share(_KNOWING_SHARE)
        knowing = asyncio.create_task(_settled(deadline, self.taste.shopper(query, deadline)))
        try:
            past: Past | ServiceError = Past()
            if query.user_id:
                past = await _settled(deadline, self.pasts.of(query.user_id))
            shopper = await knowing
        finally:
            await end([knowing])
        course.answered("taste")
        for told in (past, shopper):
            if isinstance(told, ServiceError):
                course.lost("taste", told, taste_reasons(told))
        known = Past() if isinstance(past, ServiceError) else past
        course.past = known.in_session(query.session_product_ids)
        return None if isinstance(shopper, ServiceError) else shopper

    async def _proposed(
        self, course: Course, shopper: Shopper | None, deadline: Deadline
    ) -> Proposals:
        past = course.past
        asked = Asked(
            shopper.factors if shopper else None,
            past.recent,
            course.query.filter,
            sorted(past.excluded_ids),
            sorted(past.excluded_styles),
            course.depth,
        )
        while shopper is not None:
            asked = replace(asked, factors=shopper.factors)
            try:
                return await self.stage.propose(asked, timeout_s=deadline.left_s())
            except PreconditionFailed as error:
                # A replica does not know the generation of the factors, or no longer.
                try:
                    shopper = await self.taste.shopper(course.query, deadline, after=shopper)
                except PreconditionFailed:
                    course.lost("taste", error, taste_reasons(error))
                    shopper = None
        return await self.stage.propose(replace(asked, factors=None), timeout_s=deadline.left_s())

    async def _newest(self, course: Course) -> Proposals:
        """What came in lately, as a list of new arrivals."""
        found = course.query.filter
        deadline = course.budget.share(_PROPOSING_SHARE)
        listing = self.text.browse(
            "newest",
            course.depth,
            filter=AllOf((found, _IN_STOCK)) if found else _IN_STOCK,
            min_seq=0,
            timeout_s=deadline.left_s(),
        )
        listed = await within(deadline, listing)
        course.answered("text", listed.generation)
        return Proposals([ProposedList(NEW, listed.ids, listed.scores)])


def _mode(found: Proposals, shopper: Shopper | None, course: Course) -> str:
    """Whose weights count: those of somebody of whom a source could make something."""
    sources = {each.source for each in found.lists}
    if TASTE in sources and shopper is not None:
        return shopper.mode
    if BOUGHT_TOGETHER in sources:
        session = course.query.session_product_ids
        return SESSION if set(course.past.recent.ids) <= set(session) else USER
    return COLD


async def _settled(deadline: Deadline, call: Coroutine[object, None, _T]) -> _T | ServiceError:
    """What a call came to; here an error is an answer."""
    try:
        return await within(deadline, call)
    except ServiceError as error:
        return error
