"""Lays out the tables of a catalogue."""

from sqlalchemy import Engine, inspect
from sqlalchemy.exc import DBAPIError

from catalog.database import insert_new, shown, writer
from catalog.tables import CLOCK, FORMAT, METADATA
from runtime.errors import SetupError


def lay_out(engine: Engine, *, create: bool) -> None:
    """Makes sure that the tables are there and of this build's format.

    Raises:
        SetupError: There is no catalogue, it cannot be opened, or it is of another format.
    """
    try:
        _lay_out(engine, create=create)
    except DBAPIError as error:
        raise SetupError(
            f"the catalogue at {shown(engine)} cannot be opened: {error.orig}"
        ) from error


def _lay_out(engine: Engine, *, create: bool) -> None:
    if create:
        with writer(engine).begin() as connection:
            METADATA.create_all(connection)
            first = insert_new(engine, CLOCK).values(id=1, seq=0, format=FORMAT, log_floor=0)
            connection.execute(first)
    with engine.connect() as connection:
        if not inspect(connection).has_table(CLOCK.name):
            raise SetupError(f"there is no catalogue at {shown(engine)}: import or draw one first")
        found = connection.execute(CLOCK.select()).one().format
    if found != FORMAT:
        raise SetupError(f"the catalogue is format {found}, this build reads {FORMAT}: rebuild it")
