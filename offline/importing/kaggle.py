"""Reads the published layouts of the Kaggle fashion product sets."""

import re
from pathlib import Path

from catalog.limits import MAX_DESCRIPTION_CHARS
from catalog.product import Product
from offline.importing.csv_file import CsvFile
from offline.importing.photos import Found
from offline.importing.plan import Plan, ProductPart
from offline.importing.records import BadRow, Record
from offline.importing.values import plain, text_of, word_of
from runtime.errors import SetupError

NAME = "kaggle-fashion"
_STYLES = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage"
_STYLES_TITLE = "productDisplayName"
_KEY = re.compile(r"[0-9A-Za-z_-]{1,128}")


def plan_kaggle(path: Path) -> Plan:
    """Returns how a set is imported that lies in a folder, or in the one below it.

    ``styles.csv`` with ``images/`` is the form of ``paramaggarwal/fashion-product-images-small``
    and of ``-dataset``; ``data.csv`` with ``data/`` has image, description, display name and
    category. The sets tell no price and no brand of its own, so both stay empty.

    Raises:
        SetupError: There is no such set.
    """
    if not path.is_dir():
        raise SetupError(f"{path} is not a folder")
    for folder in (path, *sorted(child for child in path.iterdir() if child.is_dir())):
        if (folder / "styles.csv").is_file():
            return Plan(NAME, (_styles(folder),))
        if (folder / "data.csv").is_file():
            return Plan(NAME, (_data(folder),))
    raise SetupError(f"{path} holds neither styles.csv nor data.csv")


def _styles(folder: Path) -> ProductPart:
    # A row is a line here. Read one by one, a stray quotation mark costs no other row.
    columns = (*_STYLES.split(","), _STYLES_TITLE)
    table = CsvFile(folder / "styles.csv", columns, one_line=True, overflow=_STYLES_TITLE)

    def read(record: Record) -> Found:
        product = _style(record)
        return Found(product, (folder / "images" / f"{product.id}.jpg",))

    return ProductPart(table, read)


def _data(folder: Path) -> ProductPart:
    table = CsvFile(folder / "data.csv", ("image", "description", "display name", "category"))

    def read(record: Record) -> Found:
        return Found(_described(record), (folder / "data" / text_of(record.fields["image"]),))

    return ProductPart(table, read)


def _style(record: Record) -> Product:
    row = {name: text_of(value) for name, value in record.fields.items()}
    style = row["id"]
    if not _KEY.fullmatch(style):
        raise BadRow("no valid id")
    if not row[_STYLES_TITLE]:
        raise BadRow("no title")
    path = (row[name] for name in ("masterCategory", "subCategory", "articleType"))
    attributes = {"usage": word_of(row["usage"]), "year": row["year"]}
    return Product(
        id=style,
        style_id=style,
        title=row[_STYLES_TITLE],
        category=tuple(dict.fromkeys(name for name in path if name)),
        kind=word_of(row["articleType"]),
        gender=row["gender"].lower(),
        colour=word_of(row["baseColour"]),
        season=row["season"].lower(),
        attributes={name: value for name, value in attributes.items() if value},
    )


def _described(record: Record) -> Product:
    row = {name: text_of(value) for name, value in record.fields.items()}
    photo = row["image"]
    key = Path(photo).stem
    if Path(photo).name != photo or not _KEY.fullmatch(key):
        raise BadRow("no valid image name")
    if not row["display name"]:
        raise BadRow("no title")
    category = row["category"]
    return Product(
        id=key,
        style_id=key,
        title=row["display name"],
        description=plain(row["description"])[:MAX_DESCRIPTION_CHARS],
        category=(category,) if category else (),
        kind=word_of(category),
    )
