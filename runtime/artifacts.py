"""Publishes artifacts whole or not at all, and opens only what is whole.

    root/<kind>/<generation>/{manifest.json, files}   immutable once its name is there
    root/releases/r-000001.json                       names a generation of each kind
    root/CURRENT                                      one line: the release in force

A process that is killed at any point leaves at most a scratch folder, whose name begins with
a dot; the next publisher removes it. A name appears by rename after everything below it was
synced and read again.
"""

import contextlib
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from runtime import manifest as manifests
from runtime.durable import locked, sync, writing
from runtime.manifest import GENERATION, KIND, MANIFEST, ArtifactRefused, Manifest
from runtime.releases import Release, Releases

__all__ = ["Artifact", "ArtifactRefused", "ArtifactStore", "Release"]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_SPARE = 3


@dataclass(frozen=True, slots=True)
class Artifact:
    """A verified generation, lying in ``folder``.

    Attributes:
        format: Layout version, owned by the reader and writer of the kind.
        seq: Number of the last catalogue change that it holds.
        inputs: Digests of what it was made from.
        parents: Generations it belongs to, by kind.
        facts: What its writer told, as JSON values.
    """

    kind: str
    generation: str
    format: int
    seq: int
    inputs: Mapping[str, str]
    parents: Mapping[str, str]
    facts: Mapping[str, object]
    folder: Path


class ArtifactStore:
    """A folder of artifacts; any number of readers, one publisher a kind at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._releases = Releases(root)

    def publish(
        self,
        kind: str,
        *,
        format: int,  # noqa: A002  # the word of the manifest
        seq: int,
        write: Callable[[Path], Mapping[str, object]],
        inputs: Mapping[str, str] = _NOTHING,
        parents: Mapping[str, str] = _NOTHING,
    ) -> Artifact:
        """Makes a generation: ``write(folder)`` fills an empty folder and returns the facts.

        Raises:
            SetupError: The disk is full, the folder cannot be written, or another program is
                publishing the same kind.
        """
        home = self._home(kind)
        with writing(self._root), locked(home):
            _sweep(home)
            scratch = home / f".scratch-{uuid.uuid4().hex}"
            scratch.mkdir(mode=0o755)
            try:
                made = Manifest(kind, format, seq, inputs, parents, write(scratch), ())
                artifact = _seal(scratch, made, self._next(home))
                self._prune(kind, artifact.generation)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        return artifact

    def find(
        self,
        kind: str,
        *,
        format: int,  # noqa: A002  # the word of the manifest
        inputs: Mapping[str, str],
    ) -> Artifact | None:
        """Returns the newest whole generation that was made from equal inputs, if there is one."""
        for generation in reversed(self.generations(kind)):
            with contextlib.suppress(ArtifactRefused):
                made, _ = manifests.read(self._root / kind / generation)
                if made.format == format and dict(made.inputs) == dict(inputs):
                    return self.open(kind, generation, format=format)
        return None

    def open(
        self,
        kind: str,
        generation: str,
        *,
        format: int,  # noqa: A002  # the word of the manifest
    ) -> Artifact:
        """Returns a generation after checking every byte of it.

        Raises:
            ArtifactRefused: It is missing, damaged, of another kind or of another format.
        """
        folder = self._root / kind / generation
        match = GENERATION.fullmatch(generation)
        if not KIND.fullmatch(kind) or match is None:
            raise ArtifactRefused("generation_name", f"{kind}/{generation} is not a generation")
        if folder.is_symlink() or not folder.is_dir():
            raise ArtifactRefused("generation_missing", f"no {kind} artifact at {folder}")
        made, digest = _readable(folder)
        if made.kind != kind or digest[:8] != match[2]:
            raise ArtifactRefused("generation_name", f"{folder} holds another generation")
        if made.format != format:
            raise ArtifactRefused(
                "format", f"{folder} is format {made.format}, this build reads {format}: rebuild it"
            )
        with _unreadable(folder):
            manifests.verify(folder, made)
        return _artifact(made, generation, folder)

    def generations(self, kind: str) -> list[str]:
        """Returns the names of the generations of a kind, oldest first; they are not verified."""
        home = self._root / kind
        names = [path.name for path in home.iterdir()] if home.is_dir() else []
        found = (name for name in names if GENERATION.fullmatch(name))
        return sorted(found, key=lambda name: int(name.split("-")[0]))

    def release(self, generations: Mapping[str, str], *, seq: int) -> Release:
        """Puts one generation of each kind in force, together; equal to the current one: no change.

        Raises:
            ArtifactRefused: A generation is not there.
            SetupError: The disk is full, or the folder cannot be written.
        """
        for kind, generation in generations.items():
            _readable(self._root / kind / generation)
        with writing(self._root), locked(self._releases.home):
            return self._releases.put(generations, seq=seq)

    def current(self) -> Release | None:
        """Returns the release in force, or None before the first.

        Raises:
            ArtifactRefused: ``CURRENT`` or the release it names is damaged or missing.
        """
        return self._releases.current()

    def previous(self) -> Release | None:
        """Returns the release before the current one, or None."""
        return self._releases.previous()

    def _home(self, kind: str) -> Path:
        if not KIND.fullmatch(kind):
            raise ValueError(f"{kind!r} is not a kind of artifact")
        return self._root / kind

    def _next(self, home: Path) -> int:
        names = self.generations(home.name)
        return int(names[-1].split("-")[0]) + 1 if names else 1

    def _prune(self, kind: str, newest: str) -> None:
        """Removes what no release in force, no child and no recent build needs."""
        try:
            needed = {newest, *self._releases.named(kind)}
        except ArtifactRefused:  # Which release is in force is unknown: then nothing is spare.
            return
        needed |= self._parents(kind)
        spare = [name for name in self.generations(kind) if name not in needed]
        for name in spare[: -_SPARE + 1]:
            doomed = self._root / kind / f".scratch-{uuid.uuid4().hex}"
            (self._root / kind / name).rename(doomed)
            shutil.rmtree(doomed)

    def _parents(self, kind: str) -> set[str]:
        named: set[str] = set()
        for home in self._root.iterdir():
            for generation in self.generations(home.name):
                with contextlib.suppress(ArtifactRefused):
                    made, _ = manifests.read(home / generation)
                    named.add(made.parents.get(kind, ""))
        return named


def _seal(scratch: Path, made: Manifest, number: int) -> Artifact:
    for path in sorted(scratch.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
        elif path.is_file() and manifests.is_lock(path.name, path.lstat().st_size):
            path.unlink()
    files = tuple(manifests.measured(scratch, name) for name in manifests.listing(scratch))
    made = replace(made, files=files)
    (scratch / MANIFEST).write_bytes(manifests.sealed(made.body()))
    for path in sorted(scratch.rglob("*")):
        if path.is_file():
            path.chmod(0o444)
        sync(path)
    sync(scratch)
    again, digest = manifests.read(scratch)
    manifests.verify(scratch, again)
    final = scratch.parent / f"{number:06d}-{digest[:8]}"
    scratch.rename(final)
    sync(final.parent)
    return _artifact(again, final.name, final)


def _artifact(made: Manifest, generation: str, folder: Path) -> Artifact:
    return Artifact(
        made.kind,
        generation,
        made.format,
        made.seq,
        made.inputs,
        made.parents,
        made.facts,
        folder,
    )


def _readable(folder: Path) -> tuple[Manifest, str]:
    with _unreadable(folder):
        return manifests.read(folder)


@contextlib.contextmanager
def _unreadable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtifactRefused("unreadable", f"cannot read {folder}: {error.strerror}") from error


def _sweep(home: Path) -> None:
    for left in home.glob(".scratch-*"):
        shutil.rmtree(left)
