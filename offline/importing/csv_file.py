"""Reads a CSV file with a header, row by row, and loses no row over another one's fault."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from offline.importing.records import MAX_LINE_CHARS, NOT_UTF8, SURROGATE, Record, TextFile
from offline.importing.values import tidy
from runtime.errors import SetupError

MAX_RECORD_LINES = 200
DELIMITERS = (",", ";", "\t", "|")
_QUOTED = re.compile(r'"[^"]*(?:"|$)')


class CsvFile(TextFile):
    """A CSV file with a header.

    A quotation mark that nobody closed costs its own row only: what it swallowed is read again.

    Args:
        path: The file.
        columns: Names that the header must hold.
        delimiter: What stands between fields; empty: whichever of ``DELIMITERS`` the header holds
            most often outside of quotation marks, the earlier one of equals.
        one_line: Whether each line is a row, so that none goes on in the next line.
        overflow: Name of the last column, into which a longer row flows over; empty: none does.

    Raises:
        SetupError: There is no header, it is not UTF-8, lacks a column, or names one twice.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str] = (),
        *,
        delimiter: str = ",",
        one_line: bool = False,
        overflow: str = "",
    ) -> None:
        super().__init__(path)
        header = self._first_line()
        self._delimiter = delimiter or _delimiter_of(header)
        self._one_line = one_line
        self._overflow = overflow
        self.header = self._names(header)
        missing = [name for name in columns if name not in self.header]
        if missing:
            raise SetupError(f"{path} lacks the columns {', '.join(missing)}")
        if not self.header:
            raise SetupError(f"{path} has no header: its first line must name the columns")

    def read(self) -> Iterator[Record]:
        """Yields the rows; empty lines are passed over."""
        lines = _Again(self.lines())
        next(lines, None)
        for number, line, problem in lines:
            if problem:
                yield Record(number, line.rstrip("\r\n"), {}, problem)
            elif line.strip():
                yield self._record(number, line, lines)

    def parse(self, line: int, raw: str) -> Record:
        """Reads one row."""
        if SURROGATE.search(raw):
            return Record(line, raw, {}, NOT_UTF8)
        fields = self._split(raw)
        problem = self._problem(fields)
        if problem:
            return Record(line, raw, {}, problem)
        if len(fields) > len(self.header):
            # The published table does not quote titles with commas; the title stands last.
            kept = len(self.header) - 1
            fields = [*fields[:kept], self._delimiter.join(fields[kept:])]
        return Record(line, raw, dict(zip(self.header, map(tidy, fields), strict=True)))

    def _record(self, number: int, line: str, lines: "_Again") -> Record:
        raw, taken = line, list[tuple[int, str, str]]()
        if not self._one_line:
            # While a quotation mark is open, the row goes on in the next line.
            is_open = raw.count('"') % 2 == 1
            while is_open and len(taken) < MAX_RECORD_LINES and len(raw) < MAX_LINE_CHARS:
                following = next(lines, (0, "", "no more lines"))
                if following[2]:
                    break
                taken.append(following)
                raw += following[1]
                is_open = following[1].count('"') % 2 == 0
        found = self.parse(number, raw.rstrip("\r\n"))
        if found.problem and taken:
            lines.push(taken)
            return self.parse(number, line.rstrip("\r\n"))
        return found

    def _problem(self, fields: Sequence[str]) -> str:
        if not fields:
            return "not CSV"
        if len(fields) < len(self.header):
            return "too few columns"
        if len(fields) > len(self.header) and self.header[-1] != self._overflow:
            return "too many columns"
        return ""

    def _split(self, raw: str) -> list[str]:
        try:
            rows = list(csv.reader(io.StringIO(raw, newline=""), delimiter=self._delimiter))
        except csv.Error:
            return []
        return rows[0] if len(rows) == 1 else []

    def _first_line(self) -> str:
        self.require_utf8()
        _, line, problem = next(self.lines(), (0, "", ""))
        if SURROGATE.search(line):
            raise SetupError(f"{self.path} is not in UTF-8: save it as UTF-8 and import it again")
        return "" if problem else line.rstrip("\r\n")

    def _names(self, line: str) -> list[str]:
        header = [tidy(name) for name in self._split(line)]
        doubles = sorted({name for name in header if header.count(name) > 1})
        if doubles:
            raise SetupError(f"{self.path} has more than one column {', '.join(doubles)}")
        return header


def _delimiter_of(header: str) -> str:
    bare = _QUOTED.sub("", header)
    return max(DELIMITERS, key=bare.count)


class _Again(Iterator[tuple[int, str, str]]):
    """An iterator to which lines can be given back."""

    def __init__(self, lines: Iterator[tuple[int, str, str]]) -> None:
        self._lines = lines
        self._waiting: list[tuple[int, str, str]] = []

    def __next__(self) -> tuple[int, str, str]:
        return self._waiting.pop() if self._waiting else next(self._lines)

    def push(self, lines: Sequence[tuple[int, str, str]]) -> None:
        self._waiting.extend(reversed(lines))
