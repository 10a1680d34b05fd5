"""Remembers how far an import has come, so that one that was ended goes on from there."""

import contextlib
import fcntl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from runtime.errors import SetupError


@dataclass(slots=True)
class Tally:
    """What an import has come to so far.

    Attributes:
        created: Products that are new.
        updated: Products that changed.
        unchanged: Products that were there as they are.
        photos: Products of these that have a photo in the media store.
        urls: Addresses of photos that are yet to be fetched.
        events: Events that are new.
        known_events: Events that were there already.
        held_out: Events that were kept aside for a test.
        skipped: Sound rows that were not wanted, by reason.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    photos: int = 0
    urls: int = 0
    events: int = 0
    known_events: int = 0
    held_out: int = 0
    skipped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where everything is in the store.

    Attributes:
        part: Number of the file in hand, from 0; those before it are through.
        line: Line of the last row of it that is in the store.
        rejects_bytes: Length of the rejects file at that moment.
        held_out_bytes: Length of the file of held-out events at that moment.
        refused: Rows that had been refused by then, by reason.
        refused_photos: Photos of rows that were taken, which had been refused by then.
        tally: What the import had come to by then.
    """

    part: int = 0
    line: int = 0
    rejects_bytes: int = 0
    held_out_bytes: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    refused_photos: dict[str, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


class Checkpoint:
    """A file that tells the place of an import of certain files.

    A file of another import, of files that have changed since, or one that cannot be read tells
    nothing: the import begins anew, which costs time and nothing else.

    Args:
        path: The file.
        files: What is imported; their sizes and times tell whether they changed.
        wish: Whatever else the import depends on, such as its options.
    """

    def __init__(self, path: Path, files: Sequence[Path], wish: str) -> None:
        self._path = path
        self._source = [wish, *map(_identity, files)]

    def read(self) -> Place | None:
        """Returns the place where an import of the same ended, or None."""
        try:
            found = orjson.loads(self._path.read_bytes())
            if found["source"] != self._source:
                return None
            place = found["place"]
            return Place(**{**place, "tally": Tally(**place["tally"])})
        except (FileNotFoundError, orjson.JSONDecodeError, KeyError, TypeError):
            return None

    def write(self, place: Place) -> None:
        """Tells the place, after what is before it was committed."""
        scratch = self._path.with_suffix(".new")
        scratch.write_bytes(orjson.dumps({"source": self._source, "place": asdict(place)}))
        scratch.replace(self._path)

    def clear(self) -> None:
        """Forgets the place: the import is through."""
        self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lets one import at a time work on a catalogue; the lock dies with its holder.

    Raises:
        SetupError: Another one does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError("another import works on this catalogue: wait for it") from None
        yield


def _identity(path: Path) -> Mapping[str, str | int]:
    found = path.stat()
    return {"path": str(path.resolve()), "size": found.st_size, "changed_ns": found.st_mtime_ns}
