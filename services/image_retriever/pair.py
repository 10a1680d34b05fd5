"""Opens the encoder and the vector index that belong together, as one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.artifacts import Artifact, ArtifactRefused, ArtifactStore, Release
from runtime.errors import SetupError
from services.image_retriever.architecture import FORMAT as ENCODER_FORMAT
from services.image_retriever.canary import Canaries
from services.image_retriever.encoder import Encoder
from services.image_retriever.index import VectorIndex

OpenEncoder = Callable[[str | Path], Encoder]


@dataclass(frozen=True, slots=True)
class Pair:
    """What one release serves: never an encoder with the index of another.

    Attributes:
        index: The product vectors.
        encoder: What made them; None in a process that only searches.
        generation: Generation of the index.
        seq: Number of the last catalogue change in the index.
    """

    index: VectorIndex
    encoder: Encoder | None
    generation: str
    seq: int


class PairOpener:
    """Opens the pair of a release; what did not change since the last one is not opened again.

    Args:
        store: Where the artifacts lie.
        open_encoder: Opens an encoder by the folder of an artifact or by a name. None in a
            process that only searches.
        encoder: Name of the encoder; empty means the release's own artifact, or else the name
            that the index was built with.
        device: Where to search: ``cpu`` or ``cuda``.
    """

    def __init__(
        self,
        store: ArtifactStore,
        open_encoder: OpenEncoder | None,
        *,
        encoder: str = "",
        device: str = "cpu",
    ) -> None:
        self._store = store
        self._open_encoder = open_encoder
        self._name = encoder
        self._device = device
        self._last_encoder: tuple[str, Encoder] | None = None
        self._last: tuple[tuple[str, str], Pair] | None = None

    def __call__(self, release: Release) -> Pair:
        """Returns the pair of a release.

        Raises:
            ArtifactRefused: The release has no index, an artifact is damaged, the encoder cannot
                be opened, it is another than the one that the index was built with, or one of
                them answers otherwise than at the build.
        """
        generation = release.generations.get("image")
        if generation is None:
            raise ArtifactRefused("no_index", f"release {release.name} has no image index")
        names = (generation, release.generations.get("encoder", ""))
        if self._last is not None and self._last[0] == names:
            return self._last[1]
        artifact = self._store.open("image", generation, format=VectorIndex.FORMAT)
        index = VectorIndex.open(artifact.folder, device=self._device)
        encoder = self._encoder(release, artifact)
        canaries = Canaries.open(artifact.folder)
        if encoder is not None:
            _check_fit(encoder, index, artifact)
            canaries.check(encoder)
        canaries.check_index(index, artifact.folder)
        pair = Pair(index, encoder, generation, artifact.seq)
        self._last = (names, pair)
        return pair

    def _encoder(self, release: Release, index: Artifact) -> Encoder | None:
        if self._open_encoder is None:
            return None
        own = release.generations.get("encoder")
        if not self._name and own:
            spec: str | Path = self._store.open("encoder", own, format=ENCODER_FORMAT).folder
        else:
            spec = self._name or str(index.facts.get("encoder", ""))
        if self._last_encoder is None or self._last_encoder[0] != str(spec):
            try:
                self._last_encoder = (str(spec), self._open_encoder(spec))
            except SetupError as error:
                raise ArtifactRefused("encoder", str(error)) from error
        return self._last_encoder[1]


def _check_fit(encoder: Encoder, index: VectorIndex, artifact: Artifact) -> None:
    if encoder.fingerprint != index.fingerprint or encoder.dim != index.dim:
        raise ArtifactRefused(
            "encoder_mismatch",
            f"index {artifact.generation} was built with another encoder "
            f"({index.fingerprint[:12]}, not {encoder.fingerprint[:12]}): build it again",
        )
