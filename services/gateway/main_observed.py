"""Measures searches and caches, so that the rooms need not."""

import logging
import time
from collections.abc import Callable, Mapping

from runtime.errors import ServiceError
from runtime.metrics import Metrics
from services.gateway.answer import Answer
from services.gateway.query import Query
from services.gateway.servicer_rooms import Searching

_log = logging.getLogger(__name__)


class ObservedSearch:
    """Searches, and measures.

    Metrics: ``hemline_search_seconds{outcome}`` (``ok``, ``degraded`` or the code of the error),
    ``hemline_search_step_seconds{step}``, ``hemline_search_degraded{reason}``,
    ``hemline_search_other_release{stage}``: answers from an artifact that the release in force does
    not name. For some seconds while a release spreads that is as it should be; where it goes on,
    the stage refuses its part of the release. Each such artifact is logged once.

    Args:
        searching: What searches.
        metrics: Where to measure.
        released: Returns the generations of the release in force, by kind.
    """

    def __init__(
        self,
        searching: Searching,
        metrics: Metrics,
        released: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._searching = searching
        self._released = released
        self._others: set[tuple[str, str]] = set()
        self._other = metrics.counter(
            "search_other_release", "Answers of another release than the one in force", ("stage",)
        )
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
        self._compare(answer)
        return answer

    def _compare(self, answer: Answer) -> None:
        """Tells which stages did not answer from what the release in force names."""
        released = self._released()
        found = {
            (stage, each.name)
            for stage, each in answer.generations.items()
            if each.name != released.get(stage, each.name)
        }
        for stage, generation in found:
            self._other.labels(stage).inc()
            if (stage, generation) not in self._others:
                _log.warning("%s answers from %s, not %s", stage, generation, released[stage])
        self._others = found


def cache_counter(metrics: Metrics, cache: str) -> Callable[[str], None]:
    """Counts the outcomes of a cache in ``hemline_cache{cache,outcome}``."""
    counter = metrics.counter("cache", "Look-ups in a cache, by outcome", ("cache", "outcome"))

    def count(outcome: str) -> None:
        counter.labels(cache, outcome).inc()

    return count
