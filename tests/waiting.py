"""Waits for something to become true."""

import time
from collections.abc import Callable


def eventually(what: Callable[[], bool], within_s: float = 20.0) -> None:
    """Waits until ``what`` is true, and fails when it does not become so."""
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, f"it did not happen within {within_s:g} s"
        time.sleep(0.02)
