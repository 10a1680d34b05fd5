"""Writes and checks the manifest that makes an artifact whole."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "manifest.json"
KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
GENERATION = re.compile(r"(\d{6,})-([0-9a-f]{8})")
_MAX_MANIFEST_BYTES = 16 << 20


class ArtifactRefused(Exception):
    """An artifact or a release is not what it says it is, so it is not opened.

    Args:
        reason: A short slug for metrics, such as ``file_digest``.
        message: What is wrong, with the path; lower case, no full stop.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class File:
    """One file of an artifact: path below its folder with ``/``, bytes, SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact holds, and what it was made from."""

    kind: str
    format: int
    seq: int
    inputs: Mapping[str, str]
    parents: Mapping[str, str]
    facts: Mapping[str, object]
    files: tuple[File, ...]

    def body(self) -> dict[str, object]:
        """Returns the manifest as JSON values."""
        return {
            "kind": self.kind,
            "format": self.format,
            "seq": self.seq,
            "inputs": dict(self.inputs),
            "parents": dict(self.parents),
            "facts": dict(self.facts),
            "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in self.files],
        }


def sealed(body: Mapping[str, object]) -> bytes:
    """Returns a body as canonical JSON that carries its own SHA-256 under ``digest``.

    Raises:
        ValueError: A number is not finite.
        TypeError: A value is not JSON.
    """
    return _canonical({**body, "digest": digest_of(body)})


def digest_of(body: Mapping[str, object]) -> str:
    """Returns the SHA-256 of a body in hex."""
    return hashlib.sha256(_canonical(body)).hexdigest()


def unsealed(path: Path) -> tuple[dict[str, object], str]:
    """Reads what :func:`sealed` wrote: the body and its digest.

    Raises:
        ArtifactRefused: The file is missing, is no plain file, or differs from what was written
            in a single bit.
    """
    try:
        info = path.lstat()
    except FileNotFoundError:
        raise ArtifactRefused("manifest_missing", f"{path} is missing") from None
    if not stat.S_ISREG(info.st_mode):
        raise ArtifactRefused("not_a_file", f"{path} is not a plain file")
    if info.st_size > _MAX_MANIFEST_BYTES:
        raise ArtifactRefused("manifest_garbage", f"{path} is too long to be a manifest")
    raw = path.read_bytes()
    try:
        body = json.loads(raw)
        digest = body.pop("digest")
        whole = raw == sealed(body)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ArtifactRefused("manifest_garbage", f"{path} is not a manifest") from None
    if not whole:
        raise ArtifactRefused("manifest_digest", f"{path} was changed after it was written")
    return body, str(digest)


def read(folder: Path) -> tuple[Manifest, str]:
    """Reads the manifest of a folder and its digest; the files are not looked at.

    Raises:
        ArtifactRefused: As :func:`unsealed`, or a field has the wrong type or an unsafe path.
    """
    path = folder / MANIFEST
    body, digest = unsealed(path)
    try:
        files = tuple(
            File(str(f["path"]), _integer(f["size"]), str(f["sha256"]))
            for f in _list(body["files"])
        )
        manifest = Manifest(
            str(body["kind"]),
            _integer(body["format"]),
            _integer(body["seq"]),
            _words(body["inputs"]),
            _words(body["parents"]),
            dict(_mapping(body["facts"])),
            files,
        )
        sound = body == manifest.body()
    except (KeyError, TypeError, ValueError):
        raise ArtifactRefused(
            "manifest_garbage", f"{path} lacks a field or types one wrong"
        ) from None
    if not sound:
        raise ArtifactRefused("manifest_garbage", f"{path} holds fields that nobody knows")
    for file in files:
        if not _is_safe(file.path):
            raise ArtifactRefused("path_unsafe", f"{path} names a path outside its folder")
    return manifest, digest


def verify(folder: Path, manifest: Manifest) -> None:
    """Checks each file of a folder against its manifest: size, SHA-256, none more, none less.

    Raises:
        ArtifactRefused: The first difference found.
    """
    found = _walk(folder)
    listed = {file.path: file for file in manifest.files}
    for name in sorted(found.keys() - listed.keys() - {MANIFEST}):
        raise ArtifactRefused("file_extra", f"{folder} holds {name}, which its manifest does not")
    for name, file in sorted(listed.items()):
        if name not in found:
            raise ArtifactRefused("file_missing", f"{folder} lacks {name}")
        if found[name] != file.size:
            raise ArtifactRefused(
                "file_size", f"{folder / name} has {found[name]} bytes instead of {file.size}"
            )
    for name, file in sorted(listed.items()):
        if measured(folder, name) != file:
            raise ArtifactRefused(
                "file_digest", f"{folder / name} was changed after it was written"
            )


def measured(folder: Path, name: str) -> File:
    """Returns the size and SHA-256 of a file as it lies on disk; a symlink is an OSError."""
    handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW)
    with open(handle, "rb", buffering=0) as file:  # noqa: PTH123  # a descriptor, opened safely
        digest = hashlib.file_digest(file, "sha256")
        return File(name, os.fstat(file.fileno()).st_size, digest.hexdigest())


def listing(folder: Path) -> list[str]:
    """Returns the paths of the files below a folder but the manifest, sorted.

    Raises:
        ArtifactRefused: Something below is neither a folder nor a plain file.
    """
    return sorted(_walk(folder).keys() - {MANIFEST})


def generations(home: Path) -> list[str]:
    """Returns the names of the generations in the folder of a kind, oldest first."""
    names = [path.name for path in home.iterdir()] if home.is_dir() else []
    found = (name for name in names if GENERATION.fullmatch(name))
    return sorted(found, key=lambda name: int(name.split("-")[0]))


def is_lock(name: str, size: int) -> bool:
    """Says whether a file is an empty lock: Tantivy's reader leaves them, they hold nothing."""
    return size == 0 and name.endswith(".lock")


def _walk(folder: Path) -> dict[str, int]:
    if folder.is_symlink() or not folder.is_dir():
        raise ArtifactRefused("generation_missing", f"{folder} is not a folder")
    found: dict[str, int] = {}
    pending = [folder]
    while pending:
        here = pending.pop()
        with os.scandir(here) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode):
                    pending.append(Path(entry.path))
                elif not stat.S_ISREG(info.st_mode):
                    raise ArtifactRefused("not_a_file", f"{entry.path} is not a plain file")
                elif not is_lock(entry.name, info.st_size):
                    found[Path(entry.path).relative_to(folder).as_posix()] = info.st_size
    return found


def _canonical(body: Mapping[str, object]) -> bytes:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1)
    return text.encode() + b"\n"


def _is_safe(path: object) -> bool:
    if not isinstance(path, str) or not path or "\\" in path or "\0" in path:
        return False
    return all(part not in ("", ".", "..") for part in path.split("/")) and path != MANIFEST


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("not a mapping")
    return value


def _words(value: object) -> dict[str, str]:
    if not all(isinstance(word, str) for word in _mapping(value).values()):
        raise TypeError("not a mapping of words")
    return {key: str(word) for key, word in _mapping(value).items()}


def _integer(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not a natural number")
    return value


def _list(value: object) -> list[dict[str, object]]:
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise TypeError("not a list of mappings")
    return value
