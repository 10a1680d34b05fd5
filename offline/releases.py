"""Shows the releases of a data folder, and which of them could be put in force again."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from offline.layout import DataDir
from offline.progress import progress
from offline.publish import open_all
from runtime.artifacts import ArtifactRefused, ArtifactStore, Release
from runtime.errors import SetupError

_HASH_CHARS = 4
_TO_THE_MINUTE = len("2026-01-31T12:00")


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
    kinds = sorted({kind for each in listed if each.release for kind in each.release.generations})
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "release", "published", "seq", *kinds):
        table.add_column(name, no_wrap=True)
    for each in reversed(listed):
        release = each.release
        table.add_row(
            "*" if each.current else "",
            each.name,
            release.created[:_TO_THE_MINUTE].replace("T", " ") if release else "",
            str(release.seq) if release else "",
            *(_short(release.generations.get(kind, "")) if release else "" for kind in kinds),
        )
    Console().print(table)
    if not listed:
        print("no release is published yet: run `hemline build`")
    for each in reversed(listed):
        if remark := _remark(each):
            # Not by the table's writer: what may be copied from here is broken by no line's end.
            print(f"{each.name}: {remark}")


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


def _short(generation: str) -> str:
    """``"000012-aab08fb9"`` as ``"12-aab0"``: four kinds stand beside each other in 80 columns."""
    number, _, digest = generation.partition("-")
    return f"{number.lstrip('0')}-{digest[:_HASH_CHARS]}" if digest else generation


def _remark(each: Listed) -> str:
    if each.refused:
        return each.refused
    return f"{each.release.restored} again" if each.release and each.release.restored else ""
