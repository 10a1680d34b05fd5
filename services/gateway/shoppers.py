"""Shows some shoppers of the drawn catalogue, so that a visitor can look through their eyes."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.interaction import Interaction
from catalog.product import Product

KEPT_S = 60.0
_SHOWN = 3  # kinds and colours of a shopper


@dataclass(frozen=True, slots=True)
class Shopper:
    """A shopper with the kinds and colours that they bought most, the first most often."""

    user_id: str
    purchases: int
    kinds: Sequence[str]
    colours: Sequence[str]


class Purchases(Protocol):
    """The catalogue store, as far as shoppers need it. The calls block."""

    def interactions(self, *, kinds: Sequence[str] = ()) -> Iterable[Interaction]:
        """The events of some kinds."""
        ...

    def get_many(self, ids: Sequence[str]) -> Mapping[str, Product]:
        """The products that exist."""
        ...


class DemoShoppers:
    """Those who bought most, read from the catalogue once a minute at most.

    Args:
        source: The catalogue.
        most: How many are known.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        source: Purchases,
        *,
        most: int = 200,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._most = most
        self._clock = clock
        self._read: asyncio.Task[Sequence[Shopper]] | None = None
        self._read_at = 0.0

    def forget(self, user_id: str) -> None:
        """Shows a shopper no more; other processes follow within a minute."""
        del user_id  # the store does not know them any longer
        self._read = None

    async def sample(self, limit: int) -> Sequence[Shopper]:
        """At most ``limit`` shoppers, by the number of purchases, then by id."""
        now = self._clock()
        is_over = self._read is not None and self._read.done()
        is_old = now - self._read_at > KEPT_S
        if self._read is None or (is_over and (is_old or self._read.exception())):
            self._read, self._read_at = asyncio.create_task(asyncio.to_thread(self._find)), now
        return (await asyncio.shield(self._read))[:limit]

    def _find(self) -> Sequence[Shopper]:
        bought: dict[str, Counter[str]] = defaultdict(Counter)
        for event in self._source.interactions(kinds=("purchase",)):
            bought[event.user_id][event.product_id] += 1
        ranked = sorted(bought.items(), key=lambda item: (-item[1].total(), item[0]))[: self._most]
        wanted = sorted({name for _, products in ranked for name in products})
        found = self._source.get_many(wanted)
        return [_shopper(user_id, products, found) for user_id, products in ranked]


def _shopper(user_id: str, bought: Counter[str], found: Mapping[str, Product]) -> Shopper:
    kinds: Counter[str] = Counter()
    colours: Counter[str] = Counter()
    for name, times in sorted(bought.items()):
        if name in found:
            kinds[found[name].kind] += times
            colours[found[name].colour] += times
    return Shopper(user_id, bought.total(), _most(kinds), _most(colours))


def _most(counts: Counter[str]) -> list[str]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [name for name, _ in ranked if name][:_SHOWN]
