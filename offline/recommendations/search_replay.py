"""Asks searches of the past again, and looks where what was bought after them stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from catalog.confidence import DEFAULT_RULES, ConfidenceRules, confidences
from catalog.interaction import Interaction
from offline import relevance
from offline.local_stages import LocalRanking
from offline.progress import Progress
from runtime.errors import Internal
from services.gateway.parts import Part, Words
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import MAX_BUDGET_MS, Query
from services.gateway.stages import UserFactors
from services.gateway.taste import TasteFinder
from services.reranker.factors import Factors

DEPTH = 10
WINDOW_S = 3600.0
BOUGHT = ("cart", "purchase")
FIGURES = (f"NDCG@{DEPTH}", f"HR@{DEPTH}", f"MRR@{DEPTH}")
PLAIN, PERSONAL, STRANGER = "not personalised", "personalised", "with another shopper's taste"

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PastSearch:
    """A search, what was put into the cart or bought after it, and all that the shopper did before.

    ``history`` is oldest first and ends at the search.
    """

    user_id: str
    text: str
    bought: frozenset[str]
    history: tuple[Interaction, ...]
    event: Interaction


def past_searches(
    events: Sequence[Interaction], *, cut: float, window_s: float = WINDOW_S
) -> list[PastSearch]:
    """Returns the searches after a moment that led to something, oldest first.

    What was bought belongs to the shopper's last search before it, where that is no longer ago
    than the window.

    Args:
        events: Of all kinds, oldest first.
        cut: Seconds since 1970.
        window_s: Seconds, more than 0.
    """
    histories: dict[str, list[Interaction]] = {}
    latest: dict[str, PastSearch] = {}
    bought: dict[str, set[str]] = {}
    found: dict[str, PastSearch] = {}
    for event in events:
        before = histories.setdefault(event.user_id, [])
        if event.kind == "search":
            if event.text and event.at.timestamp() > cut:
                latest[event.user_id] = PastSearch(
                    event.user_id, event.text, frozenset(), tuple(before), event
                )
            else:
                latest.pop(event.user_id, None)
            continue
        search = latest.get(event.user_id)
        if search and event.kind in BOUGHT and _soon(search.event, event, window_s):
            found[search.event.event_id] = search
            bought.setdefault(search.event.event_id, set()).add(event.product_id)
        before.append(event)
    return [replace(each, bought=frozenset(bought[name])) for name, each in found.items()]


def _soon(search: Interaction, event: Interaction, window_s: float) -> bool:
    return (event.at - search.at).total_seconds() <= window_s


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of asking the searches again.

    ``figures`` holds, by way of asking, float64 [searches, 3] in the order of :data:`FIGURES`;
    ``users`` names the shopper of each search.
    """

    users: tuple[str, ...]
    figures: dict[str, Values] = field(default_factory=dict)

    def by_user(self, values: Values) -> Values:
        """Returns the means over the searches of each shopper [users, figures]."""
        _, rows = np.unique(np.array(self.users), return_inverse=True)
        counts = np.bincount(rows)[:, None]
        sums = np.zeros((len(counts), values.shape[1]))
        np.add.at(sums, rows, values)
        return sums / counts


async def replay(
    pipeline: SearchPipeline,
    factors: Factors,
    searches: Sequence[PastSearch],
    shown: Progress,
    *,
    rules: ConfidenceRules = DEFAULT_RULES,
) -> Replay:
    """Asks each search as a stranger, as who asked it, and with the history of somebody else.

    The shopper is known by nothing but the events before the search, folded in as the gateway
    does; the factors of the products must know nothing later than the first search.

    Args:
        pipeline: The gateway's own, whatever it knows of tastes.
        factors: Of the products.
        searches: At least two shoppers' for somebody else to be there.
        shown: Told of each search asked.
        rules: Those of the training.

    Raises:
        Internal: A stage did not answer; figures over half an answer would be wrong.
    """
    people = _Histories(factors, [each.history for each in searches], searches, rules)
    asked = replace(pipeline, taste=TasteFinder(LocalRanking(factors), people))
    others = _others(searches)
    ways: dict[str, Callable[[int], str]] = {
        PLAIN: lambda _: "",
        PERSONAL: str,
        STRANGER: lambda row: f"{row}-{others[row]}",
    }
    found = Replay(tuple(each.user_id for each in searches))
    for name, who in ways.items():
        rows = []
        for row, search in enumerate(searches):
            rows.append(_figures(await _ids(asked, search.text, who(row)), search.bought))
            shown.advance()
        found.figures[name] = np.array(rows, np.float64).reshape(-1, len(FIGURES))
    return found


@dataclass(frozen=True, slots=True)
class _Histories:
    """Knows shoppers by what they had done before a search.

    A user id is the row of the search, and after a dash that of another search, whose history
    is taken in place of the own one, as of the moment of the first.
    """

    factors_of_products: Factors
    histories: Sequence[Sequence[Interaction]]
    searches: Sequence[PastSearch]
    rules: ConfidenceRules

    async def factors(
        self, user_id: str, *, generation: str = "", fresh: bool = False
    ) -> UserFactors | None:
        """The factors of a history, or None where it says nothing."""
        own, _, other = user_id.partition("-")
        now = self.searches[int(own)].event.at
        weights = confidences(self.histories[int(other or own)], self.rules, now=now)
        return (
            await LocalRanking(self.factors_of_products).fold_in(
                list(weights), timeout_s=1.0, confidences=list(weights.values())
            )
            if weights
            else None
        )


def _others(searches: Sequence[PastSearch], *, seed: int = 0) -> list[int]:
    """Returns, for each search, one of somebody else's, drawn; its own where there is nobody."""
    draw = np.random.default_rng(seed)
    names = np.array([each.user_id for each in searches])
    found = []
    for row, name in enumerate(names):
        strangers = np.flatnonzero(names != name)
        found.append(int(draw.choice(strangers)) if len(strangers) else row)
    return found


async def _ids(pipeline: SearchPipeline, text: str, user_id: str) -> list[str]:
    answer = await pipeline.search(
        Query(
            parts=(Part(Words(text), "text"),),
            page_size=DEPTH,
            user_id=user_id,
            budget_ms=MAX_BUDGET_MS,
        )
    )
    if answer.degraded:
        raise Internal(f"a stage did not answer: {', '.join(answer.degraded_reasons)}")
    return [hit.product.id for hit in answer.hits]


def _figures(found: Sequence[str], bought: frozenset[str]) -> tuple[float, float, float]:
    flags = np.fromiter((each in bought for each in found), bool, len(found))
    return (
        relevance.ndcg(flags, DEPTH, relevant=len(bought)),
        relevance.hit(flags, DEPTH),
        relevance.reciprocal_rank(flags[:DEPTH]),
    )
