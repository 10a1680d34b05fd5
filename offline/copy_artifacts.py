"""Copies the release in force to a folder of one's own: ``python -m offline.copy_artifacts``."""

import argparse
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from runtime import logs
from runtime.artifacts import ArtifactRefused
from runtime.errors import SetupError
from runtime.mirror import mirror


def copy_artifacts(
    source: Path, target: Path, kinds: Sequence[str], *, recheck: bool = True
) -> str:
    """Copies once, and returns in a sentence what came of it.

    A release that is not whole, or none at all, is no reason to fail: the stage says that it is
    not ready, and serves what it has.

    Raises:
        SetupError: The target is full or cannot be written.
    """
    try:
        release = mirror(source, target, kinds, recheck=recheck)
    except ArtifactRefused as refused:
        return f"refused ({refused.reason}): {refused.message}"
    if release is None:
        return f"no release is published in {source} yet"
    return f"release {release.name} is in force in {target}"


def follow(
    copy: Callable[[bool], str], wait: Callable[[], bool], say: Callable[[str], None]
) -> None:
    """Copies until ``wait`` returns True; says only what is new, and rechecks the first time."""
    said = ""
    while True:
        if (sentence := copy(not said)) != said:
            say(sentence)
            said = sentence
        if wait():
            return


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and copies, once or until stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m offline.copy_artifacts",
        description="Copies the release in force, and checks every byte of the copy.",
    )
    parser.add_argument("source", type=Path, metavar="SRC", help="root to copy from")
    parser.add_argument("target", type=Path, metavar="DST", help="root to copy to")
    parser.add_argument("--kinds", default="", help="kinds to copy, such as encoder,image")
    parser.add_argument(
        "--every-s", type=float, default=0.0, metavar="N", help="go on, and look every N seconds"
    )
    told = parser.parse_args(arguments)
    logs.configure("copy", "INFO")
    kinds = [kind for kind in told.kinds.split(",") if kind]
    stopped = threading.Event()
    try:
        follow(
            lambda recheck: copy_artifacts(told.source, told.target, kinds, recheck=recheck),
            lambda: not told.every_s or stopped.wait(told.every_s),
            lambda sentence: print(sentence, flush=True),
        )
    except SetupError as error:
        sys.exit(f"copy: {error}")


if __name__ == "__main__":
    main()
