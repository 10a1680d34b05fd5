"""Puts generations that were built in force, as one release."""

from collections.abc import Mapping

from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.progress import say
from runtime.artifacts import Artifact, ArtifactRefused, ArtifactStore, Release
from runtime.errors import SetupError
from services.gateway.tuned_fusion import FORMAT as FUSION_FORMAT
from services.gateway.vocabulary import FORMAT as VOCABULARY_FORMAT
from services.image_retriever.architecture import FORMAT as ENCODER_FORMAT
from services.image_retriever.index import VectorIndex
from services.reranker.factors import FORMAT as RANKING_FORMAT
from services.reranker.neighbours import FORMAT as NEIGHBOURS_FORMAT
from services.reranker.neighbours import KIND as NEIGHBOURS
from services.reranker.popularity import FORMAT as POPULARITY_FORMAT
from services.reranker.popularity import KIND as POPULARITY
from services.text_retriever.index import FORMAT as TEXT_FORMAT

KINDS = (
    "text",
    "image",
    "encoder",
    "ranking",
    "neighbours",
    "popularity",
    "vocabulary",
    "fusion",
)
NEEDED = ("text", "image")
"""Kinds without which there is nothing to serve."""


def formats() -> Mapping[str, int]:
    """Returns the layout version that this program reads, by kind."""
    return {
        "text": TEXT_FORMAT,
        "image": VectorIndex.FORMAT,
        "encoder": ENCODER_FORMAT,
        "ranking": RANKING_FORMAT,
        NEIGHBOURS: NEIGHBOURS_FORMAT,
        POPULARITY: POPULARITY_FORMAT,
        "fusion": FUSION_FORMAT,
        "vocabulary": VOCABULARY_FORMAT,
    }


def publish(data: DataDir, chosen: Mapping[str, str]) -> Release:
    """Releases generations, each checked to the last byte.

    Args:
        data: The data folder.
        chosen: Generations by kind, as names or the beginnings of names. Kinds that are not
            named stay as they are in the release in force. Empty: the newest whole generation of
            each kind, with the encoder that the image index was made with.

    Raises:
        SetupError: A generation is missing or damaged, or they do not fit each other; the release
            in force stays.
    """
    store = ArtifactStore(data.artifacts)
    made = _chosen(store, chosen) if chosen else _newest_of_each(store)
    require_followable(data, made)
    return put_in_force(store, made)


def require_followable(data: DataDir, made: Mapping[str, Artifact]) -> None:
    """Checks that the indexes can catch up with the catalogue, which forgets old deletions.

    Raises:
        SetupError: One is older than the change log reaches back.
    """
    if not data.is_elsewhere and not data.database.is_file():
        return
    catalog = CatalogStore.open(data.database_url)
    try:
        for kind in NEEDED:
            if kind in made and not catalog.is_followable(made[kind].seq):
                raise SetupError(
                    f"{kind}/{made[kind].generation} cannot be released: it holds the catalogue "
                    f"up to change {made[kind].seq}, and the changes after it are no longer all "
                    "known: run `hemline build`"
                )
    finally:
        catalog.close()


def put_in_force(store: ArtifactStore, made: Mapping[str, Artifact]) -> Release:
    """Releases opened generations together and says so.

    Raises:
        SetupError: They do not fit each other, or the disk is full.
    """
    for kind in NEEDED:
        if kind not in made:
            raise SetupError(f"there is no {kind} index to release: run `hemline build`")
    _check_pair(made["image"], made.get("encoder"))
    try:
        release = store.release(
            {kind: artifact.generation for kind, artifact in made.items()},
            # What every part of the release holds for certain.
            seq=min(made["text"].seq, made["image"].seq),
        )
    except ArtifactRefused as refused:
        raise SetupError(f"nothing is released: {refused.message}") from refused
    say(f"Release {release.name} is in force: {', '.join(release.generations.values())}")
    return release


def newest(store: ArtifactStore, kind: str) -> Artifact | None:
    """Returns the newest whole artifact of a kind; damaged ones are told and passed over."""
    for generation in reversed(store.generations(kind)):
        try:
            return store.open(kind, generation, format=formats()[kind])
        except ArtifactRefused as problem:
            say(f"Passing over a damaged artifact: {problem}")
    return None


def in_force(store: ArtifactStore, kind: str) -> dict[str, Artifact]:
    """Returns the artifact of a kind that the release in force names, by its kind, if any.

    For what is chosen rather than built: after a rollback the one that was gone back to stays. One
    that is damaged is told and left out.
    """
    try:
        release = store.current()
        named = release.generations if release else {}
        return open_all(store, {kind: named[kind]}) if kind in named else {}
    except (ArtifactRefused, SetupError) as problem:
        say(f"Leaving {kind} out of the release: {problem}")
        return {}


def open_all(store: ArtifactStore, generations: Mapping[str, str]) -> dict[str, Artifact]:
    """Returns generations by kind after checking every byte of each.

    Raises:
        SetupError: One is gone, damaged, or of a format that this program does not read.
    """
    opened = {}
    for kind, generation in generations.items():
        if kind not in KINDS:
            raise SetupError(f"{kind} is no kind of artifact: use {', '.join(KINDS)}")
        try:
            opened[kind] = store.open(kind, generation, format=formats()[kind])
        except ArtifactRefused as refused:
            raise SetupError(
                f"{kind}/{generation} cannot be released ({refused.reason}): {refused.message}"
            ) from refused
    return opened


def _newest_of_each(store: ArtifactStore) -> dict[str, Artifact]:
    made = {kind: artifact for kind in KINDS if (artifact := newest(store, kind)) is not None}
    image = made.get("image")
    if image is not None and (parent := image.parents.get("encoder")):
        made["encoder"] = open_all(store, {"encoder": parent})["encoder"]
    elif image is not None:
        made.pop("encoder", None)
    return made


def _chosen(store: ArtifactStore, chosen: Mapping[str, str]) -> dict[str, Artifact]:
    try:
        current = store.current()
    except ArtifactRefused as refused:
        raise SetupError(
            f"which release is in force cannot be told, so name all kinds: {refused.message}"
        ) from refused
    before = dict(current.generations) if current else {}
    named = {kind: _full_name(store, kind, name) for kind, name in chosen.items()}
    return open_all(store, before | named)


def _full_name(store: ArtifactStore, kind: str, beginning: str) -> str:
    found = [name for name in store.generations(kind) if name.startswith(beginning)]
    if len(found) != 1:
        there = ", ".join(store.generations(kind)) or "none"
        count = "no" if not found else "more than one"
        raise SetupError(
            f"{count} generation of {kind} begins with {beginning!r}: there are {there}"
        )
    return found[0]


def _check_pair(image: Artifact, encoder: Artifact | None) -> None:
    if encoder is None:
        return
    if image.facts.get("fingerprint") != encoder.facts.get("fingerprint"):
        raise SetupError(
            f"image/{image.generation} was not made with encoder/{encoder.generation}: "
            "release those that belong together, or run `hemline build`"
        )
