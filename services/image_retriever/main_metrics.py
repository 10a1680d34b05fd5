"""Measures how far the image stage has followed the catalogue, and what it embedded."""

from collections.abc import Callable

from runtime.metrics import Metrics
from services.image_retriever.pair import Pair


class Measures:
    """The metrics of the stage that its rooms tell by calls.

    Args:
        metrics: Where they are made.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._delays = metrics.histogram(
            "change_delay_seconds", "Time from the writing of a change to its being searched"
        )
        self._photos = metrics.counter(
            "photos_embedded", "Photos of the catalogue, by what became of them", ("verdict",)
        )
        self._seconds = metrics.histogram(
            "photo_embed_seconds", "Time from the claim on a photo to its vector"
        )

    def delay(self, seconds: float) -> None:
        """Notes how long a change took from its writing to being searched."""
        self._delays.observe(seconds)

    def embedded(self, verdict: str, seconds: float) -> None:
        """Notes what became of a photo, and how long it took."""
        self._photos.labels(verdict).inc()
        self._seconds.observe(seconds)

    def watch(self, opened: Callable[[], Pair | None]) -> None:
        """Shows how what is in service stands."""
        made = self._metrics.gauge
        made("applied_seq", "Last change of the catalogue that is searched").set_function(
            lambda: 0 if (pair := opened()) is None else pair.view.seq
        )
        made("superseded_share", "Share of the rows that are superseded").set_function(
            lambda: 0.0 if (pair := opened()) is None else pair.index.superseded_share
        )
        made("catalog_followed", "Whether changes of the catalogue are followed").set_function(
            lambda: float(_is_followed(opened()))
        )


def _is_followed(pair: Pair | None) -> bool:
    return pair is not None and pair.following is not None and not pair.following.problem
