"""Promises of writes that look first, and of batches with a verdict for each product."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from catalog.photos import Photo
from catalog.reports import DeleteReport, Verdict
from catalog.store import CatalogStore
from runtime.errors import Conflict, InvalidArgument
from tests.test_store import SHA, plain


def test_a_write_that_looks_first_happens_at_its_number_only(store: CatalogStore) -> None:
    store.upsert([plain(1), plain(2)])
    with pytest.raises(Conflict):
        store.upsert([plain(1, "Mine")], if_seq=2)
    assert store.seq() == 2
    assert store.upsert([plain(1, "Mine")], if_seq=1).seq == 3
    with pytest.raises(Conflict):
        store.upsert([plain(1, "Yours")], if_seq=1)
    assert [p.title for p in store.scan()] == ["Mine", "Thing"]


def test_zero_means_that_there_must_be_no_such_product(store: CatalogStore) -> None:
    assert store.upsert([plain(1)], if_seq=0).created == 1
    with pytest.raises(Conflict):
        store.upsert([plain(1)], if_seq=0)
    store.delete(["p-0001"])
    with pytest.raises(Conflict):
        store.upsert([plain(1)], if_seq=1)
    assert store.upsert([plain(1)], if_seq=0).created == 1


def test_a_deletion_may_look_first_too(store: CatalogStore) -> None:
    store.upsert([plain(1)])
    with pytest.raises(Conflict):
        store.delete(["p-0001"], if_seq=7)
    with pytest.raises(Conflict):
        store.delete(["nobody"], if_seq=7)
    assert store.delete(["p-0001"], if_seq=1) == DeleteReport(deleted=1, seq=2)
    assert store.delete(["p-0001"]) == DeleteReport(deleted=0, seq=2)


def test_of_many_who_saw_the_same_product_one_changes_it(store: CatalogStore) -> None:
    seq = store.upsert([plain(1)]).seq

    def attempt(writer: int) -> bool:
        try:
            store.upsert([plain(1, f"by {writer}")], if_seq=seq)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1
    assert store.seq() == seq + 1


def test_each_product_of_a_batch_gets_its_verdict_and_the_good_ones_are_kept(
    store: CatalogStore,
) -> None:
    store.upsert([plain(1), plain(2)])
    bad = replace(plain(3), title=" ")
    nameless = replace(plain(4), id="")
    verdicts, seq = store.upsert_each([plain(1), bad, plain(2, "New"), nameless, plain(5)])
    assert verdicts == [
        Verdict("p-0001", "unchanged"),
        Verdict("p-0003", "rejected", "title must not be empty", "products[1].title"),
        Verdict("p-0002", "updated"),
        Verdict("", "rejected", "an id must be 1 to 128 characters", "products[3].id"),
        Verdict("p-0005", "created"),
    ]
    assert (seq, store.count()) == (4, 3)
    assert store.upsert_each([]) == ([], 4)


def test_of_equal_ids_in_a_batch_the_last_valid_one_counts(store: CatalogStore) -> None:
    bad = replace(plain(1), title="")
    verdicts, seq = store.upsert_each([plain(1, "First"), plain(1, "Last"), bad])
    assert [verdict.status for verdict in verdicts] == ["created", "created", "rejected"]
    assert (seq, [p.title for p in store.scan()]) == (1, ["Last"])


def test_a_photo_is_recorded_once_and_found_by_its_hash(store: CatalogStore) -> None:
    photo = Photo(SHA, "image/png", 1234)
    assert store.add_media([photo, photo, Photo("cd" * 32, "image/jpeg", 5)]) == 2
    assert store.add_media([photo]) == 0
    assert store.add_media([]) == 0
    kept = store.media(SHA)
    assert kept is not None
    assert replace(kept, added_us=0) == photo
    assert kept.added_us > 1_700_000_000_000_000
    assert store.media("ef" * 32) is None
    with pytest.raises(InvalidArgument):
        store.add_media([Photo("nope", "image/png", 1)])
