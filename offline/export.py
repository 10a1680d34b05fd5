"""Writes a catalogue into one file that imports again to the same catalogue."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from catalog.media import MediaStore
from catalog.product import Product
from catalog.store import CatalogStore
from offline.importing.held_out import event_row
from offline.layout import DataDir
from offline.progress import progress
from runtime.durable import sync
from runtime.errors import SetupError

_PAGE = 1_000
_TEXT = pa.string()
_PRODUCT = pa.schema([
    *((name, _TEXT) for name in ("id", "style_id", "title", "description", "brand")),
    ("category", pa.list_(_TEXT)),
    *((name, _TEXT) for name in ("kind", "gender", "colour", "season")),
    ("attributes", pa.map_(_TEXT, _TEXT)),
    ("sizes", pa.list_(pa.struct([("size", _TEXT), ("stock", pa.int64())]))),
    ("price_minor", pa.int64()),
    ("currency", _TEXT),
    ("images", pa.list_(_TEXT)),
    ("product_url", _TEXT),
])  # fmt: skip
_EVENT = pa.schema([
    *((name, _TEXT) for name in ("event_id", "user_id", "product_id", "kind", "at")),
    ("value", pa.float64()),
    ("verified", pa.bool_()),
    ("helpful_votes", pa.int64()),
    ("text", _TEXT),
])  # fmt: skip

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many rows and photos were written, and those photos that the media store lacks."""

    rows: int
    photos: int
    missing_photos: int


def export(
    data: DataDir, path: Path, *, interactions: bool = False, photos: bool = False
) -> ExportReport:
    """Writes products, or events, in the order of their ids, or times.

    The file appears whole or not at all. Products name their photos by SHA-256, which is enough
    where the photos are already; ``photos`` puts them into the folder ``PATH.photos``, where
    ``hemline import table`` finds them.

    Args:
        data: The catalogue.
        path: The file; ``.parquet``, ``.jsonl`` or ``.jsonl.gz``.
        interactions: Whether to write events, not products.
        photos: Whether photos go along.

    Raises:
        SetupError: There is no catalogue, the suffix is none of these, or a folder is there.
    """
    data.require_catalog()
    if not path.name.endswith((".parquet", ".jsonl", ".jsonl.gz")):
        raise SetupError(f"{path} must end in .parquet, .jsonl or .jsonl.gz")
    if path.is_dir():
        raise SetupError(f"{path} is a folder: name a file")
    if not path.parent.is_dir():
        raise SetupError(f"there is no folder {path.parent}")
    store = CatalogStore.open(data.database_url)
    try:
        beside = MediaStore(path.with_name(f"{path.name}.photos")) if photos else None
        copier = _Copier(MediaStore(data.media), beside)
        if interactions:
            rows = (event_row(event) for event in store.interactions())
            return ExportReport(_write(path, _EVENT, rows, None), 0, 0)
        listed = (product_row(product) for product in copier.passing(store.scan()))
        count = _write(path, _PRODUCT, listed, store.count())
        return ExportReport(count, copier.copied, copier.missing)
    finally:
        store.close()


def product_row(product: Product) -> Row:
    """Returns a product as a row of an export."""
    return {
        "id": product.id,
        "style_id": product.style_id,
        "title": product.title,
        "description": product.description,
        "brand": product.brand,
        "category": list(product.category),
        "kind": product.kind,
        "gender": product.gender,
        "colour": product.colour,
        "season": product.season,
        "attributes": dict(product.attributes),
        "sizes": [{"size": each.size, "stock": each.stock} for each in product.sizes],
        "price_minor": product.price_minor,
        "currency": product.currency,
        "images": list(product.images),
        "product_url": product.product_url,
    }


class _Copier:
    """Copies the photos of products that pass by."""

    def __init__(self, media: MediaStore, beside: MediaStore | None) -> None:
        self._media = media
        self._beside = beside
        self.copied = 0
        self.missing = 0

    def passing(self, products: Iterator[Product]) -> Iterator[Product]:
        for product in products:
            for sha256 in product.images if self._beside is not None else ():
                self._copy(sha256, self._beside)
            yield product

    def _copy(self, sha256: str, beside: MediaStore | None) -> None:
        photo = self._media.get(sha256)
        if photo is None or beside is None:
            self.missing += 1
        else:
            beside.put(photo, durable=False)
            self.copied += 1


def _write(path: Path, schema: pa.Schema, rows: Iterator[Row], total: int | None) -> int:
    scratch = path.with_name(f".{path.name}.new")
    count = 0
    try:
        with (
            progress(f"Writing {path.name}", total) as shown,
            _writer(scratch, path.name, schema) as write,
        ):
            while page := list(islice(rows, _PAGE)):
                write(page)
                count += len(page)
                shown.advance(len(page))
        sync(scratch)
        scratch.replace(path)
        sync(path.parent)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    return count


@contextmanager
def _writer(scratch: Path, name: str, schema: pa.Schema) -> Iterator[Callable[[list[Row]], None]]:
    """Opens the file in the form that its name asks for, and gives what writes rows."""
    if name.endswith(".parquet"):
        with pq.ParquetWriter(scratch, schema, compression="zstd") as parquet:
            yield lambda rows: parquet.write_table(pa.Table.from_pylist(rows, schema))
        return
    with gzip.open(scratch, "wb") if name.endswith(".gz") else scratch.open("wb") as file:
        yield lambda rows: _write_lines(file, rows)


def _write_lines(file: BinaryIO | gzip.GzipFile, rows: list[Row]) -> None:
    file.write(b"".join(orjson.dumps(row) + b"\n" for row in rows))
