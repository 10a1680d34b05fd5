"""Notices cheaply that a database was written to."""

import threading
from collections.abc import Callable

from sqlalchemy import Engine


class CommitWatch:
    """Tells cheaply whether any connection, of this process or another, has committed."""

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._version = -1
        self._token = -1
        # SQLite counts the commits of all others for each connection: one of our own is kept,
        # which never writes. Other databases are asked each time.
        self._connection = engine.raw_connection() if engine.dialect.name == "sqlite" else None

    def token(self, read: Callable[[], int]) -> int:
        """Returns ``read()``, or what it returned last if nothing was committed since."""
        if self._connection is None:
            return read()
        with self._lock:
            cursor = self._connection.cursor()
            version = cursor.execute("PRAGMA data_version").fetchone()[0]
            cursor.close()
            if version != self._version:
                # The version first: a commit in between moves it again, and is seen next time.
                self._token = read()
                self._version = version
            return self._token

    def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            self._connection.close()
