"""A drawn shop behind the real gateway, served on a free port, for a browser to look at."""

import asyncio
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import uvicorn
from PIL import Image

from catalog.interaction import Interaction
from catalog.media import MediaStore
from catalog.product import Product
from catalog.product_filter import ProductFilter
from catalog.store import CatalogStore
from offline.demo_catalog import draw_catalog
from offline.layout import DataDir
from offline.local_text import LocalText, admitted
from runtime.metrics import Metrics
from services.gateway.answer import Generation
from services.gateway.documents import DocumentCache
from services.gateway.factor_cache import UncachedFactors
from services.gateway.fanout import Leg
from services.gateway.legs import ImageLeg, TextLeg
from services.gateway.main_observed import ObservedSearch
from services.gateway.paging import Paging
from services.gateway.parts import Example, Part, Photo
from services.gateway.pictures import Pictures
from services.gateway.pipeline import SearchPipeline
from services.gateway.rest import create_app
from services.gateway.rest_routes import Rooms
from services.gateway.result_lists import ProcessLists
from services.gateway.sealed import Keys
from services.gateway.shoppers import DemoShoppers
from services.gateway.stages import Counts, QueryKind, QueryVector, Ranking, TextStage
from services.gateway.taste import TasteFinder
from services.gateway.vector_cache import VectorCache
from services.text_retriever.index import TextIndex
from tests.gateway_fakes import FakeRanking

SHOPPER = "u-0001"
LIKED = "red"  # the colour that the shopper likes


@dataclass
class LookImage:
    """Finds photos by their pixels, 12 by 12 of them; knows no words."""

    ids: list[str]
    looks: np.ndarray  # unit rows, [products, 432]
    products: Mapping[str, Product]
    error: Exception | None = None

    async def encode(self, parts: Sequence[Part], *, timeout_s: float) -> QueryVector:
        if self.error is not None:
            raise self.error
        rows = [row for part in parts if (row := self._row(part)) is not None]
        data = np.mean(rows, axis=0).astype("<f4").tobytes() if rows else b""
        return QueryVector("looks", QueryKind.PHOTO, data)

    async def search(
        self,
        vector: QueryVector,
        count: int,
        *,
        filter: ProductFilter | None,
        excluded: Sequence[str],
        min_seq: int,
        timeout_s: float,
    ) -> Ranking:
        scores = self.looks @ np.frombuffer(vector.data, "<f4")
        order = [at for at in np.argsort(-scores) if self.ids[at] not in excluded]
        found = Ranking(
            [self.ids[at] for at in order],
            [float(scores[at]) for at in order],
            Generation("looks-1", 1),
        )
        kept = admitted(found, filter, self.products, len(order))
        return replace(kept, ids=kept.ids[:count], scores=kept.scores[:count])

    def _row(self, part: Part) -> np.ndarray | None:
        if isinstance(part.source, Photo):
            return look(part.source.data)
        if isinstance(part.source, Example):
            return np.asarray(self.looks[self.ids.index(part.source.product_id)])
        return None


def look(photo: bytes) -> np.ndarray:
    """The pixels of a photo as a unit vector."""
    with Image.open(io.BytesIO(photo)) as image:
        small = np.asarray(image.convert("RGB").resize((12, 12)), dtype=np.float32).ravel()
    small -= small.mean()
    return small / np.linalg.norm(small)


@dataclass
class Breakable:
    """The text stage, until it is told to fail."""

    stage: TextStage
    error: Exception | None = None

    async def retrieve(
        self,
        text: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
    ) -> Ranking:
        self._check()
        return await self.stage.retrieve(
            text, count, filter=filter, min_seq=min_seq, timeout_s=timeout_s
        )

    async def browse(
        self,
        order: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
    ) -> Ranking:
        self._check()
        return await self.stage.browse(
            order, count, filter=filter, min_seq=min_seq, timeout_s=timeout_s
        )

    async def count_facets(
        self,
        product_ids: Sequence[str],
        fields: Sequence[str],
        *,
        collapse: bool,
        rows: bool,
        min_seq: int,
        timeout_s: float,
    ) -> Counts:
        self._check()
        return await self.stage.count_facets(
            product_ids,
            fields,
            collapse=collapse,
            rows=rows,
            min_seq=min_seq,
            timeout_s=timeout_s,
        )

    def _check(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class PageHouse:
    """The shop, and what a test may look up or break."""

    url: str
    products: Mapping[str, Product]
    media: MediaStore
    text: Breakable
    image: LookImage

    def photo(self, product_id: str) -> bytes:
        """The photo of a product."""
        data = self.media.get(self.products[product_id].images[0])
        assert data is not None
        return data


@contextmanager
def opened(folder: Path, *, products: int = 90) -> Iterator[PageHouse]:
    """Draws a shop into a folder and serves it until the block ends."""
    data = DataDir(folder)
    draw_catalog(data, products=products, seed=37)
    store = CatalogStore.open(data.database_url)
    shop = {product.id: product for product in store.scan()}
    store.add_interactions(list(_purchases(shop)))
    media = MediaStore(data.media)
    text = Breakable(LocalText(_text_index(shop, folder), shop))
    photos = [media.get(product.images[0]) for product in shop.values()]
    image = LookImage(list(shop), np.stack([look(photo) for photo in photos if photo]), shop)
    house = PageHouse("", shop, media, text, image)
    app = create_app(_rooms(house, store))
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off")
    )
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),), daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive(), "the server did not start"
        house.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield house
    finally:
        server.should_exit = True
        thread.join()
        store.close()


def _purchases(shop: Mapping[str, Product]) -> Iterator[Interaction]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for product in shop.values():
        if product.colour == LIKED:
            yield Interaction(f"e-{product.id}", SHOPPER, product.id, "purchase", at)


def _text_index(shop: Mapping[str, Product], folder: Path) -> TextIndex:
    home = folder / "text"
    home.mkdir()
    TextIndex.write(shop.values(), home)
    return TextIndex.open(home)


def _rooms(house: PageHouse, store: CatalogStore) -> Rooms:
    shop, pictures = house.products, Pictures(house.media)
    legs: dict[str, Leg] = {
        "text": TextLeg(house.text),
        "image": ImageLeg(house.image, VectorCache(None, Keys(b"secret")), pictures),
    }
    tastes = {name: float(product.colour == LIKED) for name, product in shop.items()}
    documents = DocumentCache(store)
    pipeline = SearchPipeline(
        legs,
        TasteFinder(FakeRanking({SHOPPER: tastes}), UncachedFactors()),
        documents,
        house.text,
        Paging(ProcessLists(), Keys(b"secret")),
        release=lambda: "r-000001",
    )
    metrics = Metrics("gateway")
    return Rooms(
        searching=ObservedSearch(pipeline, metrics),
        documents=documents,
        pictures=pictures,
        shoppers=DemoShoppers(store),
        why_not_ready=lambda: "",
        metrics=metrics,
    )
