"""Counts facets product by product, and compares them with those of an answer."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from catalog.facet import MAX_VALUES
from catalog.product import Product
from catalog.product_filter import NUMBER, values_of
from offline.finding_record import Record
from offline.finding_truth import Expected
from offline.live_shop import Json

FIELDS = ("brand", "category", "kind", "gender", "colour", "season", "size", "in_stock", NUMBER)


def check_facets(
    record: Record, answer: Json, body: Json, products: Sequence[Product], expected: Expected
) -> None:
    """Holds the facets of an answer to what is counted here, where the answer is exact.

    A facet that the filter names is counted over another result; it is clicked instead.
    """
    if answer["total"]["relation"] != "eq" or not expected.is_settled:
        return
    found = [products[row] for row in np.flatnonzero(expected.all_sure).tolist()]
    for field in FIELDS:
        shown = answer["facets"][field]
        if any(each.get("selected") for each in shown) or _names(body.get("filter"), field):
            continue
        counted = _counted(found, field, shown, collapse=bool(body.get("collapse")))
        told = [(_label(each), each["count"]) for each in shown]
        record.check(told == counted, "facets count what matches", f"{field} in {body}: {told[:9]}")


def _counted(
    products: Sequence[Product], field: str, shown: Sequence[Json], *, collapse: bool
) -> list[tuple[str, int]]:
    held = {
        (_range_of(product, shown) if field == NUMBER else value, style)
        for place, product in enumerate(products)
        for value in values_of(product, field)
        for style in [product.style_id if collapse else str(place)]
    }
    counts = Counter(value for value, _ in held)
    if field == NUMBER:
        # In the order of the ranges; what is in none of them shows as a value more.
        ranges = [_label(each) for each in shown]
        return [(each, counts.pop(each, 0)) for each in ranges] + sorted(counts.items())
    order = sorted((-count, value) for value, count in counts.items())
    return [(value, -count) for count, value in order[:MAX_VALUES]]


def value_of(shown: Json) -> str:
    """Returns a value of a facet as a condition names it."""
    value = shown["value"]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _label(shown: Json) -> str:
    return f"{shown['gte']} to {shown['lt']}" if "gte" in shown else value_of(shown)


def _range_of(product: Product, shown: Sequence[Json]) -> str:
    price = product.price_minor or 0
    return next((_label(each) for each in shown if each["gte"] <= price < each["lt"]), "no range")


def _names(told: Json | None, field: str) -> bool:
    """Whether a filter names a field at its top."""
    top = [] if told is None else told.get("and", [told])
    return any(each.get("field") == field for each in top)
