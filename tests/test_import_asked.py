"""What an import is asked for and cannot do is refused, and what it does is shown in order."""

from pathlib import Path

import pytest

from catalog.store import CatalogStore
from offline.cli import main
from offline.export import export
from offline.importing.photos import split_places
from offline.importing.table import TableOptions, plan_table
from offline.layout import DataDir
from runtime.errors import SetupError
from tests.importing import changes, imported, products, refusals, write_csv

YES = TableOptions(says_yes=True)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.parquet"])
@pytest.mark.parametrize("interactions", [False, True])
def test_an_empty_catalogue_exports_and_imports(
    name: str, interactions: bool, tmp_path: Path, data: DataDir
) -> None:
    CatalogStore.open(data.create().database_url, create=True).close()
    export(data, tmp_path / name, interactions=interactions)
    plan = plan_table(tmp_path / name, TableOptions(interactions=interactions))
    report = imported(plan, DataDir(tmp_path / "again"))
    assert (changes(report), report.tally.events, report.refused) == ((0, 0, 0), 0, {})


def test_lines_without_a_readable_one_are_not_taken_for_an_export(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{\n")
    with pytest.raises(SetupError, match="no column is id"):
        plan_table(tmp_path / "a.jsonl", YES)


def test_an_id_that_is_true_is_refused(tmp_path: Path, data: DataDir) -> None:
    lines = ('{"id": true, "title": "A"}', '{"id": 7, "title": "B"}')
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    report = imported(plan_table(tmp_path / "a.jsonl", YES), data)
    assert list(products(data)) == ["7"]
    assert report.refused == {"an id that is true or false": 1}


def test_a_field_with_two_columns_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [("id", "A", "B"), ("1", "a", "b")])
    with pytest.raises(SetupError, match="--map names title twice"):
        plan_table(path, TableOptions(("title=A", "title=B"), says_yes=True))


@pytest.mark.parametrize("option", [("--k-core", "2,2"), ("--tail-k", "1")])
def test_a_core_of_no_events_is_refused(
    option: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_csv(tmp_path / "a.csv", [("id", "title"), ("1", "A")])
    words = ["import", "table", str(path), "--yes", "--data", str(tmp_path / "data"), *option]
    assert main(words) != 0
    assert "this import holds none" in capsys.readouterr().err
    assert not (tmp_path / "data" / "imports").exists()


def test_addresses_that_are_not_of_the_web_are_counted_as_photos_and_not_as_rows(
    tmp_path: Path, data: DataDir
) -> None:
    places = "file:///etc/passwd|ftp://shop.test/a.jpg|https://shop.test/b.jpg"
    path = write_csv(tmp_path / "a.csv", [("id", "title", "image"), ("1", "A", places)])
    report = imported(plan_table(path, YES), data)
    assert (list(products(data)), report.tally.urls) == (["1"], 1)
    reason = "an address of a photo that is too long, or neither http nor https"
    assert (report.refused, report.refused_photos) == ({}, {reason: 2})
    assert refusals(report) == [("a.csv", 2, reason)] * 2
    assert split_places(tmp_path, ["a:/b.jpg"]) == ((tmp_path / "a:" / "b.jpg",), (), ())


def test_the_mapping_is_shown_in_one_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = ("B", "Price", "Name", "A", "Style", "SKU")
    path = write_csv(tmp_path / "a.csv", [header])
    plan_table(path, TableOptions(("attributes.b=B", "attributes.a=A", "id=SKU"), says_yes=True))
    shown = [line.split()[0] for line in capsys.readouterr().err.splitlines() if "<-" in line]
    assert shown == ["id", "style_id", "title", "price", "attributes.a", "attributes.b"]


def test_the_summary_tells_refused_photos_from_refused_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        ("id", "title", "image"), ("1", "A", "file:///etc/passwd"), ("2", "B", "../a.jpg"),
    ]  # fmt: skip
    path = write_csv(tmp_path / "a.csv", rows)
    assert main(["import", "table", str(path), "--yes", "--data", str(tmp_path / "data")]) == 0
    told = capsys.readouterr().err
    assert "\n1 products: 1 new" in told
    assert "\n  refused 1: a photo outside the folder of the photos\n" in told
    assert (
        "\n  photos refused 1, their products taken: "
        "an address of a photo that is too long, or neither http nor https\n"
    ) in told


@pytest.mark.parametrize(
    ("titles", "told"), [(("A", ""), "2 rows"), (("", "", ""), "3 rows"), (("A",), "1 row")]
)
def test_the_progress_counts_the_rows_that_were_read(
    titles: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("id", "title"), *((str(n), title) for n, title in enumerate(titles))]
    imported(plan_table(write_csv(tmp_path / "a.csv", rows), YES), DataDir(tmp_path / "data"))
    assert f", {told}, done after " in capsys.readouterr().err


def test_the_progress_counts_the_events_that_were_read(
    tmp_path: Path, data: DataDir, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_csv(tmp_path / "a.csv", [("id", "title"), ("1", "A")])
    imported(plan_table(path, YES), data)
    rows = [("user_id", "product_id", "time"), ("u", "1", "2024-05-01"), ("u", "9", "2024-05-01")]
    path = write_csv(tmp_path / "b.csv", rows)
    capsys.readouterr()
    imported(plan_table(path, TableOptions(interactions=True, says_yes=True)), data)
    assert ", 2 rows, done after " in capsys.readouterr().err


@pytest.mark.parametrize("word", ["NA", "N/A", "nan", "None", "NULL", "-", "—"])
def test_a_word_for_nothing_is_no_price_and_no_colour_but_a_brand(
    word: str, tmp_path: Path, data: DataDir
) -> None:
    rows = [("id", "title", "price", "colour", "brand"), ("1", "A", word, word, word)]
    report = imported(plan_table(write_csv(tmp_path / "a.csv", rows), YES), data)
    made = products(data)["1"]
    assert (made.price_minor, made.currency, made.colour, made.brand) == (None, "", "", word)
    assert report.refused == {}
