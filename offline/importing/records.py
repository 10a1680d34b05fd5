"""Reads rows out of text files of any size, each with its line, and never ends over a bad one."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from catalog.normalize import clean
from runtime.errors import SetupError

MAX_LINE_CHARS = 1 << 20
MAX_RECORD_LINES = 200
_SURROGATE = re.compile("[\ud800-\udfff]")
_GZIP = b"\x1f\x8b"

Fields = Mapping[str, object]


class BadRow(Exception):
    """A row that cannot be taken; its message is the reason, the same for all of the kind."""


class Skipped(Exception):
    """A row that is sound, but not wanted; its message is the reason. It is only counted."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row as read.

    Attributes:
        line: Where it begins in its file, from 1.
        raw: The row as it is written there; bytes that are not UTF-8 are lone surrogates.
        fields: Its fields by name; empty where there is a ``problem``.
        problem: Why it could not be read, or empty.
    """

    line: int
    raw: str
    fields: Fields
    problem: str = ""


class Source(Protocol):
    """Something that holds rows.

    Attributes:
        path: The file, or the folder, that they come from.
        size: How far :meth:`place` gets.
        unit: What it counts in, such as "KiB".
    """

    path: Path
    size: int
    unit: str

    def read(self) -> Iterator[Record]:
        """Yields the rows in order, as a stream."""

    def parse(self, line: int, raw: str) -> Record:
        """Reads one row again that was kept as text, such as a mended one."""

    def place(self) -> int:
        """Returns how far reading has come, 0 to ``size``."""


class TextFile:
    """A file of lines, plain or in gzip, read as a stream with a limit on each line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = -(-path.stat().st_size >> 10)
        self.unit = "KiB"
        self._file: BinaryIO | None = None

    def place(self) -> int:
        """Returns how many KiB have been read, before they were unpacked."""
        if self._file is None:
            return 0
        return self.size if self._file.closed else min(self._file.tell() >> 10, self.size)

    def lines(self) -> Iterator[tuple[int, str, str]]:
        """Yields number, text and problem of each line, the text with its end.

        A line over the limit comes cut, and one that cannot be read for the file's sake, such as
        the end of a cut gzip file, comes empty; both with a problem.
        """
        number = 0
        with self.path.open("rb") as self._file, _text(self._file) as text:
            while True:
                number += 1
                try:
                    line = text.readline(MAX_LINE_CHARS)
                    is_whole = line.endswith("\n") or len(line) < MAX_LINE_CHARS or _pass_by(text)
                except (EOFError, OSError, zlib.error) as broken:
                    if isinstance(broken, OSError) and not isinstance(broken, gzip.BadGzipFile):
                        raise
                    yield number, "", "the rest of the file is damaged"
                    return
                if not line:
                    return
                yield number, line, "" if is_whole else "the line is too long"


class LinesFile(TextFile):
    """A file in which each line is a row, such as JSON Lines."""

    def __init__(self, path: Path, parse: Callable[[str], Fields]) -> None:
        super().__init__(path)
        self._parse = parse

    def read(self) -> Iterator[Record]:
        """Yields the rows; empty lines are passed over."""
        for number, line, problem in self.lines():
            raw = line.rstrip("\r\n")
            if problem:
                yield Record(number, raw, {}, problem)
            elif raw.strip():
                yield self.parse(number, raw)

    def parse(self, line: int, raw: str) -> Record:
        """Reads one line."""
        if _SURROGATE.search(raw):
            return Record(line, raw, {}, "not UTF-8")
        try:
            return Record(line, raw, self._parse(raw))
        except BadRow as bad:
            return Record(line, raw, {}, str(bad))


class CsvFile(TextFile):
    """A CSV file with a header.

    A quotation mark that nobody closed costs its own row only: what it swallowed is read again.

    Args:
        path: The file.
        columns: Names that the header must hold.
        delimiter: What stands between fields.
        one_line: Whether each line is a row, so that none goes on in the next line.
        overflow: Name of the last column, into which a longer row flows over; empty: none does.

    Raises:
        SetupError: The header lacks a column, or names one twice.
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
        self._delimiter = delimiter
        self._one_line = one_line
        self._overflow = overflow
        self.header = self._read_header()
        missing = [name for name in columns if name not in self.header]
        if missing:
            raise SetupError(f"{path} lacks the columns {', '.join(missing)}")

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
        if _SURROGATE.search(raw):
            return Record(line, raw, {}, "not UTF-8")
        fields = self._split(raw)
        problem = self._problem(fields)
        if problem:
            return Record(line, raw, {}, problem)
        if len(fields) > len(self.header):
            # The published table does not quote titles with commas; the title stands last.
            kept = len(self.header) - 1
            fields = [*fields[:kept], self._delimiter.join(fields[kept:])]
        return Record(line, raw, dict(zip(self.header, map(_clean, fields), strict=True)))

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

    def _read_header(self) -> list[str]:
        _, line, problem = next(self.lines(), (0, "", ""))
        header = [] if problem else [clean(name) for name in self._split(line.rstrip("\r\n"))]
        doubles = sorted({name for name in header if header.count(name) > 1})
        if doubles:
            raise SetupError(f"{self.path} has more than one column {', '.join(doubles)}")
        return header


class _Again(Iterator[tuple[int, str, str]]):
    """An iterator to which lines can be given back."""

    def __init__(self, lines: Iterator[tuple[int, str, str]]) -> None:
        self._lines = lines
        self._waiting: list[tuple[int, str, str]] = []

    def __next__(self) -> tuple[int, str, str]:
        return self._waiting.pop() if self._waiting else next(self._lines)

    def push(self, lines: Sequence[tuple[int, str, str]]) -> None:
        self._waiting.extend(reversed(lines))


def _clean(text: str) -> str:
    # Most fields are clean already, and this is asked of each.
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return clean(text)


def _text(file: BinaryIO) -> TextIO:
    is_gzip = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    # Bytes that are not UTF-8 become lone surrogates, so that they cost their own row only.
    plain = gzip.GzipFile(fileobj=file) if is_gzip else file
    return io.TextIOWrapper(plain, "utf-8-sig", "surrogateescape", newline="\n")


def _pass_by(text: TextIO) -> bool:
    while True:
        rest = text.readline(MAX_LINE_CHARS)
        if not rest or rest.endswith("\n"):
            return False
