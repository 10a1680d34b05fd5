"""Reads the winners' documents, and keeps them while the catalogue stands still."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from catalog.product import Product

CAPACITY = 20_000


class ProductSource(Protocol):
    """The catalogue store, as far as a search needs it. Both calls may block."""

    def get_many(self, ids: Sequence[str]) -> Mapping[str, Product]:
        """The products that exist."""
        ...

    def changes_token(self) -> object:
        """Something that differs as soon as anything in the catalogue changed."""
        ...


class DocumentCache:
    """Products by id, valid while the token of the catalogue stays the same.

    The token is asked for in a thread, at most once every ``check_every_s`` seconds: an answer
    shows a change at the latest that long after its commit. Products that do not exist are
    remembered too, so that a list of deleted winners costs one read.
    """

    def __init__(
        self,
        source: ProductSource,
        *,
        capacity: int = CAPACITY,
        check_every_s: float = 0.02,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._capacity = capacity
        self._check_every_s = check_every_s
        self._clock = clock
        self._checked_at = float("-inf")
        self._token: object = None
        self._checking: asyncio.Task[None] | None = None
        self._kept: dict[str, Product | None] = {}

    async def read(self, product_ids: Sequence[str]) -> dict[str, Product]:
        """The products that exist, by id."""
        if self._clock() - self._checked_at >= self._check_every_s:
            await self._check()
        kept = self._kept
        found = {name: kept[name] for name in product_ids if name in kept}
        if len(found) < len(product_ids):
            found |= await self._fetch([name for name in product_ids if name not in found])
        return {name: product for name, product in found.items() if product is not None}

    async def _check(self) -> None:
        """Asks for the token once, however many requests wait for it."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._compare())
        await asyncio.shield(self._checking)

    async def _compare(self) -> None:
        started = self._clock()
        token = await asyncio.to_thread(self._source.changes_token)
        if token != self._token:
            self._token = token
            self._kept = {}
        self._checked_at = started

    async def _fetch(self, product_ids: Sequence[str]) -> dict[str, Product | None]:
        kept = self._kept
        found = await asyncio.to_thread(self._source.get_many, product_ids)
        documents = {name: found.get(name) for name in product_ids}
        if kept is self._kept:  # else the catalogue changed during the read
            for name in list(kept)[: len(kept) + len(documents) - self._capacity]:
                del kept[name]
            kept.update(documents)
        return documents
