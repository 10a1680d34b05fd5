"""Keeps photos by their content hash in a folder."""

import hashlib
import os
import secrets
from pathlib import Path

from catalog.limits import is_sha256
from runtime.errors import InvalidArgument, TooLarge

MAX_PHOTO_BYTES = 10 * 2**20
THUMBNAIL_WIDTHS = (256, 512)

_JPEG, _PNG, _RIFF, _WEBP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"WEBP"


def media_type(data: bytes) -> str | None:
    """Returns the media type that the first bytes of a photo tell, or None for any other file."""
    if data.startswith(_JPEG):
        return "image/jpeg"
    if data.startswith(_PNG):
        return "image/png"
    if data.startswith(_RIFF) and data[8:12] == _WEBP:
        return "image/webp"
    return None


class MediaStore:
    """Photos and their thumbnails as files ``root/<first two digits>/<sha256>[.w<width>]``.

    Files appear whole or not at all and never change. Nothing is decoded here: only the size and
    the first bytes are looked at.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, data: bytes, *, durable: bool = True) -> str:
        """Keeps a photo and returns its SHA-256 in lower-case hex.

        Args:
            data: A JPEG, PNG or WebP file of at most 10 MiB.
            durable: Whether the photo must outlive a power cut the moment this returns. A bulk
                import, which can be run again, does without and is much faster.

        Raises:
            TooLarge: The photo is over 10 MiB.
            InvalidArgument: It is empty, or of another type.
        """
        if len(data) > MAX_PHOTO_BYTES:
            raise TooLarge("a photo may have at most 10 MiB", field="photo")
        if media_type(data) is None:
            raise InvalidArgument("a photo must be a JPEG, PNG or WebP file", field="photo")
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._file(sha256)
        if not _holds(path, len(data)):
            _write(path, data, durable=durable)
        return sha256

    def put_thumbnail(self, sha256: str, width: int, data: bytes) -> None:
        """Keeps the thumbnail of a photo.

        Raises:
            InvalidArgument: The hash or the width is not one that the store knows, or the bytes
                are no photo.
        """
        if not is_sha256(sha256):
            raise InvalidArgument("not a SHA-256", field="sha256")
        if width not in THUMBNAIL_WIDTHS:
            raise InvalidArgument("width must be 256 or 512", field="width")
        if media_type(data) is None:
            raise InvalidArgument("a thumbnail must be a JPEG, PNG or WebP file", field="photo")
        _write(self._file(sha256, width), data, durable=False)

    def get(self, sha256: str, width: int = 0) -> bytes | None:
        """Returns the bytes of a photo or None; with a width its thumbnail, if there is one."""
        path = self.path(sha256, width) or self.path(sha256)
        if path is None:
            return None
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def path(self, sha256: str, width: int = 0) -> Path | None:
        """Returns the file of a photo, or with a width of its thumbnail; None if there is none."""
        if not is_sha256(sha256):
            return None
        path = self._file(sha256, width)
        return path if path.is_file() else None

    def _file(self, sha256: str, width: int = 0) -> Path:
        name = f"{sha256}.w{width}" if width else sha256
        return self._root / sha256[:2] / name


def _holds(path: Path, size: int) -> bool:
    # A file cut short by a power failure is written again.
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes, *, durable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with scratch.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
