"""Remembers in Redis what shoppers asked for, and offers a query once several of them did.

Until then nobody's words stand in Redis: a query is a keyed hash, and who asked it are counted by a
HyperLogLog (Flajolet et al., AofA 2007) of hashes that differ from query to query, so that nobody
can be read out of it. From the fifth shopper on the words stand under keyed hashes of their
beginnings, ranked by how many asked.
"""

from collections.abc import Sequence

from services.gateway.redis_keep import Command, RedisKeep
from services.gateway.sealed import Keys
from services.gateway.suggestable import folded, suggestable

LEAST_USERS = 5
TTL_S = 90 * 24 * 3600
MAX_PREFIX_CHARS = 24
KEPT = 50  # texts under each beginning
_STARTS = 4  # words of a query by which it is found


class PastQueries:
    """Past queries, for 90 days after each was last asked.

    Args:
        keep: Redis.
        keys: Makes what stands there untellable.
    """

    def __init__(self, keep: RedisKeep, keys: Keys) -> None:
        self._keep = keep
        self._keys = keys

    async def note(self, text: str, user_id: str) -> None:
        """Counts a shopper among those who asked; what may not be shown is not noted."""
        told = suggestable(text)
        if not told or not user_id:
            return
        asked = self._asked(told)
        who = self._keys.signature("asked", told.encode() + b"\0" + user_id.encode())
        counted = await self._keep.batch(
            [("PFADD", asked, who), ("EXPIRE", asked, TTL_S), ("PFCOUNT", asked)]
        )
        if counted is None or _whole(counted[-1]) < LEAST_USERS:
            return
        commands: list[Command] = []
        for prefix in _prefixes(told):
            key = self._under(prefix)
            commands.append(("ZADD", key, _whole(counted[-1]), told))
            commands.append(("ZREMRANGEBYRANK", key, 0, -KEPT - 1))
            commands.append(("EXPIRE", key, TTL_S))
        await self._keep.batch(commands)

    async def complete(self, text: str, count: int) -> Sequence[str] | None:
        """At most ``count`` queries of which a word begins so, the most asked first.

        None where Redis does not answer.
        """
        typed = folded(text)
        if not typed:
            return ()
        under = self._under(typed[:MAX_PREFIX_CHARS])
        ranked = await self._keep.batch([("ZREVRANGE", under, 0, KEPT - 1)])
        if ranked is None:
            return None
        found = [told for told in _texts(ranked[0]) if _begins(told, typed)]
        if not found:
            return ()
        counts = await self._keep.batch([("PFCOUNT", self._asked(told)) for told in found])
        if counts is None:
            return None
        # Whoever asked long ago counts no longer: then the words go as well.
        asked = [_whole(each) >= LEAST_USERS for each in counts]
        over = [told for told, is_asked in zip(found, asked, strict=True) if not is_asked]
        if over:
            await self._keep.batch([("ZREM", under, *over)])
        return [told for told, is_asked in zip(found, asked, strict=True) if is_asked][:count]

    def _asked(self, told: str) -> str:
        return self._keys.key("pa", told.encode())

    def _under(self, prefix: str) -> str:
        return self._keys.key("pp", prefix.encode())


def _prefixes(told: str) -> set[str]:
    """The beginnings of the query and of its next words, each as far as somebody may type."""
    words = told.split(" ")
    starts = [" ".join(words[at:]) for at in range(min(len(words), _STARTS))]
    return {
        start[:length].rstrip()
        for start in starts
        for length in range(1, min(len(start), MAX_PREFIX_CHARS) + 1)
    }


def _begins(told: str, typed: str) -> bool:
    return told != typed and (told.startswith(typed) or f" {typed}" in told)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _texts(value: object) -> list[str]:
    members = value if isinstance(value, list) else []
    return [member.decode(errors="replace") for member in members if isinstance(member, bytes)]
