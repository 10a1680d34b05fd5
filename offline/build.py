"""Makes every artifact that a release names, and puts the release in force."""

from offline.build_image import build_image
from offline.build_text import build_text
from offline.layout import DataDir
from offline.progress import say
from runtime.artifacts import Artifact, ArtifactRefused, ArtifactStore, Release
from runtime.errors import SetupError
from services.image_retriever.architecture import FORMAT as ENCODER_FORMAT
from services.reranker.factors import FORMAT as RANKING_FORMAT


def build(data: DataDir, *, encoder: str = "", device: str = "cpu") -> Release:
    """Builds what is out of date and releases it, together with the newest encoder and factors.

    Equal inputs change nothing, not even the release. Factors may be missing: then nobody's taste
    is known.

    Args:
        data: The data folder.
        encoder: Name of an encoder such as ``hf-hub:Marqo/marqo-fashionSigLIP``; empty: the
            newest that was trained.
        device: Where photos are encoded, ``cpu`` or ``cuda``.

    Raises:
        SetupError: There is no catalogue or no encoder, or an artifact cannot be written.
    """
    data.require_catalog()
    store = ArtifactStore(data.artifacts)
    made: dict[str, Artifact] = {}
    if not encoder:
        made["encoder"] = _trained(data, store)
    made["image"] = build_image(data, made.get("encoder", encoder), device=device)
    made["text"] = build_text(data)
    if (ranking := _newest(store, "ranking", RANKING_FORMAT)) is not None:
        made["ranking"] = ranking
    release = store.release(
        {kind: artifact.generation for kind, artifact in made.items()},
        # What every part of the release holds for certain.
        seq=min(made["text"].seq, made["image"].seq),
    )
    say(f"Release {release.name} is in force: {', '.join(release.generations.values())}")
    return release


def _trained(data: DataDir, store: ArtifactStore) -> Artifact:
    found = _newest(store, "encoder", ENCODER_FORMAT)
    if found is None:
        raise SetupError(
            f"there is no encoder in {data.root}: run `hemline train clip --data {data.root}`, "
            "or name one with --encoder"
        )
    return found


def _newest(store: ArtifactStore, kind: str, version: int) -> Artifact | None:
    """Returns the newest whole artifact of a kind; damaged ones are told and passed over."""
    for generation in reversed(store.generations(kind)):
        try:
            return store.open(kind, generation, format=version)
        except ArtifactRefused as problem:
            say(f"Passing over a damaged artifact: {problem}")
    return None
