"""Finds out what the shopper likes: by their own history, else by the session, else not at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from runtime.errors import PreconditionFailed, ServiceError
from services.gateway.answer import Generation
from services.gateway.budget import Deadline
from services.gateway.coverage import OK, SKIPPED, coverage_of, taste_reasons
from services.gateway.stages import RankingStage, Tastes, UserFactors


class ShopperFactors(Protocol):
    """Knows shoppers."""

    async def factors(
        self, user_id: str, *, generation: str = "", fresh: bool = False
    ) -> UserFactors | None:
        """The factors of a shopper, or None if nothing is known of them.

        Args:
            user_id: The shopper.
            generation: Of which the factors shall be; empty means the current one.
            fresh: Whether they must be computed anew.

        Raises:
            PreconditionFailed: The generation is not open.
        """
        ...


class Visitor(Protocol):
    """Who is asked about; a query is one."""

    @property
    def user_id(self) -> str:
        """The shopper; empty for a stranger."""
        ...

    @property
    def session_product_ids(self) -> Sequence[str]:
        """What they looked at, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody's factors, and whether they are of the ``user`` or of the ``session``.

    ``attempt`` counts from 0: by which of the finder's attempts they were had.
    """

    mode: str
    factors: UserFactors
    attempt: int = 0


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


def whichever() -> Sequence[str]:
    """Any generation."""
    return ("",)


@dataclass(frozen=True, slots=True)
class TasteFinder:
    """Asks for the factors of shoppers, and the ranking stage how well products fit them.

    Factors fit those of the products of the same generation only. While replicas swap one after
    the other, one may not know the newest generation yet: then the one before is asked for, which
    all of them keep open.

    Attributes:
        ranking: The ranking stage.
        users: Knows shoppers.
        generations: Tells the generation in use and the one before; one alone is tried twice.
    """

    ranking: RankingStage
    users: ShopperFactors
    generations: Callable[[], Sequence[str]] = whichever

    async def shopper(
        self, visitor: Visitor, deadline: Deadline, *, after: Shopper | None = None
    ) -> Shopper | None:
        """The factors to rank by, or None where the model knows neither user nor session.

        Args:
            visitor: Who it is.
            deadline: When they are of no more use.
            after: What was had before, and matched no open generation.

        Raises:
            PreconditionFailed: No generation that may be asked for is open.
            ServiceError: The ranking stage or the store does not answer.
        """
        attempts = self._attempts()
        first = 0 if after is None else after.attempt + 1
        for attempt in range(first, len(attempts)):
            try:
                return await self._shopper(visitor, deadline, attempt)
            except PreconditionFailed:
                if attempt + 1 == len(attempts):
                    raise
        raise PreconditionFailed("no generation of the factors is open everywhere")

    async def liking(
        self,
        visitor: Visitor,
        shopper: Shopper | ServiceError | None,
        product_ids: Sequence[str],
        deadline: Deadline,
    ) -> Liking:
        """The taste for each candidate. Never raises a ServiceError: taste is optional."""
        if isinstance(shopper, ServiceError):
            return Liking(taste=coverage_of(shopper), reasons=taste_reasons(shopper))
        try:
            return await self._liking(visitor, shopper, product_ids, deadline)
        except ServiceError as error:
            return self.lost(error)

    def lost(self, error: ServiceError) -> Liking:
        """What comes of a ranking stage that did not answer."""
        return Liking(taste=OK, ranking=coverage_of(error), reasons=taste_reasons(error))

    async def _liking(
        self,
        visitor: Visitor,
        shopper: Shopper | None,
        product_ids: Sequence[str],
        deadline: Deadline,
    ) -> Liking:
        while shopper is not None:
            try:
                return await self._liked(visitor, shopper, product_ids, deadline)
            except PreconditionFailed:  # a replica does not know the generation, or no longer
                shopper = await self.shopper(visitor, deadline, after=shopper)
        return Liking("cold", taste=OK)

    async def _liked(
        self,
        visitor: Visitor,
        shopper: Shopper,
        product_ids: Sequence[str],
        deadline: Deadline,
    ) -> Liking:
        tastes = await self._tastes(shopper, product_ids, deadline)
        mode = shopper.mode
        if not tastes.known.any() and mode == "user":
            # The user's own factors say nothing about the candidates.
            session = await self._session(visitor, deadline, shopper.attempt)
            mode = "cold" if session is None else session.mode
            if session is not None:
                tastes = await self._tastes(session, product_ids, deadline)
        if not tastes.known.any():
            return Liking("cold", None, OK, OK, generation=tastes.generation)
        return Liking(mode, tastes, OK, OK, generation=tastes.generation)

    async def _tastes(
        self, shopper: Shopper, product_ids: Sequence[str], deadline: Deadline
    ) -> Tastes:
        return await self.ranking.tastes(shopper.factors, product_ids, timeout_s=deadline.left_s())

    def _attempts(self) -> Sequence[tuple[str, bool]]:
        """The generations to ask for, one after the other, and whether anew."""
        known = [name for name in self.generations() if name] or [""]
        return [(name, False) for name in known] if len(known) > 1 else [
            (known[0], False), (known[0], True)
        ]  # fmt: skip

    async def _shopper(self, visitor: Visitor, deadline: Deadline, attempt: int) -> Shopper | None:
        if visitor.user_id:
            generation, fresh = self._attempts()[attempt]
            found = await self.users.factors(visitor.user_id, generation=generation, fresh=fresh)
            if found is not None:
                return Shopper("user", found, attempt)
        return await self._session(visitor, deadline, attempt)

    async def _session(self, visitor: Visitor, deadline: Deadline, attempt: int) -> Shopper | None:
        if not visitor.session_product_ids:
            return None
        generation, _ = self._attempts()[attempt]
        found = await self.ranking.fold_in(
            visitor.session_product_ids, timeout_s=deadline.left_s(), generation=generation
        )
        return None if found is None else Shopper("session", found, attempt)
