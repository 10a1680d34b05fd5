"""The databases that the promises of the store are held to."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.store import CatalogStore
from tests.postgres import NoPostgres, PostgresProcess, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresProcess]:
    """A PostgreSQL server for the run; where there is none, what needs it is skipped, with why.

    ``HEMLINE_TEST_POSTGRES=required`` makes that a failure.
    """
    try:
        with running_postgres() as server:
            yield server
    except NoPostgres as error:
        if os.environ.get("HEMLINE_TEST_POSTGRES") == "required":
            raise
        pytest.skip(f"PostgreSQL is not tested: {error}")


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes empty databases and returns their URLs; a test runs with each kind in turn."""
    if request.param == "sqlite":
        numbers = itertools.count(1)
        return lambda: f"sqlite:///{tmp_path}/catalog-{next(numbers)}.sqlite"
    server: PostgresProcess = request.getfixturevalue("postgres")
    return server.new_schema


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The URL of an empty database, of each kind in turn."""
    return new_database()


@pytest.fixture
def store(database: str) -> Iterator[CatalogStore]:
    """An empty catalogue in a database of each kind in turn."""
    opened = CatalogStore.open(database, create=True)
    yield opened
    opened.close()
