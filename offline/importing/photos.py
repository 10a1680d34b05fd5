"""Takes photos on disk into the media store, and writes down those that are on the web."""

import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from catalog.limits import MAX_URL_CHARS
from catalog.media import MAX_PHOTO_BYTES, MediaStore, media_type
from catalog.photos import Photo
from catalog.product import MAX_IMAGES, Product
from offline.importing.photo_urls import PhotoUrls
from offline.importing.records import BadRow
from runtime.errors import ServiceError

_UNREADABLE = "the photo cannot be read"
_STRANGE = "an address of a photo that is too long, or neither http nor https"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)


def read_photo(path: Path) -> bytes:
    """Returns the bytes of a photo, one byte more than the limit at most.

    Raises:
        FileNotFoundError: There is none.
        OSError: It cannot be read, or is no plain file.
    """
    # Not blocking: a named pipe would wait for ever.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a plain file")
        return file.read(MAX_PHOTO_BYTES + 1)


@dataclass(frozen=True, slots=True)
class Found:
    """A product as a row tells it, and where its photos are.

    Attributes:
        product: The product; the ``images`` that it names already are in the media store, or in
            the folder that came with an export.
        files: Photos on disk, best first; one that is missing is passed over.
        urls: Photos on the web, best first.
        refused: Why further photos are refused, a reason for each.
        read: Returns the bytes of a photo on disk; raises OSError, or a ServiceError that says why
            it cannot be taken.
    """

    product: Product
    files: tuple[Path, ...] = ()
    urls: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    read: Callable[[Path], bytes] = read_photo


class PhotoIntake:
    """Finds the photos of products.

    Args:
        media: Where photos are kept.
        urls: Where addresses are written down.
        beside: The photos that came with an export, by SHA-256; None without.
    """

    def __init__(self, media: MediaStore, urls: PhotoUrls, beside: MediaStore | None) -> None:
        self._media = media
        self._urls = urls
        self._beside = beside
        self._taken: list[Photo] = []

    def take(self, found: Found, refuse: Callable[[str], None]) -> Product:
        """Returns the product with the photos that are at hand.

        Args:
            found: The product as its row tells it.
            refuse: Told the reason of each photo that is there and cannot be taken; the product
                goes in without it.
        """
        for reason in found.refused:
            refuse(reason)
        for sha256 in found.product.images:
            self._take_beside(sha256, refuse)
        taken = [*found.product.images]
        for path in found.files[:MAX_IMAGES]:
            try:
                taken.append(self._put(found.read(path)))
            except FileNotFoundError:
                continue
            except OSError:
                refuse(_UNREADABLE)
            except ServiceError as problem:
                refuse(problem.message)
        taken += self._urls.want(found.product.id, found.urls)
        images = tuple(dict.fromkeys(taken))[:MAX_IMAGES]
        return (
            found.product
            if images == found.product.images
            else replace(found.product, images=images)
        )

    def commit(self) -> list[Photo]:
        """Keeps the addresses told so far, and returns the photos taken since the last time."""
        self._urls.commit()
        taken, self._taken = self._taken, []
        return taken

    def _put(self, photo: bytes) -> str:
        # Not durable each by itself: an import that a power cut ends is run again.
        sha256 = self._media.put(photo, durable=False)
        self._taken.append(Photo(sha256, media_type(photo) or "", len(photo)))
        return sha256

    def _take_beside(self, sha256: str, refuse: Callable[[str], None]) -> None:
        if self._beside is None or self._media.path(sha256) is not None:
            return
        photo = self._beside.get(sha256)
        if photo is not None and self._put(photo) != sha256:
            refuse("the photo beside the export is not the one it is named after")


def file_below(folder: Path, name: str) -> Path:
    """Returns the path of a photo that a row names, below the folder of the photos.

    Raises:
        BadRow: The name leads out of the folder.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise BadRow("a photo outside the folder of the photos")
    return folder / path


def is_url(text: str) -> bool:
    """Tells whether a text is an address on the web."""
    return text.lower().startswith(("http://", "https://")) and len(text) <= MAX_URL_CHARS


def split_places(
    folder: Path, names: Sequence[str]
) -> tuple[tuple[Path, ...], tuple[str, ...], tuple[str, ...]]:
    """Returns files and addresses among the places of photos, and why others are refused.

    Raises:
        BadRow: A name leads out of the folder.
    """
    urls = tuple(name for name in names if is_url(name))
    refused = tuple(_STRANGE for name in names if _SCHEME.match(name) and not is_url(name))
    files = (name for name in names if not _SCHEME.match(name))
    return tuple(file_below(folder, name) for name in files), urls, refused
