"""Keeps results for the pages to come: in Redis for all gateways, or in this process."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter, ValidationError

from catalog.facet import Facet
from services.gateway.answer import Explanation, Generation
from services.gateway.paging import TTL_S
from services.gateway.redis_keep import RedisKeep
from services.gateway.result_set import MAX_RESULTS, Candidate, ResultSet

VERSION = 1
CAPACITY = 256
MAX_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class _Kept:
    """A result in columns: ``sizes`` counts the products of each group."""

    version: int
    request: str
    ids: Sequence[str]
    scores: Sequence[float]
    explanations: Sequence[Explanation]
    sizes: Sequence[int]
    has_more: bool
    facets: Sequence[Facet]
    degraded_reasons: Sequence[str]
    coverage: Mapping[str, str]
    release: str
    generations: Mapping[str, Generation]


_KEPT = TypeAdapter(_Kept)


def packed(results: ResultSet, request: bytes) -> bytes:
    """The value that keeps a result, which says what request it is of."""
    every = [each for group in results.groups for each in group]
    kept = _Kept(
        VERSION,
        request.hex(),
        [each.product_id for each in every],
        [each.score for each in every],
        [each.explanation for each in every if each.explanation is not None],
        [len(group) for group in results.groups],
        results.has_more,
        results.facets,
        results.degraded_reasons,
        dict(results.coverage),
        results.release,
        dict(results.generations),
    )
    return zlib.compress(orjson.dumps(kept), 1)


def unpacked(value: bytes, request: bytes) -> ResultSet | None:
    """The result of a value; None if it is damaged or of another request."""
    try:
        inflate = zlib.decompressobj()
        raw = inflate.decompress(value, MAX_BYTES)
        kept = _KEPT.validate_json(raw) if inflate.eof else None
    except (zlib.error, ValidationError):
        return None
    if kept is None or not _is_whole(kept, request):
        return None
    explanations: Sequence[Explanation | None] = kept.explanations or [None] * len(kept.ids)
    every = [Candidate(*each) for each in zip(kept.ids, kept.scores, explanations, strict=True)]
    groups, start = [], 0
    for size in kept.sizes:
        groups.append(every[start : start + size])
        start += size
    return ResultSet(
        groups,
        kept.has_more,
        kept.facets,
        kept.degraded_reasons,
        kept.coverage,
        kept.release,
        kept.generations,
    )


def _is_whole(kept: _Kept, request: bytes) -> bool:
    count = len(kept.ids)
    return (
        kept.version == VERSION
        and kept.request == request.hex()
        and count <= MAX_RESULTS
        and len(set(kept.ids)) == len(kept.scores) == sum(kept.sizes) == count
        and len(kept.explanations) in (0, count)
        and all(size > 0 for size in kept.sizes)
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
