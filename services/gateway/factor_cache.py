"""Keeps the factors of users in Redis, and never uses any that are stale or not theirs."""

import asyncio
import random
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from services.gateway.redis_keep import Command, RedisKeep
from services.gateway.rounds import Rounds
from services.gateway.sealed import Keys, Sealed
from services.gateway.stages import UserFactors

TTL_S = 600
UNKNOWN_TTL_S = 60
LINGER_S = 0.1
NONCE_BYTES = 16
_Name: TypeAlias = tuple[str, str, bytes | None, str, bool]


@dataclass(frozen=True, slots=True)
class Computed:
    """Factors, None where nothing is known of a user, and the mark of the history behind them."""

    factors: UserFactors | None
    mark: str


class FactorSource(Protocol):
    """What a user's factors are made of."""

    async def mark(self) -> str:
        """A mark of the history, without a space; another one as soon as the history is another."""
        ...

    async def compute(self) -> Computed:
        """The factors of the history as it is now."""
        ...


class UncachedFactors:
    """Keeps nothing: for a gateway without Redis, and for evaluation."""

    async def get(
        self, user_id: str, source: FactorSource, *, generation: str = "", fresh: bool = False
    ) -> UserFactors | None:
        """The factors, computed each time."""
        del user_id, generation, fresh
        return (await source.compute()).factors

    async def changed(self, user_ids: Collection[str]) -> None:
        """Nothing is kept that could be stale."""

    async def forget(self, user_id: str) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look found: the nonce and the value in Redis, and the mark of the history."""

    nonce: bytes | None
    value: bytes | None
    mark: str


class FactorCache:
    """The factors of users, each with the nonce that held before their history was read.

    ``un:`` holds a user's nonce, ``uf:`` the factors. A value counts only while its nonce is the
    one that stands, its generation the one asked for, and its mark that of the history in the
    store; a missing nonce is a miss. Whoever changes what is known of a user sets a new nonce
    before and after: a slow reader then stores a value that no one will use. The mark holds even
    where Redis did not hear of a change: frozen, full, cut off, or of another secret.

    Within a process a user's factors are computed once at a time, and nobody waits for a
    computation that began before a change that he may know of.

    Args:
        keep: Redis.
        keys: Makes the keys.
        generation: Tells the factor generation in use, the only one that is kept; empty: any is.
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
        self._looks: Rounds[_Seen] = Rounds()
        self._flights: dict[_Name, asyncio.Task[UserFactors | None]] = {}

    async def get(
        self, user_id: str, source: FactorSource, *, generation: str = "", fresh: bool = False
    ) -> UserFactors | None:
        """The factors of a user, computed if none are kept that may be used.

        Args:
            user_id: The user.
            source: Computes the factors, and marks the history.
            generation: Of which they must be; empty means the one in use.
            fresh: Whether what is kept must not be used.

        Raises:
            ServiceError: What the source raises.
        """
        seen = await self._looks.ask(user_id, lambda: self._look(user_id, source))
        wanted = generation or self._generation()
        if seen.nonce is None or seen.value is None or fresh:
            self._count("miss")
        else:
            kept = self._usable(seen, self._keys.owner(user_id.encode()), wanted)
            self._count("refused" if kept is None else "hit")
            if kept is not None:
                return UserFactors(_generation(kept), kept.data) if kept.data else None
        # Who saw another nonce or mark may know of a change that a computation does not.
        name = user_id, wanted, seen.nonce, seen.mark, fresh
        flight = self._flights.get(name)
        if flight is None:
            flight = asyncio.create_task(self._computed(user_id, source, seen, wanted))
            self._flights[name] = flight
            flight.add_done_callback(lambda done: self._landed(name, done))
        # One waiter that gives up must not end it for the others.
        return await asyncio.shield(flight)

    async def changed(self, user_ids: Collection[str]) -> None:
        """Makes what is kept of users useless; called before and after each change."""
        names = [self._nonce_key(user_id) for user_id in user_ids]
        if names and await self._keep.batch([_set_nonce(name) for name in names]) is None:
            # A Redis that is full takes nothing more, but it gives away.
            await self._keep.batch([("UNLINK", *names)])

    async def forget(self, user_id: str) -> None:
        """Removes what is kept of a user; a slow reader's value will count no more either."""
        for name in [name for name in self._flights if name[0] == user_id]:
            del self._flights[name]
        nonce, value = self._nonce_key(user_id), self._keys.key("uf", user_id.encode())
        if await self._keep.batch([_set_nonce(nonce), ("UNLINK", value)]) is None:
            await self._keep.batch([("UNLINK", nonce, value)])

    async def _look(self, user_id: str, source: FactorSource) -> _Seen:
        """The nonce, made if there is none, the value, and the mark."""
        (nonce, value), mark = await asyncio.gather(self._kept(user_id), source.mark())
        return _Seen(nonce, value, mark)

    async def _kept(self, user_id: str) -> tuple[bytes | None, bytes | None]:
        names = [self._nonce_key(user_id), self._keys.key("uf", user_id.encode())]
        found = await self._keep.get_many(names)
        nonce, value = found if found else (None, None)
        if found and nonce is None:
            new = secrets.token_bytes(NONCE_BYTES)
            nonce, value = await self._keep.put_new(names[0], new, TTL_S), None
        return (nonce, value) if nonce is not None and len(nonce) == NONCE_BYTES else (None, None)

    def _usable(self, seen: _Seen, owner: bytes, generation: str) -> Sealed | None:
        kept = Sealed.unpack(seen.value or b"", owner=owner)
        if kept is None or kept.nonce != seen.nonce or kept.label.rpartition(" ")[2] != seen.mark:
            return None
        return kept if not generation or _generation(kept) == generation else None

    async def _computed(
        self, user_id: str, source: FactorSource, seen: _Seen, wanted: str
    ) -> UserFactors | None:
        computed = await source.compute()
        factors = computed.factors
        generation = factors.generation if factors else wanted
        in_use = self._generation()
        if seen.nonce is None or (in_use and generation != in_use):
            return factors
        # Nobody would use it, and of a user who was erased meanwhile nothing must be left.
        if await self._keep.get_many([self._nonce_key(user_id)]) == [seen.nonce]:
            await self._store(user_id, seen.nonce, generation, computed)
        return factors

    async def _store(self, user_id: str, nonce: bytes, generation: str, computed: Computed) -> None:
        """Keeps the factors; that a user is unknown is kept for a minute only."""
        what, factors = user_id.encode(), computed.factors
        label, data = f"{generation} {computed.mark}", factors.data if factors else b""
        value = Sealed(label, self._keys.owner(what), nonce, data)
        # Values that were stored together must not all end together.
        ttl_s = round(TTL_S * random.uniform(0.9, 1.1)) if factors else UNKNOWN_TTL_S
        await self._keep.put(self._keys.key("uf", what), value.pack(), ttl_s)

    def _nonce_key(self, user_id: str) -> str:
        return self._keys.key("un", user_id.encode())

    def _landed(self, name: _Name, flight: "asyncio.Task[UserFactors | None]") -> None:
        # An error is seen, even where every waiter has given up.
        is_good = not flight.cancelled() and flight.exception() is None
        if is_good and self._looks.is_asked(name[0]):
            # Who looks just now may have missed it, and would compute the same once more.
            asyncio.get_running_loop().call_later(LINGER_S, self._flights.pop, name, None)
        else:
            self._flights.pop(name, None)


def _set_nonce(name: str) -> Command:
    return "SET", name, secrets.token_bytes(NONCE_BYTES), "EX", TTL_S


def _generation(kept: Sealed) -> str:
    return kept.label.rpartition(" ")[0]
