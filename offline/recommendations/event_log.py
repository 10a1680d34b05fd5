"""Holds what users did with products, in the order in which they did it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from offline.models.contract import Floats, ProductSide, Rows, Training

Flags = npt.NDArray[np.bool_]
Moments = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Entries:
    """What came of some events: how sure they make us, a row a user and product.

    ``confidences`` float32 [n], never 0, negative for a dislike; ``last`` float64 [n], seconds
    since 1970 of the last event of each, None where nobody knows when anything happened.
    """

    users: Rows
    products: Rows
    confidences: Floats
    last: Moments | None = None


Weigh = Callable[[Flags, float | None], Entries]
"""Given which events of a log are known [n], what they come to on a day, in seconds since 1970;
None: on the day of each user's own last known event."""


@dataclass(frozen=True, slots=True)
class EventLog:
    """Events in the order of time, one a row.

    Attributes:
        users: int [n], rows of ``user_ids``.
        products: int [n], rows of ``product_ids``.
        at: float64 [n], never falling: seconds since 1970, or plain numbers where nothing is
            known but the order (which the order of one user is enough for).
        taken: bool [n], whether the user took the product by this event.
        user_ids: Names of the users.
        product_ids: Names of the products, those that nobody ever met among them.
        weigh: What some of the events come to.
        side: What is known of the products themselves.
    """

    users: Rows
    products: Rows
    at: Moments
    taken: Flags
    user_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    weigh: Weigh
    side: ProductSide | None = None

    def __post_init__(self) -> None:
        if np.any(np.diff(self.at) < 0):
            raise ValueError("events come in the order of time")

    @property
    def pairs(self) -> npt.NDArray[np.int64]:
        """One number for each user and product, int64 [n]."""
        return self.users.astype(np.int64) * len(self.product_ids) + self.products

    def training(self, known: Flags, *, now: float | None = None) -> Training:
        """Returns what a model may learn from, where only some events are known.

        Args:
            known: bool [n].
            now: The day to judge from, seconds since 1970; None: each user is judged from the
                day of their own last known event.
        """
        entries = self.weigh(known, now)
        order = np.lexsort((entries.products, entries.users))
        shape = (len(self.user_ids), len(self.product_ids))
        matrix = sparse.csr_matrix(
            (entries.confidences[order], (entries.users[order], entries.products[order])), shape
        )
        last = None if entries.last is None else entries.last[order]
        return Training(matrix, last, self.side)

    def part(self, users: Rows, products: Rows) -> "EventLog":
        """Returns the events of some users with some products, numbered anew in these orders."""
        user_rows = _places(users, len(self.user_ids))
        product_rows = _places(products, len(self.product_ids))
        chosen = (user_rows[self.users] >= 0) & (product_rows[self.products] >= 0)

        def weigh(known: Flags, now: float | None) -> Entries:
            whole = np.zeros(len(chosen), bool)
            whole[np.flatnonzero(chosen)[known]] = True
            found = self.weigh(whole, now)
            return replace(
                found, users=user_rows[found.users], products=product_rows[found.products]
            )

        return EventLog(
            users=user_rows[self.users[chosen]],
            products=product_rows[self.products[chosen]],
            at=self.at[chosen],
            taken=self.taken[chosen],
            user_ids=tuple(self.user_ids[row] for row in users),
            product_ids=tuple(self.product_ids[row] for row in products),
            weigh=weigh,
            side=None if self.side is None else _side(self.side, products),
        )


def sequences(users: Rows, products: Rows, *, user_count: int, product_count: int) -> EventLog:
    """Returns a log of bare pairs, each user's in the order of time and each worth 1.

    Args:
        users: int [n], from 0.
        products: int [n], from 0.
        user_count: More than any of ``users``.
        product_count: More than any of ``products``.
    """
    _, first = np.unique(users.astype(np.int64) * product_count + products, return_index=True)
    kept = np.sort(first)
    chosen_users, chosen_products = users[kept], products[kept]

    def weigh(known: Flags, now: float | None) -> Entries:
        count = int(np.count_nonzero(known))
        return Entries(chosen_users[known], chosen_products[known], np.ones(count, np.float32))

    return EventLog(
        users=chosen_users,
        products=chosen_products,
        at=np.arange(len(kept), dtype=np.float64),
        taken=np.ones(len(kept), bool),
        user_ids=tuple(map(str, range(user_count))),
        product_ids=tuple(map(str, range(product_count))),
        weigh=weigh,
    )


def _places(rows: Rows, count: int) -> Rows:
    places = np.full(count, -1, np.intp)
    places[rows] = np.arange(len(rows))
    return places


def _side(side: ProductSide, products: Rows) -> ProductSide:
    return ProductSide(
        side.vectors[products], side.words[products], side.kinds[products], side.styles[products]
    )
