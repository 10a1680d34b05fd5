"""Promises of every import: killed runs go on, rejects can be mended, nothing is done twice."""

import csv
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.store import CatalogStore
from offline.importing.checkpoint import alone
from offline.importing.table import TableOptions, plan_table
from offline.layout import DataDir
from runtime.errors import SetupError
from tests.importing import (
    changes,
    digests,
    imported,
    photo,
    products,
    put_photo,
    refusals,
    write_csv,
)
from tests.waiting import eventually

YES = TableOptions(says_yes=True)


def table(path: Path, count: int) -> Path:
    rows = [("id", "title", "price", "currency")]
    rows += [
        (f"{n:05}", "" if n % 100 == 50 else f"Shirt {n}", f"{n % 90}.99", "EUR")
        for n in range(count)
    ]
    return write_csv(path, rows)


def hemline(*words: str) -> list[str]:
    return [sys.executable, "-m", "offline.cli", *words]


def test_a_killed_import_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    source = table(tmp_path / "feed.csv", 12_000)
    whole, killed = DataDir(tmp_path / "whole"), DataDir(tmp_path / "killed")
    expected = imported(plan_table(source, YES), whole)
    assert changes(expected) == (11_880, 0, 0)

    words = hemline("import", "table", str(source), "--yes", "--data", str(killed.root))
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    checkpoint = killed.root / "imports" / "table-feed.json"

    def is_midway() -> bool:
        told = checkpoint.read_text() if checkpoint.exists() else ""
        line = re.search(r'"line":(\d+)', told)
        return line is not None and int(line[1]) > 2_000

    eventually(is_midway, 60)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    assert 2_000 <= len(products(killed)) < 11_880

    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "went on after line" in done.stderr
    assert "refused 120: no title" in done.stderr
    assert digests(killed) == digests(whole)
    assert expected.rejects is not None
    listed = killed.rejects / expected.rejects.name
    assert listed.read_bytes() == expected.rejects.read_bytes()
    assert not checkpoint.exists()


def test_a_checkpoint_of_other_files_or_options_is_not_gone_on_with(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    source = table(tmp_path / "feed.csv", 1_000)
    imported(plan_table(source, YES), data)
    (data.root / "imports" / "table-feed.json").write_text("{ half a checkp")
    table(tmp_path / "feed.csv", 1_200)
    report = imported(plan_table(source, YES), data)
    assert report.resumed_at == 0
    assert changes(report) == (198, 0, 990)


def test_a_second_run_changes_nothing_and_one_changed_row_changes_one(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    source = table(tmp_path / "feed.csv", 1_000)
    imported(plan_table(source, YES), data)
    before = digests(data)
    assert changes(imported(plan_table(source, YES), data)) == (0, 0, 990)
    assert digests(data) == before
    source.write_text(source.read_text().replace("Shirt 7,", "Shirt seven,"))
    assert changes(imported(plan_table(source, YES), data)) == (0, 1, 989)


def test_refused_rows_can_be_mended_and_imported_alone(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    source = tmp_path / "feed.csv"
    source.write_bytes(
        b"id,title,price,currency\n"
        b'1,"Shirt, blue",5,EUR\n'
        b'2,"Two\n""lines""",cheap,EUR\n'
        b"3,Gr\xf6\xdfe,5,EUR\n"
        b"4,Lost\n"
    )
    report = imported(plan_table(source, YES), data)
    assert list(products(data)) == ["1"]
    assert refusals(report) == [
        ("feed.csv", 3, "not a price"),
        ("feed.csv", 5, "not UTF-8: save the file as UTF-8"),
        ("feed.csv", 6, "too few columns"),
    ]
    rejects = report.rejects
    assert rejects is not None
    mended = rejects.read_bytes().replace(b"cheap", b"6.50").replace(b"Gr\xf6\xdfe", b"Size")
    rejects.write_bytes(mended)
    report = imported(plan_table(source, YES), data, mended=rejects)
    assert changes(report) == (2, 0, 0)
    assert {key: p.title for key, p in products(data).items()} == {
        "1": "Shirt, blue",
        "2": 'Two "lines"',
        "3": "Size",
    }
    assert refusals(report) == [("feed.csv", 6, "too few columns")]
    rejects.write_text(rejects.read_text().replace("4,Lost", "4,Found,7,EUR"))
    assert imported(plan_table(source, YES), data, mended=rejects).rejects is None
    assert not rejects.exists()


def test_rejects_of_another_import_are_told(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    source = table(tmp_path / "feed.csv", 10)
    strange = write_csv(tmp_path / "r.csv", [("file", "line", "reason", "row"), ("x", 1, "", "")])
    with pytest.raises(SetupError, match="holds rows of x"):
        imported(plan_table(source, YES), data, mended=strange)
    with pytest.raises(SetupError, match="is no rejects file"):
        imported(plan_table(source, YES), data, mended=source)
    with pytest.raises(SetupError, match="there is no rejects file"):
        imported(plan_table(source, YES), data, mended=tmp_path / "none")


def test_a_catalogue_keeps_to_one_currency(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    rows = [("id", "title", "price", "currency"), ("1", "A", "5", "EUR")]
    imported(plan_table(write_csv(tmp_path / "a.csv", rows), YES), data)
    more = [("id", "title", "price"), ("2", "B", "$5"), ("3", "C", "")]
    report = imported(plan_table(write_csv(tmp_path / "b.csv", more), YES), data)
    assert report.refused == {"another currency than the catalogue's": 1}
    assert sorted(products(data)) == ["1", "3"]


def test_one_import_at_a_time_works_on_a_catalogue(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    source = table(tmp_path / "feed.csv", 10)
    with alone(data.root / "imports"), pytest.raises(SetupError, match="another import"):
        imported(plan_table(source, YES), data)
    imported(plan_table(source, YES), data)


def test_photos_taken_in_are_recorded_in_the_catalogue(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    put_photo(tmp_path / "a.jpg", "red")
    rows = [("id", "title", "image"), ("1", "A", "a.jpg")]
    imported(plan_table(write_csv(tmp_path / "a.csv", rows), YES), data)
    (sha256,) = products(data)["1"].images
    store = CatalogStore.open(data.database_url)
    found = store.media(sha256)
    store.close()
    assert found is not None
    assert (found.media_type, found.bytes) == ("image/jpeg", len(photo("red")))


def test_a_rejects_file_opens_as_a_table(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    source = write_csv(tmp_path / "a.csv", [("id", "title"), ("1", ""), ("2", "B")])
    rejects = imported(plan_table(source, YES), data).rejects
    assert rejects == data.rejects / "table-a.csv"
    with rejects.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"file": "a.csv", "line": "2", "reason": "no title", "row": "1,"}
        ]
