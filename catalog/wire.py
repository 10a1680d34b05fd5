"""Turns products and hits into messages, and back."""

from collections.abc import Sequence

import numpy as np

from catalog.product import Hit, Product, SizeStock
from fashion.catalog.v1 import catalog_pb2 as pb


def product_to_proto(product: Product) -> pb.Product:
    """Returns the message of a product."""
    return pb.Product(
        product_id=product.id,
        style_id=product.style_id,
        title=product.title,
        description=product.description,
        brand=product.brand,
        category=product.category,
        kind=product.kind,
        gender=product.gender,
        colour=product.colour,
        season=product.season,
        attributes=product.attributes,
        sizes=[pb.SizeStock(size=size.size, stock=size.stock) for size in product.sizes],
        in_stock=product.in_stock,
        price_minor=product.price_minor,
        currency=product.currency,
        images=product.images,
        product_url=product.product_url,
        image_state=product.image_state,
        seq=product.seq,
        added_seq=product.added_seq,
    )


def product_from_proto(message: pb.Product) -> Product:
    """Returns the product of a message; ``in_stock`` is not read, the sizes tell it."""
    return Product(
        id=message.product_id,
        style_id=message.style_id or message.product_id,
        title=message.title,
        description=message.description,
        brand=message.brand,
        category=tuple(message.category),
        kind=message.kind,
        gender=message.gender,
        colour=message.colour,
        season=message.season,
        attributes=dict(message.attributes),
        sizes=tuple(SizeStock(size.size, size.stock) for size in message.sizes),
        price_minor=message.price_minor if message.HasField("price_minor") else None,
        currency=message.currency,
        images=tuple(message.images),
        product_url=message.product_url,
        image_state=message.image_state or "none",
        seq=message.seq,
        added_seq=message.added_seq,
    )


def hits_to_proto(ids: Sequence[str], scores: np.ndarray) -> pb.PackedHits:
    """Packs a ranked list: ids, best first, and their scores, float32 of the same length.

    Raises:
        ValueError: The lengths differ, or a score is not finite.
    """
    if len(ids) != len(scores):
        raise ValueError(f"{len(ids)} ids with {len(scores)} scores")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite")
    return pb.PackedHits(product_ids=ids, scores=scores.tolist())


def hits_from_proto(message: pb.PackedHits) -> list[Hit]:
    """Unpacks a ranked list.

    Raises:
        ValueError: The columns differ in length.
    """
    pairs = zip(message.product_ids, message.scores, strict=True)
    return [Hit(product_id, score) for product_id, score in pairs]
