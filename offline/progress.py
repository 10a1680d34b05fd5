"""Shows how far a program has come: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

LINE_EVERY_S = 2.0


class Progress(Protocol):
    """What a program tells while it works."""

    def advance(self, count: int = 1) -> None:
        """Tells that ``count`` more units are done."""

    def note(self, text: str) -> None:
        """Shows a short remark beside the figures, such as a loss."""


@contextmanager
def progress(
    description: str, total: int | None = None, *, stream: TextIO | None = None
) -> Iterator[Progress]:
    """Shows the progress of one task while the block runs.

    Args:
        description: What is being done, such as ``"Drawing products"``.
        total: Number of units; None where it is not known.
        stream: Where to show it; standard error by default.
    """
    out = sys.stderr if stream is None else stream
    if out.isatty():
        with _bar(description, total, out) as bar:
            yield bar
        return
    lines = _Lines(description, total, out)
    try:
        yield lines
    except BaseException:
        lines.close("stopped")
        raise
    lines.close("done")


def say(text: str, *, stream: TextIO | None = None) -> None:
    """Writes one line for the person who watches, at once."""
    print(text, file=sys.stderr if stream is None else stream, flush=True)


class _Bar:
    """A bar that rich draws."""

    def __init__(self, description: str, total: int | None, stream: TextIO) -> None:
        # rich is imported here: a program in a container shows lines and needs none of it.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.display = Progress(
            TextColumn("{task.description:<24}"),
            # Narrow, so that the figures have room on a terminal of 80 columns.
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(file=stream),
        )
        self._task = self.display.add_task(description, total=total, note="")

    def advance(self, count: int = 1) -> None:
        self.display.advance(self._task, count)

    def note(self, text: str) -> None:
        self.display.update(self._task, note=text)


@contextmanager
def _bar(description: str, total: int | None, stream: TextIO) -> Iterator[_Bar]:
    bar = _Bar(description, total, stream)
    with bar.display:
        yield bar


class _Lines:
    """A line each two seconds, for logs and pipes."""

    def __init__(self, description: str, total: int | None, stream: TextIO) -> None:
        self._description = description
        self._total = total
        self._stream = stream
        self._done = 0
        self._note = ""
        self._began = self._told = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self._done += count
        if time.monotonic() - self._told >= LINE_EVERY_S:
            self._tell("")

    def note(self, text: str) -> None:
        self._note = text

    def close(self, verdict: str) -> None:
        self._tell(f"{verdict} after {time.monotonic() - self._began:.1f} s")

    def _tell(self, verdict: str) -> None:
        self._told = time.monotonic()
        done = f"{self._done}/{self._total}" if self._total is not None else str(self._done or "")
        parts = ", ".join(part for part in (done, self._note, verdict or self._left()) if part)
        say(f"{self._description}: {parts or '...'}", stream=self._stream)

    def _left(self) -> str:
        """Returns about how long it will take, when that can be told."""
        if not self._total or not self._done:
            return ""
        passed_s = time.monotonic() - self._began
        left_s = round(passed_s * (self._total - self._done) / self._done)
        return f"{left_s // 60}:{left_s % 60:02} left" if left_s >= 0 else ""
