"""Promises of the import of the Kaggle fashion sets, on tiny folders in their layouts."""

import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.importing.frame import run_import
from offline.importing.kaggle import plan_kaggle
from offline.importing.plan import ImportOptions, ImportReport
from offline.layout import DataDir
from runtime.errors import SetupError

HEADER = (
    "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,"
    "productDisplayName"
)
SHIRT = "15970,Men,Apparel,Topwear,Shirts,Navy Blue,Fall,2011,Casual,Turtle Check Shirt"
TEES = "15971,Women,Apparel,Topwear,Tshirts,Off White,Summer,2012,Sports,White Tshirts"


def import_kaggle(path: Path, data: DataDir) -> ImportReport:
    return run_import(plan_kaggle(path), data, ImportOptions(pause_s=0))


def photo(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (6, 8), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def write(source: Path, *rows: str, encoding: str = "utf-8", end: str = "\n") -> None:
    text = end.join((HEADER, *rows)) + end
    (source / "styles.csv").write_bytes(text.encode(encoding))


def products(data: DataDir) -> dict[str, Product]:
    store = CatalogStore.open(data.database_url)
    try:
        return {product.id: product for product in store.scan()}
    finally:
        store.close()


def changes(report: ImportReport) -> tuple[int, int, int]:
    return report.tally.created, report.tally.updated, report.tally.unchanged


def refusals(report: ImportReport) -> list[tuple[int, str]]:
    assert report.rejects is not None
    with report.rejects.open(encoding="utf-8", errors="replace", newline="") as file:
        return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]


def test_a_row_becomes_a_product_in_the_words_of_the_catalogue(source: Path, data: DataDir) -> None:
    write(source, SHIRT, TEES)
    (source / "images" / "15971.jpg").write_bytes(photo("white"))
    report = import_kaggle(source, data)
    assert changes(report) == (2, 0, 0)
    assert (report.tally.photos, report.refused, report.rejects) == (1, {}, None)
    found = products(data)
    assert found["15970"] == Product(
        id="15970",
        style_id="15970",
        title="Turtle Check Shirt",
        category=("Apparel", "Topwear", "Shirts"),
        kind="shirt",
        gender="men",
        colour="navy blue",
        season="fall",
        attributes={"usage": "casual", "year": "2011"},
        seq=1,
        added_seq=1,
    )
    tee = found["15971"]
    assert (tee.kind, tee.colour, tee.image_state) == ("t-shirt", "off-white", "pending")
    assert MediaStore(data.media).get(tee.images[0]) == photo("white")


def test_a_second_run_changes_nothing_and_one_changed_row_changes_one(
    source: Path, data: DataDir
) -> None:
    (source / "images" / "15970.jpg").write_bytes(photo("navy"))
    write(source, SHIRT, TEES)
    import_kaggle(source, data)
    before = products(data)
    assert changes(import_kaggle(source, data)) == (0, 0, 2)
    assert products(data) == before
    write(source, SHIRT, TEES.replace("White Tshirts", "White Tees"))
    assert changes(import_kaggle(source, data)) == (0, 1, 1)
    (source / "images" / "15970.jpg").write_bytes(photo("blue"))
    assert changes(import_kaggle(source, data)) == (0, 1, 1)


def test_titles_with_commas_are_taken_whole_quoted_or_not(source: Path, data: DataDir) -> None:
    write(
        source,
        SHIRT.replace("Turtle Check Shirt", "Shirt, Navy, Slim"),
        TEES.replace("White Tshirts", '"Tee, White"'),
        '3,Men,Apparel,Topwear,Shirts,Blue,Fall,2011,Casual,"Unclosed, quote',
        "4,Men,Apparel,Topwear,Shirts,Blue,Fall,2011,Casual,After it",
    )
    assert changes(import_kaggle(source, data)) == (4, 0, 0)
    titles = [product.title for product in products(data).values()]
    assert titles == ["Shirt, Navy, Slim", "Tee, White", "Unclosed, quote", "After it"]


def test_bad_rows_are_told_by_line_and_reason_and_the_good_ones_go_in(
    source: Path, data: DataDir
) -> None:
    write(
        source,
        "1,Men,Apparel",
        SHIRT,
        "",
        SHIRT,
        TEES.replace("15971", "../15971"),
        TEES.replace("White Tshirts", " "),
        TEES.replace("White Tshirts", "x" * 1001),
        TEES,
        TEES + "x" * 200_000,
    )
    report = import_kaggle(source, data)
    assert changes(report) == (2, 0, 0)
    assert refusals(report) == [
        (2, "too few columns"),
        (5, "duplicate id"),
        (6, "no valid id"),
        (7, "no title"),
        (8, "text must be at most 1000 characters"),
        (10, "not CSV"),
    ]
    assert report.refused["duplicate id"] == 1
    assert sum(report.refused.values()) == 6


def test_a_run_without_refusals_removes_the_file_of_the_last_one(
    source: Path, data: DataDir
) -> None:
    write(source, "1,Men", SHIRT)
    rejects = import_kaggle(source, data).rejects
    assert rejects is not None
    write(source, SHIRT)
    assert import_kaggle(source, data).rejects is None
    assert not rejects.exists()


def test_bytes_that_are_not_utf8_cost_their_own_row_only(source: Path, data: DataDir) -> None:
    latin = TEES.replace("White Tshirts", "Größe").encode("latin-1")
    table = b"\xef\xbb\xbf" + b"\r\n".join((HEADER.encode(), latin, SHIRT.encode())) + b"\r\n"
    (source / "styles.csv").write_bytes(table)
    report = import_kaggle(source, data)
    assert changes(report) == (1, 0, 0)
    assert refusals(report) == [(2, "not UTF-8: save the file as UTF-8")]


def test_control_characters_are_taken_out(source: Path, data: DataDir) -> None:
    write(source, SHIRT.replace("Check", "Ch\x00eck\x07"))
    import_kaggle(source, data)
    assert products(data)["15970"].title == "Turtle Ch eck Shirt"


def test_a_product_whose_photo_is_no_picture_goes_in_without_it(
    source: Path, data: DataDir
) -> None:
    write(source, SHIRT, TEES)
    (source / "images" / "15970.jpg").write_bytes(b"<html>not found</html>")
    (source / "images" / "15971.jpg").mkdir()
    report = import_kaggle(source, data)
    assert changes(report) == (2, 0, 0)
    assert (report.tally.photos, len(refusals(report))) == (0, 2)
    assert all(product.image_state == "none" for product in products(data).values())


def test_the_form_with_descriptions_is_taken(tmp_path: Path, data: DataDir) -> None:
    folder = tmp_path / "other"
    (folder / "data").mkdir(parents=True)
    text = "<p>Soft &amp; warm,\nfor winter</p>"
    with (folder / "data.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("image", "description", "display name", "category"))
        writer.writerow(("31973.jpg", text, "Red Scarf", "Scarves"))
        file.write("\n")
        writer.writerow(("../x.jpg", "", "Out", "Caps"))
        writer.writerow(("9.jpg", "x" * 200_000, "Long", "Caps"))
        writer.writerow(("5.jpg", "", "", "Caps"))
        writer.writerow(("6.jpg", "", "Plain cap", "Caps"))
    (folder / "data" / "31973.jpg").write_bytes(photo("red"))
    report = import_kaggle(folder, data)
    assert changes(report) == (2, 0, 0)
    assert report.tally.photos == 1
    assert [reason for _, reason in refusals(report)] == [
        "no valid image name",
        "not CSV",
        "no title",
    ]
    scarf = products(data)["31973"]
    assert (scarf.title, scarf.kind, scarf.category) == ("Red Scarf", "scarf", ("Scarves",))
    assert scarf.description == "Soft & warm, for winter"


def test_a_set_one_folder_down_is_found(source: Path, data: DataDir) -> None:
    write(source, SHIRT)
    assert changes(import_kaggle(source.parent, data)) == (1, 0, 0)


def test_what_is_no_set_is_told_in_one_sentence(source: Path, data: DataDir) -> None:
    with pytest.raises(SetupError, match="holds neither"):
        import_kaggle(source, data)
    with pytest.raises(SetupError, match="not a folder"):
        import_kaggle(source / "nothing", data)
    (source / "styles.csv").write_text("id,name\n1,x\n")
    with pytest.raises(SetupError, match="lacks the columns gender"):
        import_kaggle(source, data)
    (source / "styles.csv").write_bytes(b"")
    with pytest.raises(SetupError, match="lacks the columns"):
        import_kaggle(source, data)
