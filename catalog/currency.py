"""Tells the currency of a catalogue: it has one, that of any product with a price."""

from sqlalchemy import Engine, select

from catalog.database import told_as_unavailable
from catalog.tables import PRODUCTS

_ANY = select(PRODUCTS.c.currency).where(PRODUCTS.c.currency != "", ~PRODUCTS.c.deleted).limit(1)


def currency_of(engine: Engine) -> str:
    """Returns the currency of a catalogue; empty while no product has a price.

    Quick where most products have a price; without any it looks at every product.

    Raises:
        Unavailable: The database does not answer.
    """
    with told_as_unavailable(), engine.connect() as connection:
        return connection.execute(_ANY).scalar() or ""
