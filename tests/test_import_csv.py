"""A CSV file is read whatever stands between its fields, and one in another encoding is told."""

from pathlib import Path

import pytest

from offline.importing.table import TableOptions, plan_table
from offline.layout import DataDir
from runtime.errors import SetupError
from tests.importing import imported, products

YES = TableOptions(currency="EUR", says_yes=True)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_csv_file_tells_what_stands_between_its_fields(
    mark: str, start: str, tmp_path: Path
) -> None:
    rows = (("id", "title", '"price, or; what|ever"'), ("1", "A", '"19,99"'))
    text = start + "".join(mark.join(row) + "\n" for row in rows)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    options = TableOptions(("price=price, or; what|ever",), "EUR", says_yes=True)
    imported(plan_table(tmp_path / "a.csv", options), data := DataDir(tmp_path / "data"))
    (found,) = products(data).values()
    assert (found.id, found.title, found.price_minor) == ("1", "A", 1999)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_a_table_in_another_encoding_is_told_to_be_saved_as_utf8(
    encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("id;title;Größe\n1;A;M\n", encoding=encoding)
    with pytest.raises(SetupError, match="save it as UTF-8"):
        plan_table(tmp_path / "a.csv", YES)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_lines_in_another_encoding_are_told_to_be_saved_as_utf8(
    encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "1", "title": "A"}\n', encoding=encoding)
    with pytest.raises(SetupError, match="save it as UTF-8"):
        plan_table(tmp_path / "a.jsonl", YES)


def test_a_row_in_another_encoding_costs_itself_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id;title\n1;Gr\xf6\xdfe\n2;Good\n")
    report = imported(plan_table(tmp_path / "a.csv", YES), data := DataDir(tmp_path / "data"))
    assert list(products(data)) == ["2"]
    assert report.refused == {"not UTF-8: save the file as UTF-8": 1}
