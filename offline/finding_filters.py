"""Draws filters over a catalogue, from those that admit most of it to a product in a thousand."""

import random
from collections.abc import Sequence

import numpy as np

from catalog.columns import Columns
from catalog.product import Product
from catalog.product_filter import (
    ATTRIBUTES,
    FIELDS,
    FLAGS,
    NUMBER,
    AllOf,
    AnyOf,
    Condition,
    Not,
    ProductFilter,
    check_filter,
    values_of,
)
from offline.live_shop import Json

BANDS = ((0.5, 1.0), (0.2, 0.5), (0.05, 0.2), (0.01, 0.05), (0.003, 0.01), (0.001, 0.003))
"""Shares of the catalogue, from above the first number up to the second.

In the first of them vectors are searched approximately, once there are 40,000.
"""
_MOST_DRAWN = 100  # for each that is kept
_VALUES = (1, 1, 2, 5, 20)
_WIDTHS = (0.005, 0.02, 0.1, 0.4)  # of a price range, as a share of the products


class Drawer:
    """Draws filters of real values; each comes with the share of the products that it admits.

    Args:
        products: The catalogue, ascending by id; not empty.
        seed: Equal seeds draw equal filters from equal catalogues.
    """

    def __init__(self, products: Sequence[Product], seed: int) -> None:
        self._products = products
        self._draw = random.Random(seed)
        self._columns = Columns.build(products).view()
        self._prices = sorted(p.price_minor for p in products if p.price_minor is not None)
        names = {ATTRIBUTES + name for product in products for name in product.attributes}
        fields = (*FIELDS, *sorted(names))
        self._fields = [each for each in fields if self._tells(each)]

    def draw(self, count: int) -> list[tuple[ProductFilter, int]]:
        """Returns filters that pass the check, each with the place of its band.

        Every band gets its share; where the catalogue has no filters of a band, the others get
        more. Fewer than ``count`` come only from a catalogue too small to be told apart.
        """
        kept: list[list[ProductFilter]] = [[] for _ in BANDS]
        spare: list[tuple[ProductFilter, int]] = []
        quota = -(-count // len(BANDS))
        for _ in range(_MOST_DRAWN * count):
            if all(len(band) >= quota for band in kept):
                break
            found = self._tree(self._draw.randrange(1, 4))
            place = band_of(self._share(found))
            if place is None or found in kept[place]:
                continue
            check_filter(found)
            if len(kept[place]) < quota:
                kept[place].append(found)
            elif len(spare) < count and (found, place) not in spare:
                spare.append((found, place))
        pairs = [(found, place) for place, band in enumerate(kept) for found in band]
        pairs += spare[: max(0, count - len(pairs))]
        self._draw.shuffle(pairs)
        return pairs[:count]

    def _share(self, found: ProductFilter) -> float:
        admitted = int(np.count_nonzero(self._columns.mask(found)))
        return admitted / len(self._products)

    def _tells(self, field: str) -> bool:
        """Whether some products differ in a field."""
        some = self._draw.sample(self._products, min(len(self._products), 500))
        return len({values_of(product, field) for product in some}) > 1

    def _tree(self, depth: int) -> ProductFilter:
        if depth == 1:
            return self._condition()
        shape = self._draw.random()
        if shape < 0.2:
            return Not(self._tree(depth - 1))
        members = tuple(self._tree(depth - 1) for _ in range(self._draw.randrange(2, 4)))
        return AllOf(members) if shape < 0.65 else AnyOf(members)

    def _condition(self) -> Condition:
        field = self._draw.choice(self._fields)
        if field == NUMBER and self._draw.random() < 0.8:
            return self._range()
        size = 1 if field in FLAGS else self._draw.choice(_VALUES)
        if field in ("id", "style_id"):
            size *= self._draw.choice((1, 10))
        values: dict[str, None] = {}
        while len(values) < size and self._draw.random() < 0.97:
            held = values_of(self._draw.choice(self._products), field)
            values |= dict.fromkeys(held[:1] if size == 1 else held)
        return Condition(field, tuple(values)) if values else self._condition()

    def _range(self) -> Condition:
        width = max(1, int(self._draw.choice(_WIDTHS) * len(self._prices)))
        first = self._draw.randrange(len(self._prices))
        last = min(first + width, len(self._prices) - 1)
        low, high = self._prices[first], self._prices[last]
        shape = self._draw.randrange(4)
        if shape == 0:
            return Condition(NUMBER, gte=low, lt=high + 1)
        if shape == 1:
            return Condition(NUMBER, gt=low - 1, lte=high)
        return Condition(NUMBER, lt=low + 1) if shape == 2 else Condition(NUMBER, gte=low)


def band_of(share: float) -> int | None:
    """Returns the place of the band that a share of the catalogue lies in, or None."""
    places = (place for place, (low, high) in enumerate(BANDS) if low < share <= high)
    return next(places, None)


def as_json(found: ProductFilter) -> Json:
    """Returns a filter as the public API reads it."""
    match found:
        case AllOf(filters):
            return {"and": [as_json(each) for each in filters]}
        case AnyOf(filters):
            return {"or": [as_json(each) for each in filters]}
        case Not(inner):
            return {"not": as_json(inner)}
        case Condition() if found.has_range:
            bounds = {name: getattr(found, name) for name in ("gte", "lte", "gt", "lt")}
            given = {name: bound for name, bound in bounds.items() if bound is not None}
            return {"field": found.field, **given}
        case Condition(field, values):
            return {"field": field, "in": [_value(field, each) for each in values]}


def _value(field: str, value: str) -> bool | int | str:
    if field in FLAGS:
        return value == "true"
    return int(value) if field == NUMBER else value
