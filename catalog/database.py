"""Opens databases; the one place that tells them apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    ARRAY,
    URL,
    ColumnElement,
    Connection,
    Engine,
    String,
    Table,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    literal_column,
    make_url,
    select,
)
from sqlalchemy import exc as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import dml as postgresql_dml
from sqlalchemy.dialects.sqlite import dml as sqlite_dml
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from runtime.errors import SetupError, Unavailable

_WRITES = "hemline_writes"
_POOL_SIZE = 16
_POOL_TIMEOUT_S = 5
_BUSY_TIMEOUT_S = "5"
_POSTGRESQL = {"postgresql", "postgres", "postgresql+psycopg"}
_POSTGRESQL_DEFAULTS = {
    "application_name": "hemline",
    "connect_timeout": "5",
    # A server that vanished without a word is noticed.
    "tcp_user_timeout": "10000",
}
# A lock is waited for as long as SQLite waits; a statement that runs away is ended.
_LIMITS = "-c lock_timeout=5s -c statement_timeout=60s"
_NO_LIMITS = "-c lock_timeout=0 -c statement_timeout=0"
_PATIENCE_S = "3600"
_LAYOUT_LOCK = 0x4845_4D4C  # "HEML"
_READ_ONLY = "25006"  # What a standby answers to a write.
_FULL = ("disk is full", "disk I/O error", "No space left on device")


def open_engine(url: str, *, create: bool) -> Engine:
    """Opens a database; connections are made when they are needed.

    Args:
        url: ``sqlite:///PATH``, ``postgresql://...`` or ``postgresql+psycopg://...``.
        create: Whether a SQLite file that is missing will be made.

    Raises:
        SetupError: The URL is of no known database, or there is no such file.
    """
    try:
        parsed = make_url(url)
    except (sql.ArgumentError, ValueError):  # the cause would show the URL, with its password
        raise SetupError("the URL of the catalogue cannot be read") from None
    if parsed.drivername in _POSTGRESQL:
        return _open_postgresql(parsed)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, create=create)
    raise SetupError(f"a catalogue is kept in sqlite or postgresql, not in {parsed.drivername}")


def shown(engine: Engine) -> str:
    """Returns the URL of a database without its password."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


def writer(engine: Engine) -> Engine:
    """Returns the engine whose transactions take the write lock at their start."""
    return engine.execution_options(**{_WRITES: True})


def reader(engine: Engine) -> Engine:
    """Returns the engine whose statements each stand alone, without the talk of a transaction."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def insert_new(engine: Engine, table: Table) -> sqlite_dml.Insert | postgresql_dml.Insert:
    """Returns an INSERT into the table that passes over rows whose key exists."""
    return insert(engine, table).on_conflict_do_nothing()


def insert(engine: Engine, table: Table) -> sqlite_dml.Insert | postgresql_dml.Insert:
    """Returns an INSERT into the table that can be told what to do about rows that exist."""
    if engine.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def is_one_of(engine: Engine, column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Returns the condition that a column holds one of the list bound as ``name``."""
    if engine.dialect.name == "sqlite":
        return column.in_(bindparam(name, expanding=True))
    # One statement whatever the length of the list, so that the server plans it once.
    return column == any_(bindparam(name, type_=ARRAY(String)))


def now_us(engine: Engine) -> ColumnElement[int]:
    """Returns the database's own time in microseconds UTC, to the millisecond at least.

    All processes agree on it, whatever their clocks say.
    """
    if engine.dialect.name == "sqlite":
        milliseconds = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
        return literal_column(f"({milliseconds} * 1000)")
    # Not now(), which is when the transaction began: it may have waited for a lock since.
    return literal_column("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)")


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """Yields a transaction that lays out tables: one at a time, however long it takes.

    Whoever else asks for one waits, in this process and in any other.
    """
    patient = create_engine(_patient(engine.url), poolclass=NullPool)
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite:
        event.listen(patient, "connect", _set_up_sqlite)
        event.listen(patient, "begin", _begin_sqlite)
    with writer(patient).begin() as connection:
        if not is_sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(_LAYOUT_LOCK)))
        yield connection


@contextmanager
def told_as_unavailable() -> Iterator[None]:
    """Turns what a database says when it cannot be reached, or is busy, into Unavailable."""
    try:
        yield
    except (sql.OperationalError, sql.InterfaceError) as error:
        is_full = any(words in str(error.orig) for words in _FULL)
        why = (
            "the catalogue cannot be written, its disk is full: make room and try again"
            if is_full
            else "the catalogue cannot be reached or is busy: try again"
        )
        raise Unavailable(why, retry_after_s=1) from error
    except sql.InternalError as error:
        if getattr(error.orig, "sqlstate", None) != _READ_ONLY:
            raise
        why = "the catalogue can only be read now: try again"
        raise Unavailable(why, retry_after_s=1) from error
    except sql.TimeoutError as error:
        why = "all connections to the catalogue are in use: try again"
        raise Unavailable(why, retry_after_s=1) from error


def _open_sqlite(url: URL, *, create: bool) -> Engine:
    if url.database:
        path = Path(url.database)
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            raise SetupError(f"there is no catalogue at {path}: import or draw one first")
    if "timeout" not in url.query:
        url = url.update_query_dict({"timeout": _BUSY_TIMEOUT_S})
    engine = _pooled(url, pre_ping=False)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL) -> Engine:
    missing = {key: value for key, value in _POSTGRESQL_DEFAULTS.items() if key not in url.query}
    url = url.set(drivername="postgresql+psycopg").update_query_dict(missing)
    url = _with_options(url, _LIMITS, before=True)
    # A server that was started anew leaves dead connections in the pool: each is asked first.
    return _pooled(url, pre_ping=True)


def _patient(url: URL) -> URL:
    if url.get_backend_name() == "sqlite":
        return url.update_query_dict({"timeout": _PATIENCE_S})
    return _with_options(url, _NO_LIMITS)


def _with_options(url: URL, options: str, *, before: bool = False) -> URL:
    given = url.query.get("options", "")
    known = given if isinstance(given, str) else " ".join(given)
    joined = f"{options} {known}" if before else f"{known} {options}"
    return url.update_query_dict({"options": joined.strip()})


def _pooled(url: URL, *, pre_ping: bool) -> Engine:
    return create_engine(
        url,
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_SIZE,
        pool_timeout=_POOL_TIMEOUT_S,
        pool_pre_ping=pre_ping,
    )


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: it would begin them without the lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    # What is deleted is overwritten, not left in free pages: people may ask to be forgotten.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def empty_log(engine: Engine) -> None:
    """Takes the write-ahead log of SQLite into the file and empties it, if nobody reads it now.

    What was deleted stands in the log otherwise until that is overwritten. Where somebody reads, a
    later checkpoint does it; elsewhere there is nothing to do.
    """
    if engine.dialect.name != "sqlite":
        return
    with told_as_unavailable(), reader(engine).connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
