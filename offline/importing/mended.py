"""Reads the rows of a file that an import refused once, as somebody has mended them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from offline.importing.plan import EventPart, Part, Plan, ProductPart
from offline.importing.records import DUPLICATE, Record, Source
from offline.rejects import CUT, MendedRow, mended_rows
from runtime.errors import SetupError


class MendedRows:
    """The mended rows of one file, read in the form of that file.

    Args:
        source: The file that the rows came from.
        path: The rejects file.
        count: How many of its rows are of that file.
    """

    def __init__(self, source: Source, path: Path, count: int) -> None:
        self.path = source.path
        self.size = count
        self.unit = "rows"
        self._source = source
        self._rejects = path
        self._done = 0

    def read(self) -> Iterator[Record]:
        """Yields the rows."""
        self._done = 0
        for row in mended_rows(self._rejects):
            if row.file == self._source.path.name:
                self._done += 1
                yield self._parse(row)

    def parse(self, line: int, raw: str) -> Record:
        """Reads one row in the form of its file."""
        return self._source.parse(line, raw)

    def place(self) -> int:
        """Returns how many rows were read."""
        return self._done

    def _parse(self, row: MendedRow) -> Record:
        if row.row.endswith(CUT):
            return Record(row.line, row.row, {}, "the row is cut: mend it in its own file")
        return self._source.parse(row.line, row.row)


def only_mended(plan: Plan, path: Path) -> Plan:
    """Returns the plan that imports the rows of a rejects file, and nothing else.

    Raises:
        SetupError: It is no rejects file, or holds rows of other files.
    """
    if not path.is_file():
        raise SetupError(f"there is no rejects file {path}")
    counts: dict[str, int] = {}
    doubles: dict[str, set[int]] = {}
    for row in mended_rows(path):
        counts[row.file] = counts.get(row.file, 0) + 1
        if row.reason == DUPLICATE:
            doubles.setdefault(row.file, set()).add(row.line)
    names = {part.source.path.name for part in plan.parts}
    strangers = sorted(set(counts) - names)
    if strangers:
        raise SetupError(f"{path} holds rows of {strangers[0]}, which is no file of this import")
    parts: Sequence[Part] = [
        _with_source(part, MendedRows(part.source, path, counts[name]), doubles.get(name, set()))
        for part in plan.parts
        if (name := part.source.path.name) in counts
    ]
    return replace(plan, parts=tuple(parts))


def _with_source(part: Part, source: MendedRows, doubles: set[int]) -> Part:
    if isinstance(part, ProductPart):
        return ProductPart(source, part.read, whole=part.source, doubles=frozenset(doubles))
    return EventPart(source, part.reader)
