"""Reads rows out of text files of any size, each with its line, and never ends over a bad one."""

import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from runtime.errors import SetupError

MAX_LINE_CHARS = 1 << 20
SURROGATE = re.compile("[\ud800-\udfff]")
DUPLICATE = "duplicate id"
NOT_UTF8 = "not UTF-8: save the file as UTF-8"
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

    def require_utf8(self) -> None:
        """Makes sure that the file is not in UTF-16 or the like, of which no row could be read.

        Raises:
            SetupError: Its first line is no text in UTF-8.
        """
        _, line, _ = next(self.lines(), (0, "", ""))
        if "\x00" in line or line.startswith(("\udcff\udcfe", "\udcfe\udcff")):
            raise SetupError(f"{self.path} is not in UTF-8: save it as UTF-8 and import it again")


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
        if SURROGATE.search(raw):
            return Record(line, raw, {}, NOT_UTF8)
        try:
            return Record(line, raw, self._parse(raw))
        except BadRow as bad:
            return Record(line, raw, {}, str(bad))


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
