"""Writes a file that an import which goes on can take up where it was left."""

from pathlib import Path
from typing import TextIO


class AppendedFile:
    """A text file ``NAME.part`` that only grows, and that gets its name when it is complete.

    Bytes that were no UTF-8 when they were read are written as they were.

    Args:
        path: The file in the end.
        kept_bytes: How much of ``NAME.part`` is kept; 0 begins anew.
    """

    def __init__(self, path: Path, kept_bytes: int = 0) -> None:
        self.path = path
        self._scratch = scratch_of(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Append mode writes at the end, wherever truncating left the place.
        self._file: TextIO = self._scratch.open(
            "a", encoding="utf-8", errors="surrogateescape", newline=""
        )
        self._file.truncate(kept_bytes)
        self._file.seek(0, 2)

    @property
    def file(self) -> TextIO:
        """Where to write."""
        return self._file

    def mark(self) -> int:
        """Hands what was written to the system, and returns how many bytes the file has."""
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        """Leaves the file as it is, to be gone on with."""
        self._file.close()

    def complete(self) -> None:
        """Gives the file its name, in place of an older one."""
        self._file.close()
        self._scratch.replace(self.path)

    def drop(self) -> None:
        """Removes the file, an older one of its name, and their folder if it is empty then."""
        self._file.close()
        self._scratch.unlink()
        self.path.unlink(missing_ok=True)
        if not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()


def scratch_of(path: Path) -> Path:
    """Returns the name of a file while it is written."""
    return path.with_name(f"{path.name}.part")
