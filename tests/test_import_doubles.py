"""A row that was refused because its id was there already stays refused until it is mended."""

from pathlib import Path

from offline.importing.table import TableOptions, plan_table
from offline.layout import DataDir
from tests.importing import changes, imported, products, put_photo, refusals, write_csv

YES = TableOptions(says_yes=True)
DOUBLE = "duplicate id"


def titles(data: DataDir) -> dict[str, str]:
    return {key: product.title for key, product in products(data).items()}


def test_an_unmended_double_stays_refused_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    rows = [("id", "title"), ("1", "First"), ("1", "Second"), ("2", "")]
    path = write_csv(tmp_path / "a.csv", rows)
    rejects = imported(plan_table(path, YES), data).rejects
    assert rejects is not None
    rejects.write_text(rejects.read_text().replace('"2,"', '"2,Mended"'))
    report = imported(plan_table(path, YES), data, mended=rejects)
    assert titles(data) == {"1": "First", "2": "Mended"}
    assert refusals(report) == [("a.csv", 3, DOUBLE)]
    assert changes(imported(plan_table(path, YES), data)) == (0, 0, 1)
    rejects.write_text(rejects.read_text().replace("1,Second", "3,Second"))
    assert changes(imported(plan_table(path, YES), data, mended=rejects)) == (1, 0, 0)
    assert titles(data) == {"1": "First", "2": "Mended", "3": "Second"}


def test_a_row_mended_to_the_id_of_a_sound_one_is_refused(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    path = write_csv(tmp_path / "a.csv", [("id", "title"), ("1", ""), ("1", "Good")])
    rejects = imported(plan_table(path, YES), data).rejects
    assert rejects is not None
    rejects.write_text(rejects.read_text().replace('"1,"', '"1,Late"'))
    report = imported(plan_table(path, YES), data, mended=rejects)
    assert (titles(data), refusals(report)) == ({"1": "Good"}, [("a.csv", 2, DOUBLE)])


def test_of_two_mended_rows_of_one_id_the_second_stays_refused(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    path = write_csv(tmp_path / "a.csv", [("id", "title"), ("1", ""), ("1", "")])
    rejects = imported(plan_table(path, YES), data).rejects
    assert rejects is not None
    told = rejects.read_text()
    rejects.write_text(told.replace('"1,"', '"1,One"', 1).replace('"1,"', '"1,Two"', 1))
    for _ in range(2):
        report = imported(plan_table(path, YES), data, mended=rejects)
        assert (titles(data), refusals(report)) == ({"1": "One"}, [("a.csv", 3, DOUBLE)])


def test_a_row_whose_photo_was_refused_is_mended_though_its_product_stands(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    put_photo(tmp_path / "good.jpg", "red")
    (tmp_path / "bad.jpg").mkdir()
    path = write_csv(tmp_path / "a.csv", [("id", "title", "image"), ("1", "A", "bad.jpg")])
    rejects = imported(plan_table(path, YES), data).rejects
    assert rejects is not None
    rejects.write_text(rejects.read_text().replace("bad.jpg", "good.jpg"))
    assert imported(plan_table(path, YES), data, mended=rejects).rejects is None
    assert len(products(data)["1"].images) == 1
