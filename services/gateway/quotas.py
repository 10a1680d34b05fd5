"""Keeps a page from holding too many products of one brand, style or colour."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.product import Product

VALUE_OF: Mapping[str, Callable[[Product], str]] = {
    "brand": lambda product: product.brand,
    "style": lambda product: product.style_id,
    "colour": lambda product: product.colour,
    "kind": lambda product: product.kind,
}


def in_pages(
    columns: Mapping[str, Sequence[int]], quotas: Mapping[str, int], page_size: int
) -> list[int]:
    """Orders a list so that its pages, cut one after the other, keep the quotas.

    Each page takes the first products left that its quotas admit. It is short where they admit no
    further one: a product waits for the next page rather than break the promise, and none is
    lost. A product without a value counts for no quota.

    Args:
        columns: For each field of the quotas, the number of every product's value in the order of
            the list, negative where it has none.
        quotas: Most products of one value on a page, 1 or more.
        page_size: Most products of a page.

    Returns:
        The places of the list, from 0, in their new order: each once.
    """
    limits = [_Limit(most, columns[name], _sets(columns[name])) for name, most in quotas.items()]
    count = len(limits[0].values) if limits else 0
    left = (1 << count) - 1
    order: list[int] = []
    while left:
        page = _page(left, limits, page_size)
        order += page
        left &= ~_set(page)
    return order


@dataclass(frozen=True, slots=True)
class _Limit:
    """One quota over a list: the value of each place, and the places of each value as a set."""

    most: int
    values: Sequence[int]
    places: Mapping[int, int]


def _page(left: int, limits: Sequence[_Limit], page_size: int) -> list[int]:
    """The places of the next page out of the set of those that are left."""
    held: list[dict[int, int]] = [{} for _ in limits]
    page: list[int] = []
    while left and len(page) < page_size:
        first = left & -left
        at = first.bit_length() - 1
        left ^= first
        page.append(at)
        for limit, counts in zip(limits, held, strict=True):
            value = limit.values[at]
            counts[value] = count = counts.get(value, 0) + 1
            if count == limit.most and value >= 0:
                left &= ~limit.places[value]
    return page


def _sets(values: Sequence[int]) -> dict[int, int]:
    """The places of each value."""
    places: dict[int, list[int]] = {}
    for at, value in enumerate(values):
        places.setdefault(value, []).append(at)
    return {value: _set(each) for value, each in places.items()}


def _set(places: Sequence[int]) -> int:
    """A set of places as the bits of one number, of which a processor takes 64 at a time."""
    bits = 0
    for at in places:
        bits |= 1 << at
    return bits


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a page holds so far, counted by the documents that it shows.

    The order of a result follows what was known when it was found. The page is cut from the
    catalogue as it is now: where a product has another brand since, or a variant takes the place
    of one that is gone, the promise holds all the same.
    """

    quotas: Mapping[str, int]
    _held: Counter[tuple[str, str]] = field(default_factory=Counter)

    def takes(self, product: Product) -> bool:
        """Whether the page may hold this product too; then it counts from now on."""
        values = [(name, value) for name in self.quotas if (value := VALUE_OF[name](product))]
        if any(self._held[each] >= self.quotas[each[0]] for each in values):
            return False
        self._held.update(values)
        return True
