"""Reads what the shoppers of a catalogue did as a log that can be split."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.confidence import DEFAULT_RULES, ConfidenceRules
from catalog.interaction import Interaction
from catalog.product import Product
from catalog.store import CatalogStore
from offline.demo_shoppers import ShopperOptions, interactions
from offline.event_columns import EventColumns
from offline.layout import DataDir
from offline.models.contract import ProductSide
from offline.product_side import product_side
from offline.recommendations.event_log import Entries, EventLog, Flags
from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class ShopEvents:
    """A catalogue, and what was done in it.

    Attributes:
        products: In the order of their ids.
        events: Of all kinds, oldest first.
        side: What is known of the products, a row each in their order.
    """

    products: Sequence[Product]
    events: Sequence[Interaction]
    side: ProductSide | None = None

    def log(self, rules: ConfidenceRules = DEFAULT_RULES) -> EventLog:
        """Returns the events as a log over all products, whether anybody met them or not."""
        return log_of(
            EventColumns.of(self.events, [product.id for product in self.products]),
            rules=rules,
            side=self.side,
        )


def shop_events(data: DataDir, drawn: ShopperOptions | None = None) -> ShopEvents:
    """Reads a catalogue and its events.

    Args:
        data: The catalogue.
        drawn: Shoppers to draw for it, in place of those that it has; nothing is kept.

    Raises:
        SetupError: There is no catalogue, or nobody did anything with its products.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        stored = list(store.scan())
        kept: Iterable[Interaction] = store.interactions()
        # Drawn shoppers see the shelves in the order of the store.
        events = list(kept if drawn is None else interactions(stored, drawn, prefix="drawn"))
    finally:
        store.close()
    if not any(event.product_id for event in events):
        raise SetupError(f"nobody did anything with the products in {data.root}: import some")
    products = sorted(stored, key=lambda product: product.id)
    return ShopEvents(products, events, product_side(data, products))


def log_of(
    columns: EventColumns,
    *,
    rules: ConfidenceRules = DEFAULT_RULES,
    side: ProductSide | None = None,
) -> EventLog:
    """Returns events in columns as a log, weighed by the rules.

    Raises:
        ValueError: The side has another number of products.
    """
    if side is not None and len(side.kinds) != len(columns.product_ids):
        raise ValueError("what is known of the products does not fit them in number")

    def weigh(known: Flags, now: float | None) -> Entries:
        return Entries(*columns.weighed(known, rules, now=now))

    return EventLog(
        users=columns.users.astype(np.intp),
        products=columns.products.astype(np.intp),
        at=columns.at,
        taken=columns.taken,
        user_ids=columns.user_ids,
        product_ids=columns.product_ids,
        weigh=weigh,
        side=side,
    )
