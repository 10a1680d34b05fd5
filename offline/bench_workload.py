"""Makes the queries that a benchmark sends, over either door."""

import json
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from catalog.filter_wire import filter_to_proto
from catalog.media import MediaStore
from catalog.product import Product
from catalog.product_filter import Condition, ProductFilter
from catalog.store import CatalogStore
from fashion.search.v1 import search_pb2
from offline.bench_load import GrpcCaller, RestCaller
from offline.layout import DataDir
from runtime.errors import SetupError

PAGE_SIZE = 24
QUERIES = 400
SEED = 11
BRANDS = 20
MIDDLE_PRICE = 5_000
FACETS = ("brand", "colour", "price_minor")
_BOUNDARY = b"hemline-bench"


@dataclass(frozen=True, slots=True)
class Workload:
    """The queries of one run: words with their vectors float32 [n, dim], and photos if any.

    ``key`` is the API key of the clients; empty where none is asked for. ``brands`` are those that
    the filters of the filtered queries name.
    """

    words: Sequence[str]
    vectors: NDArray[np.float32]
    photos: Sequence[bytes]
    key: str = ""
    brands: Sequence[str] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of query that there is something for."""
        with_brands = ("filtered", "faceted") if self.brands else ()
        return ("text", *with_brands, *(("photo", "mixed") if self.photos else ()))

    def grpc(self, target: str, query: str, salt: int) -> GrpcCaller:
        """A client of the gRPC door; another ``salt`` gives photos that no cache knows."""
        return GrpcCaller(target, _messages(self, query, salt), key=self.key)

    def rest(self, url: str, query: str, salt: int) -> RestCaller:
        """A client of the REST door."""
        where = urlsplit(url)
        bodies = [
            _body(words, photo, extras_of(self, query, index))
            for index, (words, photo) in enumerate(_requests(self, query, salt))
        ]
        return RestCaller(where.hostname or "127.0.0.1", where.port or 80, bodies, key=self.key)


def catalog_queries(data: DataDir) -> tuple[list[str], list[bytes]]:
    """Returns queries of one to four words out of titles, and product photos."""
    rng, media = np.random.default_rng(SEED), MediaStore(data.media)
    products = _products(data)
    queries = _out_of_titles(rng, products)
    shown = [product.images[0] for product in products if product.images]
    chosen = rng.choice(len(shown), min(len(shown), 100), replace=False)
    photos = [photo for place in chosen if (photo := media.get(shown[place])) is not None]
    return queries, photos


def title_queries(data: DataDir) -> list[str]:
    """Returns queries of one to four words out of titles; reads the catalogue as a stream."""
    rng = np.random.default_rng(SEED)
    store = CatalogStore.open(data.database_url)
    try:
        wanted = set(rng.integers(0, max(1, store.count()), QUERIES).tolist())
        titles = [each.title for place, each in enumerate(store.scan()) if place in wanted]
    finally:
        store.close()
    if not titles:
        raise SetupError(f"there is no product in {data.root}: nothing can be measured")
    return [_words_of(rng, title) for title in titles]


def _out_of_titles(rng: np.random.Generator, products: Sequence[Product]) -> list[str]:
    places = rng.integers(0, len(products), QUERIES)
    return [_words_of(rng, products[place].title) for place in places]


def _words_of(rng: np.random.Generator, title: str) -> str:
    words = np.array(title.split())
    size = min(len(words), int(rng.integers(1, 5)))
    return " ".join(rng.choice(words, size, replace=False).tolist())


def _products(data: DataDir) -> list[Product]:
    store = CatalogStore.open(data.database_url)
    try:
        products = list(store.scan())
    finally:
        store.close()
    if not products:
        raise SetupError(f"there is no product in {data.root}: nothing can be measured")
    return products


def brands_of(data: DataDir) -> list[str]:
    """Returns the twenty most frequent brands of a catalogue."""
    store = CatalogStore.open(data.database_url)
    try:
        counted = Counter(product.brand for product in store.scan() if product.brand)
    finally:
        store.close()
    return [brand for brand, _ in counted.most_common(BRANDS)]


def filter_of(work: Workload, index: int) -> ProductFilter:
    """The filter of a filtered query: one brand, or a range of prices that two thirds are in."""
    if index % 2:
        return Condition("price_minor", gte=MIDDLE_PRICE)
    return Condition("brand", (work.brands[index % len(work.brands)],))


def as_json(found: ProductFilter) -> dict[str, object]:
    """A filter of one condition as JSON."""
    if not isinstance(found, Condition):
        raise ValueError("only a condition is written here")
    if found.values:
        return {"field": found.field, "in": list(found.values)}
    return {"field": found.field, "gte": found.gte}


def _requests(work: Workload, query: str, salt: int) -> Iterable[tuple[str, bytes | None]]:
    has_photo = query in ("photo", "mixed")
    for index in range(3 * QUERIES if has_photo else len(work.words)):
        words = work.words[index % len(work.words)] if query != "photo" else ""
        photo = None
        if has_photo:
            photo = _unseen(work.photos[index % len(work.photos)], salt * 10_000 + index)
        yield words, photo


def _unseen(photo: bytes, number: int) -> bytes:
    """The same picture in bytes that no cache knows: readers pass over what follows the end."""
    return photo + struct.pack("<Q", number)


def _messages(work: Workload, query: str, salt: int) -> list[search_pb2.SearchRequest]:
    return [
        search_pb2.SearchRequest(
            text=words,
            parts=[search_pb2.Part(photo=photo)] if photo else [],
            page_size=PAGE_SIZE,
            filter=filter_to_proto(filter_of(work, index)) if query == "filtered" else None,
            facets=FACETS if query == "faceted" else [],
        )
        for index, (words, photo) in enumerate(_requests(work, query, salt))
    ]


def extras_of(work: Workload, query: str, index: int) -> dict[str, object]:
    """What a request asks beside words and photos, as JSON."""
    if query == "filtered":
        return {"filter": as_json(filter_of(work, index))}
    return {"facets": list(FACETS)} if query == "faceted" else {}


def _body(words: str, photo: bytes | None, extras: Mapping[str, object]) -> tuple[str, bytes]:
    request: dict[str, object] = {"page_size": PAGE_SIZE, **extras}
    if words:
        request["text"] = words
    if photo is None:
        return "application/json", json.dumps(request).encode()
    request["parts"] = [{"image": {"upload": "image"}}]
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="request"\r\n\r\n%b\r\n'
        % (_BOUNDARY, json.dumps(request).encode()),
        b'--%b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n%b\r\n" % (_BOUNDARY, photo),
        b"--%b--\r\n" % _BOUNDARY,
    ]
    return f"multipart/form-data; boundary={_BOUNDARY.decode()}", b"".join(parts)
