"""A gateway over a real catalogue and media store, with both doors, for tests of the write side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx

from catalog.media import MediaStore
from catalog.store import CatalogStore
from fashion.search.v1.search_pb2_grpc import (
    SearchServiceStub,
    add_SearchServiceServicer_to_server,
)
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.gateway.access import Access, open_to_all
from services.gateway.answer import Answer
from services.gateway.catalog_writes import CatalogWrites
from services.gateway.documents import DocumentCache
from services.gateway.factor_cache import FactorCache, UncachedFactors
from services.gateway.history import Histories
from services.gateway.interactions import Recorder
from services.gateway.late_catalog import LateCatalog
from services.gateway.main_access import PersonalSearch
from services.gateway.pictures import Pictures
from services.gateway.query import Query
from services.gateway.rest import create_app
from services.gateway.rest_routes import Rooms
from services.gateway.servicer import NAME, SearchServicer
from services.gateway.servicer_access import admission
from services.gateway.write_lane import WriteLane

JPEG = b"\xff\xd8\xff\xe0 not a whole photo"


class Nothing:
    """A search that remembers for whom it was asked, and refuses to answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def search(self, query: Query) -> Answer:
        self.asked.append(query.user_id)
        raise ConnectionResetError("there is nothing behind this search")


@dataclass(slots=True)
class WriteDoors:
    """One gateway, and clients of both doors."""

    store: CatalogStore
    media: MediaStore
    searching: Nothing
    client: httpx.AsyncClient
    stub: SearchServiceStub
    port: int

    def seq_of(self, product_id: str) -> int:
        found = self.store.get(product_id)
        assert found is not None
        return found.seq


@asynccontextmanager
async def open_doors(
    folder: Path,
    *,
    url: str = "",
    access: Access | None = None,
    lane: WriteLane | None = None,
    kept: FactorCache | UncachedFactors | None = None,
) -> AsyncIterator[WriteDoors]:
    """Opens a gateway on a folder and a catalogue, which is made when missing.

    Without a URL the catalogue is a file of the folder.
    """
    url = url or f"sqlite:///{folder / 'catalog.sqlite'}"
    store = CatalogStore.open(url, create=True)
    catalog = LateCatalog(url, poll_s=1, on_state=lambda ready, reason: None)
    await catalog.open()
    lane = lane or WriteLane()
    access = access or open_to_all()
    media = MediaStore(folder / "media")
    pictures, writes = Pictures(media, catalog, lane), CatalogWrites(catalog, media, lane)
    searching = Nothing()
    kept = kept or UncachedFactors()
    rooms = Rooms(
        PersonalSearch(searching), DocumentCache(catalog), pictures, None, str,
        Metrics("gateway"), writes, access,
        recorder=Recorder(catalog.journal, lane, kept),
        histories=Histories(catalog.journal, lane, kept),
    )  # fmt: skip
    (folder / "web").mkdir(exist_ok=True)
    (folder / "web" / "index.html").write_text("<!doctype html><title>Hemline</title>")
    transport = httpx.ASGITransport(
        create_app(rooms, web=folder / "web"), raise_app_exceptions=False
    )
    servicer = SearchServicer(rooms)

    def register(server: grpc.aio.Server) -> None:
        add_SearchServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]

    settings = ServerSettings(max_message_mib=11)
    server = StageServer(
        "gateway", register, [NAME], settings, Metrics("gateway"), admit=admission(access)
    )
    port = await server.start()
    try:
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://hemline") as client,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            stub = SearchServiceStub(channel)  # type: ignore[no-untyped-call]
            yield WriteDoors(store, media, searching, client, stub, port)
    finally:
        server.stop()
        await server.serve_until_stopped()
        lane.close()
        catalog.close()
        store.close()
