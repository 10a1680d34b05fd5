"""Turns products and interactions into rows of the catalogue, and back."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import orjson

from catalog.interaction import Interaction
from catalog.product import Product, SizeStock
from catalog.tables import INTERACTIONS, PRODUCTS

Values = dict[str, str | int | float | bool | None]

PRODUCT_COLUMNS = tuple(
    column for column in PRODUCTS.columns if column.name not in ("digest", "deleted", "changed_us")
)
INTERACTION_COLUMNS = tuple(INTERACTIONS.columns)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EMPTY: MappingProxyType[str, str] = MappingProxyType({})


def product_values(product: Product) -> Values:
    """Returns the row of a product without ``seq`` and ``image_state``, with its digest.

    The digest covers all that the row holds, so equal digests mean equal products.
    """
    values: Values = {
        "id": product.id,
        "style_id": product.style_id,
        "title": product.title,
        "description": product.description,
        "brand": product.brand,
        "category": dumped(product.category),
        "kind": product.kind,
        "gender": product.gender,
        "colour": product.colour,
        "season": product.season,
        "attributes": dumped(dict(product.attributes)),
        "sizes": dumped([(size.size, size.stock) for size in product.sizes]),
        "price_minor": product.price_minor,
        "currency": product.currency,
        "images": dumped(product.images),
        "product_url": product.product_url,
    }
    canonical = orjson.dumps(list(values.values()))
    return values | {"digest": hashlib.blake2b(canonical, digest_size=16).hexdigest()}


def product_of(row: Sequence[Any]) -> Product:
    """Builds the product of a row of :data:`PRODUCT_COLUMNS`."""
    # By position: this runs for each winner of each search. The tables hold the types.
    (
        id_, style_id, title, description, brand, category, kind, gender, colour, season,
        attributes, sizes, price_minor, currency, images, product_url, image_state, seq, added_seq,
    ) = row  # fmt: skip
    return Product(
        id_,
        style_id,
        title,
        description,
        brand,
        tuple(orjson.loads(category)),
        kind,
        gender,
        colour,
        season,
        MappingProxyType(orjson.loads(attributes)) if attributes != "{}" else _EMPTY,
        tuple(SizeStock(*size) for size in orjson.loads(sizes)) if sizes != "[]" else (),
        price_minor,
        currency,
        tuple(orjson.loads(images)) if images != "[]" else (),
        product_url,
        image_state,
        seq,
        added_seq,
    )


def interaction_values(event: Interaction) -> Values:
    """Returns the row of an interaction; its time is kept in microseconds of UTC."""
    return {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "product_id": event.product_id,
        "kind": event.kind,
        "at_us": microseconds(event.at),
        "value": event.value,
        "verified": event.verified,
        "helpful_votes": event.helpful_votes,
        "text": event.text,
    }


def microseconds(at: datetime) -> int:
    """Returns the microseconds of UTC from 1970 to a time."""
    return (at - _EPOCH) // _MICROSECOND


def interaction_of(row: Sequence[Any]) -> Interaction:
    """Builds the interaction of a row of :data:`INTERACTION_COLUMNS`."""
    event_id, user_id, product_id, kind, at_us, value, verified, helpful_votes, text = row
    return Interaction(
        event_id=event_id,
        user_id=user_id,
        product_id=product_id,
        kind=kind,
        at=_EPOCH + timedelta(microseconds=at_us),
        value=value,
        verified=verified,
        helpful_votes=helpful_votes,
        text=text,
    )


def dumped(value: object) -> str:
    """Returns a value as a column of JSON holds it; equal values are equal text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
