"""Keeps query vectors, so that a query that was asked before costs no encoding."""

import asyncio
from collections.abc import Callable

from services.gateway.redis_keep import RedisKeep
from services.gateway.sealed import Keys, Sealed
from services.gateway.stages import QueryKind, QueryVector

CAPACITY = 4096
TTL_S = 600
MAX_WRITES = 64
_NO_NONCE = bytes(16)
_BACKGROUND_KEPT = 0x80  # stands beside the kind, in its byte


class VectorCache:
    """Query vectors of the encoder in use: the newest in this process, and all of them in Redis.

    Which encoder is in use is learnt from the vectors that are put in. Writing to Redis holds no
    request up; where it cannot keep pace, vectors are not written.

    Args:
        keep: Redis; None keeps vectors in the process only.
        keys: Makes the keys.
        capacity: Most vectors in the process.
        count: Told ``hit``, ``miss`` or ``refused`` (a value that was not to be used).
    """

    def __init__(
        self,
        keep: RedisKeep | None,
        keys: Keys,
        *,
        capacity: int = CAPACITY,
        count: Callable[[str], object] = str,
    ) -> None:
        self._keep = keep
        self._keys = keys
        self._capacity = capacity
        self._count = count
        self._fingerprint = ""
        self._near: dict[bytes, QueryVector] = {}
        self._writes: set[asyncio.Task[None]] = set()

    async def get(self, key: bytes) -> QueryVector | None:
        """The vector of a query, or None."""
        near = self._near.pop(key, None)
        if near is not None:
            self._near[key] = near  # now the newest
            self._count("hit")
            return near
        far = await self._far(key)
        if far is not None:
            self._remember(key, far)
        return far

    def put(self, key: bytes, vector: QueryVector) -> None:
        """Keeps a vector; its encoder is the one in use from now on."""
        if vector.fingerprint != self._fingerprint:
            self._near.clear()
            self._fingerprint = vector.fingerprint
        self._remember(key, vector)
        if self._keep is not None and len(self._writes) < MAX_WRITES:
            write = asyncio.create_task(self._write(self._keep, key, vector))
            self._writes.add(write)
            write.add_done_callback(self._writes.discard)

    def refuse(self, fingerprint: str) -> None:
        """Gives up the vectors of an encoder that the index does not match."""
        if fingerprint == self._fingerprint:
            self._near.clear()
            self._fingerprint = ""

    async def settle(self) -> None:
        """Waits until what is being written to Redis has been."""
        await asyncio.gather(*self._writes)

    def _remember(self, key: bytes, vector: QueryVector) -> None:
        if vector.fingerprint != self._fingerprint:
            return
        self._near[key] = vector
        if len(self._near) > self._capacity:
            del self._near[next(iter(self._near))]

    async def _far(self, key: bytes) -> QueryVector | None:
        fingerprint = self._fingerprint
        if self._keep is None or not fingerprint:
            self._count("miss")
            return None
        found = await self._keep.get_many([self._name(fingerprint, key)])
        value = found[0] if found else None
        if value is None:
            self._count("miss")
            return None
        kept = Sealed.unpack(value, owner=self._keys.owner(key))
        number = 0 if kept is None else kept.kind & ~_BACKGROUND_KEPT
        if kept is None or kept.label != fingerprint or number not in _KINDS:
            self._count("refused")
            return None
        self._count("hit")
        is_kept = bool(kept.kind & _BACKGROUND_KEPT)
        return QueryVector(fingerprint, QueryKind(number), kept.data, is_kept)

    async def _write(self, keep: RedisKeep, key: bytes, vector: QueryVector) -> None:
        kind = vector.kind.value | (_BACKGROUND_KEPT if vector.background_kept else 0)
        value = Sealed(vector.fingerprint, self._keys.owner(key), _NO_NONCE, vector.data, kind)
        await keep.put(self._name(vector.fingerprint, key), value.pack(), TTL_S)

    def _name(self, fingerprint: str, key: bytes) -> str:
        return self._keys.key(f"qv:{fingerprint}", key)


_KINDS = frozenset(kind.value for kind in QueryKind)
