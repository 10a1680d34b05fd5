"""Takes photos in and gives them out, by content hash; decodes nothing."""

import asyncio
from dataclasses import dataclass

from catalog.media import THUMBNAIL_WIDTHS, MediaStore, media_type
from runtime.errors import InvalidArgument, NotFound


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a photo. ``final`` is false where a thumbnail may still take its place."""

    data: bytes
    media_type: str
    final: bool


class Pictures:
    """The media store, as the gateway uses it: in threads."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store

    async def put(self, data: bytes) -> str:
        """Keeps a photo and returns its SHA-256 in lower-case hex.

        Raises:
            TooLarge, InvalidArgument: It is no photo that the store takes.
        """
        return await asyncio.to_thread(self._store.put, data)

    async def read(self, sha256: str) -> bytes | None:
        """The bytes of a photo, or None."""
        return await asyncio.to_thread(self._store.get, sha256)

    async def get(self, sha256: str, width: int = 0) -> Picture:
        """A photo, or with a width of 256 or 512 its thumbnail, where there is one yet.

        Raises:
            InvalidArgument: No thumbnail has this width.
            NotFound: There is no such photo.
        """
        if width and width not in THUMBNAIL_WIDTHS:
            shown = " or ".join(map(str, THUMBNAIL_WIDTHS))
            raise InvalidArgument(f"width must be {shown}", field="width")
        return await asyncio.to_thread(self._get, sha256, width)

    def _get(self, sha256: str, width: int) -> Picture:
        is_thumbnail = bool(width) and self._store.path(sha256, width) is not None
        data = self._store.get(sha256, width if is_thumbnail else 0)
        kind = None if data is None else media_type(data)
        if data is None or kind is None:
            raise NotFound("there is no such photo", field="sha256")
        return Picture(data, kind, final=is_thumbnail or not width)
