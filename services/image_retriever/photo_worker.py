"""Decodes one untrusted photo after another, in a process of its own that may be killed.

This file is started by its path, isolated (``python -I``) and with an empty environment: it must
import nothing but the standard library and Pillow; its neighbour ``background.py``, and with it
numpy, only when it is told to. Standard input is a socket; each request is a
frame (:data:`REQUEST`, then the photo), each answer one too (:data:`ANSWER`, then the payload).
"""

import functools
import hashlib
import importlib.util
import io
import math
import os
import resource
import socket
import struct
import warnings
from pathlib import Path
from types import ModuleType

from PIL import Image, ImageOps

REQUEST = struct.Struct("<cI4dI")  # operation, size in pixels, crop x y width height, photo bytes
ANSWER = struct.Struct("<cIII")  # status, width and height of the upright photo, payload bytes
PIXELS, GARMENT, THUMBNAIL, DIGEST = b"P", b"G", b"T", b"D"
LOAD = b"L"  # no photo: get ready to tell garments from backgrounds
READY, OK, BACKGROUND_KEPT, REFUSED = b"R", b"O", b"K", b"X"

MEMORY_BYTES = 600 << 20
CPU_SECONDS = 4
MAX_PIXELS = 25_000_000
MIN_SIDE, MAX_SIDE, MAX_ASPECT = 8, 10_000, 50
DRAFT_PX = 448
WHITE = (255, 255, 255)
_MAGIC = ((b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"RIFF", "WEBP"))
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Refused(Exception):
    """The photo is outside the limits; the message is a short slug, then a sentence."""


def _limit() -> None:
    """Bounds memory, and forbids files and core dumps, before any foreign byte is read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    Image.preinit()


def _limit_cpu() -> None:
    """Grants the next photo its own seconds of processor time; spending them is SIGXCPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = used + CPU_SECONDS
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


def _open(data: bytes) -> Image.Image:
    """Reads the header of a photo and holds its dimensions against the limits."""
    kind = next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)
    if kind is None or (kind == "WEBP" and data[8:12] != b"WEBP"):
        raise Refused("format: photo is not JPEG, PNG or WebP")
    photo = Image.open(io.BytesIO(data), formats=(kind,))
    width, height = photo.size
    if width * height > MAX_PIXELS:
        raise Refused(f"pixels: photo has more than {MAX_PIXELS} pixels")
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_SIDE:
        raise Refused(f"side: photo's sides must be {MIN_SIDE} to {MAX_SIDE} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise Refused(f"aspect: photo is more than {MAX_ASPECT} times longer than wide")
    return photo


def _orientation(photo: Image.Image) -> int:
    """Returns the EXIF orientation, 1 to 8; metadata that cannot be read count as upright."""
    try:
        value = photo.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1
    return value if value in _UPRIGHT else 1


def _colour(photo: Image.Image) -> Image.Image:
    """Returns the photo in RGB: transparency lies on white, 16 bits are scaled to 8."""
    if photo.mode.startswith("I"):
        if photo.mode != "I":
            photo = photo.convert("I")
        photo = photo.point(lambda value: value * (1 / 257)).convert("L")
    if photo.has_transparency_data:
        photo = photo.convert("RGBA")
        ground = Image.new("RGB", photo.size, WHITE)
        ground.paste(photo, mask=photo.getchannel("A"))
        return ground
    return photo if photo.mode == "RGB" else photo.convert("RGB")


def upright(
    photo: Image.Image, crop: tuple[float, float, float, float], longest: int
) -> tuple[Image.Image, tuple[int, int]]:
    """Returns the crop of the upright photo in RGB, and the size of the whole upright photo.

    A JPEG is decoded no larger than needed for the crop's longer side to have ``longest`` pixels
    (0: at full size). The crop is in fractions of the upright photo.
    """
    turned = _orientation(photo)
    size = photo.size[::-1] if turned >= 5 else photo.size
    x, y, width, height = crop
    if longest:
        part = longest / max(1.0, width * size[0], height * size[1])
        photo.draft(None, (math.ceil(photo.width * part) or 1, math.ceil(photo.height * part) or 1))
    photo.load()
    if turned in _UPRIGHT:
        photo = photo.transpose(_UPRIGHT[turned])
    if crop != (0.0, 0.0, 1.0, 1.0):
        wide, high = photo.size
        left, top = min(int(x * wide), wide - 1), min(int(y * high), high - 1)
        right = min(wide, max(left + 1, round((x + width) * wide)))
        photo = photo.crop((left, top, right, min(high, max(top + 1, round((y + height) * high)))))
    return _colour(photo), size


def square(photo: Image.Image, size: int) -> Image.Image:
    """Resizes the longer side to ``size`` and pads the shorter on white, to ``size`` squared."""
    scale = size / max(photo.size)
    shape = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    return ImageOps.pad(
        photo.resize(shape, Image.Resampling.BICUBIC, reducing_gap=3.0), (size, size), color=WHITE
    )


@functools.cache
def _background() -> ModuleType:
    """Loads the neighbour by its path, since an isolated process knows no packages of ours."""
    # Each thread of numpy's OpenBLAS would take of the memory that a photo may have.
    os.putenv("OPENBLAS_NUM_THREADS", "1")
    spec = importlib.util.spec_from_file_location(
        "background", Path(__file__).with_name("background.py")
    )
    if spec is None or spec.loader is None:
        raise ImportError("background.py is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _answer(
    operation: bytes, data: bytes, size: int, crop: tuple[float, float, float, float]
) -> tuple[bytes, tuple[int, int], bytes]:
    """Returns the status, the size of the whole upright photo, and the payload."""
    if operation == LOAD:
        _background()
        return OK, (0, 0), b""
    if operation in (PIXELS, GARMENT):
        photo, shape = upright(_open(data), crop, max(size, DRAFT_PX))
        alone = _background().without_background(photo) if operation == GARMENT else photo
        status = BACKGROUND_KEPT if alone is None else OK
        return status, shape, square(alone or photo, size).tobytes()
    if operation == DIGEST:
        photo, shape = upright(_open(data), crop, 0)
        digest = hashlib.sha256(struct.pack("<II", *photo.size) + photo.tobytes()).digest()
        return OK, shape, digest
    photo = _open(data)
    tall = max(photo.size) / photo.size[_orientation(photo) >= 5]
    photo, shape = upright(photo, crop, math.ceil(size * tall))
    width = min(size, shape[0])
    height = max(1, round(shape[1] * width / shape[0]))
    out = io.BytesIO()
    photo.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0).save(
        out, "WEBP", quality=82, method=3
    )
    return OK, shape, out.getvalue()


def answer(
    operation: bytes, data: bytes, size: int, crop: tuple[float, float, float, float]
) -> bytes:
    """Returns the whole answer to one request; what Pillow cannot read is an answer too."""
    try:
        status, shape, payload = _answer(operation, data, size, crop)
    except Refused as error:
        refusal = str(error)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        refusal = f"pixels: photo has more than {MAX_PIXELS} pixels"
    except MemoryError:
        refusal = "memory: photo needs too much memory to decode"
    except Exception:  # noqa: BLE001  # Pillow's readers raise nearly anything on broken bytes
        refusal = "broken: photo is damaged or cut short"
    else:
        return ANSWER.pack(status, *shape, len(payload)) + payload
    return ANSWER.pack(REFUSED, 0, 0, len(refusal)) + refusal.encode()


def _read(peer: socket.socket, count: int) -> bytes:
    """Reads exactly ``count`` bytes; an empty result means that the parent is gone."""
    data = bytearray(count)
    view = memoryview(data)
    while view.nbytes:
        got = peer.recv_into(view)
        if not got:
            return b""
        view = view[got:]
    return bytes(data)


def main() -> None:
    """Answers requests until the parent closes the socket."""
    _limit()
    with socket.socket(fileno=0) as peer:
        peer.sendall(ANSWER.pack(READY, 0, 0, 0))
        while header := _read(peer, REQUEST.size):
            operation, size, x, y, width, height, count = REQUEST.unpack(header)
            data = _read(peer, count)
            if len(data) < count:
                return
            _limit_cpu()
            peer.sendall(answer(operation, data, size, (x, y, width, height)))


if __name__ == "__main__":
    main()
