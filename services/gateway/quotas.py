"""Keeps a page from holding too many products of one brand, style or colour."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from catalog.product import Product

VALUE_OF: Mapping[str, Callable[[Product], str]] = {
    "brand": lambda product: product.brand,
    "style": lambda product: product.style_id,
    "colour": lambda product: product.colour,
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
    limits = [_Limit.of(columns[name], most) for name, most in quotas.items()]
    count = len(limits[0].values) if limits else 0
    left = np.ones(count, np.bool_)
    order: list[int] = []
    while len(order) < count:
        order += _page(left, limits, page_size)
    return order


@dataclass(frozen=True, slots=True)
class _Limit:
    """One quota over a list: the value of each place, and the places of each value."""

    most: int
    values: Sequence[int]
    places: Mapping[int, npt.NDArray[np.int64]]

    @classmethod
    def of(cls, values: Sequence[int], most: int) -> "_Limit":
        places: dict[int, list[int]] = {}
        for at, value in enumerate(values):
            places.setdefault(value, []).append(at)
        return cls(most, values, {value: np.array(each) for value, each in places.items()})


def _page(
    left: npt.NDArray[np.bool_],
    limits: Sequence[_Limit],
    page_size: int,
) -> list[int]:
    """Takes the places of the next page out of those that are left."""
    admitted = left.copy()
    held: list[Counter[int]] = [Counter() for _ in limits]
    page: list[int] = []
    while len(page) < page_size and admitted[at := int(admitted.argmax())]:
        left[at] = admitted[at] = False
        page.append(at)
        for limit, counts in zip(limits, held, strict=True):
            value = limit.values[at]
            counts[value] += 1
            if counts[value] == limit.most and value >= 0:
                admitted[limit.places[value]] = False
    return page


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
