"""Promises of the catalogue on a PostgreSQL server that comes and goes."""

import signal
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from catalog.feed import ChangeFeed
from catalog.store import CatalogStore
from catalog.tail import Tail
from runtime.errors import SetupError, Unavailable
from tests.postgres import PostgresProcess, with_setting
from tests.test_journal import event
from tests.test_store import plain
from tests.test_tail import Copy
from tests.waiting import eventually


@pytest.fixture
def url(postgres: PostgresProcess) -> str:
    return postgres.new_schema()


@pytest.fixture
def remote(url: str) -> Iterator[CatalogStore]:
    with closing(CatalogStore.open(url, create=True)) as store:
        yield store


def test_both_spellings_of_the_url_open_the_same_catalogue(remote: CatalogStore, url: str) -> None:
    remote.upsert([plain(1)])
    for other in (url, url.replace("postgresql://", "postgresql+psycopg://")):
        with closing(CatalogStore.open(other)) as store:
            assert store.count() == 1


def test_a_server_that_went_is_unavailable_and_one_that_came_back_is_used(
    remote: CatalogStore, postgres: PostgresProcess
) -> None:
    seq = remote.upsert([plain(1)]).seq
    remote.add_interactions([event(1)])
    copy = Copy()
    tail = Tail(ChangeFeed(remote), copy.apply, after=0, poll_s=0.01)
    tail.start()
    try:
        assert tail.wait_for(seq, 20)
        # As a power cut would, with connections in the pool: the next start recovers from the log.
        postgres.stop(signal.SIGQUIT)
        try:
            for ask in (
                lambda: remote.get("p-0001"),
                remote.seq,
                remote.changes_token,
                lambda: remote.upsert([plain(2)]),
                lambda: remote.delete(["p-0001"]),
                lambda: remote.history("u-1", 5),
                lambda: list(remote.interactions()),
                lambda: remote.add_interactions([event(2)]),
                lambda: remote.vectors.get("enc", ["ab" * 32]),
                lambda: remote.vectors.claim("enc", ["ab" * 32], holder="a"),
                lambda: remote.media("ab" * 32),
            ):
                with pytest.raises(Unavailable):
                    ask()
            eventually(lambda: tail.problem != "")
            assert not tail.is_cut_off
        finally:
            postgres.start()
        assert remote.count() == 1
        seq = remote.upsert([plain(2)]).seq
        assert tail.wait_for(seq, 20)
        assert set(copy.titles) == {"p-0001", "p-0002"}
    finally:
        tail.stop()


def test_a_statement_that_runs_away_is_ended_and_told_as_unavailable(
    remote: CatalogStore, url: str
) -> None:
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        hasty = with_setting(url, "statement_timeout=20ms")
        with closing(CatalogStore.open(hasty)) as store:
            with pytest.raises(Unavailable, match="try again"):
                store.get("p-0001")
            other.rollback()
            assert store.get("p-0001") is None


def test_a_database_that_may_only_be_read_can_be_followed_but_not_changed(
    remote: CatalogStore, url: str
) -> None:
    seq = remote.upsert([plain(1)]).seq
    reader = with_setting(url, "default_transaction_read_only=on")
    with closing(CatalogStore.open(reader)) as store:
        assert ChangeFeed(store).read(0).seq == seq
        with pytest.raises(Unavailable):
            store.upsert([plain(2)])


def test_a_database_that_does_not_exist_is_told_without_the_password(url: str) -> None:
    nowhere = url.replace("hemline@", "hemline:hidden@").replace("/postgres?", "/nowhere?")
    with pytest.raises(SetupError, match="cannot be opened") as told:
        CatalogStore.open(nowhere, create=True)
    assert "hidden" not in str(told.value)
