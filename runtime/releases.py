"""Names the generation of each kind that is in force, as one file that moves as one."""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runtime import manifest as manifests
from runtime.durable import replace
from runtime.manifest import GENERATION, KIND, ArtifactRefused

KEPT = 5
"""The newest releases whose generations are never removed, so that a rollback may name them."""
_NAME = re.compile(r"r-(\d{6,})")


@dataclass(frozen=True, slots=True)
class Release:
    """One generation of each kind, published together.

    Attributes:
        name: Such as ``r-000001``.
        seq: Number of the last catalogue change that all of them hold.
        generations: Generation by kind.
        created: When it was published, ISO 8601 in UTC; empty where it is not known.
        replaced: The release that was in force before; empty for the first.
        restored: The older release that it is a return to; empty for any but a rollback.
    """

    name: str
    seq: int
    generations: Mapping[str, str]
    created: str = ""
    replaced: str = ""
    restored: str = ""

    @property
    def number(self) -> int:
        """Its place among the releases, from 1."""
        return int(self.name[2:])

    @property
    def rolled_back_from(self) -> str:
        """The release that a rollback left; empty for any other."""
        return self.replaced if self.restored else ""

    def body(self) -> dict[str, object]:
        """Returns the release as JSON values; what is not known is left out."""
        told = {"created": self.created, "replaced": self.replaced, "restored": self.restored}
        return {
            "name": self.name,
            "seq": self.seq,
            "generations": dict(self.generations),
            **{key: value for key, value in told.items() if value},
        }


class Releases:
    """The release files below a root, and ``CURRENT``."""

    def __init__(self, root: Path) -> None:
        self._current = root / "CURRENT"
        self.home = root / "releases"

    def put(self, generations: Mapping[str, str], *, seq: int, restored: str = "") -> Release:
        """Writes a release, then makes it current; the caller holds the lock of ``home``."""
        try:
            current = self.current()
        except ArtifactRefused:  # A damaged pointer is healed by the release that follows.
            current = None
        if current and (dict(current.generations), current.seq) == (dict(generations), seq):
            return current
        number = max(self._numbers(), default=0) + 1
        now = datetime.now(UTC).isoformat(timespec="seconds")
        replaced = current.name if current else ""
        return self.adopt(Release(_name(number), seq, dict(generations), now, replaced, restored))

    def adopt(self, release: Release) -> Release:
        """Writes a release under the name it has, then makes it current."""
        self.keep(release)
        replace(self._current, f"{release.name}\n".encode())
        return release

    def keep(self, release: Release) -> None:
        """Writes a release under the name it has."""
        replace(self.home / f"{release.name}.json", manifests.sealed(release.body()))

    def current(self) -> Release | None:
        """Returns the release that ``CURRENT`` names; None without ``CURRENT``."""
        name = self.in_force()
        return self.read(name) if name else None

    def in_force(self) -> str:
        """Returns the name that stands in ``CURRENT``; empty without ``CURRENT``.

        Raises:
            ArtifactRefused: It is no name of a release.
        """
        try:
            raw = self._current.read_bytes()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ArtifactRefused("unreadable", f"cannot read {self._current}") from error
        name = raw[:-1].decode("ascii", "replace")
        if not raw.endswith(b"\n") or not _NAME.fullmatch(name):
            raise ArtifactRefused("current_garbage", f"{self._current} does not name a release")
        return name

    def previous(self) -> Release | None:
        """Returns the release that was in force before the current one; None without one.

        What a killed publisher left behind never was in force, so the number alone does not tell.
        """
        current = self.current()
        return self.before(current) if current else None

    def before(self, release: Release) -> Release | None:
        """Returns the release that one replaced; where it does not tell, the newest below it.

        Raises:
            ArtifactRefused: That release is damaged or gone.
        """
        if release.replaced:
            return self.read(release.replaced)
        below = [number for number in self._numbers() if number < release.number]
        return self.read(_name(max(below))) if below else None

    def names(self) -> list[str]:
        """Returns the names of all releases, oldest first; they are not read."""
        return [_name(number) for number in sorted(self._numbers())]

    def kept(self) -> list[Release]:
        """Returns what a rollback may name: current, previous and the newest :data:`KEPT`.

        A damaged one among the newest is left out, for nobody can go back to it.

        Raises:
            ArtifactRefused: ``CURRENT``, or the release before it, is damaged.
        """
        found = {each.name: each for each in (self.current(), self.previous()) if each}
        for name in self.names()[-KEPT:]:
            with contextlib.suppress(ArtifactRefused):
                found.setdefault(name, self.read(name))
        return list(found.values())

    def read(self, name: str) -> Release:
        """Returns a release by its name.

        Raises:
            ArtifactRefused: There is none, or it is damaged.
        """
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
        told = [str(body.get(key, "")) for key in ("created", "replaced", "restored")]
        if any(other and not _NAME.fullmatch(other) for other in told[1:]):
            raise ArtifactRefused("release_garbage", f"{path} names no release")
        return Release(name, seq, generations, *told)

    def _numbers(self) -> list[int]:
        names = [path.name for path in self.home.iterdir()] if self.home.is_dir() else []
        found = (_NAME.fullmatch(name.removesuffix(".json")) for name in names)
        return [int(match[1]) for match in found if match]


def _name(number: int) -> str:
    return f"r-{number:06d}"
