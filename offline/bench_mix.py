"""Prepares the measurement of writes beside searches on a running system, and shows it."""

import asyncio
import os
from dataclasses import replace
from typing import Any

import numpy as np

from offline import bench_fresh, run_state
from offline.bench_fresh import Fresh, Mix
from offline.bench_probe import probes_of
from offline.bench_workload import FACETS, PAGE_SIZE, brands_of, title_queries
from offline.layout import DataDir
from offline.progress import say
from runtime.errors import SetupError

_PERCENTILES = (50, 95, 99)


def freshness(data: DataDir, mix: Mix) -> Fresh:
    """Writes and searches side by side, and returns when each replica knew of the changes.

    Raises:
        SetupError: Nothing runs on the folder, or its catalogue is empty.
    """
    state = run_state.read(data)
    if state is None:
        raise SetupError(f"nothing runs on {data.root}: start it with `hemline up`")
    words = title_queries(data)
    mix = replace(mix, key=mix.key or os.environ.get("HEMLINE_API_KEY", ""))
    say(f"Writing {mix.writes:g}/s beside {mix.searches:g} searches/s for {mix.seconds:g} s ...")

    async def run() -> Fresh:
        probes = await probes_of(state, words[0], key=mix.key)
        return await bench_fresh.measure(data, state, probes, mixed_bodies(data, words), mix)

    return asyncio.run(run())


def mixed_bodies(data: DataDir, words: list[str]) -> list[dict[str, Any]]:
    """Searches by words: half plain, a quarter filtered, a quarter with facets."""
    brands = brands_of(data) or [""]
    bodies: list[dict[str, Any]] = []
    for place, text in enumerate(words):
        body: dict[str, Any] = {"text": text, "page_size": PAGE_SIZE}
        if place % 4 == 1:
            body["filter"] = {"field": "brand", "in": [brands[place % len(brands)]]}
        if place % 4 == 3:
            body["facets"] = list(FACETS)
        bodies.append(body)
    return bodies


def told(fresh: Fresh) -> dict[str, object]:
    """Returns what was measured as JSON values; times in seconds unless they are named ``_ms``."""
    return {
        "changes": [
            {
                "change": kind,
                "where": place,
                "seen": len(delays),
                "never": fresh.never.get((kind, place), 0),
                **_percentiles(delays),
            }
            for (kind, place), delays in sorted(fresh.delays_s.items())
        ],
        "metric": {
            name: dict(zip(("p50", "p95", "p99"), found, strict=True))
            for name, found in fresh.by_stage.items()
        },
        "searches_ms": _percentiles(fresh.searches_ms),
        "writes_ms": _percentiles(fresh.writes_ms),
        "failures": fresh.failures,
        "degraded": fresh.degraded,
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        f"p{percent}": round(float(np.percentile(values, percent)), 4) for percent in _PERCENTILES
    }
