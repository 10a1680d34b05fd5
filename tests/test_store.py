"""Promises of the catalogue store."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from catalog.product import Product, SizeStock
from catalog.store import CatalogStore
from runtime.errors import InvalidArgument, SetupError, Unavailable
from tests.postgres import with_setting
from tests.test_journal import event

SHA = "ab" * 32
FULL = Product(
    id="007",
    style_id="s-7",
    title="Rotes Kleid 빨간 원피스 \U0001f457",
    description="Light, for summer.",
    brand="Acme",
    category=("Women", "Dresses"),
    kind="dress",
    gender="women",
    colour="red",
    season="summer",
    attributes={"pattern": "plain", "neckline": "v-neck"},
    sizes=(SizeStock("S", 0), SizeStock("M", 3)),
    price_minor=4999,
    currency="EUR",
    images=(SHA, "cd" * 32),
    product_url="https://shop.example/7",
)


def plain(number: int, title: str = "Thing") -> Product:
    return Product(id=f"p-{number:04d}", style_id=f"s-{number}", title=title)


def test_a_product_comes_back_as_it_went_in(store: CatalogStore) -> None:
    store.upsert([FULL, plain(1)])
    assert store.get("007") == replace(FULL, image_state="pending", seq=1, added_seq=1)
    assert store.get("p-0001") == replace(plain(1), image_state="none", seq=2, added_seq=2)
    assert store.get("7") is None


def test_the_clock_moves_by_what_changed_and_by_nothing_else(store: CatalogStore) -> None:
    first = store.upsert([plain(1), plain(2), plain(3)])
    assert (first.created, first.updated, first.unchanged, first.seq) == (3, 0, 0, 3)
    second = store.upsert([plain(1), plain(2, "Other"), plain(3)])
    assert (second.created, second.updated, second.unchanged, second.seq) == (0, 1, 2, 4)
    assert {p.id: p.seq for p in store.scan()} == {"p-0001": 1, "p-0002": 4, "p-0003": 3}
    assert store.seq() == 4


def test_of_equal_ids_in_one_write_the_last_one_counts(store: CatalogStore) -> None:
    report = store.upsert([plain(1, "First"), plain(1, "Last")])
    assert report.created == 1
    assert store.count() == 1
    assert [p.title for p in store.scan()] == ["Last"]


def test_many_products_are_read_at_once_and_unknown_ones_left_out(store: CatalogStore) -> None:
    store.upsert_all((plain(n) for n in range(1200)), pause_s=0)
    ids = [f"p-{n:04d}" for n in range(100, 1000, 2)]
    found = store.get_many([*ids, "nobody", ids[0]])
    assert sorted(found) == ids
    assert all(found[key].id == key for key in ids)
    assert store.get_many([]) == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"product_url": "javascript:alert(1)"}, "product_url"),
        ({"product_url": " https://shop.example/"}, "product_url"),
        ({"product_url": "https:shop.example"}, "product_url"),
        ({"product_url": "https://"}, "product_url"),
        ({"product_url": "//shop.example/"}, "product_url"),
        ({"product_url": "ftp://shop.example/"}, "product_url"),
        ({"sizes": (SizeStock("", 1),)}, "sizes"),
        ({"sizes": (SizeStock(" ", 1),)}, "sizes"),
        ({"id": "  "}, "id"),
        ({"id": "\u00a0\u3000"}, "id"),
        ({"style_id": " "}, "style_id"),
    ],
)
def test_what_no_shop_means_is_refused_to_every_writer(
    store: CatalogStore, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        store.upsert([replace(FULL, **change)])
    assert caught.value.field == f"products[0].{field}"
    assert store.count() == 0


@pytest.mark.parametrize("url", ["", "http://shop.example", "HTTPS://Shop.example/a b?c#d"])
def test_an_address_of_the_web_is_kept_as_it_is(store: CatalogStore, url: str) -> None:
    store.upsert([replace(FULL, product_url=url)])
    kept = store.get(FULL.id)
    assert kept is not None
    assert kept.product_url == url


def test_a_scan_goes_by_id_over_all_pages_and_can_go_on_later(store: CatalogStore) -> None:
    told: list[int] = []
    numbers = [*range(700, 1300), *range(700)]
    store.upsert_all((plain(n) for n in numbers), pause_s=0, on_batch=told.append)
    assert told == [500, 500, 300]
    assert [p.id for p in store.scan()] == [f"p-{n:04d}" for n in range(1300)]
    assert [p.id for p in store.scan(after="p-1297")] == ["p-1298", "p-1299"]


def test_a_photo_is_pending_until_told_otherwise_and_again_when_it_changes(
    store: CatalogStore,
) -> None:
    store.upsert([FULL, plain(1)])
    assert store.set_image_state({"007": "embedded", "p-0001": "none", "nobody": "embedded"}) == 1
    assert store.seq() == 3
    store.upsert([replace(FULL, title="New words")])
    seen = store.get("007")
    assert seen is not None
    assert (seen.image_state, seen.seq) == ("embedded", 4)
    store.upsert([replace(FULL, title="New words", images=("ef" * 32,))])
    seen = store.get("007")
    assert seen is not None
    assert seen.image_state == "pending"
    with pytest.raises(InvalidArgument):
        store.set_image_state({"007": "fine"})


def test_a_verdict_on_photos_that_a_product_no_longer_has_is_passed_over(
    store: CatalogStore,
) -> None:
    store.upsert([FULL])
    seen = {"007": FULL.images}
    store.upsert([replace(FULL, images=("ef" * 32,))])
    assert store.set_image_state({"007": "embedded"}, photos=seen) == 0
    waiting = store.get("007")
    assert waiting is not None
    assert waiting.image_state == "pending"
    assert store.set_image_state({"007": "embedded"}, photos={"007": ("ef" * 32,)}) == 1


def test_ids_are_ordered_by_code_point_whatever_people_think_of_them(store: CatalogStore) -> None:
    ids = ["a", "B", "_", "-", "10", "9", "é", "e", "Z", "ß", "👗", "￿", " x"]
    store.upsert([replace(plain(1), id=each) for each in ids])
    assert [product.id for product in store.scan()] == sorted(ids)
    assert [product.id for product in store.scan(after="Z")] == sorted(i for i in ids if i > "Z")


def test_a_deleted_product_is_gone_takes_a_number_and_may_come_back(store: CatalogStore) -> None:
    store.upsert([plain(1), plain(2)])
    assert store.delete(["p-0001", "p-0001", "nobody"]).deleted == 1
    assert store.seq() == 3
    assert (store.get("p-0001"), store.count()) == (None, 1)
    assert store.get_many(["p-0001"]) == {}
    report = store.upsert([plain(1)])
    assert (report.created, report.unchanged, report.seq) == (1, 0, 4)


def test_the_digest_tells_contents_and_not_the_way_there(
    store: CatalogStore, new_database: Callable[[], str]
) -> None:
    store.upsert([FULL, plain(1)])
    before = store.content_digest()
    store.set_image_state({"007": "embedded"})
    assert store.content_digest() == before
    other = CatalogStore.open(new_database(), create=True)
    other.upsert([plain(1, "Else"), plain(3)])
    other.upsert([plain(1), FULL])
    other.delete(["p-0003"])
    assert other.content_digest() == before
    other.upsert([replace(FULL, price_minor=4998)])
    assert other.content_digest() != before
    other.close()


def test_the_token_changes_when_anybody_changed_a_product(
    store: CatalogStore, database: str
) -> None:
    store.upsert([plain(1)])
    token = store.changes_token()
    other = CatalogStore.open(database)
    assert store.changes_token() == token
    other.add_interactions([event(1)])
    assert store.changes_token() == token
    other.upsert([plain(2)])
    moved = store.changes_token()
    assert moved != token
    store.set_image_state({"p-0001": "pending"})
    assert store.changes_token() != moved
    other.close()


def test_writers_in_many_threads_lose_nothing_and_share_no_number(database: str) -> None:
    stores = [CatalogStore.open(database, create=True) for _ in range(2)]
    ready = threading.Barrier(8)

    def write(writer: int) -> None:
        ready.wait()
        for step in range(10):
            stores[writer % 2].upsert([plain(100 * writer + step), plain(9999, f"by {writer}")])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    products = list(stores[0].scan())
    assert len(products) == 81
    assert len({p.seq for p in products}) == 81
    assert max(p.seq for p in products) == stores[1].seq()
    for opened in stores:
        opened.close()


def test_a_follower_by_number_never_skips_a_change(database: str) -> None:
    writers = [CatalogStore.open(database, create=True) for _ in range(2)]
    reader = CatalogStore.open(database)

    def write(number: int) -> None:
        for step in range(40):
            writers[number].upsert([plain(1000 * number + step)])

    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(write, number) for number in range(2)]
        while not all(task.done() for task in running):
            clock = reader.seq()
            # Each number up to the clock is there already: it was taken by a product of its own.
            assert sum(p.seq <= clock for p in reader.scan()) == clock
        for task in running:
            task.result()
    assert reader.seq() == 80
    for opened in (*writers, reader):
        opened.close()


def test_a_catalogue_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="there is no catalogue"):
        CatalogStore.open(f"sqlite:///{tmp_path}/none.sqlite")
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(SetupError, match="there is no catalogue"):
        CatalogStore.open(f"sqlite:///{tmp_path}/empty.sqlite")
    (tmp_path / "text.sqlite").write_text("not a database, but long enough " * 100)
    with pytest.raises(SetupError, match="cannot be opened"):
        CatalogStore.open(f"sqlite:///{tmp_path}/text.sqlite")


def test_opening_to_create_keeps_what_is_there(store: CatalogStore, database: str) -> None:
    store.upsert([plain(1)])
    again = CatalogStore.open(database, create=True)
    assert (again.count(), again.seq()) == (1, 1)
    again.close()


@contextmanager
def held(database: str) -> Iterator[str]:
    """Holds the write lock; yields the URL of a store that has no patience."""
    if database.startswith("sqlite"):
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield f"{database}?timeout=0.01"
            holder.rollback()
        return
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE catalog_clock, interactions IN EXCLUSIVE MODE")
        yield with_setting(database, "lock_timeout=10ms")
        other.rollback()


def test_a_catalogue_that_another_writer_holds_is_unavailable(
    store: CatalogStore, database: str
) -> None:
    with held(database) as url:
        impatient = CatalogStore.open(url)
        with pytest.raises(Unavailable):
            impatient.upsert([plain(1)])
        with pytest.raises(Unavailable):
            impatient.add_interactions([event(1)])
        assert impatient.count() == 0
    assert impatient.upsert([plain(1)]).created == 1
    impatient.close()


_ON_A_SMALL_DISK = """
import resource, signal, sys
from catalog.product import Product
from catalog.store import CatalogStore
store = CatalogStore.open(sys.argv[1], create=True)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
text = "d" * 4000
store.upsert([Product(id=f"p-{n}", style_id="s", title="t", description=text) for n in range(400)])
"""


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ON_A_SMALL_DISK, f"sqlite:///{tmp_path / 'catalog.sqlite'}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Unavailable: the catalogue cannot be written, its disk is full" in done.stderr
