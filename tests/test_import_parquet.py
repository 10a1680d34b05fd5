"""Dates, times and decimals of a Parquet file are taken as what they are."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from offline.importing.table import TableOptions, plan_table
from offline.layout import DataDir
from tests.importing import events, imported, products, write_csv

AT = datetime(2024, 5, 1, 10, 30, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def table(path: Path, columns: dict[str, object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_dates_times_and_decimals_are_attributes(tmp_path: Path, data: DataDir) -> None:
    columns = {
        "id": ["1"],
        "title": ["A"],
        "day": pa.array([date(2024, 5, 1)], pa.date32()),
        "at": pa.array([AT], pa.timestamp("ns", "UTC")),
        "length": pa.array([Decimal("12345678901234567.125")], pa.decimal128(30, 3)),
        "days": pa.array([[date(2024, 5, 1)]], pa.list_(pa.date32())),
    }
    names = ("day", "at", "length")
    options = TableOptions(tuple(f"attributes.{name}={name}" for name in names), says_yes=True)
    path = table(tmp_path / "a.parquet", columns)
    assert imported(plan_table(path, options), data).refused == {}
    assert dict(products(data)["1"].attributes) == {
        "day": "2024-05-01",
        "at": "2024-05-01T10:30:00+00:00",
        "length": "12345678901234567.125",
    }


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        (pa.array([AT.date()], pa.date32()), datetime(2024, 5, 1, tzinfo=UTC)),
        (pa.array([AT.replace(tzinfo=None)], pa.timestamp("us")), AT),
        (pa.array([1_714_559_400_000_000_001], pa.timestamp("ns")), AT),
        (pa.array([AT], pa.timestamp("ms", "Asia/Seoul")), AT),
    ],
)
def test_an_event_is_at_its_date_or_time(
    column: object, meant: datetime, tmp_path: Path, data: DataDir
) -> None:
    imported(
        plan_table(
            write_csv(tmp_path / "p.csv", [("id", "title"), ("1", "A")]),
            TableOptions(says_yes=True),
        ),
        data,
    )
    path = table(tmp_path / "e.parquet", {"user_id": ["u"], "product_id": ["1"], "time": column})
    report = imported(plan_table(path, TableOptions(interactions=True, says_yes=True)), data)
    assert report.refused == {}
    assert [event.at for event in events(data)] == [meant]


def test_a_decimal_price_is_the_same_once_its_row_was_mended(tmp_path: Path, data: DataDir) -> None:
    columns = {
        "id": ["1", "2"],
        "title": ["A", ""],
        "price": pa.array([Decimal("19.999"), Decimal("19.999")], pa.decimal128(10, 3)),
    }
    path = table(tmp_path / "a.parquet", columns)
    options = TableOptions(currency="EUR", says_yes=True)
    rejects = imported(plan_table(path, options), data).rejects
    assert rejects is not None
    rejects.write_text(rejects.read_text().replace('""title"":""""', '""title"":""B""'))
    imported(plan_table(path, options), data, mended=rejects)
    assert [product.price_minor for product in products(data).values()] == [2000, 2000]
