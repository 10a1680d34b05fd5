"""Imports the Kaggle fashion product sets into a catalogue."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.kaggle_rows import Layout, Row, find_layout, read_rows
from offline.layout import DataDir
from offline.progress import progress
from offline.rejects import Rejects
from runtime.errors import ServiceError

NAME = "kaggle-fashion"
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import came to.

    Attributes:
        created: Products that are new.
        updated: Products that changed.
        unchanged: Products that were there as they are.
        photos: Products of these that have a photo.
        refused: Rows, or photos of rows, that were refused, by reason.
        rejects: The file that lists them, None without any.
    """

    created: int
    updated: int
    unchanged: int
    photos: int
    refused: Mapping[str, int]
    rejects: Path | None


def import_kaggle(path: Path, data: DataDir) -> ImportReport:
    """Imports ``styles.csv`` with ``images/``, or ``data.csv`` with ``data/``, as a stream.

    A second run changes nothing; a row that changed is updated alone. The sets tell no price and
    no brand of its own, so both stay empty. A product whose photo is missing or no picture goes in
    without it.

    Args:
        path: Folder of the set, or the folder around it.
        data: Where to import to; made if need be.

    Raises:
        SetupError: There is no such set, or the data folder cannot be written.
    """
    layout = find_layout(path)
    store = CatalogStore.open(data.create().database_url, create=True)
    try:
        with Rejects(data.rejects / f"{NAME}.csv") as rejects:
            return _import(layout, store, MediaStore(data.media), rejects)
    finally:
        store.close()


def _import(
    layout: Layout, store: CatalogStore, media: MediaStore, rejects: Rejects
) -> ImportReport:
    photos = 0

    def products() -> Iterator[Product]:
        nonlocal photos
        for row in read_rows(layout, rejects.add):
            product = _with_photo(row, media, rejects.add)
            photos += bool(product.images)
            yield product

    with progress("Importing products", _count_rows(layout.table)) as shown:
        report = store.upsert_all(products(), on_batch=shown.advance)
    return ImportReport(
        report.created, report.updated, report.unchanged, photos, rejects.counts, rejects.path
    )


def _with_photo(row: Row, media: MediaStore, refuse: Callable[[int, str, str], None]) -> Product:
    try:
        # Not durable each by itself: an import that a power cut ends is run again.
        sha256 = media.put(row.photo.read_bytes(), durable=False)
    except FileNotFoundError:
        return row.product
    except OSError:
        refuse(row.line, "the photo cannot be read", row.raw)
        return row.product
    except ServiceError as problem:
        refuse(row.line, problem.message, row.raw)
        return row.product
    return replace(row.product, images=(sha256,))


def _count_rows(table: Path) -> int:
    with table.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(_READ_BYTES), b""))
    return max(0, lines - 1)
