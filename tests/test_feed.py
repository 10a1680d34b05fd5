"""Promises of following the catalogue by number."""

from dataclasses import replace

import numpy as np
import pytest

from catalog.feed import ChangeBatch, ChangeFeed, LogTruncated
from catalog.store import CatalogStore
from tests.test_store import FULL, SHA, plain

VECTOR = np.arange(4, dtype="<f4").tobytes()
FOREVER_US = 2**62


def all_batches(feed: ChangeFeed, after: int = 0) -> list[ChangeBatch]:
    batches = [feed.read(after)]
    while batches[-1].seq > after:
        after = batches[-1].seq
        batches.append(feed.read(after))
    return batches[:-1]


def test_a_change_carries_the_product_as_it_is_and_a_deletion_none(store: CatalogStore) -> None:
    store.upsert([FULL, plain(1)])
    store.delete(["p-0001"])
    batch = ChangeFeed(store).read(0)
    assert [(each.product_id, each.seq) for each in batch.products] == [("007", 1), ("p-0001", 3)]
    assert [each.product for each in batch.products] == [store.get("007"), None]
    assert all(each.changed_us > 1_700_000_000_000_000 for each in batch.products)
    assert (batch.vectors, batch.seq) == ((), 3)


def test_nothing_new_is_an_empty_batch_at_the_same_number(store: CatalogStore) -> None:
    feed = ChangeFeed(store)
    assert feed.read(0) == ChangeBatch((), (), 0)
    seq = store.upsert([plain(1)]).seq
    assert feed.read(seq) == ChangeBatch((), (), seq)
    assert feed.read(seq) == ChangeBatch((), (), seq)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_products_and_vectors_come_in_one_order_whatever_the_size_of_a_batch(
    store: CatalogStore, limit: int
) -> None:
    shas = [f"{n:064x}" for n in range(6)]
    for n in range(6):
        store.upsert([plain(2 * n), plain(2 * n + 1)])
        store.vectors.put("enc", [(shas[n], VECTOR, "")])
    batches = all_batches(ChangeFeed(store, fingerprint="enc", limit=limit))
    seen = 0
    for batch in batches:
        numbers = sorted([p.seq for p in batch.products] + [v.seq for v in batch.vectors])
        assert numbers == list(range(seen + 1, batch.seq + 1))
        seen = batch.seq
    assert seen == store.seq() == 18
    assert [v.sha256 for batch in batches for v in batch.vectors] == shas


def test_a_follower_reads_the_vectors_of_its_own_encoder_only(store: CatalogStore) -> None:
    store.vectors.put("one", [(SHA, VECTOR, "")])
    store.vectors.put("two", [(SHA, None, "cut short")])
    one = ChangeFeed(store, fingerprint="one").read(0)
    two = ChangeFeed(store, fingerprint="two").read(0)
    assert [(v.sha256, v.seq, v.vector) for v in one.vectors] == [(SHA, 1, VECTOR)]
    assert [(v.sha256, v.seq, v.vector) for v in two.vectors] == [(SHA, 2, b"")]
    # Others' changes move the follower on: it has seen all that there is for it.
    assert one.seq == two.seq == ChangeFeed(store).read(0).seq == 2


def test_what_changes_again_comes_once_under_its_last_number(store: CatalogStore) -> None:
    store.upsert([plain(n) for n in range(4)])
    feed = ChangeFeed(store, limit=2)
    first = feed.read(0)
    store.upsert([plain(0, "Again"), plain(3, "Again")])
    rest = [each for batch in all_batches(feed, first.seq) for each in batch.products]
    assert [each.product_id for each in first.products] == ["p-0000", "p-0001"]
    assert [(each.product_id, each.seq) for each in rest] == [
        ("p-0002", 3),
        ("p-0000", 5),
        ("p-0003", 6),
    ]


def test_the_number_of_birth_outlives_changes_but_not_a_deletion(store: CatalogStore) -> None:
    store.upsert([plain(1), plain(2)])
    store.upsert([plain(1, "Other")])
    changed = store.get("p-0001")
    assert changed is not None
    assert (changed.seq, changed.added_seq) == (3, 1)
    store.delete(["p-0001"])
    store.upsert([plain(1)])
    back = store.get("p-0001")
    assert back is not None
    assert (back.seq, back.added_seq) == (5, 5)


def test_tombstones_are_purged_by_age_and_raise_the_floor(store: CatalogStore) -> None:
    store.upsert([plain(n) for n in range(3)])
    store.delete(["p-0000"])
    assert store.purge_tombstones(1) == 0
    assert store.log_floor() == 0
    assert store.purge_tombstones(FOREVER_US) == 1
    assert (store.log_floor(), store.seq(), store.count()) == (4, 4, 2)
    assert store.purge_tombstones(FOREVER_US) == 0
    assert store.log_floor() == 4


def test_no_tombstone_is_purged_that_a_snapshot_in_use_may_need(store: CatalogStore) -> None:
    store.upsert([plain(n) for n in range(3)])
    store.delete(["p-0000"])
    store.delete(["p-0001"])
    assert store.purge_tombstones(FOREVER_US, up_to=3) == 0
    assert store.purge_tombstones(FOREVER_US, up_to=4) == 1
    assert store.log_floor() == 4
    changes = ChangeFeed(store).read(4).products
    assert [(each.product_id, each.product) for each in changes] == [("p-0001", None)]


def test_who_stands_below_the_floor_is_told_and_who_stands_on_it_goes_on(
    store: CatalogStore,
) -> None:
    store.upsert([plain(n) for n in range(3)])
    store.delete(["p-0000"])
    store.upsert([plain(7)])
    store.purge_tombstones(FOREVER_US)
    with pytest.raises(LogTruncated):
        ChangeFeed(store).read(3)
    assert [each.seq for each in ChangeFeed(store).read(4).products] == [5]


def test_a_follower_that_fell_behind_a_purge_learns_it_though_it_followed_before(
    store: CatalogStore,
) -> None:
    store.upsert([plain(n) for n in range(3)])
    feed = ChangeFeed(store)
    seen = feed.read(0).seq
    store.delete(["p-0000", "p-0001"])
    store.purge_tombstones(FOREVER_US)
    with pytest.raises(LogTruncated):
        feed.read(seen)


def test_who_is_ahead_of_the_clock_is_told(store: CatalogStore) -> None:
    store.upsert([plain(1)])
    feed = ChangeFeed(store)
    with pytest.raises(LogTruncated):
        feed.read(2)
    assert feed.read(1).seq == 1


def test_numbers_of_a_lost_catalogue_lead_nowhere_even_when_the_clock_has_passed_them(
    store: CatalogStore,
) -> None:
    store.upsert([plain(n) for n in range(3)])
    after = store.jump_clock()
    store.upsert([plain(9)])
    assert [each.seq for each in ChangeFeed(store).read(3).products] == [after + 1]
    assert [each.seq for each in ChangeFeed(store).read(after).products] == [after + 1]
    for lost in (4, 100, after - 1):
        with pytest.raises(LogTruncated):
            ChangeFeed(store).read(lost)


def test_a_price_change_moves_no_vector(store: CatalogStore) -> None:
    store.upsert([FULL])
    store.vectors.put("enc", [(sha, VECTOR, "") for sha in FULL.images])
    feed = ChangeFeed(store, fingerprint="enc")
    before = feed.read(0).seq
    store.upsert([replace(FULL, price_minor=1)])
    batch = feed.read(before)
    assert (len(batch.products), batch.vectors) == (1, ())
