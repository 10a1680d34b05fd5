"""Shows the releases of a data folder, and which of them could be put in force again."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from offline.layout import DataDir
from offline.progress import progress
from offline.publish import open_all
from runtime.artifacts import ArtifactRefused, ArtifactStore, Release
from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class Listed:
    """One release; it is None where its file is damaged, and ``refused`` says what is wrong."""

    name: str
    release: Release | None
    current: bool
    refused: str = ""


def list_releases(data: DataDir) -> list[Listed]:
    """Reads all releases, oldest first, and checks every byte that they name.

    Raises:
        SetupError: ``CURRENT`` is damaged.
    """
    store = ArtifactStore(data.artifacts)
    names = store.releases.names()
    try:
        in_force = store.releases.in_force()
    except ArtifactRefused as refused:
        raise SetupError(f"which release is in force cannot be told: {refused.message}") from None
    checked: dict[tuple[str, str], str] = {}
    listed = []
    with progress("Checking releases", len(names)) as shown:
        for name in names:
            listed.append(_look(store, name, checked, current=name == in_force))
            shown.advance()
    return listed


def as_json(listed: list[Listed]) -> list[dict[str, object]]:
    """Returns the releases for programs, oldest first."""
    return [
        {
            "name": each.name,
            "created": each.release.created if each.release else "",
            "seq": each.release.seq if each.release else 0,
            "generations": dict(each.release.generations) if each.release else {},
            "current": each.current,
            "rolled_back_from": each.release.rolled_back_from if each.release else "",
            "restored": each.release.restored if each.release else "",
            "refused": each.refused,
        }
        for each in listed
    ]


def show(listed: list[Listed]) -> None:
    """Prints the releases for a person, newest first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "release", "published", "seq", "generations", "remark"):
        table.add_column(name, overflow="fold")
    for each in reversed(listed):
        release = each.release
        table.add_row(
            "*" if each.current else "",
            each.name,
            release.created if release else "",
            str(release.seq) if release else "",
            _shown(release.generations) if release else "",
            each.refused or (f"{release.restored} again" if release and release.restored else ""),
        )
    console = Console()
    console.print(table)
    if not listed:
        console.print("no release is published yet: run `hemline build`", highlight=False)


def _look(
    store: ArtifactStore, name: str, checked: dict[tuple[str, str], str], *, current: bool
) -> Listed:
    try:
        release = store.releases.read(name)
    except ArtifactRefused as refused:
        return Listed(name, None, current, refused.message)
    for kind, generation in release.generations.items():
        if (kind, generation) not in checked:
            checked[kind, generation] = _refusal(store, kind, generation)
    problems = [checked[each] for each in release.generations.items()]
    return Listed(name, release, current, "; ".join(filter(None, problems)))


def _refusal(store: ArtifactStore, kind: str, generation: str) -> str:
    try:
        open_all(store, {kind: generation})
    except SetupError as problem:
        return str(problem)
    return ""


def _shown(generations: Mapping[str, str]) -> str:
    return " ".join(f"{kind}/{name}" for kind, name in sorted(generations.items()))
