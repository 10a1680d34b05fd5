"""Writes to a running system while it is searched, and measures when each replica knows of it."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import grpc
import httpx
import numpy as np

from catalog.store import CatalogStore
from offline.bench_delays import delays_now
from offline.bench_probe import Probe, Wanted
from offline.bench_writer import Writer
from offline.layout import DataDir
from offline.run_state import RunState

WITHIN_S = 10.0
"""A change that nobody shows after so many seconds counts as never shown."""
LOOK_EVERY_S = 0.015
ASKED_EVERY = 13
"""One change in so many is looked for at every replica; the metrics of the stages know all."""
_PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Mix:
    """What to send: changes and searches a second, for how many seconds, with which API key."""

    writes: float = 50.0
    searches: float = 20.0
    seconds: float = 60.0
    key: str = ""


@dataclass(slots=True)
class Fresh:
    """What was measured.

    Attributes:
        delays_s: Seconds from the acknowledgement of a change to the first answer that shows it,
            by kind of change and place.
        never: How many changes were not shown in time, by kind and place.
        writes_ms: Milliseconds to acknowledge a change.
        searches_ms: Milliseconds from when a search was due to its answer.
        failures: Searches that were answered with anything but 200.
        degraded: Searches whose answer lacked something.
        by_stage: Percentiles 50, 95 and 99 in seconds, as each replica's own metric tells them.
    """

    delays_s: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    never: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    writes_ms: list[float] = field(default_factory=list)
    searches_ms: list[float] = field(default_factory=list)
    failures: int = 0
    degraded: int = 0
    by_stage: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether every search was answered and every change was shown."""
        return not self.failures and not any(self.never.values())


async def measure(
    data: DataDir, state: RunState, probes: Sequence[Probe], bodies: Sequence[object], mix: Mix
) -> Fresh:
    """Writes and searches side by side, each at its own steady rate whatever the answers take.

    Args:
        data: The data folder; its catalogue is left as it was found.
        state: What runs on it.
        probes: Whom to ask about the changes.
        bodies: Searches, as JSON of the public API.
        mix: How much of each, and the API key to search with.
    """
    found = Fresh()
    store = await asyncio.to_thread(CatalogStore.open, data.database_url)
    try:
        writer = await asyncio.to_thread(Writer, store)
        before = await delays_now(state)
        try:
            await _side_by_side(writer, state.url, probes, bodies, mix, found)
        finally:
            found.writes_ms = writer.acknowledged_ms
            found.by_stage = (await delays_now(state)).since(before)
            await asyncio.to_thread(writer.restore)
    finally:
        store.close()
        for probe in probes:
            await probe.close()
    return found


async def _side_by_side(
    writer: Writer,
    url: str,
    probes: Sequence[Probe],
    bodies: Sequence[object],
    mix: Mix,
    found: Fresh,
) -> None:
    loop, over = asyncio.get_running_loop(), threading.Event()
    watches: list[asyncio.Task[None]] = []

    def watch(wanted: Wanted, at: float) -> None:
        watches.extend(loop.create_task(_watch(probe, wanted, at, found)) for probe in probes)

    def tell(wanted: Wanted, at: float) -> None:
        loop.call_soon_threadsafe(watch, wanted, at)

    writing = asyncio.to_thread(_write, writer, mix, over, tell)
    try:
        await asyncio.gather(writing, _search(url, bodies, mix, found))
    finally:
        over.set()
    await asyncio.gather(*watches)


def _write(
    writer: Writer, mix: Mix, over: threading.Event, tell: Callable[[Wanted, float], None]
) -> None:
    began = time.monotonic()
    for number in range(int(mix.writes * mix.seconds)):
        if over.wait(max(0.0, began + number / mix.writes - time.monotonic())):
            return
        wanted = writer.write(number)
        if number % ASKED_EVERY == 0:
            tell(wanted, time.monotonic())


async def _search(url: str, bodies: Sequence[object], mix: Mix, found: Fresh) -> None:
    """Open loop: each search is sent when it is due, and timed from then."""
    limits = httpx.Limits(max_connections=64)
    headers = {"Authorization": f"Bearer {mix.key}"} if mix.key else {}
    async with httpx.AsyncClient(
        base_url=url, timeout=10, limits=limits, headers=headers, trust_env=False
    ) as http:
        began, sent = time.monotonic(), []
        for number in range(int(mix.searches * mix.seconds)):
            due = began + number / mix.searches
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            body = bodies[number % len(bodies)]
            sent.append(asyncio.create_task(_one_search(http, body, due, found)))
        await asyncio.gather(*sent)


async def _one_search(http: httpx.AsyncClient, body: object, due: float, found: Fresh) -> None:
    try:
        answer = await http.post("/v1/search", json=body)
    except httpx.HTTPError:
        found.failures += 1
        return
    found.searches_ms.append((time.monotonic() - due) * 1000)
    if answer.status_code != 200:
        found.failures += 1
    elif answer.json()["degraded"]:
        found.degraded += 1


async def _watch(probe: Probe, wanted: Wanted, at: float, found: Fresh) -> None:
    """Asks one place again and again until it shows a change."""
    key = (wanted.kind, probe.name)
    while time.monotonic() < at + WITHIN_S:
        try:
            if await probe.shows(wanted):
                found.delays_s[key].append(time.monotonic() - at)
                return
        except (grpc.RpcError, httpx.HTTPError):
            found.failures += 1
        await asyncio.sleep(LOOK_EVERY_S)
    found.never[key] += 1


def table(found: Fresh, mix: Mix) -> str:
    """Returns what was measured as tables in markdown."""
    lines = [
        f"{mix.writes:g} changes/s beside {mix.searches:g} searches/s for {mix.seconds:g} s",
        "",
        "| change | where | seen | p50 s | p95 s | p99 s | max s | never |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for key in sorted({*found.delays_s, *found.never}):
        delays = found.delays_s[key] or [np.nan]
        figures = " | ".join(f"{np.percentile(delays, percent):.3f}" for percent in _PERCENTILES)
        count, most = len(found.delays_s[key]), max(delays)
        lines.append(
            f"| {key[0]} | {key[1]} | {count} | {figures} | {most:.3f} | {found.never[key]} |"
        )
    lines += [
        "",
        "| all changes, by the stage's own metric | p50 s | p95 s | p99 s |",
        "|---|---|---|---|",
    ]
    for name, percentiles in sorted(found.by_stage.items()):
        lines.append(f"| {name} | " + " | ".join(f"{each:.3f}" for each in percentiles) + " |")
    lines += [
        "",
        "| meanwhile | count | p50 ms | p95 ms | p99 ms | failed | degraded |",
        "|---|---|---|---|---|---|---|",
    ]
    lines.append(_times("searches", found.searches_ms, str(found.failures), str(found.degraded)))
    lines.append(_times("changes acknowledged", found.writes_ms, "0", ""))
    return "\n".join(lines)


def _times(name: str, taken_ms: Sequence[float], failed: str, degraded: str) -> str:
    figures = " | ".join(f"{np.percentile(taken_ms or [np.nan], p):.1f}" for p in _PERCENTILES)
    return f"| {name} | {len(taken_ms)} | {figures} | {failed} | {degraded} |"
