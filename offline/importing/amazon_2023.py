"""Reads Amazon Reviews 2023: products and reviews as JSON Lines."""

from pathlib import Path

from catalog.interaction import Interaction
from catalog.product import MAX_IMAGES, Product
from offline.importing.amazon import (
    attributes_of,
    category_of,
    gender_of,
    joined,
    plan_amazon,
    title_of,
    word_or_nothing,
)
from offline.importing.parsers import json_line
from offline.importing.photos import Found, is_url
from offline.importing.plan import Plan
from offline.importing.prices import price_of
from offline.importing.records import BadRow, Fields, Record
from offline.importing.table_events import stars_of
from offline.importing.values import text_of, time_of, truth_of, whole_of

NAME = "amazon-2023"
_SIZES = ("hi_res", "large", "thumb")


def plan_amazon_2023(path: Path, *, currency: str = "") -> Plan:
    """Returns how ``meta_*.jsonl`` and reviews, plain or ``.gz``, are imported.

    Args:
        path: A file or a folder.
        currency: Currency of prices; empty means USD, the set's.

    Raises:
        SetupError: There are no such files.
    """

    def product(record: Record) -> Found:
        return _product(record.fields, currency or "USD")

    return plan_amazon(path, NAME, ".jsonl", parse=json_line, product=product, event=_review)


def photos_of(images: object) -> tuple[str, ...]:
    """Returns addresses of a product's photos, the main image first.

    The main image is the one of variant MAIN, else the first; of each, hi_res comes before large
    and large before thumb.
    """
    if not isinstance(images, list):
        return ()
    found = [image for image in images if isinstance(image, dict)]
    found.sort(key=lambda image: image.get("variant") != "MAIN")
    best = (next((u for s in _SIZES if _is_photo(u := image.get(s))), "") for image in found)
    return tuple(dict.fromkeys(str(url) for url in best if url))[:MAX_IMAGES]


def _product(row: Fields, currency: str) -> Found:
    key = text_of(row.get("parent_asin"))
    if not key:
        raise BadRow("no parent_asin")
    details = row.get("details")
    told = dict(details) if isinstance(details, dict) else {}
    categories = row.get("categories")
    levels = categories if isinstance(categories, list) else []
    rating = {name: row.get(name) for name in ("average_rating", "rating_number")}
    price, named = _price(row.get("price"), currency)
    texts = (joined(row.get("features")), joined(row.get("description")))
    product = Product(
        id=key,
        style_id=key,
        title=title_of(row),
        description=" ".join(text for text in texts if text)[:20_000],
        brand=word_or_nothing(row.get("store")),
        category=category_of(row.get("main_category"), *levels),
        gender=gender_of([str(told.get("Department", "")), *map(str, levels)]),
        colour=word_or_nothing(told.get("Color")).lower(),
        attributes=attributes_of({**rating, **told}),
        price_minor=price,
        currency=named,
    )
    return Found(product, urls=photos_of(row.get("images")))


def _price(value: object, currency: str) -> tuple[int | None, str]:
    """Returns the price; what is written there without being one, such as "—", is none."""
    try:
        return price_of(value, currency)
    except BadRow:
        return None, ""


def _review(row: Fields) -> Interaction:
    key = text_of(row.get("parent_asin") or row.get("PARENT_ASIN") or row.get("asin"))
    stars = stars_of(row.get("rating"))
    if stars is None:
        raise BadRow("no rating")
    return Interaction(
        event_id="-",
        user_id=text_of(row.get("user_id")),
        product_id=key,
        kind="rating",
        at=time_of(row.get("timestamp")),
        value=stars,
        verified=truth_of(row.get("verified_purchase")),
        helpful_votes=whole_of(row.get("helpful_vote"), what="helpful_vote"),
    )


def _is_photo(value: object) -> bool:
    return isinstance(value, str) and is_url(value)
