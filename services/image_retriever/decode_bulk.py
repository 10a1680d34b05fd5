"""Decodes many photos in order with bounded memory, by the same workers that serve queries."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from services.image_retriever.decode import PhotoDecoder, Pixels, UndecodablePhoto

_T = TypeVar("_T")
_R = TypeVar("_R")


def each_photo(
    work: Callable[[_T], _R], items: Iterable[_T], *, workers: int
) -> Iterator[tuple[_T, _R | UndecodablePhoto]]:
    """Runs ``work`` over many items in ``workers`` threads, and yields the results in order.

    At most ``4 * workers`` items are in memory. ``work`` calls a :class:`PhotoDecoder` that has at
    least as many places; what it refuses is yielded, any other error is raised.
    """
    ahead: deque[tuple[_T, Future[_R]]] = deque()
    with ThreadPoolExecutor(workers, "photos") as pool:
        try:
            for item in items:
                ahead.append((item, pool.submit(work, item)))
                if len(ahead) >= 4 * workers:
                    oldest, future = ahead.popleft()
                    result = _result(future)
                    yield oldest, result
            while ahead:
                oldest, future = ahead.popleft()
                result = _result(future)
                yield oldest, result
        finally:
            for _, future in ahead:
                future.cancel()


def decode_many(
    photos: Iterable[bytes], *, size: int, workers: int = 2
) -> Iterator[Pixels | UndecodablePhoto]:
    """Decodes many photos in order, with the same workers and limits as the online stage.

    Yields:
        For each photo uint8 [size, size, 3], or why it was refused.
    """
    decoder = bulk_decoder(workers)
    try:
        for _, pixels in each_photo(
            lambda data: decoder.decode(data, size=size), photos, workers=workers
        ):
            yield pixels
    finally:
        decoder.close()


def bulk_decoder(workers: int = 2) -> PhotoDecoder:
    """Returns a decoder for programs, whose time limit spares good photos on a busy machine."""
    return PhotoDecoder(workers=workers, queue=workers, timeout_s=30.0)


def _result(future: Future[_R]) -> _R | UndecodablePhoto:
    try:
        return future.result()
    except UndecodablePhoto as refusal:
        return refusal
