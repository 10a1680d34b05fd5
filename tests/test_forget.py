"""Promises of how long a deletion stays marked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.store import CatalogStore
from offline.forget import forget_deletions
from offline.layout import DataDir
from runtime.artifacts import ArtifactStore
from tests.test_store import plain


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "shop").create()


@pytest.fixture
def shop(data: DataDir) -> Iterator[CatalogStore]:
    opened = CatalogStore.open(data.database_url, create=True)
    opened.upsert([plain(n) for n in range(5)])
    yield opened
    opened.close()


def release(data: DataDir, text: str, *, seq: int) -> None:
    def write(folder: Path) -> dict[str, object]:
        (folder / "words.txt").write_text(text)
        return {}

    artifacts = ArtifactStore(data.artifacts)
    made = artifacts.publish("text", format=1, seq=seq, write=write)
    artifacts.release({"text": made.generation}, seq=seq)


def test_a_deletion_stays_until_every_release_that_is_kept_was_made_after_it(
    data: DataDir, shop: CatalogStore
) -> None:
    first = shop.delete(["p-0000"]).seq
    second = shop.delete(["p-0001"]).seq
    assert forget_deletions(data, kept_days=-1) == 0
    release(data, "one", seq=first)
    release(data, "two", seq=second)
    assert forget_deletions(data, kept_days=-1) == 1
    assert shop.log_floor() == first
    # Each release can still catch up.
    assert shop.is_followable(first)
    assert shop.is_followable(second)
    for turn in range(5):
        release(data, f"later {turn}", seq=second)
    assert forget_deletions(data, kept_days=-1) == 1
    assert shop.log_floor() == second


def test_a_young_deletion_stays_whatever_was_released(data: DataDir, shop: CatalogStore) -> None:
    release(data, "one", seq=shop.delete(["p-0000"]).seq)
    assert forget_deletions(data) == 0
    assert shop.log_floor() == 0
