"""Promises of the imports of published sets: H&M, Amazon 2023 and 2014."""

import gzip
import json
from pathlib import Path

import pytest

from catalog.confidence import confidences
from catalog.media import MediaStore
from offline.importing.amazon_2014 import plan_amazon_2014
from offline.importing.amazon_2023 import photos_of, plan_amazon_2023
from offline.importing.events import Choice
from offline.importing.frame import run_import
from offline.importing.hm import plan_hm
from offline.importing.photo_urls import NAME, PhotoUrls
from offline.importing.plan import ImportOptions
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

ARTICLES = (
    "article_id", "product_code", "prod_name", "product_type_name", "product_group_name",
    "graphical_appearance_name", "colour_group_name", "perceived_colour_master_name",
    "index_group_name", "detail_desc",
)  # fmt: skip
TOP = (
    "0108775015", "0108775", "Strap top", "Vest top", "Garment Upper body", "Solid", "Dark Blue",
    "Blue", "Ladieswear", "Jersey top with narrow straps.",
)  # fmt: skip
HI, LO, TH = (f"https://m.test/{size}.jpg" for size in ("hi", "large", "thumb"))


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def hm(folder: Path) -> Path:
    # A spreadsheet took the leading zeros of the second article and of its product code.
    second = ("108775044", "108775", "Strap top", *TOP[3:])
    write_csv(folder / "articles.csv", [ARTICLES, TOP, second])
    bought = [
        ("t_dat", "customer_id", "article_id", "price", "sales_channel_id"),
        ("2018-09-20", "c1", "0108775015", "0.0101", "2"),
        ("2018-09-20", "c1", "0108775015", "0.0101", "2"),
        ("2019-01-02", "c2", "0108775015", "0.0202", "1"),
        ("2018-12-31", "c2", "108775015", "0.0303", "1"),
        ("2018-12-31", "c2", "T-shirt", "0.0303", "1"),
    ]
    write_csv(folder / "transactions_train.csv", bought)
    write_csv(folder / "customers.csv", [("customer_id", "age"), ("c1", "33")])
    put_photo(folder / "images" / "010" / "0108775015.jpg", "blue")
    return folder


def test_hm_keeps_leading_zeros_and_each_piece_bought(tmp_path: Path, data: DataDir) -> None:
    plan = plan_hm(hm(tmp_path / "hm"))
    assert any("customers.csv" in note for note in plan.notes)
    report = imported(plan, data)
    assert changes(report) == (2, 0, 0)
    top = products(data)["0108775015"]
    assert (top.style_id, top.title, top.kind) == ("0108775", "Strap top", "vest top")
    assert (top.colour, top.gender, top.price_minor) == ("dark blue", "women", None)
    assert top.category == ("Ladieswear", "Garment Upper body", "Vest top")
    assert dict(top.attributes) == {"pattern": "Solid", "colour family": "Blue"}
    assert MediaStore(data.media).get(top.images[0]) == photo("blue")
    assert products(data)["0108775044"].style_id == "0108775"
    # Two pieces in one order are two purchases.
    assert [event.user_id for event in events(data)] == ["c1", "c1", "c2", "c2"]
    assert {event.kind for event in events(data)} == {"purchase"}
    assert refusals(report) == [("transactions_train.csv", 6, "no valid number of an article")]
    assert imported(plan_hm(tmp_path / "hm"), data).tally.events == 0


def test_prices_of_hm_are_scaled_by_what_is_told(tmp_path: Path, data: DataDir) -> None:
    folder = hm(tmp_path / "hm")
    imported(plan_hm(folder, currency="GBP", price_factor="1000"), data)
    found = products(data)
    assert (found["0108775015"].price_minor, found["0108775015"].currency) == (2020, "GBP")
    assert found["0108775044"].price_minor is None
    with pytest.raises(SetupError, match="need --price-factor, --currency"):
        plan_hm(folder, currency="GBP")
    with pytest.raises(SetupError, match="decimal number above 0"):
        plan_hm(folder, currency="GBP", price_factor="-1")


META = {
    "parent_asin": "B01",
    "main_category": "AMAZON FASHION",
    "title": "Women&#39;s Tee",
    "average_rating": 4.5,
    "price": 19.99,
    "store": "Acme",
    "features": ["Soft", "Machine <b>wash</b>"],
    "description": ["A tee."],
    "categories": ["Clothing", "Women"],
    "images": [
        {"variant": "PT01", "thumb": TH, "large": LO, "hi_res": None},
        {"variant": "MAIN", "thumb": TH, "large": LO, "hi_res": HI},
    ],
    "details": {"Department": "womens", "Color": "Navy", "nested": {"x": 1}},
}


def review(user: str, item: str, stars: float, day: int, **more: object) -> dict[str, object]:
    row: dict[str, object] = {"user_id": user, "parent_asin": item, "rating": stars}
    return {**row, "timestamp": 1_600_000_000_000 + day * 86_400_000, **more}


def lines(path: Path, rows: list[object], *, packed: bool = False) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if packed else text)


def test_amazon_2023_gives_products_photos_to_fetch_and_ratings(
    tmp_path: Path, data: DataDir
) -> None:
    second = {"parent_asin": "B02", "title": "Hat", "price": "from 7.50", "images": []}
    third = {"parent_asin": "B03", "title": "Belt", "price": "—", "details": None}
    metas: list[object] = [META, second, third, {"title": "x"}]
    lines(tmp_path / "meta_Fashion.jsonl.gz", metas, packed=True)
    bad = review("u1", "B01", 1.0, 2, verified_purchase=True, helpful_vote=3)
    lines(tmp_path / "Fashion.jsonl", [review("u1", "B02", 5.0, 1), bad, review("u2", "B9", 4, 3)])
    report = imported(plan_amazon_2023(tmp_path), data)
    assert changes(report) == (3, 0, 0)
    assert report.refused == {"no parent_asin": 1}
    assert report.tally.skipped == {"an event of a product that is not in the catalogue": 1}
    found = products(data)
    tee = found["B01"]
    assert (tee.title, tee.brand, tee.gender, tee.colour) == (
        "Women's Tee",
        "Acme",
        "women",
        "navy",
    )
    assert (tee.price_minor, tee.currency) == (1999, "USD")
    assert tee.category == ("AMAZON FASHION", "Clothing", "Women")
    assert tee.description == "Soft Machine wash A tee."
    assert tee.attributes["average_rating"] == "4.5"
    assert "nested" not in tee.attributes
    assert (found["B02"].price_minor, found["B03"].price_minor) == (750, None)
    urls = PhotoUrls(data.root / "imports" / NAME)
    assert urls.urls_of("B01") == (HI, LO)
    urls.close()
    liked = confidences(event for event in events(data) if event.user_id == "u1")
    assert liked["B02"] == 5.0
    # One star is a dislike, the stronger for a buyer whom others found helpful.
    assert liked["B01"] == pytest.approx(-1.2 * (1 + 0.1 * 1.3862943611))
    assert imported(plan_amazon_2023(tmp_path), data).tally.events == 0


def test_the_main_image_is_the_one_named_so_else_the_first_at_its_largest() -> None:
    images = META["images"]
    assert photos_of(images) == (HI, LO)
    assert photos_of([{"large": LO, "thumb": TH}, {"hi_res": HI}]) == (LO, HI)
    assert photos_of([{"thumb": TH, "large": "javascript:x"}]) == (TH,)
    assert photos_of([{"variant": "MAIN"}, None, "x"]) == ()
    assert photos_of(None) == ()


def test_cores_and_tails_of_reviews_are_taken_as_asked(tmp_path: Path, data: DataDir) -> None:
    lines(tmp_path / "meta_F.jsonl", [{**META, "parent_asin": f"B{n}"} for n in range(4)])
    rows = [review(user, item, 5, day) for day, (user, item) in enumerate((
        ("a", "B0"), ("a", "B1"), ("a", "B1"), ("b", "B0"), ("b", "B1"), ("c", "B1"), ("c", "B2"),
        ("d", "B3"),
    ))]  # fmt: skip
    lines(tmp_path / "F.jsonl", [*rows])
    # Without c, who keeps one product once B2 is gone, nothing else falls away.
    options = ImportOptions(Choice(user_core=2, item_core=2, tail=1), pause_s=0)
    report = run_import(plan_amazon_2023(tmp_path), data, options)
    kept = [(event.user_id, event.product_id) for event in events(data)]
    assert kept == [("a", "B0"), ("a", "B1"), ("b", "B0")]
    assert report.tally.skipped == {"a shopper or a product with too few events": 3}
    assert report.held_out is not None
    held = [json.loads(line) for line in report.held_out.read_text().splitlines()]
    assert [(row["user_id"], row["product_id"]) for row in held] == [("a", "B1"), ("b", "B1")]
    # What was held out is an export of events, which imports as such.
    later = plan_table(report.held_out, TableOptions(interactions=True))
    assert imported(later, data).tally.events == 2


def test_amazon_2014_reads_literals_of_python_and_runs_nothing(
    tmp_path: Path, data: DataDir
) -> None:
    metas = [
        "{'asin': '0000031852', 'title': 'Girls\\' Tutu', 'price': 3.17, 'brand': 'Coxlures', "
        "'imUrl': 'http://ecx.test/a.jpg', 'categories': [['Clothing', 'Girls'], ['Sports']]}",
        '{"asin": "2", "title": "As JSON", "price": null}',
        "{'asin': '3', 'title': __import__('os').system('false')}",
        "{'asin': '4', 'title': 'x' * 1000000000}",
        "{'asin': '5', 'title': " + "[" * 100 + "]" * 100 + "}",
        "{'asin': '6', 'n': " + "-" * 5000 + "1}",
        "{'asin': '7', 'n': " + "9" * 6000 + ", 'title': 'Long'}",
        "{'asin': '8', 'title': 'Open",
        "['asin']",
    ]
    (tmp_path / "meta_C.json.gz").write_bytes(gzip.compress("\n".join(metas).encode()))
    (tmp_path / "reviews_C_5.json").write_text(
        "{'reviewerID': 'A1', 'asin': '2', 'helpful': [2, 3], 'overall': 5.0, "
        "'unixReviewTime': 1382659200}\n{'reviewerID': 'A1', 'asin': '2'}\n"
    )
    report = imported(plan_amazon_2014(tmp_path), data)
    found = products(data)
    assert sorted(found) == ["0000031852", "2"]
    tutu = found["0000031852"]
    assert (tutu.title, tutu.gender, tutu.price_minor) == ("Girls' Tutu", "girls", 317)
    assert tutu.category == ("Clothing", "Girls")
    assert report.tally.urls == 1
    assert report.refused == {
        "not a Python literal": 5,
        "nested too deep": 1,
        "not an object": 1,
        "no rating": 1,
    }
    (rating,) = events(data)
    assert (rating.value, rating.helpful_votes, rating.at.year) == (5.0, 2, 2013)


def test_a_folder_without_such_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"no articles\.csv"):
        plan_hm(tmp_path)
    with pytest.raises(SetupError, match="holds no files"):
        plan_amazon_2023(tmp_path)
    with pytest.raises(SetupError, match="there is nothing at"):
        plan_amazon_2014(tmp_path / "none")
