"""Promises of the import of a shop's own table: CSV, TSV, JSON Lines and Parquet."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.media import MediaStore
from catalog.product import SizeStock
from offline.importing.plan import Plan
from offline.importing.table import TableOptions, plan_table
from offline.layout import DataDir
from runtime.errors import SetupError
from tests.importing import (
    changes,
    events,
    imported,
    photo,
    products,
    put_photo,
    refusals,
    write_csv,
)

YES = TableOptions(says_yes=True)
FEED = (
    ("SKU", "Product Name", "Color", "Price", "Image", "Sizes", "Category", "Fabric"),
    (
        "0012",
        "Linen  Tee",
        "Off White",
        "19,99 €",
        "pics/a.jpg",
        "S:3|M:0",
        "Women > Tops",
        "linen",
    ),
    ("0013", "Wool Coat", "Navy", "EUR 1.299,00", "https://shop.test/b.jpg", "", "Coats", ""),
)


def fabric(path: Path) -> Plan:
    return plan_table(path, TableOptions(("attributes.fabric=Fabric",), says_yes=True))


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def as_csv(path: Path) -> Path:
    return write_csv(path.with_suffix(".csv"), FEED)


def as_tsv(path: Path) -> Path:
    rows = "\n".join("\t".join(row) for row in FEED)
    path.with_suffix(".tsv").write_text(rows + "\n", encoding="utf-8")
    return path.with_suffix(".tsv")


def as_lines(path: Path) -> Path:
    rows = [dict(zip(FEED[0], row, strict=True)) for row in FEED[1:]]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path = path.with_suffix(".jsonl.gz")
    path.write_bytes(gzip.compress(text.encode()))
    return path


def as_parquet(path: Path) -> Path:
    columns = {name: [row[n] for row in FEED[1:]] for n, name in enumerate(FEED[0])}
    pq.write_table(pa.table(columns), path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


@pytest.mark.parametrize("form", [as_csv, as_tsv, as_lines, as_parquet])
def test_a_table_is_taken_in_whatever_form(
    form: Callable[[Path], Path], tmp_path: Path, data: DataDir
) -> None:
    put_photo(tmp_path / "pics" / "a.jpg", "white")
    path = form(tmp_path / "feed")
    report = imported(fabric(path), data)
    assert changes(report) == (2, 0, 0)
    found = products(data)
    tee, coat = found["0012"], found["0013"]
    assert (tee.title, tee.colour, tee.price_minor, tee.currency) == (
        "Linen Tee",
        "off-white",
        1999,
        "EUR",
    )
    assert tee.sizes == (SizeStock("S", 3), SizeStock("M", 0))
    assert (tee.category, dict(tee.attributes)) == (("Women", "Tops"), {"fabric": "linen"})
    assert MediaStore(data.media).get(tee.images[0]) == photo("white")
    assert (coat.price_minor, coat.images, report.tally.urls) == (129_900, (), 1)
    assert changes(imported(fabric(path), data)) == (0, 0, 2)


def test_a_guess_is_asked_about_and_no_means_no(tmp_path: Path, data: DataDir) -> None:
    path = as_csv(tmp_path / "feed")
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "n"

    with pytest.raises(SetupError, match="nothing was imported"):
        plan_table(path, TableOptions(ask=answer))
    assert len(asked) == 1
    plan_table(path, TableOptions(ask=lambda _: "y"))
    named = tuple(f"{f}={c}" for f, c in (("id", "SKU"), ("title", "Product Name")))
    left_out = tuple(f"{f}=" for f in ("colour", "price", "image", "sizes", "category"))
    plan_table(path, TableOptions((*named, *left_out), ask=answer))
    assert len(asked) == 1


def test_without_a_terminal_a_guess_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no terminal to ask at"):
        plan_table(as_csv(tmp_path / "feed"), TableOptions())


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ("title", "not of the form"),
        ("titel=SKU", "no field titel"),
        ("title=Nom", "no column Nom"),
    ],
)
def test_a_wrong_mapping_is_told(pair: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=why):
        plan_table(as_csv(tmp_path / "feed"), TableOptions((pair,), says_yes=True))


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="not a file"):
        plan_table(tmp_path / "none.csv", YES)
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(SetupError, match=r"none of \.csv"):
        plan_table(tmp_path / "a.xlsx", YES)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 is not enough")
    with pytest.raises(SetupError, match="no Parquet file"):
        plan_table(tmp_path / "a.parquet", YES)
    write_csv(tmp_path / "a.csv", [("x", "y")])
    with pytest.raises(SetupError, match="no column is id or title"):
        plan_table(tmp_path / "a.csv", YES)
    write_csv(tmp_path / "b.csv", [("id", "title", "id")])
    with pytest.raises(SetupError, match="more than one column id"):
        plan_table(tmp_path / "b.csv", YES)


def test_bad_rows_cost_themselves_only(tmp_path: Path, data: DataDir) -> None:
    (tmp_path / "feed.csv").write_text(
        "id,title,price,currency,image\n"
        '1,"Open quote,5,EUR,\n'
        "2,Good,5,EUR,\n"
        '3,"Two\nlines",6,EUR,\n'
        "4,,5,EUR,\n"
        "5,No price,cheap,EUR,\n"
        "6,No currency,5,,\n"
        "7,Other money,5,USD,\n"
        "8,Outside,5,EUR,../../etc/passwd\n"
        "2,Again,5,EUR,\n"
        "9,Long " + "x" * (1 << 21) + ",5,EUR,\n"
        "10,Last,0.05,EUR,missing.jpg\n",
        encoding="utf-8",
    )
    report = imported(plan_table(tmp_path / "feed.csv", YES), data)
    assert {key: p.title for key, p in products(data).items()} == {
        "2": "Good",
        "3": "Two lines",
        "10": "Last",
    }
    assert [(line, reason) for _, line, reason in refusals(report)] == [
        (2, "too few columns"),
        (6, "no title"),
        (7, "not a price"),
        (8, "a price without a currency"),
        (9, "another currency than the catalogue's"),
        (10, "a photo outside the folder of the photos"),
        (11, "duplicate id"),
        (12, "the line is too long"),
    ]


def test_a_row_nested_too_deep_or_no_json_costs_itself_only(tmp_path: Path, data: DataDir) -> None:
    deep = '{"id":"1","title":"t","x":' + "[" * 40 + "]" * 40 + "}"
    deeper = '{"id":"2","title":"t","x":' + "[" * 50_000 + "]" * 50_000 + "}"
    lines = [deep, deeper, "{", "[1]", '{"id":"3","title":["a"]}', '{"id":"4","title":"Good"}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    report = imported(plan_table(tmp_path / "a.jsonl", YES), data)
    assert list(products(data)) == ["4"]
    assert [reason for _, _, reason in refusals(report)] == [
        "nested too deep",
        "not JSON",
        "not JSON",
        "not an object",
        "a text is expected where a list or an object stands",
    ]


def test_a_cut_gzip_file_gives_what_can_be_read(tmp_path: Path, data: DataDir) -> None:
    rows = [("id", "title"), *((n, f"Shirt {n * 7919 % 1000}") for n in range(20_000))]
    whole = gzip.compress(write_csv(tmp_path / "a.csv", rows).read_bytes())
    (tmp_path / "b.csv.gz").write_bytes(whole[: len(whole) // 2])
    report = imported(plan_table(tmp_path / "b.csv.gz", YES), data)
    assert 0 < report.tally.created < 20_000
    assert report.refused["the rest of the file is damaged"] == 1


def test_events_of_known_products_are_taken_once(tmp_path: Path, data: DataDir) -> None:
    write_csv(tmp_path / "p.csv", [("id", "title"), ("1", "A"), ("2", "B")])
    imported(plan_table(tmp_path / "p.csv", YES), data)
    path = write_csv(
        tmp_path / "e.csv",
        [
            ("user_id", "product_id", "time", "rating", "verified", "helpful"),
            ("u", "1", "2024-05-01T10:00:00+02:00", "1", "yes", "3"),
            ("u", "1", "2024-05-01", "", "", ""),
            ("u", "1", "2024-05-01", "", "", ""),
            ("u", "9", "2024-05-01", "", "", ""),
            ("u", "2", "yesterday", "", "", ""),
            ("u", "2", "1714521600", "6", "", ""),
        ],
    )
    options = TableOptions(interactions=True, says_yes=True)
    report = imported(plan_table(path, options), data)
    assert (report.tally.events, report.tally.known_events) == (3, 0)
    assert report.tally.skipped == {"an event of a product that is not in the catalogue": 1}
    assert set(report.refused) == {"not a time", "the rating is not 1 to 5"}
    rating = next(event for event in events(data) if event.kind == "rating")
    assert (rating.value, rating.verified, rating.helpful_votes) == (1.0, True, 3)
    assert rating.at.isoformat() == "2024-05-01T08:00:00+00:00"
    assert [e.kind for e in events(data)].count("purchase") == 2
    report = imported(plan_table(path, options), data)
    assert (report.tally.events, report.tally.known_events) == (0, 3)


def test_what_the_catalogue_refuses_is_a_refused_row_and_the_others_go_in(
    tmp_path: Path, data: DataDir
) -> None:
    rows = (("id", "title", "sizes"), ("1", "A", "M:1|M:2"), ("..", "B", ""), ("3", "C", "M:1|L"))
    report = imported(plan_table(write_csv(tmp_path / "feed.csv", rows), YES), data)
    assert changes(report) == (1, 0, 0)
    assert set(products(data)) == {"3"}
    assert [(line, why.rpartition(": ")[2]) for _, line, why in refusals(report)] == [
        (2, "a size is there twice"),
        (3, "an id must be neither . nor .."),
    ]


def test_an_address_that_is_none_of_the_web_costs_its_row_only(
    tmp_path: Path, data: DataDir
) -> None:
    links = ("javascript:alert(1)", "", "https://shop.example/3")
    rows = [("id", "title", "url"), *((str(n), "A", link) for n, link in enumerate(links, 1))]
    report = imported(plan_table(write_csv(tmp_path / "feed.csv", rows), YES), data)
    assert changes(report) == (2, 0, 0)
    assert {key: each.product_url for key, each in products(data).items()} == {
        "2": "", "3": "https://shop.example/3",
    }  # fmt: skip
    assert [(line, why.rpartition(": ")[2]) for _, line, why in refusals(report)] == [
        (2, "an address must begin with http:// or https://")
    ]
