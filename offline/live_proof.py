"""Does to a shop what a day does to it, and checks what searches show meanwhile."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from offline.live_searcher import Searcher
from offline.live_shop import Filter, Json, Shop
from offline.progress import say

WITHIN_S = 10.0
"""What must become visible does so within this many seconds, or the proof fails."""
FRESH_S = 1.0
"""The promise: a change is in the answers of every replica within a second."""
SWAP_S = 120.0
_LOOKS = 8  # answers in a row that must agree: replicas are drawn at random
_ASKED = 500
_SET = ("seq", "added_seq", "image_state", "image_url", "in_stock")


@dataclass(slots=True)
class Proof:
    """One run.

    Attributes:
        shop: The shop that it is done to.
        searcher: Who searches it meanwhile.
        before: All products as they were at the start, by id.
        lines: What was done and what was seen, for the table.
        wrong: What did not hold; empty is what is hoped for.
    """

    shop: Shop
    searcher: Searcher
    before: Mapping[str, Json]
    lines: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def saw(self, what: str, figure: str) -> None:
        """Writes down one line of the table."""
        self.lines.append((what, figure))
        say(f"{what}: {figure}")

    def check(self, holds: bool, otherwise: str) -> None:
        """Writes down what does not hold."""
        if not holds:
            self.wrong.append(otherwise)
            say(f"WRONG: {otherwise}")

    def give_prices(self, ids: Sequence[str], price: int) -> None:
        """Gives products a price, and waits until each batch is found by it."""
        currency = next((p["currency"] for p in self.before.values() if p["currency"]), "EUR")
        told = {"price_minor": price, "currency": currency}
        delays = []
        self.searcher.forget_prices()
        for part in _batches(ids):
            self.shop.upsert([writable(self.before[name]) | told for name in part])
            by_price: Filter = {"field": "price_minor", "in": [price]}
            delays.append(self._becomes(_and(part, by_price), len(part)))
        self.searcher.expect_price(dict.fromkeys(ids, price), within_s=FRESH_S)
        self._tell(f"{len(ids)} products priced {price}", delays)
        shown = {p["id"]: p["price_minor"] for part in _batches(ids) for p in self._listed(part)}
        self.check(set(shown) == set(ids), "a product with a price is missing from the listing")
        self.check(set(shown.values()) == {price}, "a listing shows an old price")

    def delete(self, ids: Sequence[str]) -> None:
        """Deletes products, and waits until the listings have lost them."""
        began = time.monotonic()
        for name in ids:
            self.shop.delete(name)
            self.searcher.expect_gone(name)
        self.saw(f"{len(ids)} products deleted one by one", f"{time.monotonic() - began:.1f} s")
        delays = [self._becomes(_and(part), 0) for part in _batches(ids)]
        self._tell(f"{len(ids)} deletions out of the listings", delays)
        self.check(not any(map(self.shop.exists, ids[:50])), "a deleted product can be read")
        for name in ids[:: max(1, len(ids) // 40)]:
            found = self.shop.search(text=self.before[name]["title"], page_size=100)
            there = {hit["product"]["id"] for hit in found["hits"]}
            self.check(name not in there, f"{name} is found by its title after its deletion")

    def put_back(self, ids: Sequence[str]) -> None:
        """Writes products as they were at the start, and waits until they are listed again."""
        delays = []
        self.searcher.forget_prices()
        self.searcher.expect_back(ids)
        for part in _batches(ids):
            self.shop.upsert([writable(self.before[name]) for name in part])
            delays.append(self._becomes(_and(part), len(part)))
        self._tell(f"{len(ids)} products put back", delays)

    def page_through(self, prices: Mapping[str, int | None]) -> None:
        """Pages through everything: each product once, as at the start but for some prices."""
        began = time.monotonic()
        found = self.shop.everything()
        seconds = time.monotonic() - began
        self.saw(f"{len(found)} products paged through", f"{seconds:.1f} s")
        lost, new = self.before.keys() - found.keys(), found.keys() - self.before.keys()
        self.check(not lost, f"{len(lost)} products are no longer listed, such as {_some(lost)}")
        self.check(not new, f"{len(new)} products came out of nowhere, such as {_some(new)}")
        for name in found.keys() & self.before.keys():
            wanted = writable(self.before[name])
            if name in prices:
                wanted |= {"price_minor": prices[name]}
            shown = writable(found[name])
            differs = [key for key in wanted if key != "currency" and shown[key] != wanted[key]]
            self.check(not differs, f"{name} differs in {', '.join(differs)}")

    def swapped(self, release: str, generations: Mapping[str, str]) -> None:
        """Waits until the answers name a release, and each stage its generation of it."""

        def is_so() -> bool:
            answer = self.shop.search(text="shirt", page_size=1)
            served = {kind: each["generation"] for kind, each in answer["generations"].items()}
            wanted = {kind: generations.get(kind) for kind in served}
            return bool(answer["release"] == release and served == wanted)

        seconds = self.becomes(f"release {release} in all answers", is_so, within_s=SWAP_S)
        self.saw(f"release {release} in all answers", f"after {seconds:.1f} s")

    def _listed(self, ids: Sequence[str]) -> list[Json]:
        return self.shop.listing(_and(ids))

    def _becomes(self, condition: Filter, count: int) -> float:
        return self.becomes(f"a listing of {count}", partial(_counts, self.shop, condition, count))

    def becomes(self, what: str, is_so: Callable[[], bool], *, within_s: float = WITHIN_S) -> float:
        """Waits until something is so in several answers in a row; returns seconds until then."""
        began = since = time.monotonic()
        in_a_row = 0
        while in_a_row < _LOOKS:
            asked = time.monotonic()
            if is_so():
                since = since if in_a_row else asked
                in_a_row += 1
            elif asked - began > within_s:
                self.check(False, f"{what} did not become true within {within_s:g} s")
                return asked - began
            else:
                in_a_row = 0
        return since - began

    def _tell(self, what: str, delays: Sequence[float]) -> None:
        median, most = float(np.median(delays)), max(delays)
        self.saw(what, f"listed after {median:.2f} s a batch, {most:.2f} s at most")


def writable(product: Json) -> Json:
    """A product as it may be written again, and compared."""
    return {key: value for key, value in product.items() if key not in _SET}


def _counts(shop: Shop, condition: Filter, count: int) -> bool:
    return shop.count(condition) == count


def _and(ids: Sequence[str], *more: Filter) -> Filter:
    by_id: Filter = {"field": "id", "in": list(ids)}
    return {"and": [by_id, *more]} if more else by_id


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _ASKED):
        yield ids[start : start + _ASKED]


def _some(names: Set[str]) -> str:
    return ", ".join(sorted(names)[:3])
