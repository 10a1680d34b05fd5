"""Takes photos in and gives them out, by content hash; decodes nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.media import THUMBNAIL_WIDTHS, MediaStore, media_type
from catalog.photos import Photo
from runtime.errors import InvalidArgument, NotFound, Unavailable
from services.gateway.write_lane import WriteLane


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a photo. ``final`` is false where a thumbnail may still take its place."""

    data: bytes
    media_type: str
    final: bool


class PhotoLedger(Protocol):
    """The catalogue store, as far as photos need it."""

    def add_media(self, photos: Sequence[Photo]) -> int:
        """Records photos and returns how many were new. May block."""
        ...


class Pictures:
    """The media store, as the gateway uses it: in threads.

    Args:
        store: The files.
        ledger: Where photos that come in are recorded; None: nowhere.
        lane: The threads in which they are; None: one of its own.
    """

    def __init__(
        self, store: MediaStore, ledger: PhotoLedger | None = None, lane: WriteLane | None = None
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._lane = lane or WriteLane()

    async def put(self, data: bytes) -> str:
        """Keeps a photo and returns its SHA-256 in lower-case hex.

        Raises:
            TooLarge, InvalidArgument: It is no photo that the store takes.
            Unavailable: The disk or the database cannot be written now.
        """
        return await self._lane.run(lambda: self._put(data))

    async def read(self, sha256: str) -> bytes | None:
        """The bytes of a photo, or None."""
        return await asyncio.to_thread(self._store.get, sha256)

    async def get(self, sha256: str, width: int | None = None) -> Picture:
        """A photo, or with a width of 256 or 512 its thumbnail, where there is one yet.

        Thumbnails are made of the photos of products; any other photo comes as it is.

        Raises:
            InvalidArgument: No thumbnail has this width.
            NotFound: There is no such photo.
        """
        if width is not None and width not in THUMBNAIL_WIDTHS:
            shown = " or ".join(map(str, THUMBNAIL_WIDTHS))
            raise InvalidArgument(f"width must be {shown}", field="width")
        return await asyncio.to_thread(self._get, sha256, width or 0)

    def _put(self, data: bytes) -> str:
        try:
            sha256 = self._store.put(data)
        except OSError as error:
            raise Unavailable("the photo cannot be kept now: try again", retry_after_s=5) from error
        if self._ledger is not None:
            self._ledger.add_media([Photo(sha256, media_type(data) or "", len(data))])
        return sha256

    def _get(self, sha256: str, width: int) -> Picture:
        is_thumbnail = bool(width) and self._store.path(sha256, width) is not None
        data = self._store.get(sha256, width if is_thumbnail else 0)
        kind = None if data is None else media_type(data)
        if data is None or kind is None:
            raise NotFound("there is no such photo", field="sha256")
        return Picture(data, kind, final=is_thumbnail or not width)
