"""What all tests share: one trained small world, and the house that runs on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from offline import run_state
from offline.house import UpOptions
from offline.layout import DataDir
from offline.up import down, up_detached
from tests.databases import database, new_database, postgres, store
from tests.page_visit import browser, page_house, visit
from tests.ports import two_ports
from tests.running import Running
from tests.world import make_world

__all__ = [
    "Running", "browser", "database", "new_database", "page_house", "postgres", "store", "visit",
]  # fmt: skip


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataDir]:
    """The data folder of the small world; nobody writes to it but through the running house.

    ``HEMLINE_TEST_WORLD=DIR`` keeps it from one run of the tests to the next.
    """
    kept = os.environ.get("HEMLINE_TEST_WORLD")
    root = Path(kept) if kept else tmp_path_factory.mktemp("world")
    data = make_world(root)
    ran_before = run_state.read(data) is not None
    yield data
    if not ran_before:
        down(data)


@pytest.fixture(scope="module")
def running(world: DataDir) -> Running:
    """The house on the small world: four stages and a Redis, each a process of its own."""
    if run_state.read(world) is None:
        up_detached(world, UpOptions(port=two_ports()))
    return Running(world)
