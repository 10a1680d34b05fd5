"""Tells what a shopper had to do with: what it speaks for, and what it rules out."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from catalog.confidence import DEFAULT_RULES, ConfidenceRules, confidences
from catalog.interaction import Interaction
from catalog.journal import Learned
from catalog.product import Product
from runtime.errors import ServiceError
from services.gateway.coverage import HistoryUnavailable
from services.gateway.proposals import MAX_RECENT, Recent
from services.gateway.stages import Documents

MAX_EVENTS = 1000
MAX_DECISIONS = 5000
"""Purchases and verdicts that are never forgotten over views."""

REPLENISHED_AFTER = timedelta(days=30)
_SESSION_CONFIDENCE = 1.0


class LearnedHistories(Protocol):
    """The store, as far as recommendations need it. The call blocks."""

    def learned(self, user_id: str, limit: int) -> Learned:
        """The newest events that say something of a shopper's taste, oldest first."""
        ...

    def decided(self, user_id: str, limit: int) -> Sequence[Interaction]:
        """The newest purchases and verdicts of a shopper, oldest first."""
        ...

    def styles_of(self, product_ids: Collection[str]) -> frozenset[str]:
        """The styles of products, of deleted ones too."""
        ...


def default_rules() -> ConfidenceRules:
    """The rules where no generation has others."""
    return DEFAULT_RULES


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Past:
    """What somebody had to do with.

    Attributes:
        recent: What they liked lately.
        excluded_ids: Products that are not to be proposed: they bought or dislike them, or have
            just seen them.
        excluded_styles: Styles of what they bought.
    """

    recent: Recent = field(default_factory=Recent)
    excluded_ids: frozenset[str] = frozenset()
    excluded_styles: frozenset[str] = frozenset()

    def in_session(self, session_product_ids: Sequence[str]) -> "Past":
        """The same with the products of a session, oldest first, as the most recent ones."""
        session = list(dict.fromkeys(reversed(session_product_ids)))
        known = dict(zip(self.recent.ids, self.recent.confidences, strict=True))
        weighed = dict.fromkeys(session, _SESSION_CONFIDENCE) | {
            name: weight for name, weight in known.items() if name not in session
        }
        ids = list(weighed)[:MAX_RECENT]
        recent = Recent(ids, [weighed[name] for name in ids])
        return Past(recent, self.excluded_ids.union(session), self.excluded_styles)


@dataclass(frozen=True, slots=True)
class PastReader:
    """Reads histories.

    Attributes:
        histories: Opens the store; Unavailable while it cannot.
        documents: The products.
        rules: The rules of confidence in force.
        replenishable_kinds: Kinds of products that are bought again.
        now: The time.
    """

    histories: Callable[[], LearnedHistories]
    documents: Documents
    rules: Callable[[], ConfidenceRules] = default_rules
    replenishable_kinds: frozenset[str] = frozenset()
    now: Callable[[], datetime] = field(default=now)

    async def of(self, user_id: str) -> Past:
        """What the shopper had to do with; nothing of somebody unknown.

        Raises:
            HistoryUnavailable: The store does not answer.
        """
        try:
            events, recent = await asyncio.to_thread(lambda: self._events(user_id))
            bought = _bought(events)
            products = await self.documents.read(list(bought)) if bought else {}
            moment = self.now()
            due = {
                name for name, at in bought.items() if self._is_due(products.get(name), at, moment)
            }
            kept = set(bought) - due
            styles = await asyncio.to_thread(lambda: self.histories().styles_of(kept))
        except ServiceError as error:
            raise HistoryUnavailable("the history of the shopper cannot be read") from error
        weights = confidences(events, self.rules(), now=moment)
        seen = _newest_first(recent)[:MAX_RECENT]
        disliked = {name for name, weight in weights.items() if weight < 0}
        liked = [name for name in seen if weights.get(name, 0.0) > 0]
        return Past(
            Recent(liked, [weights[name] for name in liked]),
            frozenset(kept | disliked | (set(seen) - due)),
            styles,
        )

    def _events(self, user_id: str) -> tuple[Sequence[Interaction], Sequence[Interaction]]:
        """All that counts, oldest first, and the newest part of it."""
        histories = self.histories()
        recent = histories.learned(user_id, MAX_EVENTS).events
        if len(recent) < MAX_EVENTS:
            return recent, recent
        known = {event.event_id for event in recent}
        decided = histories.decided(user_id, MAX_DECISIONS)
        return [*(event for event in decided if event.event_id not in known), *recent], recent

    def _is_due(self, product: Product | None, bought_at: datetime, moment: datetime) -> bool:
        """Whether the product is of a kind that is bought again, and it is time for that."""
        if product is None or product.kind.casefold() not in self.replenishable_kinds:
            return False
        return moment - bought_at >= REPLENISHED_AFTER


def _bought(events: Sequence[Interaction]) -> dict[str, datetime]:
    """When each product was bought for the last time; who returned it had bought it too."""
    return {
        event.product_id: event.at
        for event in events
        if event.kind in ("purchase", "return") or (event.kind == "rating" and event.verified)
    }


def _newest_first(events: Sequence[Interaction]) -> list[str]:
    return list(dict.fromkeys(event.product_id for event in reversed(events) if event.product_id))
