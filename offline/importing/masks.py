"""Paints over the background of photos by their masks, in a process that may be killed."""

import io
import multiprocessing
import resource
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from offline.importing.photos import read_photo
from runtime.errors import InvalidArgument

_TIMEOUT_S = 20.0
_MEMORY_BYTES = 2 << 30
_MAX_PIXELS = 25_000_000
_QUALITY = 95
_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0)}


class Masker:
    """Reads photos with their background painted over.

    Args:
        masks: Mask by name of the photo without suffix; where a mask is 0, there is background.
        colour: "white" or "black".
    """

    def __init__(self, masks: Mapping[str, Path], colour: str) -> None:
        self._masks = masks
        self._colour = _COLOURS[colour]
        self._pool: ProcessPoolExecutor | None = None

    def read(self, path: Path) -> bytes:
        """Returns a photo as JPEG with its background painted, or as it is where it has no mask.

        Raises:
            InvalidArgument: Photo or mask cannot be decoded, or they differ in shape.
            OSError: A file cannot be read.
        """
        photo = read_photo(path)
        mask = self._masks.get(path.stem)
        if mask is None:
            return photo
        if self._pool is None:
            # Spawned: the worker starts with nothing of what this process holds.
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, spawn, _limit)
        try:
            painting = self._pool.submit(paint, photo, read_photo(mask), self._colour)
            painted = painting.result(_TIMEOUT_S)
        except (BrokenProcessPool, TimeoutError):
            self._end()
            painted = b""
        if not painted:
            raise InvalidArgument("the photo cannot be painted by its mask", field="photo")
        return painted

    def _end(self) -> None:
        if self._pool is not None:
            for process in list(multiprocessing.active_children()):
                process.kill()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def paint(photo: bytes, mask: bytes, colour: tuple[int, int, int]) -> bytes:
    """Returns the photo as JPEG with ``colour`` where the mask is 0; nothing where it cannot.

    Args:
        photo: A JPEG, PNG or WebP file.
        mask: A PNG file whose pixels are numbers of parts; its shape must have the proportions of
            the photo's.
        colour: Red, green and blue, 0 to 255.
    """
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = _MAX_PIXELS
    try:
        with (
            Image.open(io.BytesIO(photo), formats=("JPEG", "PNG", "WEBP")) as shown,
            Image.open(io.BytesIO(mask), formats=("PNG",)) as parts,
        ):
            if max(shown.width * shown.height, parts.width * parts.height) > _MAX_PIXELS:
                return b""
            picture = shown.convert("RGB")
            labels = parts if parts.mode in ("L", "P", "1") else parts.convert("L")
            covered = labels.point(lambda label: 255 if label else 0, mode="L")
            if covered.size != picture.size:
                covered = covered.resize(picture.size, Image.Resampling.NEAREST)
            picture = Image.composite(picture, Image.new("RGB", picture.size, colour), covered)
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=_QUALITY)
            return out.getvalue()
    except (OSError, ValueError, MemoryError, SyntaxError, Image.DecompressionBombError):
        return b""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
