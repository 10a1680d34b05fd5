"""A small shop in memory, for tests that need products with attributes but no photos."""

import numpy as np

from catalog.product import Product

KINDS = ("dress", "shirt", "coat", "shorts")
COLOURS = ("red", "navy", "white", "green", "black")
PATTERNS = ("plain", "striped", "floral")
SEASONS = {"coat": "winter", "shorts": "summer"}


def shop(count: int = 240) -> list[Product]:
    """Returns products of four kinds in styles of up to three colours."""
    draw = np.random.default_rng(1)
    products: list[Product] = []
    style = 0
    while len(products) < count:
        kind, pattern = KINDS[draw.integers(4)], PATTERNS[draw.integers(3)]
        gender = "women" if kind == "dress" else ("women", "men", "unisex")[draw.integers(3)]
        brand, price = f"Brand {draw.integers(5)}", int(draw.integers(1500, 12_000))
        for colour in draw.choice(COLOURS, draw.integers(1, 4), replace=False):
            products.append(
                Product(
                    id=f"p-{len(products):04d}",
                    style_id=f"s-{style:04d}",
                    title=f"{colour} {pattern} {kind}",
                    brand=brand,
                    kind=kind,
                    gender=gender,
                    colour=str(colour),
                    season=SEASONS.get(kind, "spring"),
                    attributes={"pattern": pattern},
                    price_minor=price,
                    currency="EUR",
                )
            )
        style += 1
    return products[:count]
