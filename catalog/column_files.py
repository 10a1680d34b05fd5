"""Writes columns to files, and reads them back."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from catalog.column_rows import CODED, DTYPES, Mask, Numbers, ProductRows, Rows, dictionaries
from catalog.column_tables import Tables, tables_of
from catalog.dictionaries import Dictionary, Words, filled
from catalog.product_filter import ATTRIBUTES

_IDS, _WORDS, _BOUNDS = "ids.json", "dictionaries.json", "attributes.json"
_ROWS, _CODES = "attribute_rows.npy", "attribute_codes.npy"


def write_tables(tables: Tables, alive: Mask, folder: Path) -> None:
    """Writes tables without a patch into an empty folder, the living rows alone."""
    count = len(alive)
    ids = [product_id for product_id, is_alive in zip(tables.ids, alive, strict=False) if is_alive]
    (folder / _IDS).write_bytes(orjson.dumps(ids))
    words = {name: each.entries() for name, each in tables.base.words.items()}
    (folder / _WORDS).write_bytes(orjson.dumps(words))
    for name in DTYPES:
        np.save(folder / f"{name}.npy", tables.base.dense[name].first(count)[alive])
    places = np.cumsum(alive, dtype=np.int32) - 1
    names, ends, rows, codes = [], [], [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    for name, column in sorted(tables.base.attributes.items()):
        held, values = column.first(count)
        rows.append(places[held[alive[held]]].astype(np.int32))
        codes.append(values[alive[held]])
        names.append(name)
        ends.append(sum(map(len, rows)))
    np.save(folder / _ROWS, np.concatenate(rows))
    np.save(folder / _CODES, np.concatenate(codes))
    (folder / _BOUNDS).write_bytes(orjson.dumps({"names": names, "ends": ends}))


def read_tables(folder: Path) -> Tables:
    """Reads what :func:`write_tables` wrote.

    Raises:
        ValueError: The files are not of one table of columns.
        OSError: A file cannot be read.
    """
    ids = orjson.loads((folder / _IDS).read_bytes())
    words = _dictionaries(orjson.loads((folder / _WORDS).read_bytes()))
    dense: dict[str, Numbers] = {
        name: _column(folder / f"{name}.npy", dtype, len(ids)) for name, dtype in DTYPES.items()
    }
    for name in CODED:
        _check_codes(dense[name], words[name], name)
    base = ProductRows(words, dense, _attributes(folder, words, len(ids)))
    return tables_of(ids, base)


def _dictionaries(entries: Mapping[str, list[list[str]]]) -> dict[str, Dictionary]:
    words = dictionaries()
    if missing := [name for name in words if name not in entries]:
        raise ValueError(f"the columns lack the words of {', '.join(missing)}")
    for name, each in entries.items():
        if name not in words and not name.startswith(ATTRIBUTES):
            raise ValueError("the columns hold the words of an unknown field")
        filled(words.setdefault(name, Words()), each)
    return words


def _attributes(
    folder: Path, words: Mapping[str, Dictionary], count: int
) -> dict[str, tuple[Rows, Rows]]:
    bounds = orjson.loads((folder / _BOUNDS).read_bytes())
    names, ends = bounds.get("names", ()), bounds.get("ends", ())
    total = ends[-1] if ends else 0
    rows = _column(folder / _ROWS, np.int32, total)
    codes = _column(folder / _CODES, np.int32, total)
    found: dict[str, tuple[Rows, Rows]] = {}
    start = 0
    for name, end in zip(names, ends, strict=True):
        held = rows[start:end]
        if name not in words or len(held) != end - start:
            raise ValueError("the columns of attributes do not fit together")
        if len(held) and (held[0] < 0 or held[-1] >= count or (np.diff(held) <= 0).any()):
            raise ValueError(f"the rows of {name} do not ascend within the columns")
        _check_codes(codes[start:end], words[name], name)
        found[name] = (held, codes[start:end])
        start = end
    return found


def _column(path: Path, dtype: npt.DTypeLike, count: int) -> npt.NDArray[np.int32]:
    found: npt.NDArray[np.int32] = np.load(path, allow_pickle=False)
    if found.dtype != np.dtype(dtype) or found.shape != (count,):
        raise ValueError(f"{path.name} is {found.dtype} of shape {list(found.shape)}")
    return found


def _check_codes(codes: Numbers, words: Dictionary, name: str) -> None:
    if len(codes) and not 0 <= codes.min() <= codes.max() < len(words):
        raise ValueError(f"{name} holds a code that has no word")
