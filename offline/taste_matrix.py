"""Turns what shoppers did into the matrix of confidences that a factorisation learns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy import sparse

from catalog.confidence import DEFAULT_RULES, ConfidenceRules
from catalog.interaction import Interaction
from offline.event_columns import TELLING_KINDS, EventColumns, Weighed, moment
from offline.pair_tallies import Moments, Rows

__all__ = ["TELLING_KINDS", "HeldOut", "TasteMatrix", "hold_out", "taste_matrix"]

Scan = Callable[[], Iterable[Interaction]]


@dataclass(frozen=True, slots=True)
class TasteMatrix:
    """Confidences of shoppers in products.

    ``confidences`` is CSR float32 [len(user_ids), len(product_ids)], negative for dislikes; the
    ids stand in sorted order, so equal events give equal matrices. ``last`` float64 holds the
    seconds since 1970 of the last event of each entry, in the order of ``confidences.data``.
    """

    user_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    confidences: sparse.csr_matrix
    last: Moments


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What shoppers took after a moment, for products they had nothing to do with before it.

    ``before`` is made of the events up to the moment ``cut``; ``taken`` names what each shopper
    of ``before`` put in the cart, bought, liked or rated with 4 stars or more afterwards.
    """

    cut: datetime
    before: TasteMatrix
    taken: dict[str, set[str]]


def taste_matrix(
    events: Iterable[Interaction], *, minimum: int, rules: ConfidenceRules = DEFAULT_RULES
) -> TasteMatrix:
    """Builds the matrix of the events, which come oldest first.

    Each shopper is judged from the day of their own last event.

    Args:
        events: Of :data:`TELLING_KINDS`; others say nothing.
        minimum: Shoppers with fewer products, and products with fewer shoppers, are left out,
            again and again until none is.
        rules: What weighs how much.
    """
    columns = EventColumns.of(events)
    return _matrix(columns, columns.weighed(rules=rules), minimum)


def hold_out(
    scan: Scan, *, share: float, minimum: int, rules: ConfidenceRules = DEFAULT_RULES
) -> HeldOut | None:
    """Splits the events in time: the last ``share`` of the time that they span is held out.

    Args:
        scan: Returns all events, oldest first, each time it is called.
        share: Between 0 and 1.
        minimum: As for :func:`taste_matrix`.
        rules: As for :func:`taste_matrix`.

    Returns:
        None where nothing was learnt before the moment or nothing taken after it.
    """
    columns = EventColumns.of(scan())
    if not len(columns.at):
        return None
    cut = columns.at[0] + (columns.at[-1] - columns.at[0]) * (1.0 - share)
    known = columns.at <= cut
    before = _matrix(columns, columns.weighed(known, rules), minimum)
    width = len(columns.product_ids)
    pairs = columns.users.astype(np.int64) * width + columns.products
    wanted = np.unique(pairs[~known & columns.taken])
    shoppers, products = set(before.user_ids), set(before.product_ids)
    taken: dict[str, set[str]] = {}
    for pair in wanted[~np.isin(wanted, pairs[known])].tolist():
        user_id, product_id = columns.user_ids[pair // width], columns.product_ids[pair % width]
        if user_id in shoppers and product_id in products:
            taken.setdefault(user_id, set()).add(product_id)
    return HeldOut(moment(cut), before, taken) if taken else None


def _matrix(columns: EventColumns, weighed: Weighed, minimum: int) -> TasteMatrix:
    shape = (len(columns.user_ids), len(columns.product_ids))
    # Entries count from 1, so that none is lost on the way through the core.
    places = np.arange(1, len(weighed.users) + 1)
    whole = sparse.csr_matrix((places, (weighed.users, weighed.products)), shape=shape)
    users, products = _core(whole, minimum)
    kept = whole[users][:, products].tocsr()
    kept.sort_indices()
    order = kept.data - 1
    values = (weighed.confidences[order], kept.indices, kept.indptr)
    return TasteMatrix(
        tuple(columns.user_ids[row] for row in users),
        tuple(columns.product_ids[row] for row in products),
        sparse.csr_matrix(values, shape=kept.shape),
        weighed.last[order],
    )


def _core(matrix: sparse.csr_matrix, minimum: int) -> tuple[Rows, Rows]:
    """Returns the rows and columns that keep ``minimum`` entries each, and one, to the end."""
    users, products = np.arange(matrix.shape[0]), np.arange(matrix.shape[1])
    least = max(minimum, 1)
    while True:
        part = matrix[users][:, products]
        enough_users = part.getnnz(axis=1) >= least
        enough_products = part.getnnz(axis=0) >= least
        if enough_users.all() and enough_products.all():
            return users, products
        users, products = users[enough_users], products[enough_products]
