"""Draws products and filters at random, for tests that hold a fast way to the oracle."""

import random
from collections.abc import Sequence
from dataclasses import replace

from catalog.product import Product, SizeStock
from catalog.product_filter import (
    AllOf,
    AnyOf,
    Condition,
    Not,
    ProductFilter,
    check_filter,
    values_of,
)

COLOURS = ("red", "navy", "white", "green", "black", "")
BRANDS = tuple(f"Brand {n}" for n in range(40))
KINDS = ("dress", "shirt", "coat", "shorts", "")
SIZES = ("XS", "S", "M", "L", "XL")
WORDS = ("wool", "linen", "soft", "long", "short", "light", "plain", "warm", "summer", "evening")
FIELDS = (
    "id",
    "style_id",
    "brand",
    "category",
    "kind",
    "gender",
    "colour",
    "season",
    "size",
    "in_stock",
    "has_photo",
    "price_minor",
    "attributes.pattern",
    "attributes.sleeve",
    "attributes.rare",
    "attributes.nobody",
)


def drawn_product(draw: random.Random, product_id: str) -> Product:
    """Returns a product of the given id, all else drawn."""
    kind, colour = draw.choice(KINDS), draw.choice(COLOURS)
    attributes = {"pattern": draw.choice(("plain", "striped", "floral"))}
    if draw.random() < 0.4:
        attributes["sleeve"] = draw.choice(("short", "long", ""))
    if draw.random() < 0.01:
        attributes["rare"] = "yes"
    has_price = draw.random() < 0.9
    return Product(
        id=product_id,
        style_id=f"s-{draw.randrange(400):04d}",
        title=f"{colour} {' '.join(draw.choices(WORDS, k=3))} {kind or 'thing'}".strip(),
        brand=draw.choice(BRANDS),
        category=("Shop", kind.title() + "s", colour.title())[: draw.randrange(4)],
        kind=kind,
        gender=draw.choice(("women", "men", "unisex", "")),
        colour=colour,
        season=draw.choice(("summer", "winter", "")),
        attributes=attributes,
        sizes=tuple(SizeStock(size, draw.choice((0, 0, 3))) for size in SIZES[: draw.randrange(6)]),
        price_minor=draw.randrange(0, 20_000) if has_price else None,
        currency="EUR" if has_price else "",
        images=("a" * 64,) if draw.random() < 0.7 else (),
    )


def drawn_products(draw: random.Random, count: int) -> list[Product]:
    """Returns products in ascending order of id."""
    return [
        replace(drawn_product(draw, f"p-{n:06d}"), added_seq=draw.randrange(1, 2 * count))
        for n in range(count)
    ]


def drawn_filters(
    draw: random.Random, products: Sequence[Product], count: int
) -> list[ProductFilter]:
    """Returns filters over every field that pass the check, from wide to narrow."""
    found = [_drawn(draw, products, draw.randrange(1, 4)) for _ in range(count)]
    for each in found:
        check_filter(each)
    return found


def _drawn(draw: random.Random, products: Sequence[Product], depth: int) -> ProductFilter:
    if depth == 1 or draw.random() < 0.25:
        return _condition(draw, products)
    if draw.random() < 0.25:
        return Not(_drawn(draw, products, depth - 1))
    members = tuple(_drawn(draw, products, depth - 1) for _ in range(draw.randrange(1, 4)))
    return AllOf(members) if draw.random() < 0.6 else AnyOf(members)


def _condition(draw: random.Random, products: Sequence[Product]) -> Condition:
    field = draw.choice(FIELDS)
    if field == "price_minor" and draw.random() < 0.8:
        least = draw.randrange(0, 20_000)
        most = least + draw.choice((20, 500, 5_000, 20_000))
        return draw.choice(
            (
                Condition(field, gte=least, lt=most),
                Condition(field, gt=least, lte=most),
                Condition(field, lt=least),
                Condition(field, gte=least),
            )
        )
    some = draw.sample(products, min(len(products), draw.choice((1, 3, 30))))
    values = tuple(dict.fromkeys(value for each in some for value in values_of(each, field)))
    return Condition(field, values or ("nobody holds this" if field != "price_minor" else "7",))
