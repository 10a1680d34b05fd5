"""Completes what is typed: from the catalogue's words, the dictionaries, and what others asked."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.normalize import clean
from runtime.errors import InvalidArgument, ServiceError
from services.gateway.limits import check_range
from services.gateway.parts import MAX_TEXT_CHARS
from services.gateway.stages import Completion
from services.gateway.suggestable import folded

DEFAULT_LIMIT = 8
MAX_LIMIT = 20
BUDGET_S = 0.3  # later than that the shopper has typed on
QUERY, PRODUCT = "query", "product"
_SAID_SHARE = 4


class Completing(Protocol):
    """Completes from the words of the catalogue."""

    async def complete(self, text: str, count: int, *, timeout_s: float) -> Sequence[Completion]:
        """At most ``count`` texts, the best first, or a ServiceError."""
        ...


class Past(Protocol):
    """Completes from what others asked."""

    async def complete(self, text: str, count: int) -> Sequence[str] | None:
        """At most ``count`` texts, the most asked first; None where it cannot be told."""
        ...


class Saying(Protocol):
    """Completes from what the dictionaries can say of the catalogue."""

    def complete(self, text: str, limit: int) -> Sequence[str]:
        """At most ``limit`` texts, the best first."""
        ...


def no_sayings() -> Saying | None:
    """What completes from the dictionaries where there are none."""
    return None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Words to search for; ``kind`` is ``query, product, category, brand`` or ``spelling``."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The best first; ``degraded`` where one of the sources did not answer."""

    found: Sequence[Suggestion]
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Suggester:
    """Asks both sources at once, and lets neither crowd out the other.

    Attributes:
        words: The text stage.
        past: Past queries; None where none are kept.
        said: The dictionaries of the release in force; None where it has none.
    """

    words: Completing
    past: Past | None = None
    said: Callable[[], Saying | None] = no_sayings

    async def suggest(
        self, text: str, limit: int, left_s: float | None = None, *, path: str = "text"
    ) -> Suggestions:
        """At most ``limit`` suggestions.

        Args:
            text: What was typed so far.
            limit: 1 to 20.
            left_s: Seconds that the caller waits; never more than 0.3 are taken.
            path: What an error calls the text.

        Raises:
            InvalidArgument: The text is too long or holds no words, or the limit is out of range.
        """
        if len(text) > MAX_TEXT_CHARS:
            raise InvalidArgument(f"at most {MAX_TEXT_CHARS} characters", field=path)
        typed = clean(text)
        if not typed:
            raise InvalidArgument("the text holds no words", field=path)
        check_range(limit, 1, MAX_LIMIT, "limit")
        timeout_s = BUDGET_S if left_s is None else min(left_s, BUDGET_S)
        completions, asked = await asyncio.gather(
            self._completions(typed, limit, timeout_s), self._asked(typed, limit)
        )
        said = saying.complete(typed, limit) if (saying := self.said()) else ()
        found = merged(asked or (), completions or (), limit, typed=typed, said=said)
        return Suggestions(found, degraded=completions is None or asked is None)

    async def _completions(
        self, typed: str, limit: int, timeout_s: float
    ) -> Sequence[Completion] | None:
        try:
            return await self.words.complete(typed, limit, timeout_s=timeout_s)
        except InvalidArgument:
            raise
        except ServiceError:
            return None  # what others asked is still worth something

    async def _asked(self, typed: str, limit: int) -> Sequence[str] | None:
        return await self.past.complete(typed, limit) if self.past else ()


def merged(
    asked: Sequence[str],
    completions: Sequence[Completion],
    limit: int,
    *,
    typed: str,
    said: Sequence[str] = (),
) -> list[Suggestion]:
    """Past queries in the first half of the places, then words and names, then what can be said.

    Titles follow, then what else was asked. Where the catalogue's own words complete, what can be
    said besides gets a quarter of the places. Each text comes once, under the kind that the
    catalogue has for it; what was typed already is no suggestion.
    """
    kinds = {folded(each.text): each for each in reversed(completions)}
    half = (limit + 1) // 2
    named = [each.text for each in completions if each.kind != PRODUCT]
    titles = [each.text for each in completions if each.kind == PRODUCT]
    new = [text for text in said if folded(text) not in kinds]
    share = max(limit // _SAID_SHARE, 1) if named else limit
    texts = [*asked[:half], *named, *new[:share], *titles, *asked[half:]]
    found: dict[str, Suggestion] = {}
    for text in texts:
        known = kinds.get(folded(text))
        told = Suggestion(known.text, known.kind) if known else Suggestion(text, QUERY)
        found.setdefault(folded(text), told)
    found.pop(folded(typed), None)
    return list(found.values())[:limit]
