"""Puts an older release in force again, as one."""

import re

from offline.layout import DataDir
from offline.progress import say
from offline.publish import open_all, require_followable
from runtime.artifacts import ArtifactRefused, ArtifactStore, Release
from runtime.errors import SetupError

_NAME = re.compile(r"r-\d{6,}")


def rollback(data: DataDir, to: str = "") -> Release:
    """Returns to an older release, or forward again to a newer one.

    History is only ever written on: going back is a new release with the generations of an old
    one, which it names. So a rollback can itself be rolled back.

    Args:
        data: The data folder.
        to: Name of a release, such as ``r-000003``; empty: the one before the release in force.

    Raises:
        SetupError: There is no such release, an artifact of it is gone or damaged, or the
            catalogue no longer knows all changes since then; the release in force stays.
    """
    store = ArtifactStore(data.artifacts)
    try:
        target = _read(store, to) if to else _before(store)
        # A return to a return is a return to the same.
        origin = target.restored or target.name
        require_followable(data, open_all(store, target.generations))
        there = store.releases.names()
        release = store.release(target.generations, seq=target.seq, restored=origin)
    except ArtifactRefused as refused:
        raise SetupError(f"nothing is rolled back: {refused.message}") from refused
    if release.name in there:
        say(f"Release {release.name} is in force already")
    else:
        after = f", after {release.replaced}" if release.replaced else ""
        say(f"Release {release.name} is in force: {origin} again{after}")
    return release


def _read(store: ArtifactStore, name: str) -> Release:
    names = store.releases.names()
    if not _NAME.fullmatch(name) or name not in names:
        known = ", ".join(names[-10:]) or "none"
        raise SetupError(f"{name!r} is no release of this folder: the newest are {known}")
    return store.releases.read(name)


def _before(store: ArtifactStore) -> Release:
    """Returns the release before the one in force; where that is a return, before its origin."""
    current = store.current()
    if current is None:
        raise SetupError("no release is published yet: run `hemline build`")
    origin = store.releases.read(current.restored) if current.restored else current
    before = store.releases.before(origin)
    if before is None:
        raise SetupError(
            f"there is no release before {origin.name}: name one with --to, see `hemline releases`"
        )
    return before
