"""Names the generation of each kind that is in force, as one file that moves as one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime import manifest as manifests
from runtime.durable import replace
from runtime.manifest import GENERATION, KIND, ArtifactRefused

_NAME = re.compile(r"r-(\d{6,})")


@dataclass(frozen=True, slots=True)
class Release:
    """One generation of each kind, published together.

    Attributes:
        name: Such as ``r-000001``.
        seq: Number of the last catalogue change that all of them hold.
        generations: Generation by kind.
    """

    name: str
    seq: int
    generations: Mapping[str, str]


class Releases:
    """The release files below a root, and ``CURRENT``."""

    def __init__(self, root: Path) -> None:
        self._current = root / "CURRENT"
        self.home = root / "releases"

    def put(self, generations: Mapping[str, str], *, seq: int) -> Release:
        """Writes a release, then makes it current; the caller holds the lock of ``home``."""
        try:
            current = self.current()
        except ArtifactRefused:  # A damaged pointer is healed by the release that follows.
            current = None
        if current and (dict(current.generations), current.seq) == (dict(generations), seq):
            return current
        number = max(self._numbers(), default=0) + 1
        return self.adopt(Release(f"r-{number:06d}", seq, dict(generations)))

    def adopt(self, release: Release) -> Release:
        """Writes a release under the name it has, then makes it current."""
        self.keep(release)
        replace(self._current, f"{release.name}\n".encode())
        return release

    def keep(self, release: Release) -> None:
        """Writes a release under the name it has."""
        body = {
            "name": release.name,
            "seq": release.seq,
            "generations": dict(release.generations),
        }
        replace(self.home / f"{release.name}.json", manifests.sealed(body))

    def current(self) -> Release | None:
        """Returns the release that ``CURRENT`` names; None without ``CURRENT``."""
        try:
            raw = self._current.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ArtifactRefused("unreadable", f"cannot read {self._current}") from error
        name = raw[:-1].decode("ascii", "replace")
        if not raw.endswith(b"\n") or not _NAME.fullmatch(name):
            raise ArtifactRefused("current_garbage", f"{self._current} does not name a release")
        return self._read(name)

    def previous(self) -> Release | None:
        """Returns the newest release below the current one; None when there is none."""
        current = self.current()
        if current is None:
            return None
        own = int(current.name[2:])
        below = [number for number in self._numbers() if number < own]
        return self._read(f"r-{max(below):06d}") if below else None

    def named(self, kind: str) -> set[str]:
        """Returns the generations of a kind that the current and the previous release name."""
        both = (self.current(), self.previous())
        return {r.generations[kind] for r in both if r is not None and kind in r.generations}

    def _numbers(self) -> list[int]:
        names = [path.name for path in self.home.iterdir()] if self.home.is_dir() else []
        found = (_NAME.fullmatch(name.removesuffix(".json")) for name in names)
        return [int(match[1]) for match in found if match]

    def _read(self, name: str) -> Release:
        path = self.home / f"{name}.json"
        try:
            body, _ = manifests.unsealed(path)
        except ArtifactRefused as refused:
            raise ArtifactRefused("release_garbage", refused.message) from refused
        except OSError as error:
            raise ArtifactRefused("unreadable", f"cannot read {path}") from error
        seq, generations = body.get("seq"), body.get("generations")
        if body.get("name") != name or type(seq) is not int or not isinstance(generations, dict):
            raise ArtifactRefused("release_garbage", f"{path} is not a release")
        for kind, generation in generations.items():
            if not KIND.fullmatch(kind) or not GENERATION.fullmatch(str(generation)):
                raise ArtifactRefused("release_garbage", f"{path} names no generation of {kind}")
        return Release(name, seq, generations)
