"""Runs an import: a stream of rows becomes commits of 500, and a killed run goes on."""

import shutil
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from catalog.media import MediaStore
from catalog.store import CatalogStore
from offline.importing.appended import scratch_of
from offline.importing.checkpoint import Checkpoint, Place, alone
from offline.importing.held_out import HeldOut
from offline.importing.mended import only_mended
from offline.importing.photo_urls import NAME, PhotoUrls
from offline.importing.photos import PhotoIntake
from offline.importing.plan import EventPart, ImportOptions, ImportReport, Part, Plan
from offline.importing.records import Source
from offline.importing.streams import EventStream, ProductStream, Tools
from offline.layout import DataDir
from offline.progress import Progress, progress
from offline.rejects import Rejects

COMMIT = 500
_T = TypeVar("_T")


class Stream(Protocol[_T]):
    """What one file gives to the store.

    Attributes:
        rows_read: How many rows past line ``skip`` were read so far, whatever became of them.
    """

    rows_read: int

    def rows(self, skip: int) -> Iterator[tuple[int, _T]]:
        """Yields line and thing, for the rows past line ``skip``."""

    def keep(self, things: Sequence[_T], /) -> None:
        """Commits things."""


def run_import(plan: Plan, data: DataDir, options: ImportOptions | None = None) -> ImportReport:
    """Imports what a plan says into a catalogue, in bounded memory.

    A second run changes nothing, and a row that changed is updated alone. A run that was killed
    goes on after its last commit when it is started again with the same files and options. No bad
    row ends it.

    Args:
        plan: What to import.
        data: Where to import to; made if need be.
        options: How it runs.

    Raises:
        SetupError: The data folder cannot be written, or another import works on it.
    """
    options = options or ImportOptions()
    files = [part.source.path for part in plan.parts]
    if options.mended is not None:
        plan = only_mended(plan, options.mended)
        files.append(options.mended)
    folder = data.create().root / "imports"
    with alone(folder):
        wish = f"{plan.wish} {options.choice}"
        checkpoint = Checkpoint(folder / f"{plan.name}.json", files, wish)
        return _run(plan, data, options, checkpoint)


def _run(plan: Plan, data: DataDir, options: ImportOptions, checkpoint: Checkpoint) -> ImportReport:
    rejects_file = data.rejects / f"{plan.name}.csv"
    held_out_file = data.root / "held_out" / f"{plan.name}.jsonl"
    begin = _where_to_begin(checkpoint, rejects_file, held_out_file)
    store = CatalogStore.open(data.database_url, create=True)
    urls = PhotoUrls(data.root / "imports" / NAME)
    beside = None if plan.beside is None else MediaStore(plan.beside)
    photos = PhotoIntake(MediaStore(data.media), urls, beside)
    try:
        with (
            Rejects(
                rejects_file, begin.refused, begin.refused_photos, begin.rejects_bytes
            ) as rejects,
            HeldOut(held_out_file, begin.held_out_bytes) as held_out,
        ):
            run = _Run(Tools(store, photos, rejects, held_out, begin.tally), checkpoint, options)
            for number in range(begin.part, len(plan.parts)):
                run.part(number, plan.parts[number], begin.line if number == begin.part else 0)
        begin.tally.urls = urls.standing().waiting
    finally:
        urls.close()
        store.close()
    checkpoint.clear()
    if plan.scratch is not None:
        shutil.rmtree(plan.scratch)
    held_out_kept = held_out.path if begin.tally.held_out else None
    return ImportReport(
        begin.tally,
        rejects.counts,
        rejects.photo_counts,
        rejects.path,
        held_out_kept,
        begin.line,
    )


class _Run:
    """One run of an import."""

    def __init__(self, tools: Tools, checkpoint: Checkpoint, options: ImportOptions) -> None:
        self._tools = tools
        self._checkpoint = checkpoint
        self._options = options

    def part(self, number: int, part: Part, skip: int) -> None:
        """Imports one file, from past line ``skip``."""
        source = part.source
        with progress(f"{source.path.name} ({source.unit})", source.size) as shown:
            if isinstance(part, EventPart):
                events = EventStream(part, self._tools, self._options.choice)
                self._commit(events, source, (number, skip), shown)
            else:
                products = ProductStream(part, self._tools)
                self._commit(products, source, (number, skip), shown)
        self._tell(number + 1, 0)

    def _commit(
        self, stream: Stream[_T], source: Source, place: tuple[int, int], shown: Progress
    ) -> None:
        number, skip = place
        rows = stream.rows(skip)
        told = commits = 0
        while batch := list(islice(rows, COMMIT)):
            if commits:
                time.sleep(self._options.pause_s)
            stream.keep([thing for _, thing in batch])
            commits += 1
            self._tell(number, batch[-1][0])
            shown.note(_rows(stream.rows_read))
            shown.advance(max(0, source.place() - told))
            told = max(told, source.place())
        shown.note(_rows(stream.rows_read))
        shown.advance(max(0, source.size - told))

    def _tell(self, number: int, line: int) -> None:
        # Whatever is told here is in the store, in the rejects and among the addresses already.
        tools = self._tools
        self._checkpoint.write(
            Place(
                number,
                line,
                tools.rejects.mark(),
                tools.held_out.mark(),
                dict(tools.rejects.counts),
                dict(tools.rejects.photo_counts),
                tools.tally,
            )
        )


def _rows(count: int) -> str:
    return f"{count} row{'s' if count != 1 else ''}"


def _where_to_begin(checkpoint: Checkpoint, *files: Path) -> Place:
    place = checkpoint.read()
    if place is None:
        return Place()
    needed = (place.rejects_bytes, place.held_out_bytes)
    for file, size in zip(files, needed, strict=True):
        scratch = scratch_of(file)
        if not scratch.is_file() or scratch.stat().st_size < size:
            return Place()
    return place
