"""Turns untrusted photos into pixels, in worker processes that are killed when they misbehave."""

import contextlib
import hashlib
import logging
import threading
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from catalog.crop import WHOLE, Crop
from runtime.errors import DeadlineExceeded, InvalidArgument, Overloaded, Unavailable
from services.image_retriever import photo_worker as wire
from services.image_retriever.photo_process import Decoded, PhotoProcess

MAX_PHOTO_BYTES = 10 << 20
_log = logging.getLogger(__name__)


class UndecodablePhoto(InvalidArgument):
    """The photo is outside the limits or damaged.

    Args:
        reason: Short slug: empty, bytes, format, pixels, side, aspect, memory, broken, timeout
            or crash.
        message: What is wrong.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, field="photo")
        self.reason = reason


Pixels: TypeAlias = npt.NDArray[np.uint8]


class PhotoDecoder:
    """Decodes photos in a few worker processes; safe to call from many threads.

    A photo that takes longer than ``timeout_s``, or kills its worker, costs its own request and
    nothing else: the worker is replaced.

    Args:
        workers: Processes, 1 or more.
        queue: Callers that may wait for a worker; one more is refused with Overloaded.
        timeout_s: Seconds that one photo may take.
    """

    def __init__(self, *, workers: int = 2, queue: int = 4, timeout_s: float = 2.0) -> None:
        self._count = workers
        self._queue = queue
        self._timeout_s = timeout_s
        self._turn = threading.Condition()
        self._idle = [PhotoProcess() for _ in range(workers)]
        self._busy: set[PhotoProcess] = set()
        self._waiting = 0
        self._is_closed = False

    def decode(self, data: bytes, *, size: int, crop: Crop = WHOLE, wait_s: float = 5.0) -> Pixels:
        """Returns the crop, padded to a square on white: uint8 [size, size, 3], RGB.

        Args:
            data: Bytes of a JPEG, PNG or WebP photo.
            size: Side of the square in pixels.
            crop: What to keep, in fractions of the upright photo.
            wait_s: Seconds to wait for a free worker.

        Raises:
            UndecodablePhoto: The photo is outside the limits, damaged, or too slow to decode.
            Overloaded: The queue is full.
            DeadlineExceeded: No worker became free within ``wait_s``.
        """
        return self.decode_measured(data, size=size, crop=crop, wait_s=wait_s)[0]

    def decode_measured(
        self, data: bytes, *, size: int, crop: Crop = WHOLE, wait_s: float = 5.0
    ) -> tuple[Pixels, int]:
        """Returns what :meth:`decode` does, and the width in pixels of the whole upright photo."""
        _, found = self._run(wire.PIXELS, data, size, crop, wait_s)
        return _square(found, size), found.width

    def decode_garment(
        self, data: bytes, *, size: int, crop: Crop = WHOLE, wait_s: float = 5.0
    ) -> tuple[Pixels, bool]:
        """Returns what :meth:`decode` does, of the garment alone, and whether it is alone.

        Where garment and background cannot be told apart, the photo stays as it is: False.
        """
        status, found = self._run(wire.GARMENT, data, size, crop, wait_s)
        return _square(found, size), status == wire.OK

    def thumbnail(self, data: bytes, *, width: int, wait_s: float = 5.0) -> Decoded:
        """Returns the upright photo as WebP, ``width`` pixels wide but never enlarged.

        Raises:
            As :meth:`decode`.
        """
        return self._run(wire.THUMBNAIL, data, width, WHOLE, wait_s)[1]

    def pixels_digest(self, data: bytes, *, wait_s: float = 5.0) -> str:
        """Returns the SHA-256 of the upright photo's size and pixels, in hex.

        Raises:
            As :meth:`decode`.
        """
        return self._run(wire.DIGEST, data, 0, WHOLE, wait_s)[1].payload.hex()

    def close(self) -> None:
        """Kills the workers; callers that wait get Unavailable."""
        with self._turn:
            self._is_closed = True
            workers = [*self._idle, *self._busy]
            self._idle.clear()
            self._turn.notify_all()
        for worker in workers:
            worker.kill()

    def pids(self) -> list[int]:
        """Returns the process ids of the workers, for tests and for the curious."""
        with self._turn:
            return sorted(worker.pid for worker in [*self._idle, *self._busy])

    def busy(self) -> int:
        """Returns how many workers decode now."""
        with self._turn:
            return len(self._busy)

    def _run(
        self, operation: bytes, data: bytes, size: int, crop: Crop, wait_s: float
    ) -> tuple[bytes, Decoded]:
        """Returns how it went and what came of it."""
        if not data:
            raise UndecodablePhoto("empty", "photo holds no bytes")
        if len(data) > MAX_PHOTO_BYTES:
            raise UndecodablePhoto("bytes", f"photo has more than {MAX_PHOTO_BYTES} bytes")
        edges = (crop.x, crop.y, crop.width, crop.height)
        frame = wire.REQUEST.pack(operation, size, *edges, len(data)) + data
        with self._worker(wait_s) as worker:
            try:
                status, answer = worker.ask(frame, self._timeout_s)
            except (TimeoutError, OSError) as error:
                raise self._casualty(data, error) from None
        if status != wire.REFUSED:
            return status, answer
        reason, _, message = answer.payload.decode().partition(": ")
        raise UndecodablePhoto(reason, message)

    def _casualty(self, data: bytes, error: OSError) -> InvalidArgument | Unavailable:
        if self._is_closed:
            return Unavailable("photo decoder is closed")
        # The hash lets an operator find the photo; its bytes belong in no log.
        digest = hashlib.sha256(data).hexdigest()
        _log.warning("a photo cost its decoder: %s", error, extra={"photo_sha256": digest})
        if isinstance(error, TimeoutError):
            return UndecodablePhoto("timeout", "photo takes too long to decode")
        return UndecodablePhoto("crash", "photo cannot be decoded")

    @contextlib.contextmanager
    def _worker(self, wait_s: float) -> Iterator[PhotoProcess]:
        worker = self._take(wait_s)
        try:
            yield worker
        except BaseException:
            worker.kill()
            with self._turn:
                self._busy.discard(worker)
                if not self._is_closed:
                    self._idle.append(PhotoProcess())
                self._turn.notify()
            raise
        with self._turn:
            self._busy.discard(worker)
            if not self._is_closed:
                self._idle.append(worker)
            self._turn.notify()

    def _take(self, wait_s: float) -> PhotoProcess:
        with self._turn:
            if not self._idle and self._waiting >= self._queue:
                raise Overloaded("too many photos wait to be decoded", retry_after_s=1)
            self._waiting += 1
            try:
                is_free = self._turn.wait_for(lambda: self._idle or self._is_closed, wait_s)
            finally:
                self._waiting -= 1
            if self._is_closed:
                raise Unavailable("photo decoder is closed")
            if not is_free:
                raise DeadlineExceeded("no photo decoder became free in time")
            worker = self._idle.pop()
            self._busy.add(worker)
            return worker


def _square(found: Decoded, size: int) -> Pixels:
    if len(found.payload) != size * size * 3:
        raise UndecodablePhoto("crash", "photo cannot be decoded")
    return np.frombuffer(found.payload, np.uint8).reshape(size, size, 3)
