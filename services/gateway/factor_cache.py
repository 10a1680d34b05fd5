"""Keeps the factors of users in Redis, and never uses any that are stale or not theirs."""

import asyncio
import random
import secrets
from collections.abc import Callable

from services.gateway.redis_keep import RedisKeep
from services.gateway.sealed import Keys, Sealed
from services.gateway.stages import Compute, UserFactors

TTL_S = 600
UNKNOWN_TTL_S = 60
NONCE_BYTES = 16


class UncachedFactors:
    """Keeps nothing: for a gateway without Redis, and for evaluation."""

    async def get(
        self, user_id: str, compute: Compute, *, fresh: bool = False
    ) -> UserFactors | None:
        """The factors, computed each time."""
        del user_id, fresh
        return await compute()


class FactorCache:
    """The factors of users, each with the nonce that held before they were computed.

    ``un:`` holds a user's nonce, ``uf:`` the factors. A value counts only while its nonce is the
    one that stands, and its generation the one in use; a missing nonce is a miss. Whoever changes
    what is known of a user sets a new nonce before and after: a slow reader then stores a value
    that no one will use. Within a process a user's factors are computed once at a time.

    Args:
        keep: Redis.
        keys: Makes the keys.
        generation: Tells the factor generation in use; empty means that any will do.
        count: Told ``hit``, ``miss`` or ``refused`` (a value that was not to be used).
    """

    def __init__(
        self,
        keep: RedisKeep,
        keys: Keys,
        *,
        generation: Callable[[], str] = str,
        count: Callable[[str], object] = str,
    ) -> None:
        self._keep = keep
        self._keys = keys
        self._generation = generation
        self._count = count
        self._flights: dict[tuple[str, bool], asyncio.Task[UserFactors | None]] = {}

    async def get(
        self, user_id: str, compute: Compute, *, fresh: bool = False
    ) -> UserFactors | None:
        """The factors of a user, computed if none are kept that may be used.

        Args:
            user_id: The user.
            compute: Computes the factors; None says that the user is unknown.
            fresh: Whether what is kept must not be used.

        Raises:
            ServiceError: What ``compute`` raises.
        """
        name = user_id, fresh
        flight = self._flights.get(name)
        if flight is None:
            flight = asyncio.create_task(self._get(user_id, compute, fresh=fresh))
            self._flights[name] = flight
            flight.add_done_callback(lambda done: self._landed(name, done))
        # One waiter that gives up must not end it for the others.
        return await asyncio.shield(flight)

    def _landed(self, name: tuple[str, bool], flight: "asyncio.Task[UserFactors | None]") -> None:
        self._flights.pop(name, None)
        if not flight.cancelled():
            flight.exception()  # seen, even where every waiter has given up

    async def changed(self, user_id: str) -> None:
        """Makes what is kept of a user useless; called before and after each change."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        await self._keep.put(self._keys.key("un", user_id.encode()), nonce, TTL_S)

    async def _get(self, user_id: str, compute: Compute, *, fresh: bool) -> UserFactors | None:
        what = user_id.encode()
        names = [self._keys.key("un", what), self._keys.key("uf", what)]
        found = await self._keep.get_many(names)
        nonce, value = found if found else (None, None)
        if nonce is not None and value is not None and not fresh:
            kept = self._usable(value, nonce, self._keys.owner(what))
            self._count("refused" if kept is None else "hit")
            if kept is not None:
                return UserFactors(kept.label, kept.data) if kept.data else None
        else:
            self._count("miss")
        if found and nonce is None:
            new = secrets.token_bytes(NONCE_BYTES)
            nonce = await self._keep.put_new(names[0], new, TTL_S)
        factors = await compute()
        if nonce is not None and len(nonce) == NONCE_BYTES:
            await self._store(names[1], what, nonce, factors)
        return factors

    def _usable(self, value: bytes, nonce: bytes, owner: bytes) -> Sealed | None:
        kept = Sealed.unpack(value, owner=owner)
        if kept is None or kept.nonce != nonce:
            return None
        in_use = self._generation()
        return kept if not in_use or kept.label == in_use else None

    async def _store(
        self, name: str, what: bytes, nonce: bytes, factors: UserFactors | None
    ) -> None:
        """Keeps the factors; that a user is unknown is kept for a minute only."""
        generation = factors.generation if factors else self._generation()
        data = factors.data if factors else b""
        value = Sealed(generation, self._keys.owner(what), nonce, data)
        # Values that were stored together must not all end together.
        ttl_s = round(TTL_S * random.uniform(0.9, 1.1)) if factors else UNKNOWN_TTL_S
        await self._keep.put(name, value.pack(), ttl_s)
