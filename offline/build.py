"""Makes every artifact that a release names, and puts the release in force."""

from offline.build_image import build_image
from offline.build_text import build_text
from offline.build_vocabulary import build_vocabulary
from offline.encoder_words import gets_own_words
from offline.forget import forget_deletions
from offline.layout import DataDir
from offline.publish import in_force, newest, put_in_force
from runtime.artifacts import Artifact, ArtifactStore, Release
from runtime.errors import SetupError
from services.image_retriever.precision import device_of


def build(
    data: DataDir, *, encoder: str = "", device: str = "cpu", multilingual: bool = False
) -> Release:
    """Builds what is out of date and releases it, with the newest encoder and models of shoppers.

    Equal inputs change nothing, not even the release. Models may be missing: then nobody's taste
    is known.

    Args:
        data: The data folder.
        encoder: Name of an encoder such as ``hf-hub:Marqo/marqo-fashionSigLIP``, as
            :func:`~services.image_retriever.encoder.open_encoder` takes it; empty: the newest
            that was trained.
        device: Where photos are encoded, ``cpu`` or ``cuda``.
        multilingual: Whether the encoder reads many languages, where that is not known of it.

    Raises:
        SetupError: There is no catalogue, no encoder or no such device, or an artifact cannot be
            written.
    """
    made = make(data, encoder=encoder, device=device, multilingual=multilingual)
    release = put_in_force(ArtifactStore(data.artifacts), made)
    forget_deletions(data)
    return release


def make(
    data: DataDir, *, encoder: str = "", device: str = "cpu", multilingual: bool = False
) -> dict[str, Artifact]:
    """Builds what is out of date, as :func:`build` does, and puts nothing in force.

    Returns:
        What a release would name, by kind.
    """
    data.require_catalog()
    device_of(device)  # there or not, whether or not anything is to be made
    store = ArtifactStore(data.artifacts)
    made: dict[str, Artifact] = {}
    if not encoder:
        made["encoder"] = _trained(data, store)
    chosen = made.get("encoder", encoder)
    own_words = gets_own_words(data, chosen, multilingual=multilingual)
    made["image"] = build_image(data, chosen, device=device, own_words=own_words)
    made["text"] = build_text(data)
    made["vocabulary"] = build_vocabulary(data)
    for kind in ("ranking", "neighbours", "popularity"):
        if (learned := newest(store, kind)) is not None:
            made[kind] = learned
    return made | in_force(store, "fusion")


def _trained(data: DataDir, store: ArtifactStore) -> Artifact:
    found = newest(store, "encoder")
    if found is None:
        raise SetupError(
            f"there is no encoder in {data.root}: run `hemline train clip --data {data.root}`, "
            "or name one with --encoder"
        )
    return found
