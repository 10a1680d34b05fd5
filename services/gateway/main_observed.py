"""Measures searches and caches, so that the rooms need not."""

import time
from collections.abc import Callable

from runtime.errors import ServiceError
from runtime.metrics import Metrics
from services.gateway.answer import Answer
from services.gateway.query import Query
from services.gateway.servicer_rooms import Searching


class ObservedSearch:
    """Searches, and measures.

    Metrics: ``hemline_search_seconds{outcome}`` (``ok``, ``degraded`` or the code of the error),
    ``hemline_search_step_seconds{step}``, ``hemline_search_degraded{reason}``.
    """

    def __init__(self, searching: Searching, metrics: Metrics) -> None:
        self._searching = searching
        self._seconds = metrics.histogram(
            "search_seconds", "Time to answer a search, by outcome", ("outcome",)
        )
        self._steps = metrics.histogram(
            "search_step_seconds", "Time spent waiting for a stage or step", ("step",)
        )
        self._degraded = metrics.counter(
            "search_degraded", "Answers that lack something, by reason", ("reason",)
        )

    async def search(self, query: Query) -> Answer:
        """The answer of the search itself."""
        started = time.perf_counter()
        outcome = "cancelled"
        try:
            answer = await self._searching.search(query)
            outcome = "degraded" if answer.degraded_reasons else "ok"
        except ServiceError as error:
            outcome = error.code.name.lower()
            raise
        finally:
            self._seconds.labels(outcome).observe(time.perf_counter() - started)
        for step, took_ms in answer.timings_ms.items():
            self._steps.labels(step).observe(took_ms / 1000)
        for reason in answer.degraded_reasons:
            self._degraded.labels(reason).inc()
        return answer


def cache_counter(metrics: Metrics, cache: str) -> Callable[[str], None]:
    """Counts the outcomes of a cache in ``hemline_cache{cache,outcome}``."""
    counter = metrics.counter("cache", "Look-ups in a cache, by outcome", ("cache", "outcome"))

    def count(outcome: str) -> None:
        counter.labels(cache, outcome).inc()

    return count
