"""Keeps what a release holds for the ranking stage open, and the factors before as well."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from runtime.artifacts import ArtifactRefused, ArtifactStore, Release
from services.reranker import neighbours, popularity
from services.reranker.admission import Shelf
from services.reranker.factors import FORMAT, Factors
from services.reranker.neighbours import Neighbours
from services.reranker.popularity import Popularity
from services.reranker.recommenders import Shelved

KIND = "ranking"
_log = logging.getLogger(__name__)
_Model = TypeVar("_Model", Neighbours, Popularity)


@dataclass(frozen=True, slots=True)
class OpenGeneration:
    """Factors with the name of their artifact and the catalogue's clock they were made at."""

    name: str
    seq: int
    factors: Factors
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class OpenModel(Generic[_Model]):
    """A further model of the release in force; name and clock as of the factors."""

    name: str
    seq: int
    model: _Model
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class OpenGenerations:
    """What is open now; what the release does not have is None.

    ``current`` are the factors of the release, ``previous`` those before.
    """

    current: OpenGeneration | None
    previous: OpenGeneration | None
    neighbours: OpenModel[Neighbours] | None = None
    popularity: OpenModel[Popularity] | None = None
    names: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> OpenGeneration | None:
        """Returns open factors by the name of their generation, or None."""
        for each in (self.current, self.previous):
            if each is not None and each.name == name:
                return each
        return None

    def models(self, generation: OpenGeneration | None) -> Shelved:
        """The models of the release in force, with these factors."""
        near, popular = self.neighbours, self.popularity
        return Shelved(
            (generation.factors, generation.shelf) if generation else None,
            (near.model, near.shelf) if near else None,
            (popular.model, popular.shelf) if popular else None,
        )


class GenerationOpener:
    """Opens what a release names, and keeps the factors that were current before."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._open = OpenGenerations(current=None, previous=None)

    def __call__(self, release: Release) -> OpenGenerations:
        """Returns what to serve under a release.

        Raises:
            ArtifactRefused: A part cannot be served; what was open stays as it was.
        """
        kinds = (KIND, neighbours.KIND, popularity.KIND)
        names = {kind: release.generations.get(kind, "") for kind in kinds}
        before = self._open
        if names == before.names:
            return before
        opened = replace(
            before,
            neighbours=self._further(neighbours.KIND, names, before.neighbours, Neighbours.open),
            popularity=self._further(popularity.KIND, names, before.popularity, Popularity.open),
            names=names,
        )
        self._open = self._with_factors(opened, names[KIND])
        return self._open

    def _with_factors(self, opened: OpenGenerations, name: str) -> OpenGenerations:
        current = opened.current
        if current is not None and current.name == name:
            return opened
        fresh = (opened.find(name) or self._read(name)) if name else None
        return replace(
            opened, current=fresh, previous=current or opened.previous or self._before(name)
        )

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
        factors = Factors.open(artifact.folder)
        return OpenGeneration(name, artifact.seq, factors, Shelf(factors.product_ids))

    def _further(
        self,
        kind: str,
        names: dict[str, str],
        before: OpenModel[_Model] | None,
        read: Callable[[Path], _Model],
    ) -> OpenModel[_Model] | None:
        name = names[kind]
        if not name or (before is not None and before.name == name):
            return before if name else None
        formats = {neighbours.KIND: neighbours.FORMAT, popularity.KIND: popularity.FORMAT}
        artifact = self._store.open(kind, name, format=formats[kind])
        model = read(artifact.folder)
        return OpenModel(name, artifact.seq, model, Shelf(model.product_ids))
