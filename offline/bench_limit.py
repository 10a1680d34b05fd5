"""Runs the same searches in one process without a network: what the stages could reach at most."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from offline.bench_load import Load
from services.gateway.fusion import Frame, final_scores, fuse, order
from services.gateway.query import Fusion
from services.gateway.stages import Ranking
from services.image_retriever.encoder import Encoder
from services.image_retriever.index import VectorIndex
from services.image_retriever.photo_worker import square, upright
from services.text_retriever.index import TextIndex

_WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Limit:
    """Tantivy, FAISS and reciprocal rank fusion over the very indexes that the stages opened.

    Args:
        text: The text index.
        image: The vector index.
        encoder: Encodes photos; decoded in the process itself, without the guard of a worker.
        depth: Candidates asked of each, as many as the gateway asks.
        page_size: Hits kept; no document is read for them.
    """

    text: TextIndex
    image: VectorIndex
    encoder: Encoder
    depth: int
    page_size: int

    def by_words(self, words: str, vector: NDArray[np.float32]) -> list[str]:
        """Searches by words and by the vector that is kept for them."""
        found, _ = self.text.search(self.text.normalizer.tokens(words), self.depth)
        return self._fused({"text": found, "image": self._near(vector, "text")})

    def by_photo(self, photo: bytes) -> list[str]:
        """Searches by a photo that nobody has seen before."""
        return self._fused({"image": self._near(self._encode(photo), "photo")})

    def by_both(self, words: str, vector: NDArray[np.float32], photo: bytes) -> list[str]:
        """Searches by words and a photo of equal weight."""
        mixed = vector + self._encode(photo)
        found, _ = self.text.search(self.text.normalizer.tokens(words), self.depth)
        near = self._near(mixed / np.linalg.norm(mixed), "mixed")
        return self._fused({"text": found, "image": near})

    def _encode(self, photo: bytes) -> NDArray[np.float32]:
        size = self.encoder.image_size
        with Image.open(BytesIO(photo)) as opened:
            whole, _ = upright(opened, _WHOLE, size)
        pixels = np.asarray(square(whole, size))
        vector: NDArray[np.float32] = self.encoder.encode_photos([pixels])[0]
        return vector

    def _near(self, vector: NDArray[np.float32], kind: str) -> list[str]:
        floor = [self.image.floors.get(kind)]
        return self.image.search(vector[None, :], self.depth, floor=floor)[0].ids

    def _fused(self, rankings: dict[str, list[str]]) -> list[str]:
        # By ranks, so that the scores need not be there.
        found = {name: Ranking(ids, ()) for name, ids in rankings.items()}
        fused = fuse(found, Fusion()).scores
        return order(final_scores(fused, Frame()))[: self.page_size]


def threads(search: Callable[[int], Sequence[str]], *, clients: int, requests: int) -> Load:
    """Calls ``search(index)`` for each index below ``requests`` on ``clients`` threads."""
    upcoming = iter(range(requests))
    lock = threading.Lock()
    latencies: list[float] = []

    def work() -> None:
        while True:
            with lock:
                index = next(upcoming, None)
            if index is None:
                return
            began = time.perf_counter()
            search(index)
            latencies.append((time.perf_counter() - began) * 1000)

    team = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    return Load(np.array(latencies), time.perf_counter() - began, 0, {})
