"""Measures what a troubled Redis adds to finding out what a shopper likes."""

import argparse
import asyncio
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from redis.asyncio import Redis
from redis.exceptions import RedisError

from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.local_stages import LocalRanking
from offline.ports import free_ports
from offline.progress import progress, say
from offline.redis_server import binary
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from services.gateway.breaker import FAILURES
from services.gateway.factor_cache import FactorCache, UncachedFactors
from services.gateway.redis_keep import RedisKeep, connect
from services.gateway.sealed import Keys
from services.gateway.shopper_factors import FoldedShoppers
from services.reranker.factors import FORMAT, Factors

ROUNDS = 20
CALLS_AFTER = 20  # once the breaker is open
_PASSWORD = "measured"  # noqa: S105  # of a Redis on the loopback that lives for a minute


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds at p50 and p99, before the breaker opens and, where it does, afterwards."""

    closed: tuple[float, float]
    opened: tuple[float, float] | None


class _Server:
    """A Redis of this program's own."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self.url = f"redis://:{_PASSWORD}@127.0.0.1:{self.port}/0"
        self._program = [
            binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--dir", str(folder), "--requirepass", _PASSWORD, "--loglevel", "warning",
        ]  # fmt: skip
        self._process = subprocess.Popen(self._program, stdout=subprocess.DEVNULL)

    async def plain(self) -> Redis:
        """A client, once it answers."""
        client: Redis = Redis.from_url(self.url)
        while True:
            with suppress(RedisError, OSError):
                await client.ping()
                return client
            await asyncio.sleep(0.05)

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()

    def again(self) -> None:
        """Starts it once more where it was killed."""
        if self._process.poll() is not None:
            self._process = subprocess.Popen(self._program, stdout=subprocess.DEVNULL)


@contextmanager
def _server() -> Iterator[_Server]:
    with tempfile.TemporaryDirectory() as folder:
        server = _Server(Path(folder))
        try:
            yield server
        finally:
            server.kill()


async def _nothing(server: _Server, redis: Redis) -> None:
    del server, redis


async def _full(server: _Server, redis: Redis) -> None:
    await redis.config_set("maxmemory-policy", "noeviction")
    await redis.config_set("maxmemory", "1")


async def _refuse(server: _Server, redis: Redis) -> None:
    await redis.config_set("requirepass", "another")


async def _kill(server: _Server, redis: Redis) -> None:
    server.kill()


async def _freeze(server: _Server, redis: Redis) -> None:
    server.send(signal.SIGSTOP)


async def _fill_with_garbage(server: _Server, redis: Redis) -> None:
    for key in await redis.keys("uf:*"):
        await redis.set(key, b"\x00\xffgarbage" * 20)


Trouble = Callable[[_Server, Redis], Awaitable[None]]
TROUBLES: Mapping[str, Trouble] = {
    "healthy": _nothing,
    "killed": _kill,
    "frozen": _freeze,
    "full": _full,
    "refuses the password": _refuse,
    "holds garbage": _fill_with_garbage,
}


def measure(data: DataDir, rounds: int, told: Callable[[str, Figures], object]) -> None:
    """Measures each trouble over the shoppers and the factors of a data folder.

    Raises:
        SetupError: There are no shoppers or no factors.
    """
    store = ArtifactStore(data.artifacts)
    release = store.current()
    name = release.generations.get("ranking") if release else None
    if name is None:
        raise SetupError(f"no factors are released in {data.root}: run hemline demo")
    factors = Factors.open(store.open("ranking", name, format=FORMAT).folder)
    catalog = CatalogStore.open(data.database_url)
    try:
        users = sorted({event.user_id for event in catalog.interactions(kinds=["purchase"])})
        if len(users) < FAILURES + CALLS_AFTER:
            raise SetupError(f"too few shoppers in {data.root}: draw a demo")
        asyncio.run(_measure(catalog, LocalRanking(factors), users, rounds, told))
    finally:
        catalog.close()


async def _measure(
    catalog: CatalogStore,
    ranking: LocalRanking,
    users: list[str],
    rounds: int,
    told: Callable[[str, Figures], object],
) -> None:
    with _server() as server, progress("Measuring", rounds * (len(TROUBLES) + 1)) as shown:
        without: list[float] = []
        for _ in range(rounds):
            people = FoldedShoppers(lambda: catalog.journal, ranking, UncachedFactors())
            without += [await _timed(people, user) for user in users[:FAILURES]]
            shown.advance(1)
        told("no Redis at all", Figures(_summed(without), None))
        for name, trouble in TROUBLES.items():
            closed: list[float] = []
            opened: list[float] = []
            for _ in range(rounds):
                await _round(server, catalog, ranking, users, trouble, closed, opened)
                shown.advance(1)
            told(name, Figures(_summed(closed), _summed(opened) if opened else None))


async def _round(
    server: _Server,
    catalog: CatalogStore,
    ranking: LocalRanking,
    users: list[str],
    trouble: Trouble,
    closed: list[float],
    opened: list[float],
) -> None:
    """One gateway whose cache is warm when the trouble begins."""
    plain = await server.plain()
    await plain.flushall()
    failures: list[int] = []
    keep = RedisKeep(connect(server.url), on_failure=lambda: failures.append(1))
    kept = FactorCache(keep, Keys(b"measured"))
    people = FoldedShoppers(lambda: catalog.journal, ranking, kept)
    asked = users[: FAILURES + CALLS_AFTER]
    for user in asked:
        await people.factors(user)
    try:
        await trouble(server, plain)
        if trouble is _refuse:
            await keep.close()  # whoever is let in stays so
        for user in asked:
            is_open = len(failures) >= FAILURES
            (opened if is_open else closed).append(await _timed(people, user))
    finally:
        server.again()
        server.send(signal.SIGCONT)
        await keep.close()
        healed = await server.plain() if trouble is not _refuse else plain
        await healed.config_set("requirepass", _PASSWORD)
        await healed.config_set("maxmemory", "0")
        await healed.aclose()
        await plain.aclose()


async def _timed(people: FoldedShoppers, user_id: str) -> float:
    started = time.perf_counter()
    await people.factors(user_id)
    return 1000 * (time.perf_counter() - started)


def _summed(milliseconds: list[float]) -> tuple[float, float]:
    return float(np.percentile(milliseconds, 50)), float(np.percentile(milliseconds, 99))


def main() -> None:
    """Prints a table of milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("var/demo"))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rows: list[str] = []

    def told(name: str, found: Figures) -> None:
        opened = [f"{each:.1f}" for each in found.opened or ()] or ["", ""]
        closed = [f"{each:.1f}" for each in found.closed]
        rows.append(f"| {' | '.join([name, *closed, *opened])} |")

    options = parser.parse_args()
    # Each call that fails is told; here they are meant to.
    logging.disable(logging.WARNING)
    try:
        measure(DataDir(options.data), options.rounds, told)
    except SetupError as error:
        sys.exit(f"bench_redis: {error}")
    say(f"{os.cpu_count()} cores, {options.rounds} rounds")
    say("| Redis | p50 | p99 | p50, breaker open | p99, breaker open |\n|---|---|---|---|---|")
    say("\n".join(rows))


if __name__ == "__main__":
    main()
