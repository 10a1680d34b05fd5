"""Copies the release in force from one root to another, checked on both ends."""

import logging
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runtime import manifest as manifests
from runtime.artifacts import ArtifactStore
from runtime.durable import locked, sync, writing
from runtime.manifest import MANIFEST, ArtifactRefused
from runtime.releases import Release, Releases

_log = logging.getLogger(__name__)


def mirror(
    source: Path, target: Path, kinds: Sequence[str], *, recheck: bool = True
) -> Release | None:
    """Makes the release in force at ``source`` that at ``target``, by the same name.

    The current and the previous release are copied, with the generations of some kinds; what
    neither names is removed at the target. What is there and whole is not copied again. Killed at
    any point it leaves the release before in force.

    Args:
        source: Root of an artifact store; may be read-only.
        target: Root to copy to; one copier at a time.
        kinds: Kinds that the target is to hold.
        recheck: Whether to read a release again that is in force at the target already.

    Returns:
        The release now in force at the target; None when the source has none.

    Raises:
        ArtifactRefused: The release at the source is not whole; the target keeps what it has.
        SetupError: The target is full or cannot be written.
    """
    current = ArtifactStore(source).current()
    if current is None:
        return None
    if not recheck and _in_force(target) == current:
        return current
    releases = Releases(target)
    with writing(target), locked(releases.home):
        previous = _previous(source, target, kinds)
        _copy_all(source, target, kinds, current)
        if previous is not None:
            releases.keep(previous)
        releases.adopt(current)
        _remove_others(target, kinds, [r for r in (previous, current) if r is not None])
    return current


def _in_force(target: Path) -> Release | None:
    try:
        return ArtifactStore(target).current()
    except ArtifactRefused:  # Copied anew, it is whole again.
        return None


def _previous(source: Path, target: Path, kinds: Sequence[str]) -> Release | None:
    """Copies the release before; a damaged one is passed over."""
    try:
        previous = ArtifactStore(source).previous()
        if previous is not None:
            _copy_all(source, target, kinds, previous)
    except ArtifactRefused as refused:
        _log.warning("the previous release is not copied: %s", refused.message)
        return None
    return previous


def _copy_all(source: Path, target: Path, kinds: Sequence[str], release: Release) -> None:
    for kind in kinds:
        generation = release.generations.get(kind)
        if generation is not None and not _is_whole(target / kind / generation):
            _copy(source / kind / generation, target / kind)


def _copy(folder: Path, home: Path) -> None:
    """Copies one generation aside, checks every byte of the copy, then gives it its name."""
    with _readable(folder):
        made, _ = manifests.read(folder)
        home.mkdir(parents=True, exist_ok=True)
        scratch = home / f".scratch-{uuid.uuid4().hex}"
        scratch.mkdir(mode=0o755)
        try:
            for name in (*(file.path for file in made.files), MANIFEST):
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / name, scratch / name, follow_symlinks=False)
                sync(scratch / name)
            copied, _ = manifests.read(scratch)
            manifests.verify(scratch, copied)
            shutil.rmtree(home / folder.name, ignore_errors=True)
            scratch.rename(home / folder.name)
            sync(home)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    try:
        made, _ = manifests.read(folder)
        manifests.verify(folder, made)
    except ArtifactRefused:
        return False
    return True


def _remove_others(target: Path, kinds: Sequence[str], releases: Sequence[Release]) -> None:
    for kind in kinds:
        needed = {release.generations.get(kind) for release in releases}
        for generation in ArtifactStore(target).generations(kind):
            if generation not in needed:
                shutil.rmtree(target / kind / generation)
        for left in (target / kind).glob(".scratch-*"):
            shutil.rmtree(left)


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ArtifactRefused("file_missing", f"{folder} lacks {error.filename}") from error
