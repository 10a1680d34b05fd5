"""Opens the encoder and the vector index that belong together, as one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runtime.artifacts import Artifact, ArtifactRefused, ArtifactStore, Release
from runtime.errors import SetupError
from services.image_retriever.architecture import FORMAT as ENCODER_FORMAT
from services.image_retriever.canary import Canaries
from services.image_retriever.encoder import Encoder
from services.image_retriever.follow import Following
from services.image_retriever.live import LiveIndex, LiveView
from services.image_retriever.snapshot import Snapshot

OWN_WORDS = "own_words"
"""The fact of an image artifact: whether its encoder is given words as the shopper says them."""
OpenEncoder = Callable[[str | Path], Encoder]


class OpenIndex(Protocol):
    """Makes the index of an artifact searchable."""

    def __call__(self, snapshot: Snapshot, generation: str, seq: int) -> LiveIndex:
        """Returns the index as the artifact has it."""


class Follow(Protocol):
    """Lets an index follow the catalogue."""

    def __call__(self, index: LiveIndex) -> Following:
        """Returns what will keep the index up to date once it is started."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What one release serves: never an encoder with the index of another.

    Attributes:
        index: The product vectors.
        encoder: What made them; None in a process that only searches.
        following: What keeps the index up to date; None where nothing does.
        own_words: Whether the encoder is given words as the shopper says them, not in English.
    """

    index: LiveIndex
    encoder: Encoder | None
    following: Following | None = None
    own_words: bool = False

    @property
    def view(self) -> LiveView:
        """What to answer from; take it once a call."""
        return self.index.view

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """Returns the photos of the products that would take another vector, in their order."""
        return self.index.waiting()


@dataclass(frozen=True, slots=True)
class Openers:
    """How the parts of a pair are opened.

    Attributes:
        encoder: Opens an encoder by the folder of an artifact or by a name. None in a process
            that only searches.
        index: Makes an artifact searchable.
        follow: Lets an index follow the catalogue; None where it is served as it was built.
    """

    encoder: OpenEncoder | None
    index: OpenIndex = lambda snapshot, generation, seq: LiveIndex(
        snapshot, generation=generation, seq=seq
    )
    follow: Follow | None = None


class PairOpener:
    """Opens the pair of a release; what did not change since the last one is not opened again.

    An index has caught up with the catalogue before it is returned; only then the one before it
    stops following.

    Args:
        store: Where the artifacts lie.
        openers: How the parts are opened.
        encoder: Name of the encoder; empty means the release's own artifact, or else the name
            that the index was built with.
    """

    def __init__(self, store: ArtifactStore, openers: Openers, *, encoder: str = "") -> None:
        self._store = store
        self._openers = openers
        self._name = encoder
        self._last_encoder: tuple[str, Encoder] | None = None
        self._last: tuple[tuple[str, str], Pair] | None = None

    def __call__(self, release: Release) -> Pair:
        """Returns the pair of a release.

        Raises:
            ArtifactRefused: The release has no index, an artifact is damaged, the encoder cannot
                be opened, it is another than the one that the index was built with, one of them
                answers otherwise than at the build, or the index cannot catch up.
        """
        generation = release.generations.get("image")
        if generation is None:
            raise ArtifactRefused("no_index", f"release {release.name} has no image index")
        names = (generation, release.generations.get("encoder", ""))
        if self._last is not None and self._last[0] == names and not self._is_cut_off():
            return self._last[1]
        artifact = self._store.open("image", generation, format=Snapshot.FORMAT)
        index = self._openers.index(Snapshot.open(artifact.folder), generation, artifact.seq)
        encoder = self._encoder(release, artifact)
        canaries = Canaries.open(artifact.folder)
        if encoder is not None:
            _check_fit(encoder, index.view, artifact)
            canaries.check(encoder)
        canaries.check_index(index.view, artifact.folder)
        follow = self._openers.follow
        following = None if follow is None else follow(index)
        if following is not None:
            following.start()
        pair = Pair(index, encoder, following, artifact.facts.get(OWN_WORDS) is True)
        self.close()
        self._last = (names, pair)
        return pair

    def close(self) -> None:
        """Ends the following of the pair that was opened last."""
        if self._last is not None and self._last[1].following is not None:
            self._last[1].following.stop()

    def _is_cut_off(self) -> bool:
        following = None if self._last is None else self._last[1].following
        return following is not None and following.is_cut_off

    def _encoder(self, release: Release, index: Artifact) -> Encoder | None:
        if self._openers.encoder is None:
            return None
        own = release.generations.get("encoder")
        if not self._name and own:
            spec: str | Path = self._store.open("encoder", own, format=ENCODER_FORMAT).folder
        else:
            spec = self._name or str(index.facts.get("encoder", ""))
        if self._last_encoder is None or self._last_encoder[0] != str(spec):
            try:
                self._last_encoder = (str(spec), self._openers.encoder(spec))
            except SetupError as error:
                raise ArtifactRefused("encoder", str(error)) from error
        return self._last_encoder[1]


def _check_fit(encoder: Encoder, index: LiveView, artifact: Artifact) -> None:
    if encoder.fingerprint != index.fingerprint or encoder.dim != index.dim:
        raise ArtifactRefused(
            "encoder_mismatch",
            f"index {artifact.generation} was built with another encoder "
            f"({index.fingerprint[:12]}, not {encoder.fingerprint[:12]}): build it again",
        )
