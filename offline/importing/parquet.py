"""Reads the rows of a Parquet file, a batch at a time."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from offline.importing.parsers import json_line
from offline.importing.records import BadRow, Record
from runtime.errors import SetupError

_BATCH = 1_000
_MAX_FOOTER_BYTES = 64 << 20


class ParquetFile:
    """The rows of a Parquet file; the line of a row is its number, from 1.

    Raises:
        SetupError: It is no Parquet file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unit = "rows"
        self._done = 0
        try:
            with self._open() as file:
                self.size = file.metadata.num_rows
                self.header = list(file.schema_arrow.names)
        except (pa.ArrowException, OSError) as error:
            raise SetupError(f"{path} is no Parquet file that can be read: {error}") from error

    def read(self) -> Iterator[Record]:
        """Yields the rows; where the file is damaged, the rest is one bad row."""
        self._done = 0
        try:
            with self._open() as file:
                for batch in file.iter_batches(_BATCH, use_threads=False):
                    for fields in batch.to_pylist():
                        self._done += 1
                        yield Record(self._done, _as_text(fields), fields)
        except (pa.ArrowException, OSError):
            yield Record(self._done + 1, "", {}, "the rest of the file is damaged")

    def parse(self, line: int, raw: str) -> Record:
        """Reads one row that was kept as JSON."""
        try:
            return Record(line, raw, json_line(raw))
        except BadRow as bad:
            return Record(line, raw, {}, str(bad))

    def place(self) -> int:
        """Returns how many rows were read."""
        return self._done

    def _open(self) -> pq.ParquetFile:
        return pq.ParquetFile(
            self.path,
            thrift_string_size_limit=_MAX_FOOTER_BYTES,
            thrift_container_size_limit=10_000_000,
        )


def _as_text(fields: dict[str, object]) -> str:
    return orjson.dumps(fields, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return str(value)
