"""Lays out the tables of the catalogue in SQL; the one place that tells databases apart."""

import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import dml as postgresql_dml
from sqlalchemy.dialects.sqlite import dml as sqlite_dml
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from runtime.errors import SetupError

FORMAT = 1
_WRITES = "hemline_writes"
_POOL_SIZE = 16
_BUSY_TIMEOUT_S = "5"

METADATA = MetaData()
# Ids are compared by code point everywhere, whatever the locale of the database.
_ID = String(128).with_variant(String(128, collation="C"), "postgresql")

CLOCK = Table(
    "catalog_clock",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("format", BigInteger, nullable=False),
)
PRODUCTS = Table(
    "products",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("style_id", _ID, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("gender", Text, nullable=False),
    Column("colour", Text, nullable=False),
    Column("season", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("sizes", Text, nullable=False),
    Column("price_minor", BigInteger, nullable=True),
    Column("currency", Text, nullable=False),
    Column("images", Text, nullable=False),
    Column("product_url", Text, nullable=False),
    Column("image_state", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Index("products_seq", "seq", unique=True),
    Index("products_style", "style_id"),
)
INTERACTIONS = Table(
    "interactions",
    METADATA,
    Column("event_id", _ID, primary_key=True),
    Column("user_id", _ID, nullable=False),
    Column("product_id", _ID, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("value", Float, nullable=True),
    Column("verified", Boolean, nullable=False),
    Column("helpful_votes", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index("interactions_at", "at_us", "event_id"),
    Index("interactions_user", "user_id", "at_us", "event_id"),
)


def open_engine(url: str, *, create: bool) -> Engine:
    """Opens the database of a catalogue, and lays out its tables where ``create`` says so.

    Raises:
        SetupError: There is no catalogue at the URL, it cannot be opened, or it is of another
            format.
    """
    parsed = make_url(url)
    shown = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path = Path(parsed.database)
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            raise SetupError(f"there is no catalogue at {path}: import or draw one first")
    if parsed.get_backend_name() == "sqlite" and "timeout" not in parsed.query:
        parsed = parsed.update_query_dict({"timeout": _BUSY_TIMEOUT_S})
    engine = create_engine(parsed, pool_size=_POOL_SIZE, max_overflow=_POOL_SIZE)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        _lay_out(engine, shown, create=create)
    except DBAPIError as error:
        engine.dispose()
        raise SetupError(f"the catalogue at {shown} cannot be opened: {error.orig}") from error
    except SetupError:
        engine.dispose()
        raise
    return engine


def writer(engine: Engine) -> Engine:
    """Returns the engine whose transactions take the write lock at their start."""
    return engine.execution_options(**{_WRITES: True})


def insert_new(engine: Engine, table: Table) -> sqlite_dml.Insert | postgresql_dml.Insert:
    """Returns an INSERT into the table that passes over rows whose key exists."""
    if engine.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


class CommitWatch:
    """Tells cheaply whether any connection, of this process or another, has committed."""

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._version = -1
        self._token = -1
        # SQLite counts the commits of all others for each connection: one of our own is kept,
        # which never writes. Other databases are asked each time.
        self._connection = engine.raw_connection() if engine.dialect.name == "sqlite" else None

    def token(self, read: Callable[[], int]) -> int:
        """Returns ``read()``, or what it returned last if nothing was committed since."""
        if self._connection is None:
            return read()
        with self._lock:
            cursor = self._connection.cursor()
            version = cursor.execute("PRAGMA data_version").fetchone()[0]
            cursor.close()
            if version != self._version:
                # The version first: a commit in between moves it again, and is seen next time.
                self._token = read()
                self._version = version
            return self._token

    def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            self._connection.close()


def _lay_out(engine: Engine, shown: str, *, create: bool) -> None:
    if create:
        with writer(engine).begin() as connection:
            METADATA.create_all(connection)
            first = insert_new(engine, CLOCK).values(id=1, seq=0, format=FORMAT)
            connection.execute(first)
    with engine.connect() as connection:
        if not inspect(connection).has_table(CLOCK.name):
            raise SetupError(f"there is no catalogue at {shown}: import or draw one first")
        found = connection.execute(CLOCK.select()).one().format
    if found != FORMAT:
        raise SetupError(f"the catalogue is format {found}, this build reads {FORMAT}: rebuild it")


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: it would begin them without the lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
