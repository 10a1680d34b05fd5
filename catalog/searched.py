"""Says which texts of a product are searched by words, and when they have changed."""

import hashlib
from collections.abc import Mapping

import orjson

from catalog.product import Product


def searched_texts(product: Product) -> Mapping[str, tuple[str, ...]]:
    """Returns the texts of a product that are found by words, by the field that weighs them."""
    return {
        "title": (product.title,),
        "brand": (product.brand,),
        "category": (*product.category, product.kind),
        "attributes": (
            product.gender,
            product.colour,
            product.season,
            *product.attributes.values(),
        ),
        "description": (product.description,),
    }


def text_digest(product: Product) -> int:
    """Returns a digest of the searched texts, 64 bits: equal means that no word changed."""
    # Positions tell the fields apart; the names of attributes make their order ours.
    texts = (
        product.title,
        product.brand,
        product.category,
        product.kind,
        product.gender,
        product.colour,
        product.season,
        sorted(product.attributes.items()),
        product.description,
    )
    digest = hashlib.blake2b(orjson.dumps(texts), digest_size=8).digest()
    return int.from_bytes(digest, "little")
