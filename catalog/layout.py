"""Lays out the tables of a catalogue, and brings those of an older format up to date."""

import logging
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.exc import DBAPIError

from catalog import migrations
from catalog.database import alone, shown
from catalog.tables import CLOCK, FORMAT, VERSION_TABLE
from runtime.errors import SetupError

log = logging.getLogger(__name__)


def lay_out(engine: Engine, *, create: bool) -> None:
    """Makes sure that the tables are there and of this build's format.

    Many processes may do so at once: one migrates, in one transaction, and the others wait.

    Raises:
        SetupError: There is no catalogue and ``create`` is false, it cannot be opened, or it is of
            a newer format.
    """
    try:
        with engine.connect() as connection:
            found = _format(connection)
        if found is None and not create:
            raise SetupError(f"there is no catalogue at {shown(engine)}: import or draw one first")
        if found != FORMAT:
            with alone(engine) as connection:
                _migrate(connection, shown(engine))
    except DBAPIError as error:
        where = shown(engine)
        raise SetupError(f"the catalogue at {where} cannot be opened: {error.orig}") from error


def _migrate(connection: Connection, where: str) -> None:
    # Asked again: another process may have migrated while this one waited for its turn.
    found = _format(connection)
    if found == FORMAT:
        return
    if found is not None and found > FORMAT:
        raise SetupError(
            f"the catalogue at {where} is format {found}, this build reads {FORMAT}: "
            "run the version that wrote it, or a newer one"
        )
    # Here, because it takes a good part of a second, and a catalogue is migrated once.
    from alembic import command
    from alembic.config import Config

    steps = Config()
    steps.set_main_option("script_location", _folder().replace("%", "%%"))
    steps.attributes["connection"] = connection
    if found is not None:
        log.info("bringing the catalogue from format %d to %d", found, FORMAT)
        if not inspect(connection).has_table(VERSION_TABLE):
            command.stamp(steps, str(found))  # Format 1 kept no record of its steps.
    command.upgrade(steps, str(FORMAT))


def _format(connection: Connection) -> int | None:
    if not inspect(connection).has_table(CLOCK.name):
        return None
    return connection.execute(select(CLOCK.c.format)).scalar()


def _folder() -> str:
    return str(Path(migrations.__file__).parent)
