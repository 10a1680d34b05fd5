"""Reads the published layouts of the Kaggle fashion product sets, row by row."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from catalog.limits import MAX_DESCRIPTION_CHARS, check_product
from catalog.normalize import clean, readable
from catalog.product import Product
from runtime.errors import InvalidArgument, SetupError

_SURROGATE = re.compile("[\ud800-\udfff]")
_STYLES = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage"
_STYLES_TITLE = "productDisplayName"


class BadRow(Exception):
    """A row that cannot be taken; its message is the reason."""


@dataclass(frozen=True, slots=True)
class Row:
    """One product as read, before its photo is looked for."""

    line: int
    raw: str
    product: Product
    photo: Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a set lies and how its table is read.

    Attributes:
        table: The CSV file.
        photos: The folder of the photos; it need not exist.
        columns: Names that the header must hold; a longer row overflows into the last one.
        read: Builds the product of a row and the name of its photo.
    """

    table: Path
    photos: Path
    columns: tuple[str, ...]
    read: Callable[[Mapping[str, str]], tuple[Product, str]]


def find_layout(path: Path) -> Layout:
    """Finds a set in a folder, or in the one folder below it that holds it.

    ``styles.csv`` with ``images/`` is the form of ``paramaggarwal/fashion-product-images-small``
    and of ``-dataset``; ``data.csv`` with ``data/`` has image, description, display name and
    category.

    Raises:
        SetupError: There is no such table.
    """
    if not path.is_dir():
        raise SetupError(f"{path} is not a folder")
    for folder in (path, *sorted(child for child in path.iterdir() if child.is_dir())):
        if (folder / "styles.csv").is_file():
            columns = (*_STYLES.split(","), _STYLES_TITLE)
            return Layout(folder / "styles.csv", folder / "images", columns, _read_style)
        if (folder / "data.csv").is_file():
            columns = ("image", "description", "display name", "category")
            return Layout(folder / "data.csv", folder / "data", columns, _read_data)
    raise SetupError(f"{path} holds neither styles.csv nor data.csv")


def read_rows(layout: Layout, refuse: Callable[[int, str, str], None]) -> Iterator[Row]:
    """Yields the rows that can be read, in order, as a stream.

    Args:
        layout: What to read.
        refuse: Told line, reason and text of each row that cannot be read.

    Raises:
        SetupError: The table is no CSV with the columns of the layout.
    """
    # Bytes that are not UTF-8 become lone surrogates, so that they cost their own row only.
    with layout.table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        records = _records(file, layout)
        _, _, header = next(records, (0, "", []))
        missing = [name for name in layout.columns if name not in header]
        if missing:
            raise SetupError(f"{layout.table} lacks the columns {', '.join(missing)}")
        seen: set[str] = set()
        for line, raw, fields in records:
            try:
                product, photo = layout.read(_named(header, fields, raw))
                check_product(product)
                if product.id in seen:
                    raise BadRow("duplicate id")
            except (BadRow, InvalidArgument) as bad:
                refuse(line, str(bad), raw)
                continue
            seen.add(product.id)
            yield Row(line, raw, product, layout.photos / photo)


def _records(file: Iterator[str], layout: Layout) -> Iterator[tuple[int, str, list[str]]]:
    """Yields line, text and fields of each row; no fields where it is no CSV."""
    if layout.read is _read_style:
        # A row is a line here. Read one by one, a stray quotation mark costs no other row.
        for number, line in enumerate(file, start=1):
            if line.strip():
                raw = line.rstrip("\r\n")
                yield number, raw, _split(raw)
        return
    reader = csv.reader(file)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, "", []
            continue
        if fields:
            yield reader.line_num, ",".join(fields), fields


def _split(line: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except csv.Error:
        return []


def _named(header: Sequence[str], fields: Sequence[str], raw: str) -> Mapping[str, str]:
    if _SURROGATE.search(raw):
        raise BadRow("not UTF-8")
    if not fields:
        raise BadRow("not CSV")
    if len(fields) < len(header):
        raise BadRow("too few columns")
    if len(fields) > len(header):
        if header[-1] != _STYLES_TITLE:
            raise BadRow("too many columns")
        # The published table does not quote titles with commas; the title stands last.
        fields = [*fields[: len(header) - 1], ",".join(fields[len(header) - 1 :])]
    return {name: clean(field) for name, field in zip(header, fields, strict=True)}


def _read_style(row: Mapping[str, str]) -> tuple[Product, str]:
    style = row["id"]
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,128}", style):
        raise BadRow("no valid id")
    if not row[_STYLES_TITLE]:
        raise BadRow("no title")
    path = (row[name] for name in ("masterCategory", "subCategory", "articleType"))
    attributes = {"usage": _word(row["usage"]), "year": row["year"]}
    product = Product(
        id=style,
        style_id=style,
        title=row[_STYLES_TITLE],
        category=tuple(dict.fromkeys(name for name in path if name)),
        kind=_word(row["articleType"]),
        gender=row["gender"].lower(),
        colour=_word(row["baseColour"]),
        season=row["season"].lower(),
        attributes={name: value for name, value in attributes.items() if value},
    )
    return product, f"{style}.jpg"


def _read_data(row: Mapping[str, str]) -> tuple[Product, str]:
    photo = row["image"]
    key = Path(photo).stem
    if Path(photo).name != photo or not re.fullmatch(r"[0-9A-Za-z_-]{1,128}", key):
        raise BadRow("no valid image name")
    if not row["display name"]:
        raise BadRow("no title")
    category = row["category"]
    product = Product(
        id=key,
        style_id=key,
        title=row["display name"],
        description=_plain(row["description"])[:MAX_DESCRIPTION_CHARS],
        category=(category,) if category else (),
        kind=_word(category),
    )
    return product, photo


def _word(text: str) -> str:
    """Returns a label in the catalogue's form: "Tshirts" is "t-shirt", "Off White" "off-white"."""
    return "" if text in ("NA", "nan") else readable(text).lower()


class _Text(HTMLParser):
    """Collects the text of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _plain(text: str) -> str:
    if "<" not in text and "&" not in text:
        return text
    parser = _Text()
    parser.feed(text)
    parser.close()
    return clean(" ".join(parser.parts))
