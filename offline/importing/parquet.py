"""Reads the rows of a Parquet file, a batch at a time."""

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from offline.importing.parsers import json_line
from offline.importing.records import BadRow, Record
from runtime.errors import SetupError

_BATCH = 1_000
_MAX_FOOTER_BYTES = 64 << 20
# So many digits go through a floating point number of JSON unchanged.
_SAFE_DIGITS = 15


class ParquetFile:
    """The rows of a Parquet file; the line of a row is its number, from 1.

    Dates and times come as ISO 8601 texts, decimals as exact numbers.

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
                    for fields in _rows(batch):
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


def _rows(batch: pa.RecordBatch) -> list[dict[str, object]]:
    if not any(map(_has_times, batch.schema.types)):
        return list(batch.to_pylist())
    for n, field in enumerate(batch.schema):
        # Python's times know no nanoseconds.
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            column = batch.column(n).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(n, field.name, column)
    return [{name: _told(value) for name, value in row.items()} for row in batch.to_pylist()]


def _has_times(kind: pa.DataType) -> bool:
    inner = (kind.field(n).type for n in range(kind.num_fields))
    return bool(pa.types.is_temporal(kind)) or any(map(_has_times, inner))


def _told(value: object) -> object:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_told(each) for each in value]
    if isinstance(value, dict):
        return {name: _told(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_told, value))
    return value


def _as_text(fields: dict[str, object]) -> str:
    return orjson.dumps(fields, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal) and len(value.as_tuple().digits) <= _SAFE_DIGITS:
        return orjson.Fragment(f"{value:f}")
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
