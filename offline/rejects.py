"""Counts the rows and photos that an import refuses, and keeps them so that they can be mended."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from offline.importing.appended import AppendedFile
from runtime.errors import SetupError

MAX_KEPT_CHARS = 60_000
CUT = "… (cut)"
_COLUMNS = ("file", "line", "reason", "row")


@dataclass(frozen=True, slots=True)
class MendedRow:
    """A row of a rejects file.

    Attributes:
        file: Name of the file that it came from.
        line: Its line there.
        row: The row in the form of that file.
        reason: Why it was refused.
    """

    file: str
    line: int
    row: str
    reason: str


class Rejects:
    """A CSV file with file, line, reason and row of each refusal; there is none without refusals.

    It is written beside the place of the last one, which it replaces when the import is through.

    Args:
        path: The file.
        counts: What was refused before, where an import goes on; empty where it begins.
        photo_counts: The same of photos whose rows were taken.
        kept_bytes: How much of what was written before belongs to that.
    """

    def __init__(
        self,
        path: Path,
        counts: Mapping[str, int] | None = None,
        photo_counts: Mapping[str, int] | None = None,
        kept_bytes: int = 0,
    ) -> None:
        self._counts = Counter(counts or {})
        self._photo_counts = Counter(photo_counts or {})
        self._file = AppendedFile(path, kept_bytes)
        self._rows = csv.writer(self._file.file)
        if not kept_bytes:
            self._rows.writerow(_COLUMNS)

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._file.close()
        elif self._counts or self._photo_counts:
            self._file.complete()
        else:
            self._file.drop()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows were refused, by reason."""
        return dict(self._counts)

    @property
    def photo_counts(self) -> Mapping[str, int]:
        """How many photos of rows that were taken were refused, by reason."""
        return dict(self._photo_counts)

    @property
    def path(self) -> Path | None:
        """The file, or None when nothing was refused."""
        return self._file.path if self._counts or self._photo_counts else None

    def add(self, file: str, line: int, reason: str, row: str) -> None:
        """Refuses a row.

        Args:
            file: Name of the file that holds it.
            line: Its line in that file, from 1.
            reason: Why, in a few words that are the same for all rows of the kind.
            row: The row as it is written there; cut to 60,000 characters, which is marked.
        """
        self._counts[reason] += 1
        self._keep(file, line, reason, row)

    def add_photo(self, file: str, line: int, reason: str, row: str) -> None:
        """Refuses a photo of a row that is taken; the row is listed, so that it can be mended."""
        self._photo_counts[reason] += 1
        self._keep(file, line, reason, row)

    def _keep(self, file: str, line: int, reason: str, row: str) -> None:
        if len(row) > MAX_KEPT_CHARS:
            row = row[:MAX_KEPT_CHARS] + CUT
        self._rows.writerow((file, line, reason, row))

    def mark(self) -> int:
        """Hands what was written to the system, and returns how many bytes it is."""
        return self._file.mark()


def mended_rows(path: Path) -> Iterator[MendedRow]:
    """Yields the rows of a rejects file, as mended by now.

    Raises:
        SetupError: It is no rejects file.
    """
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise SetupError(f"{path} is no rejects file: its columns are {', '.join(_COLUMNS)}")
        try:
            for row in reader:
                line = row["line"] or ""
                if not line.isdecimal() or row["row"] is None:
                    raise SetupError(f"{path}, line {reader.line_num}: not a row of a rejects file")
                yield MendedRow(row["file"] or "", int(line), row["row"], row["reason"] or "")
        except csv.Error as error:
            raise SetupError(f"{path}, line {reader.line_num}: {error}") from error
