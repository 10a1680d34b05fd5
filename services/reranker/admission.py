"""Tells which products of a model may be proposed now."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from catalog.columns import ColumnsView
from catalog.product_filter import AllOf, Condition, Not, ProductFilter
from runtime.errors import PreconditionFailed

Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int32]

NEW_SHARE = 0.1
"""Share of the catalogue, the latest to come in, that is new."""

_IN_STOCK = Condition("in_stock", ("true",))
_ABSENT = -1


@dataclass(frozen=True)
class CatalogView:
    """The catalogue at one moment.

    Attributes:
        columns: What is known of the products.
        reading: Counts how often the catalogue was read anew; a product keeps its row within one.
        seq: Number of the last change in it.
    """

    columns: ColumnsView
    reading: int
    seq: int

    @cached_property
    def new_since(self) -> int:
        """Number of the change since when products are new arrivals."""
        added = self.columns.added[self.columns.alive]
        if not len(added):
            return 0
        count = max(round(NEW_SHARE * len(added)), 1)
        return int(np.partition(added, len(added) - count)[len(added) - count])


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which products may be proposed.

    Attributes:
        filter: Admits products; None admits all.
        excluded_ids: Products that must not be.
        excluded_styles: Styles of which none may be.
        out_of_stock: Whether products that are out of stock may be.
    """

    filter: ProductFilter | None = None
    excluded_ids: Sequence[str] = ()
    excluded_styles: Sequence[str] = ()
    out_of_stock: bool = False

    @property
    def condition(self) -> ProductFilter | None:
        """All of it as one filter, which may be larger than a caller's may be."""
        parts: list[ProductFilter] = [] if self.filter is None else [self.filter]
        if not self.out_of_stock:
            parts.append(_IN_STOCK)
        if self.excluded_ids:
            parts.append(Not(Condition("id", tuple(self.excluded_ids))))
        if self.excluded_styles:
            parts.append(Not(Condition("style_id", tuple(self.excluded_styles))))
        return AllOf(tuple(parts)) if parts else None


class Shelf:
    """The products of one model, and where each stands in the catalogue.

    Args:
        product_ids: The products, in the order of the model's rows.
    """

    def __init__(self, product_ids: Sequence[str]) -> None:
        self._rows = {product_id: row for row, product_id in enumerate(product_ids)}
        # Reading of the catalogue, how many of its rows were looked at, and where each product is.
        self._placed = (-1, 0, np.full(len(self._rows), _ABSENT, np.int32))

    def placed(self, catalog: CatalogView) -> Rows:
        """Returns the catalogue's row of each product, int32 [products], -1 where it has none.

        A deleted product may have one: no mask admits it.
        """
        reading, looked_at, places = self._placed
        count = len(catalog.columns)
        if reading != catalog.reading:
            looked_at, places = 0, np.full(len(self._rows), _ABSENT, np.int32)
        if looked_at < count or reading != catalog.reading:
            places = places.copy()  # another thread may be reading the old one
            ids = catalog.columns.ids
            for at in range(looked_at, count):
                row = self._rows.get(ids[at])
                if row is not None:
                    places[row] = at
            self._placed = (catalog.reading, count, places)
        return np.where(places < count, places, _ABSENT) if looked_at > count else places

    def admitted(self, allowed: Allowed, catalog: CatalogView | None, mask: Flags | None) -> Flags:
        """Tells which products of the model may be proposed, bool of shape [products].

        Args:
            allowed: What the caller wants.
            catalog: The catalogue; None where nobody follows one.
            mask: Which of its rows are admitted; None exactly where there is no catalogue.
        """
        if catalog is None or mask is None:
            admitted = np.ones(len(self._rows), np.bool_)
            rows = [self._rows[each] for each in allowed.excluded_ids if each in self._rows]
            admitted[rows] = False
            return admitted
        places = self.placed(catalog)
        # The last entry stands for all that the catalogue does not have.
        return np.append(mask, np.False_)[places]


def mask_of(allowed: Allowed, catalog: CatalogView | None) -> Flags | None:
    """Returns which rows of the catalogue may be proposed, or None without one.

    Without a catalogue nobody can tell stock and styles: the caller looks at what it shows.

    Raises:
        PreconditionFailed: There is a filter, and no catalogue to hold it against.
    """
    if catalog is None:
        if allowed.filter is not None:
            raise PreconditionFailed(
                "this ranking stage follows no catalogue, so it cannot filter", field="filter"
            )
        return None
    return catalog.columns.mask(allowed.condition)


def best(scores: npt.NDArray[np.float32], count: int) -> Rows:
    """Returns the places of the greatest scores, best first; of equal ones the earlier is first.

    Args:
        scores: Finite, float32 [n].
        count: Most places wanted, 1 or more.

    Returns:
        Int32 [at most count].
    """
    places = np.arange(len(scores), dtype=np.int32)
    if len(scores) > count:
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        places = np.flatnonzero(scores >= least).astype(np.int32)
    order = np.lexsort((places, -scores[places]))
    return places[order[:count]]
