"""Keeps values in Redis for a while; where Redis does not answer, it holds nothing."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from runtime.errors import SetupError
from services.gateway.breaker import Breaker

SOCKET_TIMEOUT_S = 0.05
POOL_WAIT_S = 0.02
MAX_CONNECTIONS = 32
_log = logging.getLogger(__name__)
_T = TypeVar("_T")

Command: TypeAlias = tuple[str | bytes | int, ...]
"""The name of a command of Redis, and its arguments."""


def connect(url: str) -> Redis:
    """Returns a client that gives up in 50 ms and never tries twice. Connects on first use.

    Raises:
        SetupError: The URL is not one of Redis; it is not shown, for it may hold a password.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=POOL_WAIT_S,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
            socket_timeout=SOCKET_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=30,
            protocol=3,
            client_name="hemline-gateway",
        )
    except ValueError:
        raise SetupError("the address of Redis is not a redis:// URL") from None
    return Redis(connection_pool=pool)


class RedisKeep:
    """Values of bytes behind a breaker. No call raises; none takes longer than about 70 ms.

    Args:
        client: The client of :func:`connect`.
        on_failure: Told about each call that Redis did not answer.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        client: Redis,
        *,
        on_failure: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._breaker = Breaker(clock)
        self._on_failure = on_failure

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None] | None:
        """The values in the order of the keys, or None if Redis does not answer."""
        values = await self._guarded(lambda: self._client.mget(keys))
        if not isinstance(values, list) or len(values) != len(keys):
            return None
        return [value if isinstance(value, bytes) else None for value in values]

    async def get_longer(self, key: str, ttl_s: int) -> bytes | None:
        """A value, which is then kept for this long from now; None if it is not there."""
        value = await self._guarded(lambda: self._client.getex(key, ex=ttl_s))
        return value if isinstance(value, bytes) else None

    async def put(self, key: str, value: bytes, ttl_s: int) -> None:
        """Keeps a value."""
        await self._guarded(lambda: self._client.set(key, value, ex=ttl_s))

    async def put_new(self, key: str, value: bytes, ttl_s: int) -> bytes | None:
        """Keeps a value unless there is one; returns the one that is kept, None if unknown."""
        if await self._guarded(lambda: self._client.set(key, value, ex=ttl_s, nx=True)):
            return value
        values = await self.get_many([key])
        return values[0] if values else None

    async def batch(self, commands: Sequence[Command]) -> list[object] | None:
        """The answers to commands that travel together, or None if Redis does not answer."""

        async def run() -> list[object]:
            async with self._client.pipeline(transaction=False) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                return list(await pipeline.execute())

        return await self._guarded(run)

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.aclose()

    async def _guarded(self, call: Callable[[], Awaitable[_T]]) -> _T | None:
        if not self._breaker.allows():
            return None
        try:
            answer = await call()
        except (RedisError, OSError, TimeoutError) as error:
            self._breaker.failed()
            self._on_failure()
            # The kind only: the text of an error may hold the address with its password.
            _log.warning("redis does not answer: %s", type(error).__name__)
            return None
        except BaseException:
            self._breaker.gave_up()
            raise
        self._breaker.succeeded()
        return answer
