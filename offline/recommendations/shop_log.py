"""Reads what the shoppers of a catalogue did as a log that can be split."""

import numpy as np

from catalog.confidence import DEFAULT_RULES, ConfidenceRules
from catalog.store import CatalogStore
from offline.event_columns import TELLING_KINDS, EventColumns
from offline.layout import DataDir
from offline.models.contract import ProductSide
from offline.recommendations.event_log import Entries, EventLog, Flags
from runtime.errors import SetupError


def shop_log(
    data: DataDir, *, rules: ConfidenceRules = DEFAULT_RULES, side: ProductSide | None = None
) -> EventLog:
    """Reads the events of a catalogue; every product of it can be proposed.

    Args:
        data: The catalogue.
        rules: What weighs how much, judged from the last event that is known.
        side: What is known of the products, a row each in the order of their ids.

    Raises:
        SetupError: There is no catalogue, or nobody did anything with its products.
    """
    store = CatalogStore.open(data.require_catalog().database_url)
    try:
        product_ids = sorted(product.id for product in store.scan())
        columns = EventColumns.of(store.interactions(kinds=TELLING_KINDS), product_ids)
    finally:
        store.close()
    if not len(columns.at):
        raise SetupError(f"nobody did anything with the products in {data.root}: import some")
    return log_of(columns, rules=rules, side=side)


def log_of(
    columns: EventColumns,
    *,
    rules: ConfidenceRules = DEFAULT_RULES,
    side: ProductSide | None = None,
) -> EventLog:
    """Returns events in columns as a log, weighed by the rules."""
    if side is not None and len(side.kinds) != len(columns.product_ids):
        raise ValueError("what is known of the products does not fit them in number")

    def weigh(known: Flags) -> Entries:
        return Entries(*columns.weighed(known, rules))

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
