"""Follows the release in force, and swaps what a stage serves from in one step."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from runtime.artifacts import ArtifactRefused, ArtifactStore, Release
from runtime.metrics import Metrics

T = TypeVar("T")
_LONGEST_PAUSE = 12
_log = logging.getLogger(__name__)


class Follower(Generic[T]):
    """Holds what was loaded from the newest release that could be opened whole.

    Whatever goes wrong with a new release, the old value stays in service; the failure is
    counted by reason, logged, and tried again less and less often, at once when another release
    appears. A value is dropped when its last reader lets it go: read :attr:`value` once a call.

    Args:
        store: Where releases are published.
        load: Opens what the stage needs of a release; runs in a thread.
        poll_s: Seconds between looks at the store.
        on_state: Told whether there is something to serve from, and why not; or, where there is,
            why the newest release is not what is served from.
        metrics: Gets loads, failures by reason, and the generations in service.
        kinds: Kinds whose generations matter; a release that changes others is not loaded.
            Empty: all.
    """

    def __init__(
        self,
        store: ArtifactStore,
        load: Callable[[Release], T],
        *,
        poll_s: float,
        on_state: Callable[[bool, str], None],
        metrics: Metrics,
        kinds: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._load = load
        self._poll_s = poll_s
        self._on_state = on_state
        self._kinds = tuple(kinds)
        self._value: T | None = None
        self._release: Release | None = None
        self._refused: Release | None = None
        self._pause = 0  # Looks without a try after a release was refused.
        self._looks = 0  # Looks since then.
        self._seconds = metrics.histogram(
            "release_load_seconds", "Time to open a release", buckets=(0.1, 0.5, 1, 5, 15, 60, 300)
        )
        self._failures = metrics.counter(
            "release_load_failures", "Releases that could not be opened, by reason", ("reason",)
        )
        self._refusing = metrics.gauge(
            "release_refused", "1 while the release in force is refused, by reason", ("reason",)
        )
        self._serving = metrics.gauge(
            "generation_info", "Generations in service", ("kind", "generation")
        )
        self._seq = metrics.gauge("release_seq", "Catalogue change that the release was made at")

    @property
    def value(self) -> T | None:
        """What to serve from; None before the first release was opened."""
        return self._value

    @property
    def release(self) -> Release | None:
        """The newest release that :attr:`value` belongs to."""
        return self._release

    async def run(self) -> None:
        """Follows until cancelled."""
        while True:
            await self.poll()
            await asyncio.sleep(self._poll_s)

    async def poll(self) -> None:
        """Looks once, and loads the release when it is new."""
        try:
            release = await asyncio.to_thread(self._store.current)
            if release is None:
                self._tell("no release is published yet: run hemline build")
            elif self._is_served(release):
                self._accept(release)
            elif self._may_try(release):
                await self._swap(release)
        except ArtifactRefused as refused:
            self._fail(refused.reason, refused.message)

    async def _swap(self, release: Release) -> None:
        started = time.monotonic()
        try:
            value = await asyncio.to_thread(self._open, release)
        except Exception as error:  # noqa: BLE001  # Whatever is wrong with it, the old one serves on.
            self._postpone(release)
            reason = error.reason if isinstance(error, ArtifactRefused) else "open_failed"
            self._fail(reason, f"release {release.name}: {error}", error)
            return
        self._value = value
        self._seconds.observe(time.monotonic() - started)
        self._serving.clear()
        for kind, generation in release.generations.items():
            if not self._kinds or kind in self._kinds:
                self._serving.labels(kind, generation).set(1)
        _log.info("release %s is in service", release.name)
        self._accept(release)

    def _open(self, release: Release) -> T:
        for kind in self._kinds:
            if kind not in release.generations:
                raise ArtifactRefused("kind_missing", f"it names no {kind} artifact")
        return self._load(release)

    def _is_served(self, release: Release) -> bool:
        if self._release is None:
            return False
        ours, theirs = self._release.generations, release.generations
        if self._kinds:
            return all(ours.get(kind) == theirs.get(kind) for kind in self._kinds)
        return dict(ours) == dict(theirs)

    def _may_try(self, release: Release) -> bool:
        self._looks += 1
        return release != self._refused or self._looks >= self._pause

    def _postpone(self, release: Release) -> None:
        is_again = release == self._refused
        self._pause = min(2 * self._pause, _LONGEST_PAUSE) if is_again else 1
        self._refused = release
        self._looks = 0

    def _fail(self, reason: str, message: str, error: Exception | None = None) -> None:
        self._failures.labels(reason).inc()
        self._refusing.clear()
        self._refusing.labels(reason).set(1)
        is_bug = error is not None and not isinstance(error, ArtifactRefused)
        _log.error("%s", message, extra={"reason": reason}, exc_info=error if is_bug else None)
        self._tell(message)

    def _accept(self, release: Release) -> None:
        # Another release of the same generations counts as opened.
        self._release, self._refused = release, None
        self._seq.set(release.seq)
        self._refusing.clear()
        self._on_state(True, "")

    def _tell(self, why_not: str) -> None:
        if self._release is None:
            self._on_state(False, why_not)
        else:
            self._on_state(True, f"serving {self._release.name}: {why_not}")
