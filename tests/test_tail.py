"""Promises of the thread that follows the catalogue."""

import threading

import pytest

from catalog.feed import ChangeBatch, ChangeFeed, LogTruncated
from catalog.store import CatalogStore
from catalog.tail import Tail
from tests.test_store import plain
from tests.waiting import eventually


class Copy:
    """Holds what a follower was told, and fails when it is told to."""

    def __init__(self) -> None:
        self.titles: dict[str, str] = {}
        self.applied: list[int] = []
        self.threads: set[str] = set()
        self.broken = False

    def apply(self, batch: ChangeBatch) -> None:
        self.threads.add(threading.current_thread().name)
        if self.broken:
            raise RuntimeError("the copy is broken")
        for change in batch.products:
            if change.product is None:
                self.titles.pop(change.product_id, None)
            else:
                self.titles[change.product_id] = change.product.title
        self.applied.append(batch.seq)


def test_catching_up_applies_all_that_is_there_in_the_callers_thread(store: CatalogStore) -> None:
    store.upsert([plain(n) for n in range(25)])
    store.delete(["p-0003"])
    copy = Copy()
    tail = Tail(ChangeFeed(store, limit=10), copy.apply, after=0)
    assert tail.catch_up() == tail.seq == 26
    assert copy.titles == {product.id: product.title for product in store.scan()}
    assert copy.threads == {threading.current_thread().name}
    assert tail.catch_up() == 26
    assert copy.applied[-1] == 26
    assert len(copy.applied) == 3


def test_a_change_arrives_by_itself_and_can_be_waited_for(store: CatalogStore) -> None:
    copy = Copy()
    tail = Tail(ChangeFeed(store), copy.apply, after=0, poll_s=0.005)
    tail.start()
    try:
        seq = store.upsert([plain(1)]).seq
        assert tail.wait_for(seq, 20)
        assert copy.titles == {"p-0001": "Thing"}
        assert not tail.wait_for(seq + 1, 0.01)
        assert copy.threads == {"tail"}
        store.delete(["p-0001"])
        assert tail.wait_for(seq + 1, 20)
        assert copy.titles == {}
    finally:
        tail.stop()
    tail.stop()
    store.upsert([plain(2)])
    assert tail.seq == seq + 1


def test_what_fails_is_told_and_tried_again_until_it_works(store: CatalogStore) -> None:
    copy = Copy()
    copy.broken = True
    tail = Tail(ChangeFeed(store), copy.apply, after=0, poll_s=0.005)
    tail.start()
    try:
        seq = store.upsert([plain(1)]).seq
        eventually(lambda: tail.problem == "the copy is broken")
        assert (tail.seq, tail.is_cut_off, copy.applied) == (0, False, [])
        copy.broken = False
        assert tail.wait_for(seq, 20)
        eventually(lambda: tail.problem == "")
        assert copy.applied == [seq]
    finally:
        tail.stop()


def test_who_can_no_longer_follow_is_told_so(store: CatalogStore) -> None:
    store.upsert([plain(1), plain(2)])
    store.delete(["p-0001"])
    store.purge_tombstones(2**62)
    copy = Copy()
    tail = Tail(ChangeFeed(store), copy.apply, after=1, poll_s=0.005)
    with pytest.raises(LogTruncated):
        tail.catch_up()
    tail.start()
    try:
        eventually(lambda: tail.is_cut_off)
        assert "change 1" in tail.problem
        assert copy.applied == []
    finally:
        tail.stop()
