"""Promises of the cache of documents: never old, and never in the way of the event loop."""

import asyncio
import threading

from catalog.product import Product
from catalog.store import CatalogStore
from services.gateway.documents import DocumentCache
from services.gateway.late_catalog import LateCatalog
from tests.gateway_fakes import FakeProducts, product


async def test_what_stands_still_is_read_once() -> None:
    source = FakeProducts({"a": product("a")})
    documents = DocumentCache(source)
    for _ in range(3):
        assert set(await documents.read(["a", "gone"])) == {"a"}
    assert len(source.reads) == 1
    source.token += 1
    await documents.read(["a"])
    assert len(source.reads) == 2


class Slow(FakeProducts):
    """A catalogue whose every answer takes as long as it is told."""

    let_go = threading.Event()

    def changes_token(self) -> object:
        self.let_go.wait()
        return super().changes_token()


async def test_a_database_that_hangs_leaves_the_event_loop_alone() -> None:
    source = Slow({"a": product("a")})
    reading = asyncio.create_task(DocumentCache(source).read(["a"]))
    await asyncio.sleep(0)  # it has asked, and this goes on
    assert not reading.done()
    source.let_go.set()
    assert set(await reading) == {"a"}


async def test_a_change_is_read_at_once(database: str) -> None:
    store = CatalogStore.open(database, create=True)
    catalog = LateCatalog(database, poll_s=1, on_state=lambda ready, reason: None)
    await catalog.open()
    documents = DocumentCache(catalog)
    try:
        for number in range(5):
            store.upsert([Product("p", "p", f"Dress {number}")])
            assert (await documents.read(["p"]))["p"].title == f"Dress {number}"
    finally:
        catalog.close()
        store.close()
