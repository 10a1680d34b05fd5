"""Reads from the stages' own metrics how old a change was when they applied it."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from offline.run_state import RunState

METRIC = "hemline_change_delay_seconds"
PERCENTILES = (50, 95, 99)
_BUCKET = re.compile(rf'^{METRIC}_bucket{{(?:[^}}]*,)?le="([^"]+)"[^}}]*}} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Delays:
    """Cumulative counts by upper bound in seconds, for each replica that has the metric."""

    counts: Mapping[str, Mapping[float, float]]

    def since(self, before: "Delays") -> dict[str, tuple[float, ...]]:
        """Percentiles in seconds of what was applied since, by replica; linear in a bucket."""
        found = {}
        for name, counts in self.counts.items():
            earlier = before.counts.get(name, {})
            new = {bound: count - earlier.get(bound, 0.0) for bound, count in counts.items()}
            if new and max(new.values()) > 0:
                found[name] = tuple(quantile(new, percent / 100) for percent in PERCENTILES)
        return found


async def delays_now(state: RunState) -> Delays:
    """Asks every replica of the stages that follow the catalogue."""
    following = [each for each in state.members if each.stage in ("text", "image")]
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        urls = [member.readiness.replace("/readyz", "/metrics") for member in following]
        pages = await asyncio.gather(*(http.get(url) for url in urls))
    return Delays(
        {member.name: histogram(page.text) for member, page in zip(following, pages, strict=True)}
    )


def histogram(page: str) -> dict[float, float]:
    """Cumulative counts by upper bound, added up over all labels of the metric."""
    found: dict[float, float] = {}
    for bound, count in _BUCKET.findall(page):
        found[float(bound)] = found.get(float(bound), 0.0) + float(count)
    return found


def quantile(counts: Mapping[float, float], share: float) -> float:
    """The value that ``share`` of what was counted stays below, as Prometheus estimates it."""
    bounds = sorted(counts)
    wanted, low, below = share * counts[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if counts[bound] >= wanted:
            if bound == float("inf"):
                return low
            inside = counts[bound] - below
            return low + (bound - low) * ((wanted - below) / inside if inside else 1.0)
        low, below = bound, counts[bound]
    return low
