"""Works out what a shopper likes from what the store knows of them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from catalog.confidence import DEFAULT_RULES, ConfidenceRules, confidences
from catalog.journal import Learned
from runtime.errors import ServiceError
from services.gateway.coverage import HistoryUnavailable
from services.gateway.factor_cache import Computed, FactorSource
from services.gateway.stages import RankingStage, UserFactors

MAX_EVENTS = 1000
# Of a computation that several searches wait for, each within its own time.
FOLD_TIMEOUT_S = 1.0
_T = TypeVar("_T")


class Histories(Protocol):
    """The store, as far as taste needs it. The calls block."""

    def learned(self, user_id: str, limit: int) -> Learned:
        """The newest events that say something of a shopper's taste."""
        ...

    def mark(self, user_id: str, limit: int) -> str:
        """The mark of these events, without them."""
        ...


class FactorKeeper(Protocol):
    """Keeps factors while they are those of the history."""

    async def get(
        self, user_id: str, source: FactorSource, *, generation: str = "", fresh: bool = False
    ) -> UserFactors | None:
        """The factors that are kept, or those of the source."""
        ...


def by_default(generation: str) -> ConfidenceRules:
    """The default rules, whatever the generation."""
    del generation
    return DEFAULT_RULES


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FoldedShoppers:
    """Knows shoppers by their history in the store alone, so that who is erased is gone at once.

    Attributes:
        histories: Opens the store; Unavailable while it cannot.
        ranking: Folds histories into factors.
        kept: Keeps factors.
        rules: The rules of confidence by which a generation was trained; by the same a history
            is folded in. Empty stands for the generation in use.
        now: The day to judge from.
    """

    histories: Callable[[], Histories]
    ranking: RankingStage
    kept: FactorKeeper
    rules: Callable[[str], ConfidenceRules] = by_default
    now: Callable[[], datetime] = field(default=now)

    async def factors(
        self, user_id: str, *, generation: str = "", fresh: bool = False
    ) -> UserFactors | None:
        """The factors of a shopper, or None if nothing is known of them.

        Raises:
            PreconditionFailed: The generation is not open.
            HistoryUnavailable: The store does not answer.
            ServiceError: What the ranking stage raises.
        """
        source = _OneShopper(self, user_id, generation)
        return await self.kept.get(user_id, source, generation=generation, fresh=fresh)


@dataclass(frozen=True, slots=True)
class _OneShopper:
    """The history of one shopper."""

    by: FoldedShoppers
    user_id: str
    generation: str

    async def mark(self) -> str:
        return await _asked(lambda: self.by.histories().mark(self.user_id, MAX_EVENTS))

    async def compute(self) -> Computed:
        learned = await _asked(lambda: self.by.histories().learned(self.user_id, MAX_EVENTS))
        rules = self.by.rules(self.generation)
        weights = confidences(learned.events, rules, now=self.by.now())
        if not weights:
            return Computed(None, learned.mark)
        factors = await self.by.ranking.fold_in(
            list(weights),
            confidences=list(weights.values()),
            generation=self.generation,
            timeout_s=FOLD_TIMEOUT_S,
        )
        return Computed(factors, learned.mark)


async def _asked(read: Callable[[], _T]) -> _T:
    """What the store tells.

    Raises:
        HistoryUnavailable: It does not answer.
    """
    try:
        return await asyncio.to_thread(read)
    except ServiceError as error:
        raise HistoryUnavailable("the history of the shopper cannot be read") from error
