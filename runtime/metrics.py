"""Measures one process in a registry of its own."""

from collections.abc import Sequence
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

PREFIX = "hemline_"
_Kind = TypeVar("_Kind", Counter, Gauge, Histogram)
SECONDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.02,
    0.035,
    0.05,
    0.075,
    0.1,
    0.15,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
)


class Metrics:
    """Makes counters, gauges and histograms, each once a name; ``hemline_`` stands before it.

    Args:
        stage: Short name of the stage, told by ``hemline_stage_info``.
    """

    def __init__(self, stage: str) -> None:
        self._registry = CollectorRegistry()
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        ProcessCollector(registry=self._registry)
        self.gauge("stage_info", "Which stage this process is", ("stage",)).labels(stage).set(1)

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:  # noqa: A002
        """Returns the counter of a name; ``_total`` is added to it where it is shown."""
        made = self._made.get(name)
        if made is None:
            made = Counter(PREFIX + name, help, labels, registry=self._registry)
            self._made[name] = made
        return _same(name, made, Counter)

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:  # noqa: A002
        """Returns the gauge of a name."""
        made = self._made.get(name)
        if made is None:
            made = Gauge(PREFIX + name, help, labels, registry=self._registry)
            self._made[name] = made
        return _same(name, made, Gauge)

    def histogram(
        self,
        name: str,
        help: str,  # noqa: A002
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float] = SECONDS,
    ) -> Histogram:
        """Returns the histogram of a name; the buckets default to seconds from 1 ms to 5 s."""
        made = self._made.get(name)
        if made is None:
            made = Histogram(
                PREFIX + name, help, labels, registry=self._registry, buckets=tuple(buckets)
            )
            self._made[name] = made
        return _same(name, made, Histogram)

    def render(self) -> bytes:
        """Returns everything in the text format of Prometheus."""
        return generate_latest(self._registry)


def _same(name: str, made: Counter | Gauge | Histogram, kind: type[_Kind]) -> _Kind:
    if not isinstance(made, kind):
        raise ValueError(f"{name} is a {type(made).__name__} already")
    return made
