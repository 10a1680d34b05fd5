"""Looks whether there is room before a long program starts."""

import shutil
from pathlib import Path

from runtime.errors import SetupError


def require_room(folder: Path, *, mib: int) -> None:
    """Checks that ``mib`` MiB are free where ``folder`` is, or will be made.

    Raises:
        SetupError: There is less.
    """
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free >> 20
    if free < mib:
        raise SetupError(
            f"the disk is too full: this needs {mib} MiB, and {free} MiB are free in {place}"
        )
