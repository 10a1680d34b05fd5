"""Makes the queries that a benchmark sends, over either door."""

import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from catalog.media import MediaStore
from catalog.store import CatalogStore
from fashion.search.v1 import search_pb2
from offline.bench_load import GrpcCaller, RestCaller
from offline.layout import DataDir

PAGE_SIZE = 24
QUERIES = 400
SEED = 11
_BOUNDARY = b"hemline-bench"


@dataclass(frozen=True, slots=True)
class Workload:
    """The queries of one run: words with their vectors float32 [n, dim], and photos if any.

    ``key`` is the API key of the clients; empty where none is asked for.
    """

    words: Sequence[str]
    vectors: NDArray[np.float32]
    photos: Sequence[bytes]
    key: str = ""

    def grpc(self, target: str, query: str, salt: int) -> GrpcCaller:
        """A client of the gRPC door; another ``salt`` gives photos that no cache knows."""
        return GrpcCaller(target, _messages(self, query, salt), key=self.key)

    def rest(self, url: str, query: str, salt: int) -> RestCaller:
        """A client of the REST door."""
        where = urlsplit(url)
        bodies = [_body(words, photo) for words, photo in _requests(self, query, salt)]
        return RestCaller(where.hostname or "127.0.0.1", where.port or 80, bodies, key=self.key)


def catalog_queries(data: DataDir) -> tuple[list[str], list[bytes]]:
    """Returns queries of one to four words out of titles, and product photos."""
    rng = np.random.default_rng(SEED)
    store, media = CatalogStore.open(data.database_url), MediaStore(data.media)
    products = list(store.scan())
    store.close()
    queries = []
    for place in rng.integers(0, len(products), QUERIES):
        words = np.array(products[place].title.split())
        size = min(len(words), int(rng.integers(1, 5)))
        queries.append(" ".join(rng.choice(words, size, replace=False).tolist()))
    shown = [product.images[0] for product in products if product.images]
    chosen = rng.choice(len(shown), min(len(shown), 100), replace=False)
    photos = [photo for place in chosen if (photo := media.get(shown[place])) is not None]
    return queries, photos


def _requests(work: Workload, query: str, salt: int) -> Iterable[tuple[str, bytes | None]]:
    count = len(work.words) if query == "text" else 3 * QUERIES
    for index in range(count):
        words = work.words[index % len(work.words)] if query != "photo" else ""
        photo = None
        if query != "text":
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
        )
        for words, photo in _requests(work, query, salt)
    ]


def _body(words: str, photo: bytes | None) -> tuple[str, bytes]:
    request: dict[str, object] = {"page_size": PAGE_SIZE}
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
