"""Holds out what users took, so that no model can have learned from it."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from offline.models.contract import Rows, Training
from offline.recommendations.event_log import EventLog, Flags
from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class Split:
    """What is learned from, and what is asked afterwards.

    What a user had to do with in the training is no candidate for that user.

    Attributes:
        name: Such as ``"leave-last-out"``.
        training: All that a recipe is given.
        users: int [m], rows of the training: those who are asked for.
        relevant: CSR bool [m, products], what each of them took; never empty in a row, never in
            the user's training, always among the candidates.
        candidates: bool [products], what may be proposed at all.
        negatives: int [m, c], given products that alone stand against the one relevant product
            of a row; None where nothing but the full ranking is asked.
        told: How it was split, one sentence.
    """

    name: str
    training: Training
    users: Rows
    relevant: sparse.csr_matrix
    candidates: Flags
    negatives: Rows | None = None
    told: str = ""


def last_k(log: EventLog, *, count: int) -> Split:
    """Holds out, for each user, the last ``count`` products that were new to the user and taken.

    Products are ordered by the user's first event with each. The user's time ends at the first
    event with the earliest held-out product: nothing that came later is learned from. What other
    users did later is, which flatters every model alike; :func:`global_time` does not allow it.
    Users who took fewer products are learned from and not asked for.

    Raises:
        SetupError: Nobody took as many.
    """
    pairs, first = np.unique(log.pairs, return_index=True)
    taken = np.isin(pairs, log.pairs[log.taken])
    first, pairs = first[taken], pairs[taken]
    order = np.argsort(first, kind="stable")
    first, users = first[order], (pairs[order] // len(log.product_ids)).astype(np.intp)
    ends = np.full(len(log.user_ids), len(log.users), np.intp)
    by_user = np.argsort(users, kind="stable")
    counts = np.bincount(users, minlength=len(log.user_ids))
    starts = np.cumsum(counts) - counts
    asked = np.flatnonzero(counts >= count)
    ends[asked] = first[by_user[starts[asked] + counts[asked] - count]]
    known = np.arange(len(log.users)) < ends[log.users]
    name = "leave-last-out" if count == 1 else f"last-{count}"
    told = f"each user's last {count} new products that were taken, and all that came after"
    return _held_out(log, known, asked=asked, name=name, told=told)


def leave_last_out(log: EventLog) -> Split:
    """Holds out the last product that was new to each user and taken; see :func:`last_k`."""
    return last_k(log, count=1)


def global_time(log: EventLog, *, share: float) -> Split:
    """Holds out the last part of the time that the events span, for everybody at one moment.

    What is learned from is judged from that moment, as it would have been on that day.

    Args:
        log: Its moments are seconds.
        share: Of the span, between 0 and 1.

    Raises:
        SetupError: Nothing was taken in that time.
    """
    if not 0 < share < 1:
        raise SetupError("the share of the time that is held out lies between 0 and 1")
    if not len(log.at):
        raise SetupError("there are no events")
    cut = float(log.at[0] + (log.at[-1] - log.at[0]) * (1.0 - share))
    everybody = np.arange(len(log.user_ids))
    told = f"what was taken in the last {share:.0%} of the time, new to the user"
    return _held_out(log, log.at <= cut, asked=everybody, name="global-time", told=told, now=cut)


def cold_items(log: EventLog, *, share: float, seed: int = 0) -> Split:
    """Hides a share of the products from the training; they alone are the candidates.

    All variants of a style are hidden together, where styles are known: a model that knows the
    twin would not be tested.

    Args:
        log: What was done.
        share: Of the products, or styles, between 0 and 1.
        seed: Another one hides others.

    Raises:
        SetupError: Nobody took one of them.
    """
    if not 0 < share < 1:
        raise SetupError("the share of the products that are hidden lies between 0 and 1")
    count = len(log.product_ids)
    groups = np.arange(count) if log.side is None else log.side.styles
    names = np.unique(groups)
    drawn = np.random.default_rng(seed).permutation(names)[: max(round(share * len(names)), 1)]
    hidden = np.isin(groups, drawn)
    everybody = np.arange(len(log.user_ids))
    told = f"{int(hidden.sum())} of {count} products without one event, ranked among themselves"
    known = ~hidden[log.products]
    return _held_out(log, known, asked=everybody, name="cold-items", told=told, candidates=hidden)


def core(log: EventLog, *, minimum: int) -> EventLog:
    """Leaves out users with fewer products, and products with fewer users, until none is left.

    Each round counts what the last one left (the k-core of the graph, Seidman 1983).

    Raises:
        SetupError: Nothing is left.
    """
    shape = (len(log.user_ids), len(log.product_ids))
    met = sparse.csr_matrix((np.ones(len(log.users), bool), (log.users, log.products)), shape)
    users, products = np.arange(shape[0]), np.arange(shape[1])
    while len(users) and len(products):
        part = met[users][:, products]
        enough, known = part.getnnz(axis=1) >= minimum, part.getnnz(axis=0) >= minimum
        if enough.all() and known.all():
            return log.part(users, products)
        users, products = users[enough], products[known]
    raise SetupError(f"no user is left with {minimum} products of {minimum} users: ask for fewer")


def _held_out(
    log: EventLog,
    known: Flags,
    *,
    asked: Rows,
    name: str,
    told: str,
    candidates: Flags | None = None,
    now: float | None = None,
) -> Split:
    """Returns the split that knows some events; asks for what was taken by the others and new."""
    count = len(log.product_ids)
    pairs = np.unique(log.pairs[log.taken & ~known])
    pairs = pairs[~np.isin(pairs, log.pairs[known])]
    pairs = pairs[np.isin(pairs // count, asked)]
    if not len(pairs):
        raise SetupError(f"nothing can be held out by {name}: too little was taken")
    users, rows = np.unique(pairs // count, return_inverse=True)
    relevant = sparse.csr_matrix(
        (np.ones(len(pairs), bool), (rows, pairs % count)), (len(users), count)
    )
    allowed = np.ones(count, bool) if candidates is None else candidates
    return Split(
        name, log.training(known, now=now), users.astype(np.intp), relevant, allowed, told=told
    )
