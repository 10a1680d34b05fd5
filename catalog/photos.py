"""Keeps a row for each stored photo."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, select

from catalog.clock import wall_us
from catalog.database import insert_new, told_as_unavailable, writer
from catalog.limits import is_sha256
from catalog.tables import MEDIA
from runtime.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo in the media store: content hash, media type, size in bytes, when it came.

    ``added_us`` is in microseconds UTC and set by the store.
    """

    sha256: str
    media_type: str
    bytes: int
    added_us: int = 0


class Photos:
    """The rows of photos; the bytes themselves are files of the media store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, photos: Sequence[Photo]) -> int:
        """Keeps rows, passing over known ones, and returns how many were new.

        Raises:
            InvalidArgument: A hash is no SHA-256 in lower-case hex; nothing is kept.
        """
        for place, photo in enumerate(photos):
            if not is_sha256(photo.sha256):
                raise InvalidArgument("not a SHA-256", field=f"photos[{place}].sha256")
        now = wall_us()
        rows = {
            photo.sha256: {
                "sha256": photo.sha256,
                "media_type": photo.media_type,
                "bytes": photo.bytes,
                "added_us": now,
            }
            for photo in photos
        }
        if not rows:
            return 0
        statement = insert_new(self._engine, MEDIA).returning(MEDIA.c.sha256)
        with told_as_unavailable(), writer(self._engine).begin() as connection:
            return len(connection.execute(statement, list(rows.values())).all())

    def get(self, sha256: str) -> Photo | None:
        """Returns the row of a photo, or None."""
        c = MEDIA.c
        wanted = select(c.sha256, c.media_type, c.bytes, c.added_us).where(c.sha256 == sha256)
        with told_as_unavailable(), self._engine.connect() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else Photo(*row)
