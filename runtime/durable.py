"""Puts bytes on the disk so that they are still there after a crash, or says why not."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from runtime.errors import SetupError


def sync(path: Path) -> None:
    """Waits until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(path: Path, content: bytes) -> None:
    """Gives a file new content: whoever reads it finds the old or the new, never a part."""
    scratch = path.with_name(f".{path.name}.new")
    with scratch.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    sync(path.parent)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder, made when missing, against other publishers; the lock dies with us.

    Raises:
        SetupError: Another program holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(f"another program is publishing to {folder}: wait for it") from None
        yield


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Turns a full or read-only disk into one sentence; libraries tell it in errors of their own.

    Raises:
        SetupError: The disk is full, or something below ``root`` cannot be written.
    """
    try:
        yield
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else None
        full = number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or os.strerror(
            errno.ENOSPC
        ) in str(error)
        if full:
            raise SetupError(f"no space left for {root}: free some and run this again") from error
        if number in (errno.EACCES, errno.EPERM, errno.EROFS) and str(root) in str(error):
            raise SetupError(f"{root} cannot be written: choose another folder") from error
        raise
