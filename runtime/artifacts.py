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
from runtime.pruning import prune
from runtime.releases import Release, Releases

__all__ = ["Artifact", "ArtifactRefused", "ArtifactStore", "Release"]

_NOTHING: Mapping[str, str] = MappingProxyType({})


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
                prune(self._root, kind, newest=artifact.generation)
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

    def facts(self, kind: str, generation: str) -> Mapping[str, object]:
        """Returns what the writer of a generation told; its other files are not looked at.

        Raises:
            ArtifactRefused: The manifest is missing or damaged.
        """
        return _readable(self._root / kind / generation)[0].facts

    def generations(self, kind: str) -> list[str]:
        """Returns the names of the generations of a kind, oldest first; they are not verified."""
        home = self._root / kind
        return manifests.generations(home)

    def release(self, generations: Mapping[str, str], *, seq: int, restored: str = "") -> Release:
        """Puts one generation of each kind in force, together; equal to the current one: no change.

        Args:
            generations: Generation by kind.
            seq: Number of the last catalogue change that all of them hold.
            restored: The older release that this one goes back to, if it does.

        Raises:
            ArtifactRefused: A generation is not there.
            SetupError: The disk is full, or the folder cannot be written.
        """
        with writing(self._root), locked(self._releases.home):
            # Under the lock: nobody removes a generation meanwhile.
            for kind, generation in generations.items():
                _readable(self._root / kind / generation)
            return self._releases.put(generations, seq=seq, restored=restored)

    @property
    def releases(self) -> Releases:
        """The releases that were published so far."""
        return self._releases

    def current(self) -> Release | None:
        """Returns the release in force, or None before the first.

        Raises:
            ArtifactRefused: ``CURRENT`` or the release it names is damaged or missing.
        """
        return self._releases.current()

    def previous(self) -> Release | None:
        """Returns the release that was in force before the current one, or None."""
        return self._releases.previous()

    def _home(self, kind: str) -> Path:
        if not KIND.fullmatch(kind):
            raise ValueError(f"{kind!r} is not a kind of artifact")
        return self._root / kind

    def _next(self, home: Path) -> int:
        names = self.generations(home.name)
        return int(names[-1].split("-")[0]) + 1 if names else 1


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
