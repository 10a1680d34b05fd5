"""Reads the set of H&M: articles, what customers bought, and photos."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path

from catalog.interaction import Interaction
from catalog.limits import MAX_DESCRIPTION_CHARS
from catalog.product import Product
from offline.importing.csv_file import CsvFile
from offline.importing.events import EventNames
from offline.importing.photos import Found
from offline.importing.plan import EventPart, Plan, ProductPart
from offline.importing.prices import price_of
from offline.importing.records import BadRow, Record
from offline.importing.values import text_of, time_of, word_of
from runtime.errors import SetupError

NAME = "hm"
_ARTICLE, _CODE = 10, 7
_ARTICLES = (
    "article_id", "product_code", "prod_name", "product_type_name", "product_group_name",
    "graphical_appearance_name", "colour_group_name", "index_group_name", "detail_desc",
)  # fmt: skip
_BOUGHT = ("t_dat", "customer_id", "article_id", "price")
_GENDERS = {"ladieswear": "women", "menswear": "men", "baby/children": "kids"}
_ATTRIBUTES = {
    "pattern": "graphical_appearance_name",
    "colour family": "perceived_colour_master_name",
    "department": "department_name",
    "section": "section_name",
    "garment group": "garment_group_name",
}


def plan_hm(path: Path, *, currency: str = "", price_factor: str = "") -> Plan:
    """Returns how the set is imported.

    Its prices stand with the purchases and were multiplied by something that nobody told, so an
    article has none unless a factor and a currency are given: then it has that of the newest
    purchase.

    Args:
        path: Folder with ``articles.csv``, and what there is of ``transactions_train.csv`` and
            ``images/0xx/``.
        currency: Currency of prices.
        price_factor: What to multiply a price with, as a decimal number.

    Raises:
        SetupError: There is no such set, or one of factor and currency lacks the other.
    """
    if not (path / "articles.csv").is_file():
        raise SetupError(f"{path} holds no articles.csv")
    bought = path / "transactions_train.csv"
    purchases = CsvFile(bought, _BOUGHT) if bought.is_file() else None
    prices = _prices(purchases, currency, price_factor)
    articles = CsvFile(path / "articles.csv", _ARTICLES)
    parts: tuple[ProductPart | EventPart, ...] = (
        ProductPart(articles, _article_reader(path / "images", prices)),
    )
    if purchases is not None:
        parts += (EventPart(purchases, _purchase_reader),)
    notes = []
    if (path / "customers.csv").is_file():
        notes.append(
            "customers.csv is left out: ages and addresses of customers are not used, so not kept"
        )
    if purchases is not None and not prices:
        notes.append("prices of the set are scaled; give --price-factor and --currency to use them")
    return Plan(NAME, parts, wish=f"{currency} {price_factor}", notes=tuple(notes))


def _article_reader(photos: Path, prices: dict[str, tuple[int, str]]) -> Callable[[Record], Found]:
    def read(record: Record) -> Found:
        row = {name: text_of(value) for name, value in record.fields.items()}
        key = _number(row["article_id"], _ARTICLE)
        if not row["prod_name"]:
            raise BadRow("no title")
        price, currency = prices.get(key, (None, ""))
        path = (row[name] for name in ("index_group_name", "product_group_name"))
        told = {name: row.get(column, "") for name, column in _ATTRIBUTES.items()}
        product = Product(
            id=key,
            style_id=_number(row["product_code"], _CODE),
            title=row["prod_name"],
            description=row["detail_desc"][:MAX_DESCRIPTION_CHARS],
            category=tuple(dict.fromkeys(n for n in (*path, row["product_type_name"]) if n)),
            kind=word_of(row["product_type_name"]),
            gender=_GENDERS.get(row["index_group_name"].lower(), ""),
            colour=word_of(row["colour_group_name"]),
            attributes={name: value for name, value in told.items() if value},
            price_minor=price,
            currency=currency,
        )
        return Found(product, (photos / key[:3] / f"{key}.jpg",))

    return read


def _purchase_reader() -> Callable[[Record], Interaction]:
    names = EventNames(NAME)

    def read(record: Record) -> Interaction:
        row = {name: text_of(value) for name, value in record.fields.items()}
        article = _number(row["article_id"], _ARTICLE)
        return Interaction(
            event_id=names.name(row["t_dat"], row["customer_id"], article, row["price"]),
            user_id=row["customer_id"],
            product_id=article,
            kind="purchase",
            at=time_of(row["t_dat"]),
        )

    return read


def _prices(
    purchases: CsvFile | None, currency: str, price_factor: str
) -> dict[str, tuple[int, str]]:
    if not price_factor and not currency:
        return {}
    if not price_factor or not currency or purchases is None:
        raise SetupError("prices of hm need --price-factor, --currency and transactions_train.csv")
    try:
        factor = Decimal(price_factor)
    except InvalidOperation:
        factor = Decimal(0)
    if not factor.is_finite() or not 0 < factor < 10**9:
        raise SetupError("--price-factor is a decimal number above 0, such as 590")
    newest: dict[str, tuple[str, tuple[int, str]]] = {}
    for record in purchases.read():
        try:
            row = {name: text_of(value) for name, value in record.fields.items()}
            article = _number(row.get("article_id", ""), _ARTICLE)
            written = Decimal(row["price"])
            price, _ = price_of(written * factor, currency)
        except (BadRow, InvalidOperation):
            # What is wrong with the row is told when its purchase is read.
            continue
        if price is not None and row["t_dat"] >= newest.get(article, ("",))[0]:
            newest[article] = (row["t_dat"], (price, currency))
    return {article: price for article, (_, price) in newest.items()}


def _number(text: str, digits: int) -> str:
    """Returns a number with the leading zeros that spreadsheets take away."""
    if not re.fullmatch(rf"[0-9]{{1,{digits}}}", text):
        raise BadRow("no valid number of an article")
    return text.zfill(digits)
