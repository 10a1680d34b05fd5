"""Turns the parts of a query into vectors: words, photos and products."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from runtime.errors import (
    Internal,
    InvalidArgument,
    NotFound,
    Overloaded,
    ServiceError,
)
from services.image_retriever.batcher import EncodeBatcher
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.encoder import Encoder
from services.image_retriever.framed import Photo, PhotoFramer
from services.image_retriever.framing import Neighbours, best_framed
from services.image_retriever.mixture import Kind, kind_of, mixed

Vectors = NDArray[np.float32]
_log = logging.getLogger(__name__)


class Examples(Neighbours, Protocol):
    """Knows the vectors of products, and finds those near to a vector."""

    def vector_of(self, product_id: str) -> Vectors | None:
        """Returns the unit vector float32 ``[dim]`` of a product, None where it has none."""


@dataclass(frozen=True, slots=True)
class Words:
    """A part in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """A part that is a product."""

    product_id: str


@dataclass(frozen=True, slots=True)
class Mixture:
    """A query: parts with their weights, and the reading of the clock at which it is of no use."""

    parts: Sequence[Words | Photo | Example]
    weights: Sequence[float]
    deadline: float


@dataclass(frozen=True, slots=True)
class Encoded:
    """The unit vector of a query, None where no word of it is known; what it was made of.

    ``background_kept``: a background was to be taken out, and nothing told it from the garment.
    """

    vector: Vectors | None
    kind: Kind
    background_kept: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    """The vector of a photo, and whether its background should have been taken out and was not."""

    vector: Vectors
    background_kept: bool


class PartEncoder:
    """Encodes queries, many at a time, none at the cost of another.

    Args:
        batcher: Shares forward passes.
        decoder: Decodes photos.
        places: Threads that wait for the decoder; no fewer than it has places.
        clock: Seconds, monotonic; the batcher reads the same.
    """

    def __init__(
        self,
        batcher: EncodeBatcher,
        decoder: PhotoDecoder,
        *,
        places: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._batcher = batcher
        self._decoder = decoder
        self._framer = PhotoFramer(decoder, clock)
        self._threads = ThreadPoolExecutor(places, "photos")

    async def encode(
        self, queries: Sequence[Mixture | ServiceError], encoder: Encoder, index: Examples
    ) -> list[Encoded | ServiceError]:
        """Returns for each query its vector or why it has none; errors given are handed through."""
        with self._batcher.together():
            begun = [self._begin(query, encoder, index) for query in queries]
        return list(await asyncio.gather(*(_settled(work) for work in begun)))

    def close(self) -> None:
        """Ends the decoding processes and the encoding thread."""
        self._decoder.close()
        self._batcher.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(
        self, query: Mixture | ServiceError, encoder: Encoder, index: Examples
    ) -> Awaitable[Encoded] | ServiceError:
        """Queues all that a query needs, so that the queries of a request share their passes."""
        if isinstance(query, ServiceError):
            return query
        begun: list[_Begun] = []
        try:
            for number, part in enumerate(query.parts):
                begun.append(self._start(part, number, query.deadline, encoder, index))
        except ServiceError as error:
            for other in begun:
                other.cancel()
            return error
        return _mix(query, begun)

    def _start(
        self,
        part: Words | Photo | Example,
        number: int,
        deadline: float,
        encoder: Encoder,
        index: Examples,
    ) -> "_Begun":
        if isinstance(part, Words):
            return asyncio.wrap_future(self._batcher.text(encoder, part.text, deadline=deadline))
        if isinstance(part, Photo):
            return asyncio.ensure_future(self._photo(part, number, deadline, encoder, index))
        vector = index.vector_of(part.product_id)
        if vector is None:
            raise NotFound(
                "no photo of this product is indexed: name a product that has one, or send a photo",
                field=f"parts[{number}].product_id",
            )
        found: asyncio.Future[Vectors | None] = asyncio.get_running_loop().create_future()
        found.set_result(vector)
        return found

    async def _photo(
        self, photo: Photo, number: int, deadline: float, encoder: Encoder, index: Examples
    ) -> "_Seen | None":
        loop = asyncio.get_running_loop()
        try:
            framed, is_alone = await loop.run_in_executor(
                self._threads, self._framer.frames, photo, encoder.image_size, deadline
            )
        except InvalidArgument as error:
            error.field = f"parts[{number}].photo"
            raise
        with self._batcher.together():
            queued = [self._batcher.photo(encoder, framed[0], deadline=deadline)]
            for pixels in framed[1:]:
                with contextlib.suppress(Overloaded):  # the photo as it is will do
                    queued.append(self._batcher.photo(encoder, pixels, deadline=deadline))
        found = await asyncio.gather(*map(asyncio.wrap_future, queued))
        vectors = [vector for vector in found if vector is not None]
        if not vectors:
            return None
        if len(vectors) > 1:
            vector = await loop.run_in_executor(self._threads, best_framed, vectors, index)
        else:
            vector = vectors[0]
        return _Seen(vector, not is_alone)


_Begun = asyncio.Future[Vectors | None] | asyncio.Future[_Seen | None]


async def _mix(query: Mixture, begun: Sequence[_Begun]) -> Encoded:
    results = await asyncio.gather(*begun, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    is_kept = any(isinstance(found, _Seen) and found.background_kept for found in results)
    vectors = [found.vector if isinstance(found, _Seen) else found for found in results]
    said = [
        (vector, weight, isinstance(part, Words))
        for vector, weight, part in zip(vectors, query.weights, query.parts, strict=True)
        if isinstance(vector, np.ndarray)
    ]
    words = sum(is_words for _, _, is_words in said)
    # Words that nobody knows add nothing, so they do not decide the kind either.
    kind = kind_of(words, len(said) - words)
    if not said:
        return Encoded(None, kind)
    vector = mixed([vector for vector, _, _ in said], [weight for _, weight, _ in said])
    return Encoded(vector, kind, is_kept)


async def _settled(work: Awaitable[Encoded] | ServiceError) -> Encoded | ServiceError:
    if isinstance(work, ServiceError):
        return work
    try:
        return await work
    except ServiceError as error:
        return error
    except Exception:  # noqa: BLE001  # a bug in one query must not cost the others
        _log.exception("a query could not be encoded")
        return Internal("internal error")
