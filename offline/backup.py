"""Keeps a copy of the catalogue, and puts it back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import make_url

from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.progress import progress, say
from runtime.durable import sync
from runtime.errors import SetupError

_PAGES_A_STEP = 2_000
_RETRY_S = 0.05


def back_up(data: DataDir, file: Path) -> None:
    """Copies a SQLite catalogue, as it is at one moment, while others read and write it.

    The copy appears whole or not at all, is checked, and is one plain file.

    Raises:
        SetupError: The catalogue is in another database, or the copy cannot be made.
    """
    source = _file_of(data.require_catalog())
    if file.is_dir():
        raise SetupError(f"{file} is a folder: name a file in it for the copy")
    if not file.parent.is_dir():
        raise SetupError(f"there is no folder {file.parent} for the copy: make it first")
    seq = _copy_whole(source, file)
    say(f"{file} holds the catalogue as of change {seq}")


def restore(data: DataDir, file: Path | None) -> None:
    """Puts a copy back, and moves the clock past all that happened since it was made.

    Readers of the catalogue see all of it from one moment to the next; what was there is kept
    beside it. Whoever followed the catalogue past the copy is told to begin anew.

    Args:
        data: The data folder.
        file: The copy; None where the database was put back by its own tools, and only its clock
            needs to be moved.

    Raises:
        SetupError: The file is no whole catalogue, or there is none to put it into.
    """
    if file is not None:
        _put_back(file, _file_of(data))
    with _opened(data.database_url) as store:
        seq = store.jump_clock() if file is None else store.seq()
        say(f"The catalogue holds {store.count()} products, and its clock goes on from {seq}")
    say("Run `hemline build` next: what was indexed after the copy was made is served no more")


def _put_back(file: Path, live: Path) -> None:
    fresh = live.with_name(f".{live.name}.restored")
    try:
        _copy_whole(file, fresh)
        # Of an older version perhaps: it is brought up to date here, before anybody sees it.
        with _opened(f"sqlite:///{fresh.resolve()}") as store:
            store.jump_clock()
        if not live.exists():
            _copy_whole(fresh, live)
            return
        kept = live.with_name(f"{live.stem}-before-restore{live.suffix}")
        _copy_whole(live, kept)
        say(f"What was there is kept as {kept}")
        # Through the database, not by renaming: those who have it open see one more commit.
        _copy(fresh, live)
    finally:
        _remove(fresh)


def _copy_whole(source: Path, target: Path) -> int:
    """Copies a catalogue to a file that appears whole; returns its clock."""
    scratch = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(scratch)
        _copy(source, scratch)
        with closing(sqlite3.connect(scratch)) as copy:
            # No longer in two files, and synced by the same commit.
            copy.execute("PRAGMA journal_mode=DELETE")
            verdict = copy.execute("PRAGMA quick_check").fetchone()[0]
            seq: int = copy.execute("SELECT seq FROM catalog_clock").fetchone()[0]
        if verdict != "ok":
            raise SetupError(f"{source} is damaged: {verdict}")
        scratch.replace(target)
        sync(target.parent)
    except sqlite3.DatabaseError as error:
        raise SetupError(f"{source} cannot be copied to {target}: {error}") from error
    finally:
        _remove(scratch)
    return seq


def _remove(database: Path) -> None:
    """Removes a database of our own with what SQLite keeps beside it, such as on a full disk."""
    for end in ("", "-journal", "-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise SetupError(f"there is no file {source}")
    with (
        closing(sqlite3.connect(source, isolation_level=None)) as held,
        closing(sqlite3.connect(target)) as filled,
        progress("Copying the catalogue") as shown,
    ):
        # One moment of it is held open: else each write of others begins the copy anew.
        held.execute("BEGIN")
        tables = held.execute("SELECT name FROM sqlite_master").fetchall()
        if ("catalog_clock",) not in tables:
            raise SetupError(f"{source} is no catalogue")

        def tell(_status: int, remaining: int, total: int) -> None:
            shown.note(f"{total - remaining} of {total} pages")
            shown.advance(0)

        held.backup(filled, pages=_PAGES_A_STEP, progress=tell, sleep=_RETRY_S)


def _file_of(data: DataDir) -> Path:
    url = make_url(data.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise SetupError(
            "the catalogue is in a database server: back it up and restore it with the tools of "
            "that server, as docs/operations.md says, then run `hemline restore` without a file"
        )
    return Path(url.database)


@contextmanager
def _opened(url: str) -> Iterator[CatalogStore]:
    store = CatalogStore.open(url)
    try:
        yield store
    finally:
        store.close()
