"""Counts the rows that an import refuses, and writes them down with their reasons."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TextIO

MAX_SHOWN_CHARS = 500


class Rejects:
    """A CSV file with line, reason and row of each refusal; there is none without refusals.

    Args:
        path: The file; one of an earlier run is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[str] = Counter()
        self._file: TextIO | None = None

    def __enter__(self) -> "Rejects":
        self._path.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many were refused, by reason."""
        return dict(self._counts)

    @property
    def path(self) -> Path | None:
        """The file, or None when nothing was refused."""
        return self._path if self._counts else None

    def add(self, line: int, reason: str, row: str) -> None:
        """Refuses a row.

        Args:
            line: Its line in the input, from 1.
            reason: Why, in a few words that are the same for all rows of the kind.
            row: The row, which is cut to 500 characters.
        """
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open(
                "w", encoding="utf-8", errors="backslashreplace", newline=""
            )
            csv.writer(self._file).writerow(("line", "reason", "row"))
        self._counts[reason] += 1
        csv.writer(self._file).writerow((line, reason, row[:MAX_SHOWN_CHARS]))
