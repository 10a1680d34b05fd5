"""Gathers concurrent encodes into one forward pass, queries before everything else."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from runtime.errors import DeadlineExceeded, Internal, Overloaded, ServiceError, Unavailable

if TYPE_CHECKING:
    from services.image_retriever.encoder import Encoder

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How encodes are gathered.

    Attributes:
        most: Most items of one forward pass.
        queue: Most items that wait; one more is refused.
        most_behind: Most items of one forward pass of the lane below queries: a query that comes
            meanwhile waits for it.
        exhausted: Exceptions that mean that memory ran out: the pass is halved once.
        on_batch: Told the size of each forward pass.
    """

    most: int = 32
    queue: int = 64
    most_behind: int = 2
    exhausted: tuple[type[BaseException], ...] = (MemoryError,)
    on_batch: Callable[[int], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class _Item:
    encoder: "Encoder"
    source: str | NDArray[np.uint8]
    deadline: float
    future: "Future[Vectors | None]" = field(default_factory=Future)


class EncodeBatcher:
    """One thread that encodes: at once when idle, and what gathered meanwhile when busy.

    Queries go first: what is behind them is encoded only while no query waits. Safe to use from
    many threads. An item that fails takes no other with it.
    """

    def __init__(
        self,
        settings: BatchSettings = BatchSettings(),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._waiting: deque[_Item] = deque()
        self._behind: deque[_Item] = deque()
        self._turn = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    def text(self, encoder: "Encoder", text: str, *, deadline: float) -> "Future[Vectors | None]":
        """Queues a text; the future holds its unit vector, or None when no word is known.

        Args:
            encoder: What encodes it; items of different encoders never share a pass.
            text: Words, as the encoder wants them.
            deadline: Reading of the clock after which the result is of no use.

        Raises:
            Overloaded: The queue is full.
        """
        return self._put(_Item(encoder, text, deadline))

    def photo(
        self, encoder: "Encoder", pixels: NDArray[np.uint8], *, deadline: float
    ) -> "Future[Vectors | None]":
        """Queues a photo uint8 ``[image_size, image_size, 3]``; see :meth:`text`."""
        return self._put(_Item(encoder, pixels, deadline))

    def photo_behind(
        self, encoder: "Encoder", pixels: NDArray[np.uint8]
    ) -> "Future[Vectors | None]":
        """Queues a photo of the catalogue, without a deadline, behind all queries.

        The caller bounds how many it queues; see :meth:`text` for the rest.
        """
        item = _Item(encoder, pixels, float("inf"))
        with self._turn:
            if self._is_closed:
                raise Unavailable("the encoder is stopping")
            self._behind.append(item)
            self._turn.notify()
        return item.future

    def together(self) -> AbstractContextManager[object]:
        """Keeps the encoder from starting until all of a request's items are queued."""
        return self._turn

    def close(self) -> None:
        """Fails what waits with Unavailable and ends the thread."""
        with self._turn:
            self._is_closed = True
            left = [*self._waiting, *self._behind]
            self._waiting.clear()
            self._behind.clear()
            self._turn.notify_all()
        for item in left:
            _refuse(item, Unavailable("the encoder is stopping"))
        self._thread.join()

    def _put(self, item: _Item) -> "Future[Vectors | None]":
        with self._turn:
            if self._is_closed:
                raise Unavailable("the encoder is stopping")
            if len(self._waiting) >= self._settings.queue:
                raise Overloaded("too many queries wait to be encoded", retry_after_s=1.0)
            self._waiting.append(item)
            self._turn.notify()
        return item.future

    def _run(self) -> None:
        while items := self._take():
            now = self._clock()
            wanted = []
            for item in items:
                if item.deadline <= now:
                    _refuse(item, DeadlineExceeded("the budget ran out before encoding"))
                elif item.future.set_running_or_notify_cancel():
                    wanted.append(item)
            for encoder in {id(item.encoder): item.encoder for item in wanted}.values():
                mine = [item for item in wanted if item.encoder is encoder]
                texts = [item for item in mine if isinstance(item.source, str)]
                photos = [item for item in mine if not isinstance(item.source, str)]
                for part in (texts, photos):
                    if part:
                        self._encode(part)

    def _take(self) -> list[_Item]:
        with self._turn:
            self._turn.wait_for(lambda: self._waiting or self._behind or self._is_closed)
            lane, most = self._waiting, self._settings.most
            if not lane:
                lane, most = self._behind, self._settings.most_behind
            return [lane.popleft() for _ in range(min(len(lane), most))]

    def _encode(self, items: Sequence[_Item], *, halved: bool = False) -> None:
        """Encodes items of one encoder and one sort, and settles their futures."""
        self._settings.on_batch(len(items))
        try:
            vectors = _forward(items)
        except self._settings.exhausted:
            if halved or len(items) == 1:
                for item in items:
                    item.future.set_exception(
                        Overloaded("out of memory to encode: try again", retry_after_s=1.0)
                    )
                return
            middle = (len(items) + 1) // 2
            self._encode(items[:middle], halved=True)
            self._encode(items[middle:], halved=True)
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to its item
            if len(items) == 1:
                items[0].future.set_exception(error)
                return
            for item in items:
                self._encode([item], halved=halved)
        else:
            for item, vector in zip(items, vectors, strict=True):
                item.future.set_result(vector)


def _forward(items: Sequence[_Item]) -> list[Vectors | None]:
    encoder = items[0].encoder
    texts = [item.source for item in items if isinstance(item.source, str)]
    if texts:
        rows, known = encoder.encode_texts(texts)
        found = [row if is_known else None for row, is_known in zip(rows, known, strict=True)]
    else:
        photos = [item.source for item in items if not isinstance(item.source, str)]
        rows = encoder.encode_photos(photos)
        found = list(rows)
    if not np.isfinite(rows).all():
        raise Internal("the encoder made a vector that is not finite")
    return found


def _refuse(item: _Item, error: ServiceError) -> None:
    """Settles what was never begun, unless its caller has given up on it."""
    if item.future.set_running_or_notify_cancel():
        item.future.set_exception(error)
