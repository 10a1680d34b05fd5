"""Reads products, or events, out of a table of any shop: CSV, TSV, JSON Lines or Parquet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from offline.importing.csv_file import CsvFile
from offline.importing.parquet import ParquetFile
from offline.importing.parsers import json_line
from offline.importing.plan import EventPart, Plan, ProductPart
from offline.importing.records import LinesFile, Source
from offline.importing.table_events import event_reader, exported_event
from offline.importing.table_mapping import (
    EVENT_FIELDS,
    PRODUCT_FIELDS,
    asker,
    guess,
    named,
    settle,
)
from offline.importing.table_products import EXPORTED, exported_product, product_reader
from runtime.errors import SetupError

NAME = "table"
_SAMPLE = 100
_SUFFIXES = ".csv, .tsv, .jsonl, .ndjson or .parquet, the text ones also with .gz"


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How a table is read.

    Attributes:
        columns: Pairs ``field=column``; ``field=`` leaves a field out that would be guessed.
        currency: Currency of prices that name none.
        interactions: Whether the rows are events, not products.
        says_yes: Whether a guessed mapping is agreed to.
        ask: Asks a person; None where nobody is there.
    """

    columns: tuple[str, ...] = ()
    currency: str = ""
    interactions: bool = False
    says_yes: bool = False
    ask: Callable[[str], str] | None = None


def plan_table(path: Path, options: TableOptions) -> Plan:
    """Returns how a table is imported.

    A file that `hemline export` wrote is taken to the letter. Of any other table, fields that are
    not named are guessed by the names of the columns, shown, and asked about.

    Raises:
        SetupError: It is no table, lacks what is needed, or the mapping was not agreed to.
    """
    if not path.is_file():
        raise SetupError(f"{path} is not a file")
    source, columns = _source(path)
    if not columns and not options.columns and next(iter(source.read()), None) is None:
        # A file without a line is what an empty catalogue is exported to.
        columns = list(EVENT_FIELDS) if options.interactions else EXPORTED
    name = f"{NAME}-{_plain_name(path)}"
    if options.interactions:
        if not options.columns and set(columns) == set(EVENT_FIELDS):
            return Plan(name, (EventPart(source, lambda: exported_event),))
        mapping = _mapping(options, columns, EVENT_FIELDS, ("user_id", "product_id", "at"))
        reader = event_reader(mapping, name)
        return Plan(name, (EventPart(source, reader),), wish=str(options))
    if not options.columns and set(columns) == set(EXPORTED):
        beside = path.with_name(f"{path.name}.photos")
        part = ProductPart(source, exported_product)
        return Plan(name, (part,), beside=beside if beside.is_dir() else None)
    mapping = _mapping(options, columns, PRODUCT_FIELDS, ("id", "title"))
    part = ProductPart(source, product_reader(mapping, path.parent, options.currency))
    return Plan(name, (part,), wish=str(options))


def _source(path: Path) -> tuple[Source, Sequence[str]]:
    suffix = next((each for each in reversed(path.suffixes) if each.lower() != ".gz"), "").lower()
    if suffix in (".csv", ".tsv"):
        table = CsvFile(path, delimiter="" if suffix == ".csv" else "\t")
        return table, table.header
    if suffix in (".jsonl", ".ndjson", ".json"):
        lines = LinesFile(path, json_line)
        lines.require_utf8()
        names = dict.fromkeys(n for row in islice(lines.read(), _SAMPLE) for n in row.fields)
        return LinesFile(path, json_line), list(names)
    if suffix == ".parquet":
        rows = ParquetFile(path)
        return rows, rows.header
    raise SetupError(f"{path} is none of {_SUFFIXES}")


def _mapping(
    options: TableOptions,
    columns: Sequence[str],
    fields: Mapping[str, tuple[str, ...]],
    needed: Sequence[str],
) -> Mapping[str, str]:
    told = named(options.columns, columns, list(fields))
    rest = [column for column in columns if column not in told.values()]
    guessed = {field: name for field, name in guess(rest, fields).items() if field not in told}
    if "price_minor" in told or "price" in told:
        guessed = {f: name for f, name in guessed.items() if f not in ("price", "price_minor")}
    settled = {**guessed, **told}
    # Attributes last, whatever the order in which they were named.
    order = [*fields, *sorted(set(settled) - set(fields))]
    mapping = {field: settled[field] for field in order if settled.get(field)}
    missing = [field for field in needed if field not in mapping]
    if missing:
        raise SetupError(
            f"no column is {' or '.join(missing)}: name it with --map {missing[0]}=COLUMN; "
            f"the columns are {', '.join(columns) or '(none)'}"
        )
    unused = [column for column in columns if column not in mapping.values()]
    settle(
        mapping,
        unused,
        is_guessed=bool(guessed),
        says_yes=options.says_yes,
        ask=options.ask or asker(),
    )
    return mapping


def _plain_name(path: Path) -> str:
    stem = path.name.split(".")[0]
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in stem)[:64] or "rows"
