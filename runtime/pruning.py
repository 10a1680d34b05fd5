"""Removes the generations that nobody can need any more."""

import contextlib
import shutil
import uuid
from pathlib import Path

from runtime import manifest as manifests
from runtime.durable import locked
from runtime.errors import SetupError
from runtime.manifest import ArtifactRefused
from runtime.releases import Releases

SPARE = 3
"""The newest generations of a kind that stay although no release names them."""


def prune(root: Path, kind: str, *, newest: str) -> None:
    """Removes old generations of a kind; the caller holds the lock of the kind.

    What stays: the newest three, all that a release names which a rollback may name (see
    :meth:`~runtime.releases.Releases.kept`), and the parents of whatever stays of other kinds.
    Where that cannot be told, because a release is damaged or just being changed, all stay.

    Args:
        root: Root of the artifact store.
        kind: Kind of artifact.
        newest: The generation that was just made.
    """
    releases = Releases(root)
    try:
        # Whoever puts a release in force holds this lock, and finds its generations or does not.
        with locked(releases.home):
            needed = {newest, *(each.generations.get(kind, "") for each in releases.kept())}
            needed |= _parents(root, kind)
            spare = [name for name in manifests.generations(root / kind) if name not in needed]
            for name in spare[: -SPARE + 1]:
                doomed = root / kind / f".scratch-{uuid.uuid4().hex}"
                (root / kind / name).rename(doomed)
                shutil.rmtree(doomed)
    except (ArtifactRefused, SetupError):
        return


def _parents(root: Path, kind: str) -> set[str]:
    named: set[str] = set()
    for home in root.iterdir():
        for generation in manifests.generations(home):
            with contextlib.suppress(ArtifactRefused):
                made, _ = manifests.read(home / generation)
                named.add(made.parents.get(kind, ""))
    return named
