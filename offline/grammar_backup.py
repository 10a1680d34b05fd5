"""Teaches the verbs of copies of the catalogue."""

from pathlib import Path
from typing import TYPE_CHECKING

from offline import verbs_backup as verbs
from offline.grammar_parts import verb_of

if TYPE_CHECKING:
    from offline.grammar_parts import Commands


def add_backup(commands: "Commands") -> None:
    """Adds ``backup`` and ``restore``."""
    verb = verb_of(
        commands,
        "backup",
        verbs.backup,
        says="Copies the catalogue to a file, as it is at one moment, while it is read and "
        "written. Photos are\nfiles of their own that never change: copy the folder `media` "
        "afterwards, with any tool.",
        examples=("hemline backup catalog-backup.sqlite",),
    )
    verb.add_argument("file", type=Path, metavar="FILE", help="the copy; replaced if it is there")
    verb = verb_of(
        commands,
        "restore",
        verbs.restore,
        says="Puts a copy of the catalogue back. What was there is kept beside it, and stages that "
        "saw changes\nwhich are no more are told to begin anew: run `hemline build` next. Without "
        "a file, for a database\nthat was put back by its own tools, it only moves the clock.",
        examples=(
            "hemline restore catalog-backup.sqlite && hemline build",
            "hemline restore",
        ),
    )
    verb.add_argument("file", type=Path, nargs="?", metavar="FILE", help="what `backup` wrote")
