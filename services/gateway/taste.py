"""Finds out what the shopper likes: by their own factors, else by the session, else not at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.errors import PreconditionFailed, ServiceError
from services.gateway.answer import Generation
from services.gateway.budget import Deadline
from services.gateway.coverage import OK, SKIPPED, coverage_of, taste_reasons
from services.gateway.query import Query
from services.gateway.stages import FactorCache, RankingStage, Tastes, UserFactors


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody's factors, and whether they are of the ``user`` or of the ``session``."""

    mode: str
    factors: UserFactors


@dataclass(frozen=True, slots=True)
class Liking:
    """What came of asking for taste.

    ``mode`` is ``user``, ``session``, ``cold`` (nothing is known of the shopper, or of the
    candidates) or empty (nobody asked, or no answer came); ``tastes`` is None where taste has no
    say. ``taste`` and ``ranking`` are the coverage of the two steps.
    """

    mode: str = ""
    tastes: Tastes | None = None
    taste: str = SKIPPED
    ranking: str = SKIPPED
    reasons: Sequence[str] = ()
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class TasteFinder:
    """Asks the ranking stage, with the factors of users kept in a cache."""

    ranking: RankingStage
    factors: FactorCache

    async def shopper(
        self, query: Query, deadline: Deadline, *, fresh: bool = False
    ) -> Shopper | None:
        """The factors to rank by, or None where the model knows neither user nor session."""
        if query.user_id:
            found = await self.factors.get(
                query.user_id,
                lambda: self.ranking.user_factors(query.user_id, timeout_s=deadline.left_s()),
                fresh=fresh,
            )
            if found is not None:
                return Shopper("user", found)
        return await self._session(query, deadline)

    async def liking(
        self,
        query: Query,
        shopper: Shopper | ServiceError | None,
        product_ids: Sequence[str],
        deadline: Deadline,
    ) -> Liking:
        """The taste for each candidate. Never raises a ServiceError: taste is optional."""
        if isinstance(shopper, ServiceError):
            return Liking(taste=coverage_of(shopper), reasons=taste_reasons(shopper))
        try:
            return await self._liking(query, shopper, product_ids, deadline)
        except ServiceError as error:
            return self.lost(error)

    def lost(self, error: ServiceError) -> Liking:
        """What comes of a ranking stage that did not answer."""
        return Liking(taste=OK, ranking=coverage_of(error), reasons=taste_reasons(error))

    async def _liking(
        self,
        query: Query,
        shopper: Shopper | None,
        product_ids: Sequence[str],
        deadline: Deadline,
    ) -> Liking:
        if shopper is None:
            return Liking("cold", taste=OK)
        try:
            tastes = await self._tastes(shopper, product_ids, deadline)
        except PreconditionFailed:  # the factors are of a generation that is no longer open
            shopper = await self.shopper(query, deadline, fresh=True)
            if shopper is None:
                return Liking("cold", taste=OK)
            tastes = await self._tastes(shopper, product_ids, deadline)
        mode = shopper.mode
        if not tastes.known.any() and mode == "user":
            mode, tastes = await self._by_session(query, tastes, product_ids, deadline)
        if not tastes.known.any():
            return Liking("cold", None, OK, OK, generation=tastes.generation)
        return Liking(mode, tastes, OK, OK, generation=tastes.generation)

    async def _by_session(
        self, query: Query, tastes: Tastes, product_ids: Sequence[str], deadline: Deadline
    ) -> tuple[str, Tastes]:
        """The session's tastes, where the user's own say nothing about the candidates."""
        session = await self._session(query, deadline)
        if session is None:
            return "cold", tastes
        return session.mode, await self._tastes(session, product_ids, deadline)

    async def _tastes(
        self, shopper: Shopper, product_ids: Sequence[str], deadline: Deadline
    ) -> Tastes:
        return await self.ranking.tastes(shopper.factors, product_ids, timeout_s=deadline.left_s())

    async def _session(self, query: Query, deadline: Deadline) -> Shopper | None:
        if not query.session_product_ids:
            return None
        found = await self.ranking.fold_in(query.session_product_ids, timeout_s=deadline.left_s())
        return None if found is None else Shopper("session", found)
