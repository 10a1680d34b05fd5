"""Reads the winners' documents, and keeps them while the catalogue stands still."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from catalog.product import Product

CAPACITY = 20_000


class ProductSource(Protocol):
    """The catalogue store, as far as a search needs it."""

    def get_many(self, ids: Sequence[str]) -> Mapping[str, Product]:
        """The products that exist. May block."""
        ...

    def changes_token(self) -> object:
        """Something that differs as soon as a product changed. May block."""
        ...


class DocumentCache:
    """Products by id, valid while the token of the catalogue stays the same.

    Products that do not exist are remembered too, so that a list of deleted winners costs one
    read.
    """

    def __init__(self, source: ProductSource, *, capacity: int = CAPACITY) -> None:
        self._source = source
        self._capacity = capacity
        self._token: object = None
        self._kept: dict[str, Product | None] = {}

    async def read(self, product_ids: Sequence[str]) -> dict[str, Product]:
        """The products that exist, by id."""
        token, kept = self._token, self._kept
        known = {name: kept[name] for name in product_ids if name in kept}
        missing = [name for name in product_ids if name not in known]
        # A database of another machine is asked for the token too: never on the event loop.
        now, fetched = await asyncio.to_thread(self._look, product_ids, missing, token)
        if now == token:
            fetched = known | fetched
        self._keep(token, now, fetched)
        return {name: product for name, product in fetched.items() if product is not None}

    def _look(
        self, product_ids: Sequence[str], missing: Sequence[str], token: object
    ) -> tuple[object, dict[str, Product | None]]:
        """The token, read first, and what is missing; all of it if the catalogue changed."""
        now = self._source.changes_token()
        wanted = missing if now == token else product_ids
        found = self._source.get_many(wanted) if wanted else {}
        return now, {name: found.get(name) for name in wanted}

    def _keep(self, token: object, now: object, documents: Mapping[str, Product | None]) -> None:
        """Keeps what was read; of two that read at the same time, the later may not know better."""
        if self._token not in (token, now):
            return
        if self._token != now:
            self._token, self._kept = now, {}
        kept = self._kept
        kept.update(documents)
        for name in list(kept)[: max(0, len(kept) - self._capacity)]:
            del kept[name]
