"""An exported catalogue imports again to the same catalogue."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.interaction import Interaction
from catalog.media import MediaStore
from catalog.product import Product, SizeStock
from catalog.store import CatalogStore
from offline.export import export
from offline.importing.table import TableOptions, plan_table
from offline.layout import DataDir
from runtime.errors import SetupError
from tests.importing import changes, digests, imported, photo, products

ODD = Product(
    id="001",
    style_id=" s ",
    title='Two  spaces,\n"quotes" and <b>tags</b> — 옷',
    description="line\r\nline\u200b",
    brand="NA",
    category=("A > B", "", "C|D"),
    kind="t-shirt",
    gender="WOMEN",
    colour="Off White",
    season="",
    attributes={"a.b": "x", " n": " ", "ä": "1e5"},
    sizes=(SizeStock(" S:3|", 0), SizeStock(" M", 2**62)),
    price_minor=0,
    currency="EUR",
    images=("0" * 64,),
    product_url="https://shop.test/?a=1&b=2",
)
PLAIN = Product(id="2", style_id="2", title="Plain")


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    found = DataDir(tmp_path / "data").create()
    sha256 = MediaStore(found.media).put(photo("red"))
    store = CatalogStore.open(found.database_url, create=True)
    store.upsert([ODD, PLAIN, replace(PLAIN, id="3", images=(sha256,)), replace(PLAIN, id="4")])
    store.delete(["4"])
    at = datetime(2024, 5, 1, 10, tzinfo=UTC)
    store.add_interactions(
        [
            Interaction("e1", "u", "2", "rating", at, 4.5, True, 3),
            Interaction("e2", "u", "2", "view", at + timedelta(microseconds=1)),
            Interaction("e3", "u", "2", "like", at, text=" two  spaces "),
        ]
    )
    store.close()
    return found


@pytest.mark.parametrize("name", ["out.parquet", "out.jsonl", "out.jsonl.gz"])
def test_an_export_imports_to_the_same_catalogue(name: str, data: DataDir, tmp_path: Path) -> None:
    path, again = tmp_path / name, DataDir(tmp_path / "again")
    report = export(data, path, photos=True)
    assert (report.rows, report.photos, report.missing_photos) == (3, 1, 1)
    # Nobody is asked: the columns are those of an export.
    assert changes(imported(plan_table(path, TableOptions()), again)) == (3, 0, 0)
    events = tmp_path / f"events-{name}"
    assert export(data, events, interactions=True).rows == 3
    assert imported(plan_table(events, TableOptions(interactions=True)), again).tally.events == 3
    assert digests(again) == digests(data)
    (sha256,) = products(again)["3"].images
    assert MediaStore(again.media).get(sha256) == photo("red")
    assert changes(imported(plan_table(path, TableOptions()), again)) == (0, 0, 3)


def test_an_export_into_its_own_catalogue_changes_nothing(data: DataDir, tmp_path: Path) -> None:
    export(data, tmp_path / "out.jsonl")
    before = digests(data)
    assert changes(imported(plan_table(tmp_path / "out.jsonl", TableOptions()), data)) == (0, 0, 3)
    assert digests(data) == before


def test_a_photo_beside_an_export_must_be_the_one_it_is_named_after(
    data: DataDir, tmp_path: Path
) -> None:
    path, again = tmp_path / "out.jsonl", DataDir(tmp_path / "again")
    export(data, path, photos=True)
    (kept,) = (file for file in (tmp_path / "out.jsonl.photos").rglob("*") if file.is_file())
    kept.write_bytes(photo("blue"))
    report = imported(plan_table(path, TableOptions()), again)
    reason = "the photo beside the export is not the one it is named after"
    assert (report.refused, report.refused_photos) == ({}, {reason: 1})


def test_an_export_appears_whole_or_not_at_all(data: DataDir, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    for name, why in (("out.csv", "must end in"), ("none/out.jsonl", "there is no folder")):
        with pytest.raises(SetupError, match=why):
            export(data, tmp_path / name)
    (tmp_path / ".out.jsonl.new").mkdir()
    with pytest.raises(OSError):
        export(data, path)
    assert path.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".out.jsonl.new", "data", "out.jsonl"]


def test_a_row_that_was_changed_by_hand_is_checked(data: DataDir, tmp_path: Path) -> None:
    path, again = tmp_path / "out.jsonl", DataDir(tmp_path / "again")
    export(data, path)
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace('"price_minor":null', '"price_minor":1.5')
    lines[2] = lines[2].replace('"sizes":[]', '"sizes":[{"size":"S"}]')
    path.write_text("\n".join(lines))
    report = imported(plan_table(path, TableOptions()), again)
    assert report.refused == {
        "price_minor is not a whole number": 1,
        "a size is no object of size and stock": 1,
    }


def test_a_folder_is_no_place_for_an_export(data: DataDir, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").mkdir()
    with pytest.raises(SetupError, match="is a folder: name a file"):
        export(data, tmp_path / "out.jsonl", photos=True)
    assert not list(tmp_path.glob("*.photos"))
    assert not list(tmp_path.glob(".*"))
