"""Holds what shoppers did in columns, and weighs it by the rules of confidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from catalog.confidence import DAY_S, DEFAULT_RULES, YEAR_DAYS, ConfidenceRules
from catalog.interaction import KINDS, Interaction

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Moments = npt.NDArray[np.float64]

TELLING_KINDS = ("view", "cart", "purchase", "like", "dislike", "rating", "return")
WANTED_KINDS = ("cart", "purchase", "like")
LIKED_STARS = 4.0
_CODES = {kind: code for code, kind in enumerate(KINDS)}
_VERDICTS = ("like", "dislike", "return", "rating")


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
                    _CODES[event.kind],
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
        wanted = np.isin(self.kinds, [_CODES[kind] for kind in WANTED_KINDS])
        loved = (self.kinds == _CODES["rating"]) & (self.stars >= LIKED_STARS)
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
            now: Seconds since 1970, the day to judge from; None: that of the last known event.
        """
        rows = np.arange(len(self.at)) if known is None else np.flatnonzero(known)
        if not len(rows):
            none = np.zeros(0, np.intp)
            return Weighed(none, none, np.zeros(0, np.float32), np.zeros(0))
        width = max(len(self.product_ids), 1)
        keys = self.users[rows].astype(np.int64) * width + self.products[rows]
        pairs, place = np.unique(keys, return_inverse=True)
        faded = weights(self.at[rows], self.at[rows[-1]] if now is None else now, rules)
        values = _Pairs(self, rows, place, len(pairs)).values(faded, rules)
        last = np.full(len(pairs), -np.inf)
        np.maximum.at(last, place, self.at[rows])
        told = values != 0.0
        return Weighed(
            (pairs[told] // width).astype(np.intp),
            (pairs[told] % width).astype(np.intp),
            values[told].astype(np.float32),
            last[told],
        )


def moment(seconds: float) -> datetime:
    """Returns a moment as :class:`~catalog.confidence.Confidence` takes it."""
    return datetime.fromtimestamp(seconds, UTC)


def weights(at: Moments, now: float, rules: ConfidenceRules) -> Moments:
    """Returns :meth:`catalog.confidence.ConfidenceRules.weight` of each moment, float64 [n]."""
    ages = np.maximum((now - at) / DAY_S, 0.0)
    fresh = 2.0 ** (-ages / rules.half_life_days) if rules.half_life_days else np.ones(len(ages))
    ahead = ages + rules.season_ahead_days
    away = (ahead - np.maximum(np.rint(ahead / YEAR_DAYS), 1.0) * YEAR_DAYS) / rules.season_days
    kept = np.maximum(fresh, rules.season_echo * np.exp(-0.5 * away * away))
    return np.asarray(rules.remembered + (1.0 - rules.remembered) * kept, np.float64)


class _Pairs:
    """The events of each shopper with each product."""

    def __init__(self, events: EventColumns, rows: Rows, place: Rows, count: int) -> None:
        self._events = events
        self._rows = rows
        self._place = place
        self._count = count
        self._kinds = events.kinds[rows]

    def values(self, faded: Moments, rules: ConfidenceRules) -> Moments:
        """Returns the confidence of each pair, float64 [count]."""
        views = self._sum("view", faded)
        if rules.view_saturation:
            views = np.log1p(rules.view_saturation * views) / np.log1p(rules.view_saturation)
        behaved = rules.view * views + rules.cart * self._sum("cart", faded)
        behaved += rules.purchase * self._sum("purchase", faded)
        judging = np.flatnonzero(np.isin(self._kinds, [_CODES[kind] for kind in _VERDICTS]))
        last = np.full(self._count, -1)
        np.maximum.at(last, self._place[judging], judging)
        judged = np.flatnonzero(last >= 0)
        verdict = self._kinds[last[judged]]
        whole = self._of_ratings(rules)[judged]
        whole[verdict == _CODES["like"]] = rules.like
        whole[verdict == _CODES["dislike"]] = -rules.dislike
        whole[verdict == _CODES["return"]] = -rules.sent_back
        found = np.minimum(behaved, rules.ceiling)
        found[judged] = np.clip(whole, -rules.ceiling, rules.ceiling) * faded[last[judged]]
        return found

    def _sum(self, kind: str, values: Moments) -> Moments:
        chosen = self._kinds == _CODES[kind]
        summed = np.bincount(self._place[chosen], values[chosen], self._count)
        return np.asarray(summed, np.float64)

    def _of_ratings(self, rules: ConfidenceRules) -> Moments:
        ones = np.ones(len(self._rows))
        number = np.maximum(self._sum("rating", ones), 1.0)
        stars = np.clip(self._events.stars[self._rows].astype(np.float64), 1.0, 5.0)
        mean = self._sum("rating", stars) / number
        helpful = self._sum("rating", self._events.helpful[self._rows].astype(np.float64))
        bought = self._sum("rating", self._events.verified[self._rows].astype(np.float64)) > 0
        weight = mean * np.where(bought, rules.verified, 1.0)
        weight *= 1.0 + rules.helpful * np.log1p(helpful)
        return np.where(mean < rules.disliked_stars, -weight, weight)


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
