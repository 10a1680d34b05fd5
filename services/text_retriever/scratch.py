"""Lends folders that a process writes to and leaves nothing of."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

_PREFIX = "hemline-text-"
_LOCK = "lock"
_TRIES = 20


@contextmanager
def passing_folder() -> Iterator[Path]:
    """Lends an empty folder of the system's for as long as the block runs.

    A thread of the engine may still put a lock file there while the folder is being emptied, so
    it is emptied again; one that is left all the same holds nothing but such a file.
    """
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        yield folder
    finally:
        for _ in range(_TRIES):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break


class Scratch:
    """A folder of this process, removed when it is closed; those of dead processes are swept.

    Args:
        root: Where the folder is made; None means the system's folder for such.

    Raises:
        OSError: No folder can be made there.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        # The lock lives as long as the process. It gets its name once it is held, so that nobody
        # takes a folder that is being made for a dead one's.
        made = self._home / f".{_LOCK}"
        self._lock = os.open(made, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        made.rename(self._home / _LOCK)
        self._numbers = count(1)
        _sweep(self._home.parent)

    @property
    def home(self) -> Path:
        """The folder."""
        return self._home

    def folder(self) -> Path:
        """Returns a new, empty folder."""
        made = self._home / f"{next(self._numbers):06d}"
        made.mkdir()
        return made

    def close(self) -> None:
        """Removes everything."""
        shutil.rmtree(self._home, ignore_errors=True)
        os.close(self._lock)


def _sweep(root: Path) -> None:
    for lock in root.glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            held = os.open(lock, os.O_RDWR)
        except OSError:  # Another user's, or gone already.
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(held)
