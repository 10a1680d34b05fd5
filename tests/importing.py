"""What the tests of imports have in common: photos, products, and reports in short."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from catalog.interaction import Interaction
from catalog.product import Product
from catalog.store import CatalogStore
from offline.importing.frame import run_import
from offline.importing.plan import ImportOptions, ImportReport, Plan
from offline.layout import DataDir


def imported(plan: Plan, data: DataDir, mended: Path | None = None) -> ImportReport:
    return run_import(plan, data, ImportOptions(mended=mended, pause_s=0))


def photo(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (6, 8), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def put_photo(path: Path, colour: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(photo(colour))


def products(data: DataDir) -> dict[str, Product]:
    store = CatalogStore.open(data.database_url)
    try:
        return {product.id: product for product in store.scan()}
    finally:
        store.close()


def events(data: DataDir) -> list[Interaction]:
    store = CatalogStore.open(data.database_url)
    try:
        return list(store.interactions())
    finally:
        store.close()


def digests(data: DataDir) -> tuple[str, str]:
    store = CatalogStore.open(data.database_url)
    try:
        return store.content_digest(), store.interactions_digest()
    finally:
        store.close()


def changes(report: ImportReport) -> tuple[int, int, int]:
    return report.tally.created, report.tally.updated, report.tally.unchanged


def refusals(report: ImportReport) -> list[tuple[str, int, str]]:
    assert report.rejects is not None
    with report.rejects.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row["file"], int(row["line"]), row["reason"]) for row in rows]


def write_csv(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path
