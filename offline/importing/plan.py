"""Says what an import consists of: files, how their rows are read, and what is asked of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from catalog.interaction import Interaction
from offline.importing.checkpoint import Tally
from offline.importing.events import Choice
from offline.importing.photos import Found
from offline.importing.records import Record, Source


@dataclass(frozen=True, slots=True)
class ProductPart:
    """A file of products.

    Attributes:
        source: Its rows.
        read: Reads the product of a row; raises BadRow, Skipped or InvalidArgument.
        whole: The file that the rows once were refused of, where only these are imported.
        doubles: Lines of those of them that were refused because their id was there already.
    """

    source: Source
    read: Callable[[Record], Found]
    whole: Source | None = None
    doubles: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class EventPart:
    """A file of what shoppers did.

    Attributes:
        source: Its rows.
        reader: Makes what reads the event of a row, which may remember the row before; raises
            BadRow, Skipped or InvalidArgument.
    """

    source: Source
    reader: Callable[[], Callable[[Record], Interaction]]


Part = ProductPart | EventPart


@dataclass(frozen=True, slots=True)
class Plan:
    """What is imported.

    Attributes:
        name: Name of the import, by which its rejects are called.
        parts: The files, products first.
        wish: All options that its outcome depends on, as text.
        notes: What the person who runs it should know, a sentence each.
        beside: The folder with the photos of an export, or None.
        scratch: A folder that is removed when the import is through, or None.
    """

    name: str
    parts: tuple[Part, ...]
    wish: str = ""
    notes: tuple[str, ...] = ()
    beside: Path | None = None
    scratch: Path | None = None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How an import runs, whatever its format.

    Attributes:
        choice: Which events are wanted.
        mended: A rejects file, whose rows are imported alone; None imports all.
        pause_s: Seconds between commits, in which the writes of others get their turn.
    """

    choice: Choice = field(default_factory=Choice)
    mended: Path | None = None
    pause_s: float = 0.03


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import came to.

    Attributes:
        tally: Its numbers.
        refused: Rows that were refused, by reason.
        refused_photos: Photos that were refused of rows that were taken, by reason.
        rejects: The file that lists them, None without any.
        held_out: The file of the events that were kept aside, None without any.
        resumed_at: Line at which an earlier run was taken up, 0 where none was.
    """

    tally: Tally
    refused: Mapping[str, int]
    refused_photos: Mapping[str, int]
    rejects: Path | None
    held_out: Path | None
    resumed_at: int
