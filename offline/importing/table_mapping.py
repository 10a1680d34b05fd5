"""Guesses which column of a table means which field of a product, or of an event."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence

from offline.progress import say
from runtime.errors import SetupError

ATTRIBUTE = "attributes."
PRODUCT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("product_id", "sku", "article_id", "item_id", "asin", "code", "uid"),
    "style_id": ("style", "group_id", "item_group_id", "parent_id", "parent_sku", "product_code"),
    "title": ("name", "product_name", "display_name", "product_title", "productdisplayname"),
    "description": ("desc", "detail", "details", "long_description", "body", "body_html"),
    "brand": ("maker", "manufacturer", "vendor", "label", "store"),
    "category": ("categories", "product_type", "category_path", "google_product_category"),
    "kind": ("type", "article_type", "articletype", "garment"),
    "gender": ("sex", "department", "target_gender"),
    "colour": ("color", "base_colour", "basecolour", "colors", "colours", "colour_name"),
    "season": (),
    "sizes": ("size", "stock_by_size"),
    "price": ("sale_price", "current_price", "amount", "price_krw", "price_eur", "price_usd"),
    "price_minor": ("price_cents",),
    "currency": ("currency_code",),
    "image": (
        "photo", "photos", "picture", "image_url", "image_link", "image_path", "img", "img_url",
        "images_urls", "image_urls",
    ),
    "images": (),
    "product_url": ("url", "link", "product_link", "item_url"),
}  # fmt: skip
EVENT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "event_id": (),
    "user_id": ("user", "customer_id", "reviewer_id", "reviewerid", "shopper", "uid"),
    "product_id": ("product", "item_id", "article_id", "asin", "parent_asin", "sku"),
    "kind": ("event", "type", "action", "event_type"),
    "at": ("time", "timestamp", "date", "t_dat", "created_at", "unixreviewtime"),
    "value": ("rating", "stars", "overall"),
    "verified": ("verified_purchase",),
    "helpful_votes": ("helpful_vote", "helpful"),
    "text": ("words", "query"),
}


def guess(columns: Sequence[str], fields: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Returns the column of each field that can be told by its name, by field.

    A column named like the field comes before one with a similar name, and no column means two
    fields.
    """
    found: dict[str, str] = {}
    plain = {_plain(column): column for column in reversed(columns)}
    for field in fields:
        if field in plain:
            found[field] = plain[field]
    for field, names in fields.items():
        name = next((n for n in names if n in plain and plain[n] not in found.values()), None)
        if field not in found and name is not None:
            found[field] = plain[name]
    if "price" in found and "price_minor" in found:
        del found["price"]
    return found


def named(pairs: Sequence[str], columns: Sequence[str], fields: Sequence[str]) -> dict[str, str]:
    """Returns the columns that were named as ``field=column``, by field.

    Raises:
        SetupError: A field or a column does not exist, or a pair is none.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        field, mark, column = pair.partition("=")
        if not mark or not field:
            raise SetupError(f"--map {pair} is not of the form FIELD=COLUMN")
        if field not in fields and not (field.startswith(ATTRIBUTE) and field != ATTRIBUTE):
            raise SetupError(
                f"--map {pair}: there is no field {field}; there are {', '.join(fields)} "
                f"and {ATTRIBUTE}NAME"
            )
        if column and column not in columns:
            raise SetupError(
                f"--map {pair}: there is no column {column}; there are {', '.join(columns)}"
            )
        if field in found:
            raise SetupError(f"--map names {field} twice: a field has one column")
        found[field] = column
    return found


def settle(
    mapping: Mapping[str, str],
    unused: Sequence[str],
    *,
    is_guessed: bool,
    says_yes: bool,
    ask: Callable[[str], str] | None = None,
) -> None:
    """Shows a mapping and asks whether it is right, unless all of it was named or agreed to.

    Args:
        mapping: Columns by field.
        unused: Columns that mean nothing.
        is_guessed: Whether any of it was guessed.
        says_yes: Whether it was agreed to beforehand.
        ask: Asks a person; None where nobody is there.

    Raises:
        SetupError: It was not agreed to.
    """
    say("columns are taken as:")
    for field, column in mapping.items():
        say(f"  {field:<22} <- {column}")
    if unused:
        say(f"  left out: {', '.join(unused)}")
    if says_yes or not is_guessed:
        return
    if ask is None:
        raise SetupError(
            "some of these were guessed, and there is no terminal to ask at: agree with --yes, or "
            "name them with --map FIELD=COLUMN"
        )
    if ask("Import it so? [y/N] ").strip().lower() not in ("y", "yes"):
        raise SetupError("nothing was imported: name the columns with --map FIELD=COLUMN")


def asker() -> Callable[[str], str] | None:
    """Returns what asks the person at the terminal, or None where there is none."""
    return input if sys.stdin.isatty() and sys.stderr.isatty() else None


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", column.strip().lower()).strip("_")
