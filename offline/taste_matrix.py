"""Turns what shoppers did into the matrix of confidences that a factorisation learns."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from scipy import sparse

from catalog.confidence import Confidence
from catalog.interaction import Interaction

TELLING_KINDS = ("view", "cart", "purchase", "like", "dislike", "rating", "return")
_WANTED_KINDS = ("cart", "purchase", "like")
_LIKED_STARS = 4.0

Scan = Callable[[], Iterable[Interaction]]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TasteMatrix:
    """Confidences of shoppers in products.

    ``confidences`` is CSR float32 [len(user_ids), len(product_ids)], negative for dislikes; the
    ids stand in sorted order, so equal events give equal matrices.
    """

    user_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    confidences: sparse.csr_matrix


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What shoppers took after a moment, for products they had nothing to do with before it.

    ``before`` is made of the events up to the moment ``cut``; ``taken`` names what each shopper
    of ``before`` put in the cart, bought, liked or rated with 4 stars or more afterwards.
    """

    cut: datetime
    before: TasteMatrix
    taken: dict[str, set[str]]


def taste_matrix(events: Iterable[Interaction], *, minimum: int) -> TasteMatrix:
    """Builds the matrix of the events, which come oldest first.

    Args:
        events: Of :data:`TELLING_KINDS`; others say nothing.
        minimum: Shoppers with fewer products, and products with fewer shoppers, are left out,
            again and again until none is.
    """
    return _matrix(_tallied(events), minimum)


def hold_out(scan: Scan, *, share: float, minimum: int) -> HeldOut | None:
    """Splits the events in time: the last ``share`` of the time that they span is held out.

    Args:
        scan: Returns all events, oldest first, each time it is called.
        share: Between 0 and 1.
        minimum: As for :func:`taste_matrix`.

    Returns:
        None where nothing was learnt before the moment or nothing taken after it.
    """
    cut = _moment(scan(), share)
    if cut is None:
        return None
    tallies: dict[Pair, Confidence] = {}
    wanted: list[Pair] = []
    for event in scan():
        if event.at <= cut:
            tallies.setdefault((event.user_id, event.product_id), Confidence()).add(event)
        elif _is_taken(event):
            wanted.append((event.user_id, event.product_id))
    before = _matrix(tallies, minimum)
    taken: dict[str, set[str]] = {}
    shoppers, products = set(before.user_ids), set(before.product_ids)
    for user_id, product_id in wanted:
        is_new = (user_id, product_id) not in tallies
        if is_new and user_id in shoppers and product_id in products:
            taken.setdefault(user_id, set()).add(product_id)
    return HeldOut(cut, before, taken) if taken else None


def _moment(events: Iterable[Interaction], share: float) -> datetime | None:
    first = last = None
    for event in events:
        first, last = first or event.at, event.at
    if first is None or last is None:
        return None
    return first + (last - first) * (1.0 - share)


def _is_taken(event: Interaction) -> bool:
    if event.kind == "rating":
        return event.value is not None and event.value >= _LIKED_STARS
    return event.kind in _WANTED_KINDS


def _tallied(events: Iterable[Interaction]) -> dict[Pair, Confidence]:
    tallies: dict[Pair, Confidence] = {}
    for event in events:
        if event.product_id:
            tallies.setdefault((event.user_id, event.product_id), Confidence()).add(event)
    return tallies


def _matrix(tallies: dict[Pair, Confidence], minimum: int) -> TasteMatrix:
    triples = [(*pair, value) for pair, tally in tallies.items() if (value := tally.value)]
    users = sorted({user for user, _, _ in triples})
    products = sorted({product for _, product, _ in triples})
    user_rows = {user: row for row, user in enumerate(users)}
    product_rows = {product: row for row, product in enumerate(products)}
    size = len(triples)
    rows = np.fromiter((user_rows[user] for user, _, _ in triples), np.intp, size)
    columns = np.fromiter((product_rows[product] for _, product, _ in triples), np.intp, size)
    values = np.fromiter((value for _, _, value in triples), np.float32, size)
    whole = sparse.csr_matrix((values, (rows, columns)), shape=(len(users), len(products)))
    kept_users, kept_products = _core(whole, minimum)
    return TasteMatrix(
        tuple(_named(users, kept_users)),
        tuple(_named(products, kept_products)),
        whole[kept_users][:, kept_products].tocsr(),
    )


def _core(
    matrix: sparse.csr_matrix, minimum: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Returns the rows and columns that keep ``minimum`` entries each, to the fixed point."""
    users, products = np.arange(matrix.shape[0]), np.arange(matrix.shape[1])
    while True:
        part = matrix[users][:, products]
        enough_users = part.getnnz(axis=1) >= minimum
        enough_products = part.getnnz(axis=0) >= minimum
        if enough_users.all() and enough_products.all():
            return users, products
        users, products = users[enough_users], products[enough_products]


def _named(ids: list[str], rows: npt.NDArray[np.intp]) -> Iterator[str]:
    return (ids[row] for row in rows)
