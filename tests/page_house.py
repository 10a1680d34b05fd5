"""A drawn shop behind the real gateway, served on a free port, for a browser to look at."""

import asyncio
import io
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import uvicorn
from numpy.typing import NDArray
from PIL import Image

from catalog.interaction import Interaction
from catalog.lexicon import Lexicon
from catalog.media import MediaStore
from catalog.product import Product
from catalog.product_filter import ProductFilter
from catalog.store import CatalogStore
from catalog.words import WordTable
from offline.demo_catalog import draw_catalog
from offline.layout import DataDir
from offline.local_text import LocalText, admitted
from runtime.errors import InvalidArgument
from runtime.metrics import Metrics
from services.gateway.access import Access
from services.gateway.answer import Answer, Generation, RankedProduct
from services.gateway.documents import DocumentCache
from services.gateway.factor_cache import UncachedFactors
from services.gateway.fanout import Leg
from services.gateway.history import Histories
from services.gateway.interactions import Recorder
from services.gateway.key_file import dump, make_key
from services.gateway.keys import KeyRing
from services.gateway.legs import ImageLeg, TextLeg
from services.gateway.main_access import PersonalSearch
from services.gateway.main_observed import ObservedSearch
from services.gateway.paging import Paging
from services.gateway.parts import Example, Part, Photo
from services.gateway.pictures import Pictures
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import MAX_BUDGET_MS, Query
from services.gateway.recommend_query import RecommendQuery
from services.gateway.recommending import Recommended
from services.gateway.rest import create_app
from services.gateway.rest_routes import Rooms
from services.gateway.result_lists import ProcessLists
from services.gateway.result_set import ResultSet
from services.gateway.sealed import Keys
from services.gateway.sessions import Sessions
from services.gateway.shoppers import DemoShoppers
from services.gateway.similar import Searching
from services.gateway.stages import (
    Boost,
    Completion,
    Counts,
    QueryKind,
    QueryVector,
    Ranking,
    TextStage,
)
from services.gateway.suggesting import Suggester
from services.gateway.taste import TasteFinder
from services.gateway.understanding import Understanding
from services.gateway.vector_cache import VectorCache
from services.gateway.vocabulary import Vocabulary
from services.gateway.write_lane import WriteLane
from services.text_retriever.index import TextIndex
from tests.gateway_fakes import FakeRanking

SHOPPER = "u-0001"
ASKED = ("green dress", "green dress with <b>belt</b>", "grey shirt", "여름 원피스")
LIKED = "green"  # the colour that the shopper likes
LINK = "https://shop.example/dress?colour=red"
SCRIPT = "javascript:alert(1)"


@dataclass
class LookImage:
    """Finds photos by their pixels, 12 by 12 of them; knows no words."""

    ids: list[str]
    looks: np.ndarray  # unit rows, [products, 432]
    products: Mapping[str, Product]
    error: Exception | None = None

    async def encode(
        self, mixtures: Sequence[Sequence[Part]], *, timeout_s: float
    ) -> Sequence[QueryVector]:
        if self.error is not None:
            raise self.error
        return [self._encoded(parts) for parts in mixtures]

    def _encoded(self, parts: Sequence[Part]) -> QueryVector:
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
        look_alikes_excluded: bool = False,
        order_vector: bytes = b"",
        candidates: int = 0,
        kind_vector: bytes = b"",
        kind_products: Sequence[str] = (),
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

    async def fetch(self, product_ids: Sequence[str], *, timeout_s: float) -> NDArray[np.int8]:
        rows = self.looks[[self.ids.index(each) for each in product_ids]]
        largest = np.abs(rows).max(axis=1, keepdims=True)
        return np.rint(127 * rows / np.where(largest > 0, largest, 1)).astype(np.int8)

    def _row(self, part: Part) -> np.ndarray | None:
        if isinstance(part.source, Photo):
            try:
                return look(part.source.data)
            except OSError:
                raise InvalidArgument("photo cannot be decoded", field=part.field) from None
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
        boosts: Sequence[Boost] = (),
        excluded_text: str = "",
    ) -> Ranking:
        self._check()
        return await self.stage.retrieve(
            text,
            count,
            filter=filter,
            min_seq=min_seq,
            timeout_s=timeout_s,
            boosts=boosts,
            excluded_text=excluded_text,
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

    async def complete(self, text: str, count: int, *, timeout_s: float) -> Sequence[Completion]:
        self._check()
        return await self.stage.complete(text, count, timeout_s=timeout_s)

    def _check(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class ForgetfulLists:
    """Keeps results for the pages to come, until it is told to forget them."""

    kept: ProcessLists = field(default_factory=ProcessLists)

    async def get(self, list_id: bytes, request: bytes) -> ResultSet | None:
        return await self.kept.get(list_id, request)

    async def put(self, list_id: bytes, request: bytes, results: ResultSet) -> None:
        await self.kept.put(list_id, request, results)

    def forget(self) -> None:
        self.kept = ProcessLists()


@dataclass(frozen=True)
class Newest:
    """Recommends the newest products to everybody, and knows of nothing that is bought together."""

    shop: Mapping[str, Product]

    async def recommend(self, query: RecommendQuery) -> Recommended:
        newest = sorted(self.shop.values(), key=lambda product: -product.added_seq)
        hits = [RankedProduct(rank, 1 / rank, each) for rank, each in enumerate(newest, 1)]
        return Recommended(hits[: query.page_size], "cold", [], {}, "r-000001", {}, 1)

    async def neighbours(
        self,
        product_id: str,
        by: str,
        count: int,
        *,
        filter: ProductFilter | None,
        excluded_styles: Sequence[str],
        timeout_s: float,
    ) -> Ranking:
        return Ranking([], [], Generation("pairs-1", 1))


class Asked:
    """What several shoppers asked before."""

    async def complete(self, text: str, count: int) -> Sequence[str]:
        return [told for told in ASKED if told.startswith(text.lower())][:count]


@dataclass(frozen=True)
class Patient:
    """Gives each search all the time there may be: what the page shows hangs on no machine."""

    searching: Searching

    async def search(self, query: Query) -> Answer:
        return await self.searching.search(replace(query, budget_ms=MAX_BUDGET_MS))


@dataclass
class Clock:
    """The time of day, or a later one."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class PageHouse:
    """The shop, and what a test may look up or break."""

    url: str
    products: Mapping[str, Product]
    media: MediaStore
    store: CatalogStore
    text: Breakable
    image: LookImage
    understanding: Understanding
    lists: ForgetfulLists = field(default_factory=ForgetfulLists)
    clock: Clock = field(default_factory=Clock)

    @property
    def linked(self) -> Product:
        """A product with an address in its shop."""
        return next(each for each in self.products.values() if each.product_url == LINK)

    @property
    def risky(self) -> Product:
        """A product whose address would run a script."""
        return next(each for each in self.products.values() if each.product_url == SCRIPT)

    def mend(self) -> None:
        """Ends what a test broke."""
        self.text.error = self.image.error = None
        self.clock.ahead_s = 0.0

    @contextmanager
    def with_keys(self, folder: Path) -> Iterator["PageHouse"]:
        """The same shop behind a gateway that asks for keys."""
        key, _ = make_key("shop", ["read"], at=datetime.now(UTC))
        file = folder / "keys.json"
        file.write_bytes(dump([key]))
        access = Access(KeyRing(file), Sessions(b"secret"))
        rooms = _rooms(self)
        guarded = replace(rooms, searching=PersonalSearch(rooms.searching), access=access)
        with _served(guarded) as url:
            yield replace(self, url=url)

    def photo(self, product_id: str) -> bytes:
        """The photo of a product."""
        data = self.media.get(self.products[product_id].images[0])
        assert data is not None
        return data


@contextmanager
def opened(folder: Path, *, products: int = 180) -> Iterator[PageHouse]:
    """Draws a shop into a folder and serves it until the block ends."""
    data = DataDir(folder)
    draw_catalog(data, products=products, seed=11)
    with closing(CatalogStore.open(data.database_url)) as store:
        store.upsert(list(_changed(list(store.scan()))))
        _keep_script(data, store)
        shop = {product.id: product for product in store.scan()}
        store.add_interactions(list(_purchases(shop)))
        media = MediaStore(data.media)
        text = Breakable(LocalText(_text_index(shop, folder), shop))
        photos = [media.get(product.images[0]) for product in shop.values()]
        looks = np.stack([look(photo) for photo in photos if photo])
        reads = Understanding(_vocabulary(shop))
        house = PageHouse("", shop, media, store, text, LookImage(list(shop), looks, shop), reads)
        with _served(_rooms(house)) as house.url:
            yield house


@contextmanager
def _served(rooms: Rooms) -> Iterator[str]:
    """Serves on a free port until the block ends; yields the address."""
    app = create_app(rooms)
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off")
    )
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),), daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive(), "the server did not start"
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _changed(drawn: Sequence[Product]) -> Iterator[Product]:
    """Gives the newest product an address, and sells a whole style out."""
    newest = sorted(drawn, key=lambda product: -product.added_seq)
    yield replace(newest[0], product_url=LINK)
    linked = {product.style_id for product in newest[:2]}
    sold = next(each.style_id for each in newest if each.sizes and each.style_id not in linked)
    for product in drawn:
        if product.style_id == sold:
            yield replace(product, sizes=tuple(replace(size, stock=0) for size in product.sizes))


def _keep_script(data: DataDir, store: CatalogStore) -> None:
    """Gives the second newest product the address of a script, as earlier versions kept one."""
    newest = sorted(store.scan(), key=lambda product: -product.added_seq)
    with closing(sqlite3.connect(data.database)) as kept, kept:
        kept.execute("update products set product_url = ? where id = ?", (SCRIPT, newest[1].id))


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


def _vocabulary(shop: Mapping[str, Product]) -> Vocabulary:
    table, lexicon = WordTable.default(), Lexicon.default()
    return Vocabulary.gather(shop.values(), table=table, lexicon=lexicon)


def _rooms(house: PageHouse) -> Rooms:
    shop, pictures = house.products, Pictures(house.media)
    legs: dict[str, Leg] = {
        "text": TextLeg(house.text),
        "image": ImageLeg(house.image, VectorCache(None, Keys(b"secret")), pictures),
    }
    tastes = {name: float(product.colour == LIKED) for name, product in shop.items()}
    documents = DocumentCache(house.store)
    ranking = FakeRanking({SHOPPER: tastes})
    pipeline = SearchPipeline(
        legs,
        TasteFinder(ranking, ranking),
        documents,
        house.text,
        Paging(house.lists, Keys(b"secret"), now=house.clock),
        release=lambda: "r-000001",
        understanding=lambda: house.understanding,
    )
    metrics, lane = Metrics("gateway"), WriteLane()
    return Rooms(
        searching=Patient(ObservedSearch(pipeline, metrics)),
        documents=documents,
        pictures=pictures,
        shoppers=DemoShoppers(house.store),
        why_not_ready=lambda: "",
        metrics=metrics,
        suggester=Suggester(house.text, Asked()),
        recorder=Recorder(lambda: house.store.journal, lane, UncachedFactors()),
        histories=Histories(lambda: house.store.journal, lane, UncachedFactors()),
        recommending=Newest(shop),
        neighbours=Newest(shop),
    )
