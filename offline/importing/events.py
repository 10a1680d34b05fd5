"""Names events by what they say, and chooses those of shoppers and products with enough."""

import hashlib
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from catalog.interaction import Interaction


class EventNames:
    """Makes ids of events out of what they say, so that a second import knows them again.

    A row that is written several times in a row, such as two pieces of one article in one order,
    is that many events.

    Args:
        prefix: What the ids begin with, by which an import can be taken back.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._last = b""
        self._times = 0

    def name(self, *parts: object) -> str:
        """Returns the id of the event of a row."""
        told = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
        self._times = self._times + 1 if told == self._last else 0
        self._last = told
        digest = hashlib.blake2b(told + b"\0%d" % self._times, digest_size=16).hexdigest()
        return f"{self._prefix}:{digest}"


class Verdict(IntEnum):
    """What becomes of an event."""

    DROP = 0
    KEEP = 1
    HOLD_OUT = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """Which events of an import are wanted.

    Attributes:
        user_core: Products that a shopper must have acted on at least; 0 asks nothing.
        item_core: Shoppers that a product must have at least; 0 asks nothing.
        tail: Newest events of each shopper that are kept aside for a test; 0 keeps none.
    """

    user_core: int = 0
    item_core: int = 0
    tail: int = 0

    @property
    def asks_nothing(self) -> bool:
        """Whether all events are wanted."""
        return not (self.user_core or self.item_core or self.tail)


def choose(events: Iterable[Interaction], choice: Choice) -> npt.NDArray[np.uint8]:
    """Returns a :class:`Verdict` for each event, in their order.

    The core is the largest set in which every shopper has ``user_core`` products and every product
    ``item_core`` shoppers: one pass is not enough, since each removal takes events from others.
    A shopper with ``tail`` events or fewer in the core has all of them kept and none held out.

    Args:
        events: The events; 16 bytes a piece are held in memory, and each id once.
        choice: What is wanted.
    """
    users, items, times = array("I"), array("I"), array("q")
    names: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for event in events:
        users.append(names[0].setdefault(event.user_id, len(names[0])))
        items.append(names[1].setdefault(event.product_id, len(names[1])))
        times.append(int(event.at.timestamp() * 1e6))
    user, item = np.array(users, np.uint32), np.array(items, np.uint32)
    kept = _core(user, item, choice)
    verdicts = kept.astype(np.uint8)
    if choice.tail:
        verdicts[_tail(user, np.array(times, np.int64), kept, choice.tail)] = Verdict.HOLD_OUT
    return verdicts


Chooser = Callable[[Iterable[Interaction]], npt.NDArray[np.uint8]]


def _core(
    user: npt.NDArray[np.uint32], item: npt.NDArray[np.uint32], choice: Choice
) -> npt.NDArray[np.bool_]:
    pairs, place = np.unique(user.astype(np.uint64) << 32 | item, return_inverse=True)
    pair_user, pair_item = (pairs >> 32).astype(np.int64), (pairs & 0xFFFFFFFF).astype(np.int64)
    alive = np.ones(len(pairs), np.bool_)
    while True:
        of_user = np.bincount(pair_user[alive], minlength=int(pair_user.max(initial=-1)) + 1)
        of_item = np.bincount(pair_item[alive], minlength=int(pair_item.max(initial=-1)) + 1)
        left = alive & (of_user[pair_user] >= choice.user_core)
        left &= of_item[pair_item] >= choice.item_core
        if np.array_equal(left, alive):
            found: npt.NDArray[np.bool_] = alive[place.reshape(-1)]
            return found
        alive = left


def _tail(
    user: npt.NDArray[np.uint32],
    times: npt.NDArray[np.int64],
    kept: npt.NDArray[np.bool_],
    count: int,
) -> npt.NDArray[np.int64]:
    """Returns the places of the newest events of each shopper who has more than that."""
    rows = np.flatnonzero(kept)
    # By shopper, then time; of equal times the later row is the newer one.
    rows = rows[np.lexsort((rows, times[rows], user[rows]))]
    owner = user[rows]
    ends = np.searchsorted(owner, owner, side="right")
    starts = np.searchsorted(owner, owner, side="left")
    is_tail = (np.arange(len(rows)) >= ends - count) & (ends - starts > count)
    return rows[is_tail]
