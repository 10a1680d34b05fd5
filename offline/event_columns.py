"""Holds what shoppers did in columns, and weighs it by the rules of confidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from catalog.confidence import DEFAULT_RULES, ConfidenceRules
from catalog.interaction import Interaction
from offline.pair_tallies import CODES, Moments, PairEvents, Rows, boosts, weights

Flags = npt.NDArray[np.bool_]

TELLING_KINDS = ("view", "cart", "purchase", "like", "dislike", "rating", "return")
WANTED_KINDS = ("cart", "purchase", "like")
LIKED_STARS = 4.0


class Weighed(NamedTuple):
    """How sure some events make us, a row a shopper and product, ordered by both.

    ``users`` and ``products`` int [n]; ``confidences`` float32 [n], never 0, negative for a
    dislike; ``last`` float64 [n], seconds since 1970 of the last event of each.
    """

    users: Rows
    products: Rows
    confidences: npt.NDArray[np.float32]
    last: Moments


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Events one a row, oldest first; those that say nothing are left out.

    Attributes:
        users: int [n], rows of ``user_ids``.
        products: int [n], rows of ``product_ids``.
        kinds: int8 [n], places in :data:`catalog.interaction.KINDS`.
        at: float64 [n], seconds since 1970.
        stars: float32 [n], of ratings; 0 elsewhere.
        verified: bool [n].
        helpful: int64 [n], helpful votes.
        user_ids: Sorted.
        product_ids: Sorted, or as they were given.
    """

    users: Rows
    products: Rows
    kinds: npt.NDArray[np.int8]
    at: Moments
    stars: npt.NDArray[np.float32]
    verified: Flags
    helpful: npt.NDArray[np.int64]
    user_ids: tuple[str, ...]
    product_ids: tuple[str, ...]

    @classmethod
    def of(
        cls, events: Iterable[Interaction], product_ids: Sequence[str] | None = None
    ) -> "EventColumns":
        """Reads events that come oldest first.

        Args:
            events: Searches, impressions and ratings without stars are passed over.
            product_ids: The products to number, all others are passed over; None: those that
                stand in the events, sorted.
        """
        shoppers: dict[str, int] = {}
        places = {} if product_ids is None else {name: row for row, name in enumerate(product_ids)}
        rows: list[tuple[int, int, int, float, float, bool, int]] = []
        blocks: list[npt.NDArray[np.void]] = []
        for event in events:
            if not _tells(event) or (product_ids is not None and event.product_id not in places):
                continue
            rows.append(
                (
                    shoppers.setdefault(event.user_id, len(shoppers)),
                    places.setdefault(event.product_id, len(places)),
                    CODES[event.kind],
                    event.at.timestamp(),
                    event.value or 0.0,
                    event.verified,
                    event.helpful_votes,
                )
            )
            if len(rows) == _BLOCK:
                blocks.append(np.array(rows, _ROW))
                rows = []
        table = np.concatenate([*blocks, np.array(rows, _ROW)])
        return _columns(table, list(shoppers), list(places), is_given=product_ids is not None)

    @property
    def taken(self) -> Flags:
        """Whether each event took the product: cart, purchase, like, four stars or more."""
        wanted = np.isin(self.kinds, [CODES[kind] for kind in WANTED_KINDS])
        loved = (self.kinds == CODES["rating"]) & (self.stars >= LIKED_STARS)
        return np.asarray(wanted | loved, np.bool_)

    def weighed(
        self,
        known: Flags | None = None,
        rules: ConfidenceRules = DEFAULT_RULES,
        *,
        now: float | None = None,
    ) -> Weighed:
        """Weighs events as :class:`catalog.confidence.Confidence` does, all pairs at once.

        Args:
            known: bool [n], the events to weigh; None: all.
            rules: What weighs how much.
            now: Seconds since 1970, the day to judge from. None: each shopper is judged from
                the day of their own last known event, as a shopper is who is here and now.
        """
        rows = np.arange(len(self.at)) if known is None else np.flatnonzero(known)
        if not len(rows):
            none = np.zeros(0, np.intp)
            return Weighed(none, none, np.zeros(0, np.float32), np.zeros(0))
        width = max(len(self.product_ids), 1)
        keys = self.users[rows].astype(np.int64) * width + self.products[rows]
        pairs, place = np.unique(keys, return_inverse=True)
        at = self.at[rows]
        judged = self._last_of_each(rows) if now is None else np.full(len(rows), now)
        values = self._at(rows, place, len(pairs)).confidences(weights(at, judged, rules), rules)
        last = np.full(len(pairs), -np.inf)
        np.maximum.at(last, place, at)
        day = np.full(len(pairs), -np.inf)
        np.maximum.at(day, place, judged)
        values *= boosts(last, day, rules)
        told = values != 0.0
        return Weighed(
            (pairs[told] // width).astype(np.intp),
            (pairs[told] % width).astype(np.intp),
            values[told].astype(np.float32),
            last[told],
        )

    def _at(self, rows: Rows, pairs: Rows, count: int) -> PairEvents:
        return PairEvents(
            pairs=pairs,
            count=count,
            kinds=self.kinds[rows],
            stars=self.stars[rows],
            verified=self.verified[rows],
            helpful=self.helpful[rows],
        )

    def _last_of_each(self, rows: Rows) -> Moments:
        """Returns the moment of the last of these events by the same shopper, for each."""
        last = np.full(len(self.user_ids), -np.inf)
        np.maximum.at(last, self.users[rows], self.at[rows])
        return np.asarray(last[self.users[rows]], np.float64)


def moment(seconds: float) -> datetime:
    """Returns a moment as :class:`~catalog.confidence.Confidence` takes it."""
    return datetime.fromtimestamp(seconds, UTC)


_BLOCK = 100_000
_ROW = np.dtype(
    [
        ("user", np.int32),
        ("product", np.int32),
        ("kind", np.int8),
        ("at", np.float64),
        ("stars", np.float32),
        ("verified", np.bool_),
        ("helpful", np.int64),
    ]
)


def _tells(event: Interaction) -> bool:
    is_empty = event.kind == "rating" and event.value is None
    return bool(event.product_id) and event.kind in TELLING_KINDS and not is_empty


def _columns(
    table: npt.NDArray[np.void], shoppers: list[str], products: list[str], *, is_given: bool
) -> EventColumns:
    users, user_rows = _sorted(shoppers)
    names, product_rows = (products, np.arange(len(products))) if is_given else _sorted(products)
    return EventColumns(
        users=user_rows[table["user"]],
        products=product_rows[table["product"]],
        kinds=table["kind"].copy(),
        at=table["at"].copy(),
        stars=table["stars"].copy(),
        verified=table["verified"].copy(),
        helpful=table["helpful"].copy(),
        user_ids=tuple(users),
        product_ids=tuple(names),
    )


def _sorted(names: list[str]) -> tuple[list[str], Rows]:
    """Returns names in order, and the new place of each old one."""
    order = sorted(range(len(names)), key=names.__getitem__)
    rows = np.empty(len(names), np.intp)
    rows[order] = np.arange(len(names))
    return [names[place] for place in order], rows
