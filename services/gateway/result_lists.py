"""Keeps results for the pages to come: in Redis for all gateways, or in this process."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter, ValidationError

from services.gateway.explaining import Reasons
from services.gateway.paging import TTL_S
from services.gateway.redis_keep import RedisKeep
from services.gateway.result_set import MAX_RESULTS, ResultSet

VERSION = 3
CAPACITY = 256
MAX_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class _Kept:
    """A result, and the request that it is of."""

    version: int
    request: str
    results: ResultSet


_KEPT = TypeAdapter(_Kept)


def packed(results: ResultSet, request: bytes) -> bytes:
    """The value that keeps a result, which says what request it is of."""
    return zlib.compress(orjson.dumps(_Kept(VERSION, request.hex(), results)), 1)


def unpacked(value: bytes, request: bytes) -> ResultSet | None:
    """The result of a value; None if it is damaged or of another request."""
    try:
        inflate = zlib.decompressobj()
        raw = inflate.decompress(value, MAX_BYTES)
        kept = _KEPT.validate_json(raw) if inflate.eof else None
    except (zlib.error, ValidationError):
        return None
    return kept.results if kept is not None and _is_whole(kept, request) else None


def _is_whole(kept: _Kept, request: bytes) -> bool:
    results, count = kept.results, len(kept.results.ids)
    return (
        kept.version == VERSION
        and kept.request == request.hex()
        and count <= MAX_RESULTS
        and len(set(results.ids)) == len(results.scores) == sum(results.sizes) == count
        and all(size > 0 for size in results.sizes)
        and len(results.before) in (0, len(results.sizes))
        and (results.reasons is None or _fits(results.reasons, count))
    )


def _fits(reasons: Reasons, count: int) -> bool:
    columns = [reasons.by_score, reasons.ungrouped, *reasons.ranks.values()]
    return (
        all(
            len(column) == count
            for column in [*columns, *reasons.scores.values(), *reasons.votes.values()]
        )
        and reasons.ranks.keys() == reasons.scores.keys()
        and all(
            len(column) in (0, count)
            for column in (reasons.tastes, reasons.gathered, reasons.diverse)
        )
    )


class RedisLists:
    """Results in Redis, under ``pg:`` and 128 random bits.

    Args:
        keep: Redis.
        count: Told ``hit``, ``miss`` or ``refused`` (a value that was not to be used).
    """

    def __init__(self, keep: RedisKeep, *, count: Callable[[str], object] = str) -> None:
        self._keep = keep
        self._count = count

    async def get(self, list_id: bytes, request: bytes) -> ResultSet | None:
        """The result of a request, or None; it is kept for another ten minutes."""
        value = await self._keep.get_longer(_key(list_id), TTL_S)
        if value is None:
            self._count("miss")
            return None
        results = unpacked(value, request)
        self._count("refused" if results is None else "hit")
        return results

    async def put(self, list_id: bytes, request: bytes, results: ResultSet) -> None:
        """Keeps a result for ten minutes, if Redis answers."""
        await self._keep.put(_key(list_id), packed(results, request), TTL_S)


class ProcessLists:
    """The newest results in this process, for a gateway without Redis.

    Args:
        capacity: Most results.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._kept: dict[bytes, tuple[bytes, ResultSet]] = {}

    async def get(self, list_id: bytes, request: bytes) -> ResultSet | None:
        """The result of a request, or None."""
        kept = self._kept.pop(list_id, None)
        if kept is None:
            return None
        self._kept[list_id] = kept  # now the newest
        return kept[1] if kept[0] == request else None

    async def put(self, list_id: bytes, request: bytes, results: ResultSet) -> None:
        """Keeps a result, and forgets the one that was not asked for longest."""
        self._kept[list_id] = request, results
        if len(self._kept) > self._capacity:
            del self._kept[next(iter(self._kept))]


def _key(list_id: bytes) -> str:
    return f"pg:{list_id.hex()}"
