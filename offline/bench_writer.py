"""Changes a catalogue at a steady rate, and says how each change can be seen."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace

from catalog.product import Product
from catalog.store import CatalogStore
from offline.bench_probe import Wanted

# Of ten changes: what is written how often in a shop whose day is mostly prices.
_PATTERN = (
    *("price", "price", "upsert", "price", "price"),
    *("delete", "price", "upsert", "price", "delete"),
)
_DEAREST = 50_000
_TOUCHED = 3_000


class Writer:
    """Changes a catalogue at a steady rate, from a thread, as an importer or a gateway does.

    Of the products that are there the prices of most change, and some are deleted, each once; new
    products come, with a photo that is embedded already. :meth:`restore` undoes all of it.
    """

    def __init__(self, store: CatalogStore) -> None:
        self._store = store
        chosen = touched(store)
        third = len(chosen) // 3
        self._doomed, self._products = list(chosen[:third]), chosen[third:]
        self._turns = itertools.count()
        self._mark = f"bench{time.time_ns():x}"
        self._changed: dict[str, Product] = {}
        self._made: list[str] = []
        self.acknowledged_ms: list[float] = []

    def write(self, number: int) -> Wanted:
        """Makes one change and returns how it can be seen; returns when it is acknowledged."""
        kind = _PATTERN[number % len(_PATTERN)]
        if kind == "delete" and not self._doomed:
            kind = "price"
        began = time.monotonic()
        wanted = self._change(kind, number)
        self.acknowledged_ms.append((time.monotonic() - began) * 1000)
        return wanted

    def restore(self) -> None:
        """Puts back what was changed and deletes what was made."""
        if self._made:
            self._store.delete(self._made)
        self._store.upsert(list(self._changed.values()))

    def _change(self, kind: str, number: int) -> Wanted:
        if kind == "delete":
            doomed = self._doomed.pop()
            self._changed[doomed.id] = doomed
            self._store.delete([doomed.id])
            return Wanted(kind, doomed.id)
        product = self._products[next(self._turns) % len(self._products)]
        price = 1 + (number * 7_919 + (product.price_minor or 0)) % _DEAREST
        if kind == "price":
            self._changed.setdefault(product.id, product)
            self._store.upsert([replace(product, price_minor=price, currency="EUR")])
            return Wanted(kind, product.id, price)
        made = f"{self._mark}-{number}"
        words = f"{product.title} {made}"
        fresh = replace(
            product, id=made, style_id=made, title=words, price_minor=price, currency="EUR"
        )
        self._store.upsert([fresh])
        self._made.append(made)
        return Wanted(kind, made, price, words)


def touched(store: CatalogStore) -> Sequence[Product]:
    """Returns about three thousand products with photos, spread over the catalogue."""
    step = max(1, store.count() // _TOUCHED)
    return [
        product
        for place, product in enumerate(store.scan())
        if product.images and place % step == 0
    ]
