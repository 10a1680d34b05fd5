"""Keeps events out of the catalogue, in a file by which a trained taste can be tested."""

from pathlib import Path
from types import TracebackType

import orjson

from catalog.interaction import Interaction
from offline.importing.appended import AppendedFile


class HeldOut:
    """A file of JSON Lines with an event each; there is none without events.

    Args:
        path: The file.
        kept_bytes: How much of what was written before belongs to an import that goes on.
    """

    def __init__(self, path: Path, kept_bytes: int = 0) -> None:
        self._file = AppendedFile(path, kept_bytes)

    def __enter__(self) -> "HeldOut":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._file.close()
        elif self._file.mark():
            self._file.complete()
        else:
            self._file.drop()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def add(self, event: Interaction) -> None:
        """Keeps an event out."""
        self._file.file.write(orjson.dumps(event_row(event)).decode() + "\n")

    def mark(self) -> int:
        """Hands what was written to the system, and returns how many bytes it is."""
        return self._file.mark()


def event_row(event: Interaction) -> dict[str, str | int | float | bool | None]:
    """Returns an event as a row of a file, which `hemline import table --interactions` reads."""
    return {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "product_id": event.product_id,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "value": event.value,
        "verified": event.verified,
        "helpful_votes": event.helpful_votes,
        "text": event.text,
    }
