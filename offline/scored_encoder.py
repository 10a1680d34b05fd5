"""Opens the encoder that is to be scored, if what is held out is new to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from offline.layout import DataDir
from runtime.artifacts import Artifact, ArtifactRefused, ArtifactStore
from runtime.errors import SetupError
from services.image_retriever.architecture import FORMAT
from services.image_retriever.encoder import Encoder, open_encoder
from services.image_retriever.index import KINDS, VectorIndex

NO_FLOORS: Mapping[str, float | None] = dict.fromkeys(KINDS)


@dataclass(frozen=True, slots=True)
class ScoredEncoder:
    """An encoder, what it is called, and the similarity floors of the released index, if any."""

    name: str
    encoder: Encoder
    floors: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class ChosenEncoder:
    """Which encoder is to be scored, before it is opened.

    Attributes:
        name: Its generation, or where ``trained`` is None the name that the build was given.
        trained: Its artifact.
        index: The released index, if any.
    """

    name: str
    trained: Artifact | None
    index: VectorIndex | None

    def open(self, split: str) -> ScoredEncoder:
        """Opens it.

        Args:
            split: Digest of the split as it is now.

        Raises:
            SetupError: It was trained on another split: then products that are held out now may
                be among those it has learned from. Or it cannot be opened.
        """
        if self.trained is None:
            return _with_floors(self.name, open_encoder(self.name), self.index)
        if self.trained.inputs.get("split") != split:
            raise SetupError(
                f"the encoder {self.name} was trained on another state of the catalogue, so what "
                "is held out now may be known to it: run hemline train clip again"
            )
        return _with_floors(self.name, open_encoder(self.trained.folder), self.index)


def choose_encoder(data: DataDir) -> ChosenEncoder:
    """Chooses the encoder of the release in force, or the newest one before the first release.

    Raises:
        SetupError: There is no encoder, or its files are damaged.
    """
    try:
        return _choose(ArtifactStore(data.artifacts))
    except ArtifactRefused as refused:
        raise SetupError(f"the encoder cannot be opened: {refused.message}") from refused


def _choose(artifacts: ArtifactStore) -> ChosenEncoder:
    release = artifacts.current()
    released = release.generations if release else {}
    index = None
    if "image" in released:
        artifact = artifacts.open("image", released["image"], format=VectorIndex.FORMAT)
        index = VectorIndex.open(artifact.folder)
        named = artifact.facts.get("encoder")
        if "encoder" not in released and isinstance(named, str) and named:
            return ChosenEncoder(named, None, index)
    trained = artifacts.generations("encoder")
    generation = released.get("encoder") or (trained[-1] if trained else "")
    if not generation:
        raise SetupError("there is no encoder to score: run hemline train clip")
    return ChosenEncoder(generation, artifacts.open("encoder", generation, format=FORMAT), index)


def _with_floors(name: str, encoder: Encoder, index: VectorIndex | None) -> ScoredEncoder:
    fits = index is not None and index.fingerprint == encoder.fingerprint
    return ScoredEncoder(name, encoder, index.floors if index and fits else NO_FLOORS)
