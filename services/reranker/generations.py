"""Keeps the current and the previous generation of the factors open."""

import logging
from dataclasses import dataclass

from runtime.artifacts import ArtifactRefused, ArtifactStore, Release
from services.reranker.factors import FORMAT, Factors

KIND = "ranking"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenGeneration:
    """Factors with the name of their artifact and the catalogue's clock they were made at."""

    name: str
    seq: int
    factors: Factors


@dataclass(frozen=True, slots=True)
class OpenGenerations:
    """What is open now; ``current`` is None where the release has no factors at all."""

    current: OpenGeneration | None
    previous: OpenGeneration | None

    def find(self, name: str) -> OpenGeneration | None:
        """Returns an open generation by its name, or None."""
        for each in (self.current, self.previous):
            if each is not None and each.name == name:
                return each
        return None


class GenerationOpener:
    """Opens what a release names, and keeps what was current before as the previous one."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._open = OpenGenerations(current=None, previous=None)

    def __call__(self, release: Release) -> OpenGenerations:
        """Returns the generations to serve under a release.

        Raises:
            ArtifactRefused: The factors cannot be served; what was open stays as it was.
        """
        name = release.generations.get(KIND, "")
        current = self._open.current
        if current is not None and current.name == name:
            return self._open
        fresh = (self._open.find(name) or self._read(name)) if name else None
        previous = current or self._open.previous or self._before(name)
        self._open = OpenGenerations(current=fresh, previous=previous)
        return self._open

    def _before(self, name: str) -> OpenGeneration | None:
        """Opens the factors of the release before, if they can be had: callers can do without."""
        try:
            release = self._store.previous()
            before = release.generations.get(KIND, "") if release else ""
            return self._read(before) if before and before != name else None
        except ArtifactRefused as refused:
            _log.warning("the previous factors stay closed: %s", refused)
            return None

    def _read(self, name: str) -> OpenGeneration:
        artifact = self._store.open(KIND, name, format=FORMAT)
        return OpenGeneration(name, artifact.seq, Factors.open(artifact.folder))
