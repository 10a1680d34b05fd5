"""Reads the product of a row of a table, by a mapping or to the letter of an export."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from catalog.limits import MAX_ATTRIBUTES, MAX_DESCRIPTION_CHARS
from catalog.product import Product, SizeStock
from offline.importing.photos import Found, split_places
from offline.importing.prices import price_of
from offline.importing.records import BadRow, Fields, Record
from offline.importing.table_mapping import ATTRIBUTE
from offline.importing.values import id_of, plain, text_of, whole_of, word_of

EXPORTED = (
    "id", "style_id", "title", "description", "brand", "category", "kind", "gender", "colour",
    "season", "attributes", "sizes", "price_minor", "currency", "images", "product_url",
)  # fmt: skip
_STEPS = re.compile(r"\s*[>|]\s*|\s+/\s+")
_PLACES = re.compile(r"\s*[|\s]\s*")


def product_reader(
    mapping: Mapping[str, str], folder: Path, currency: str
) -> Callable[[Record], Found]:
    """Returns what reads the product of a row.

    Args:
        mapping: Columns by field.
        folder: Folder of the photos that rows name.
        currency: Currency of prices that name none.
    """
    attributes = {
        field.removeprefix(ATTRIBUTE): column
        for field, column in mapping.items()
        if field.startswith(ATTRIBUTE)
    }

    def read(record: Record) -> Found:
        row = {field: record.fields.get(column) for field, column in mapping.items()}
        key = id_of(row["id"])
        title = text_of(row["title"])
        if not key:
            raise BadRow("no id")
        if not title:
            raise BadRow("no title")
        price, of_price = _price(row, currency)
        told = {name: text_of(record.fields.get(column)) for name, column in attributes.items()}
        if isinstance(of_row := row.get("attributes"), Mapping):
            told = {**_attributes(of_row), **told}
        product = Product(
            id=key,
            style_id=id_of(row.get("style_id")) or key,
            title=plain(title),
            description=plain(text_of(row.get("description")))[:MAX_DESCRIPTION_CHARS],
            brand=text_of(row.get("brand")),
            category=_category(row.get("category")),
            kind=word_of(row.get("kind")),
            gender=text_of(row.get("gender")).lower(),
            colour=word_of(row.get("colour")),
            season=text_of(row.get("season")).lower(),
            attributes={name: value for name, value in told.items() if value},
            sizes=_sizes(row.get("sizes")),
            price_minor=price,
            currency=of_price,
            images=tuple(_texts(row.get("images"))),
            product_url=text_of(row.get("product_url")),
        )
        return Found(product, *split_places(folder, _texts(row.get("image"))))

    return read


def exported_product(record: Record) -> Found:
    """Reads a row that `hemline export` wrote: nothing is cleaned, all is checked.

    Raises:
        BadRow: A field is missing or of another type.
    """
    row = dict(record.fields)
    if set(row) != set(EXPORTED):
        raise BadRow("the fields are not those of an export")
    price = row.pop("price_minor")
    lists = {name: row.pop(name) for name in ("category", "images", "sizes", "attributes")}
    if price is not None and (isinstance(price, bool) or not isinstance(price, int)):
        raise BadRow("price_minor is not a whole number")
    texts = {name: value for name, value in row.items() if isinstance(value, str)}
    if len(texts) != len(row):
        raise BadRow("a text is expected where something else stands")
    return Found(
        Product(
            id=texts["id"],
            style_id=texts["style_id"],
            title=texts["title"],
            description=texts["description"],
            brand=texts["brand"],
            kind=texts["kind"],
            gender=texts["gender"],
            colour=texts["colour"],
            season=texts["season"],
            currency=texts["currency"],
            product_url=texts["product_url"],
            category=tuple(_strings(lists["category"])),
            images=tuple(_strings(lists["images"])),
            sizes=_exact_sizes(lists["sizes"]),
            attributes=_exact_attributes(lists["attributes"]),
            price_minor=price,
        )
    )


def _price(row: Fields, currency: str) -> tuple[int | None, str]:
    named = text_of(row.get("currency")).upper() or currency
    if text_of(row.get("price_minor")):
        if not named:
            raise BadRow("a price without a currency")
        return whole_of(row["price_minor"], what="price_minor"), named
    return price_of(row.get("price"), named)


def _category(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        steps = [text_of(step) for step in value]
    else:
        steps = _STEPS.split(text_of(value))
    return tuple(dict.fromkeys(step for step in steps if step))


def _texts(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for text in map(text_of, value) if text]
    return [text for text in _PLACES.split(text_of(value)) if text] if value else []


def _sizes(value: object) -> tuple[SizeStock, ...]:
    """Reads ``"S:3|M:0"``, a list of objects, or an object of sizes and stocks.

    A size without a stock counts as one piece.
    """
    if isinstance(value, str) and value.strip().startswith(("[", "{")):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise BadRow("sizes are not JSON") from None
    if isinstance(value, Mapping):
        return tuple(_size(size, stock) for size, stock in value.items())
    if isinstance(value, list | tuple):
        return tuple(
            _size(each.get("size"), each.get("stock", 1)) if isinstance(each, Mapping)
            else _size(each, 1)
            for each in value
        )  # fmt: skip
    pieces = (piece for piece in re.split(r"[|,;]", text_of(value)) if piece.strip())
    return tuple(_sized(piece) for piece in pieces)


def _sized(piece: str) -> SizeStock:
    size, mark, stock = piece.rpartition(":")
    return _size(size, stock) if mark else _size(piece, 1)


def _size(size: object, stock: object) -> SizeStock:
    name = size if isinstance(size, str) and size.strip() else text_of(size)
    if not name:
        raise BadRow("a size without a name")
    return SizeStock(name.strip(), whole_of(stock, what="a stock"))


def _attributes(value: Mapping[object, object]) -> dict[str, str]:
    told = {text_of(name): text_of(each) for name, each in value.items()}
    if len(told) > MAX_ATTRIBUTES:
        raise BadRow(f"more than {MAX_ATTRIBUTES} attributes")
    return told


def _exact_attributes(value: object) -> dict[str, str]:
    # Parquet gives a map as a list of pairs.
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, list):
        raise BadRow("attributes are no object")
    found: dict[str, str] = {}
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(each, str) for each in pair):
            raise BadRow("an attribute is no text")
        found[pair[0]] = pair[1]
    return found


def _exact_sizes(value: object) -> tuple[SizeStock, ...]:
    found: list[SizeStock] = []
    for each in value if isinstance(value, list) else [value]:
        size, stock = (each.get(n) for n in ("size", "stock")) if isinstance(each, dict) else (0, 0)
        if not isinstance(size, str) or isinstance(stock, bool) or not isinstance(stock, int):
            raise BadRow("a size is no object of size and stock")
        found.append(SizeStock(size, stock))
    return tuple(found)


def _strings(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadRow("a list of texts is expected where something else stands")
    return value
