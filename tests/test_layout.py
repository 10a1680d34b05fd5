"""Promises of the catalogue's format: older files are brought up to date, newer ones refused."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, Table, text

from catalog import migrations
from catalog.database import alone, open_engine
from catalog.feed import ChangeFeed
from catalog.store import CatalogStore
from catalog.tables import FORMAT, METADATA, VERSION_TABLE
from runtime.errors import SetupError
from tests.test_journal import event
from tests.test_store import FULL, plain

GOLDEN = Path(__file__).parent / "golden" / "catalog_format_1.sql"
"""What the last version of format 1 wrote."""


@pytest.fixture
def old(database: str) -> str:
    """A catalogue of format 1, as the version before left it."""
    if database.startswith("sqlite"):
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as file:
            file.executescript(GOLDEN.read_text())
    else:
        _lay_out_format_1(database)
    return database


def _lay_out_format_1(database: str) -> None:
    steps = Config()
    steps.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = open_engine(database, create=True)
    with alone(engine) as connection, closing(sqlite3.connect(":memory:")) as golden:
        steps.attributes["connection"] = connection
        command.upgrade(steps, "1")
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
        connection.execute(text("DELETE FROM catalog_clock"))
        golden.executescript(GOLDEN.read_text())
        golden.row_factory = sqlite3.Row
        for name in ("catalog_clock", "products", "interactions"):
            table = Table(name, MetaData(), autoload_with=connection)
            rows = [dict(row) for row in golden.execute(f"SELECT * FROM {name}")]
            connection.execute(table.insert(), rows)
    engine.dispose()


def schema(database: str) -> list[tuple[object, ...]]:
    """Returns where the tables differ from what the code says of them."""
    engine = open_engine(database, create=False)
    options = {
        "version_table": VERSION_TABLE,
        "compare_type": True,
        "compare_server_default": True,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        found = list(compare_metadata(context, METADATA))
    engine.dispose()
    return found


def test_a_new_catalogue_has_the_tables_that_the_code_knows(
    store: CatalogStore, database: str
) -> None:
    assert store.count() == 0
    assert schema(database) == []


def test_an_older_catalogue_is_brought_up_to_date_without_loss(old: str) -> None:
    store = CatalogStore.open(old)
    assert schema(old) == []
    assert store.get("007") == replace(FULL, image_state="embedded", seq=7, added_seq=7)
    assert store.get("p-0001") == replace(plain(1, "Changed"), seq=5, added_seq=5)
    assert (store.count(), store.seq(), store.log_floor()) == (3, 7, 0)
    assert list(store.interactions()) == [event(1), event(2)]
    changes = ChangeFeed(store).read(0).products
    assert [(each.product_id, each.product is None) for each in changes] == [
        ("p-0003", False),
        ("p-0001", False),
        ("p-0002", True),
        ("007", False),
    ]
    assert all(each.changed_us > 1_700_000_000_000_000 for each in changes)
    assert store.upsert([FULL, plain(2)]).seq == 8
    store.close()
    again = CatalogStore.open(old)
    assert again.seq() == 8
    again.close()


def test_an_upgrade_that_fails_leaves_the_catalogue_as_it_was(old: str) -> None:
    engine = open_engine(old, create=False)
    with alone(engine) as connection:
        connection.execute(text("CREATE TABLE media (stranger INTEGER)"))
    engine.dispose()
    with pytest.raises(SetupError, match="cannot be opened"):
        CatalogStore.open(old)
    engine = open_engine(old, create=False)
    with alone(engine) as connection:
        assert connection.execute(text("SELECT format, seq FROM catalog_clock")).one() == (1, 7)
        connection.execute(text("DROP TABLE media"))
    engine.dispose()
    store = CatalogStore.open(old)
    assert (store.count(), schema(old)) == (3, [])
    store.close()


def test_a_newer_catalogue_is_refused_in_one_sentence(store: CatalogStore, database: str) -> None:
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE catalog_clock SET format = {FORMAT + 1}"))
    wanted = f"is format {FORMAT + 1}, this build reads {FORMAT}: run the version that wrote it"
    for create in (False, True):
        with pytest.raises(SetupError, match=wanted):
            CatalogStore.open(database, create=create)


def test_many_threads_may_create_the_same_catalogue(database: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(lambda _: CatalogStore.open(database, create=True), range(4)))
    assert [store.count() for store in stores] == [0] * 4
    assert stores[0].upsert([plain(1)]).seq == stores[1].seq() == 1
    for store in stores:
        store.close()


_OPEN = """
import sys
from catalog.store import CatalogStore
store = CatalogStore.open(sys.argv[1])
print(store.count(), store.seq())
store.close()
"""


def test_many_processes_may_bring_the_same_catalogue_up_to_date(old: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = [sys.executable, "-c", _OPEN, old]
    openers = [
        subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [opener.communicate()[0] for opener in openers] == ["3 7\n"] * 3
    assert schema(old) == []


def test_a_database_that_is_of_no_known_kind_or_not_there_is_told() -> None:
    with pytest.raises(SetupError, match="sqlite or postgresql"):
        CatalogStore.open("mysql://someone@somewhere/db")
    with pytest.raises(SetupError, match="cannot be read"):
        CatalogStore.open("no url at all")
    with pytest.raises(SetupError, match="cannot be opened") as told:
        CatalogStore.open("postgresql://u:hidden@127.0.0.1:1/db")
    assert "hidden" not in str(told.value)


def test_a_database_of_somebody_else_is_told(database: str) -> None:
    engine = open_engine(database, create=True)
    with alone(engine) as connection:
        connection.execute(text("CREATE TABLE of_somebody_else (id INTEGER)"))
    engine.dispose()
    with pytest.raises(SetupError, match="there is no catalogue"):
        CatalogStore.open(database)
