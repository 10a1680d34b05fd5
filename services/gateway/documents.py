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
        """Something that differs as soon as a product changed. Takes microseconds."""
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
        token = self._source.changes_token()
        if token != self._token:
            self._token = token
            self._kept = {}
        kept = self._kept
        found = {name: kept[name] for name in product_ids if name in kept}
        if len(found) < len(product_ids):
            found |= await self._fetch([name for name in product_ids if name not in found])
        return {name: product for name, product in found.items() if product is not None}

    async def _fetch(self, product_ids: Sequence[str]) -> dict[str, Product | None]:
        kept = self._kept
        found = await asyncio.to_thread(self._source.get_many, product_ids)
        documents = {name: found.get(name) for name in product_ids}
        if kept is self._kept:  # else the catalogue changed during the read
            kept.update(documents)
            for name in list(kept)[: max(0, len(kept) - self._capacity)]:
                del kept[name]
        return documents
