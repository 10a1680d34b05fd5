"""Whatever the bytes are, an import ends in products and reasons, not in a traceback."""

import contextlib
import io
import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from offline.importing.csv_file import CsvFile
from offline.importing.dvbpr_pickle import read_npy
from offline.importing.dvbpr_stand_ins import Refused
from offline.importing.parsers import json_line, literal_line
from offline.importing.records import BadRow, LinesFile, Source
from offline.importing.table import TableOptions, plan_table
from offline.layout import DataDir
from runtime.errors import SetupError
from tests.importing import imported

SEED = b"""id,title,price,sizes,image
1,"Linen, tee",19.99,S:3|M:0,a.jpg
2,"Two
lines",5,"[{""size"":""S""}]",https://shop.test/b.jpg
{'id': 1, "title": [None, True, -1.5e3, 'it\\'s']}
"""
PIECES = [
    b'"',
    b"'",
    b"\n",
    b"\r",
    b"\x00",
    b"\xff",
    b"{",
    b"[",
    b"9" * 400,
    b",",
    b"\\",
    b"|:",
    b"\xed\xa0\x80",
]


def mutated(seed: int, whole: bytes, times: int) -> bytes:
    draw = random.Random(seed)
    found = bytearray(whole)
    for _ in range(times):
        place = draw.randrange(len(found) + 1)
        kind = draw.randrange(3)
        if kind == 0:
            found[place:place] = draw.choice(PIECES)
        elif kind == 1:
            del found[place : place + draw.randrange(1, 9)]
        elif place < len(found):
            found[place] = draw.randrange(256)
    return bytes(found)


@pytest.mark.parametrize("seed", range(12))
def test_noise_in_a_table_costs_rows_only(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes(SEED.splitlines(keepends=True)[0] + mutated(seed, SEED * 3, 30))
    options = TableOptions(currency="EUR", says_yes=True)
    report = imported(plan_table(path, options), DataDir(tmp_path / "data"))
    rows = sum(bool(line.strip()) for line in path.read_bytes().split(b"\n")) - 1
    assert 0 < report.tally.created + sum(report.refused.values()) <= rows + report.tally.created


@pytest.mark.parametrize("seed", range(60))
def test_noise_in_lines_costs_lines_only(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "feed"
    path.write_bytes(mutated(seed, SEED * 2, 40))
    sources: list[Source] = [LinesFile(path, json_line), LinesFile(path, literal_line)]
    try:
        sources.append(CsvFile(path))
    except SetupError:
        assert seed >= 0  # Two columns of one name: nothing to read.
    for source in sources:
        lines = [record.line for record in source.read()]
        assert lines == sorted(set(lines))
        for record in source.read():
            again = source.parse(record.line, record.raw)
            assert again.problem == record.problem or record.problem == "the line is too long"


@pytest.mark.parametrize("seed", range(120))
def test_noise_in_a_pickle_is_refused_with_a_reason(seed: int) -> None:
    whole = np.empty(6, object)
    reviews = {0: [{b"productid": np.int64(1), b"overall": 4.0, "x": ("a", None, True)}]}
    whole[:] = [reviews, {}, {}, {0: {b"imgs": b"\xff\xd8\xff" + b"x" * 600}}, 1, 1]
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|O", "fortran_order": False, "shape": (6,)}
    )
    pickle.dump(whole, file, protocol=seed % 6)
    noise = io.BytesIO(mutated(seed, file.getvalue(), 1 + seed % 4))
    # Anything but a refusal would be an error of this test.
    with contextlib.suppress(Refused):
        assert isinstance(read_npy(noise, lambda _: 1), list)


@pytest.mark.parametrize(
    "line",
    [
        "[" * 1_000_000,
        "{'a': " * 100_000,
        "-" * 1_000_000 + "1",
        "'" * 99_999,
        "1" * 250_000,
        "{}" * 9,
    ],
)
def test_a_hostile_line_is_refused(line: str) -> None:
    for parse in (json_line, literal_line):
        with pytest.raises(BadRow):
            parse(line)
