"""Runs the embedder beside the queries, for as long as a stage lives."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from services.image_retriever.encoder import Encoder

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_LONGEST_STOP_S = 5.0


class Rounds(Protocol):
    """Deals with what waits, once."""

    def round(self, encoder: Encoder, waiting: Mapping[str, tuple[str, ...]]) -> int:
        """Returns how many photos and products were dealt with."""


class Work(Protocol):
    """What is in service now."""

    @property
    def encoder(self) -> Encoder | None:
        """What embeds; None in a process that only searches."""

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """Returns the photos of the products that would take another vector."""


class EmbedLane:
    """A thread that embeds what waits; a failure is logged and tried again.

    Args:
        embedder: Does the work.
        opened: Returns what is in service, None before the first release was read.
        clock: Returns the clock of the catalogue; work is looked for when it moves.
        poll_s: Seconds between looks at that clock.
        idle_s: Seconds after which work is looked for anyway: claims run out without a change.
    """

    def __init__(
        self,
        embedder: Rounds,
        opened: Callable[[], Work | None],
        clock: Callable[[], int],
        *,
        poll_s: float = 0.1,
        idle_s: float = 2.0,
    ) -> None:
        self._embedder = embedder
        self._opened = opened
        self._clock = clock
        self._poll_s = poll_s
        self._idle_s = idle_s
        self._seen = -1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="embedder", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the photos at hand; what takes too long is given up with its workers."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_LONGEST_STOP_S)

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        idle_s = 0.0
        while not self._stopping.is_set():
            try:
                if self._is_due(idle_s):
                    idle_s = 0.0
                    while not self._stopping.is_set() and self._round():
                        pass
                pause_s = _FIRST_PAUSE_S
            except Exception:  # noqa: BLE001  # whatever it is, the next photo may be better
                _log.exception("the photos that wait could not be embedded")
                self._seen = -1
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            self._stopping.wait(self._poll_s)
            idle_s += self._poll_s

    def _is_due(self, idle_s: float) -> bool:
        """Tells whether work may have come since the last look."""
        if self._opened() is None:
            return False
        seen, self._seen = self._seen, self._clock()
        return self._seen != seen or idle_s >= self._idle_s

    def _round(self) -> int:
        work = self._opened()
        if work is None or work.encoder is None:
            return 0
        return self._embedder.round(work.encoder, work.waiting())
