"""Reads the Amazon sets of 2014: products and reviews as JSON, or as literals of Python."""

from pathlib import Path

from catalog.interaction import Interaction
from catalog.product import Product
from offline.importing.amazon import (
    category_of,
    gender_of,
    joined,
    plan_amazon,
    title_of,
    word_or_nothing,
)
from offline.importing.parsers import literal_line
from offline.importing.photos import Found, is_url
from offline.importing.plan import Plan
from offline.importing.prices import price_of
from offline.importing.records import BadRow, Fields, Record
from offline.importing.table_events import stars_of
from offline.importing.values import text_of, time_of, whole_of

NAME = "amazon-2014"


def plan_amazon_2014(path: Path, *, currency: str = "") -> Plan:
    """Returns how ``meta_*.json`` and ``reviews_*.json``, plain or ``.gz``, are imported.

    Args:
        path: A file or a folder.
        currency: Currency of prices; empty means USD, the set's.

    Raises:
        SetupError: There are no such files.
    """

    def product(record: Record) -> Found:
        return _product(record.fields, currency or "USD")

    return plan_amazon(path, NAME, ".json", parse=literal_line, product=product, event=_review)


def _product(row: Fields, currency: str) -> Found:
    key = text_of(row.get("asin"))
    if not key:
        raise BadRow("no asin")
    # A product stands in several branches of the tree; the longest tells the most.
    branches = [b for b in _list(row.get("categories")) if isinstance(b, list)]
    levels = max(branches, key=len, default=[])
    price, named = price_of(row.get("price"), currency)
    photo = row.get("imUrl")
    product = Product(
        id=key,
        style_id=key,
        title=title_of(row),
        description=joined(row.get("description")),
        brand=word_or_nothing(row.get("brand")),
        category=category_of(*levels),
        gender=gender_of(map(str, levels)),
        price_minor=price,
        currency=named,
    )
    return Found(product, urls=(photo,) if isinstance(photo, str) and is_url(photo) else ())


def _review(row: Fields) -> Interaction:
    stars = stars_of(row.get("overall"))
    if stars is None:
        raise BadRow("no rating")
    helpful = _list(row.get("helpful"))
    return Interaction(
        event_id="-",
        user_id=text_of(row.get("reviewerID")),
        product_id=text_of(row.get("asin")),
        kind="rating",
        at=time_of(row.get("unixReviewTime")),
        value=stars,
        helpful_votes=whole_of(helpful[0] if helpful else 0, what="helpful"),
    )


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
