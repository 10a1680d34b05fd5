"""Where everything of one catalogue lies on disk."""

import os
from dataclasses import dataclass
from pathlib import Path

from catalog.shared import require_shared
from runtime.errors import SetupError

DATABASE_URL, REFUSE_SQLITE = "HEMLINE_DATABASE_URL", "HEMLINE_REFUSE_SQLITE"


@dataclass(frozen=True, slots=True)
class DataDir:
    """One data folder: its store, its photos, its artifacts, and what runs on it.

    Args:
        root: The folder, as given by ``--data``; need not exist yet.
    """

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file of the catalogue store."""
        return self.root / "catalog.sqlite"

    @property
    def database_url(self) -> str:
        """The URL of the catalogue store, absolute, so that any process may open it.

        It is the SQLite file of the folder, unless ``HEMLINE_DATABASE_URL`` names another
        database for all that a program does.

        Raises:
            SetupError: It is SQLite, and ``HEMLINE_REFUSE_SQLITE`` says that it must not be.
        """
        url = os.environ.get(DATABASE_URL) or f"sqlite:///{self.database.resolve()}"
        if os.environ.get(REFUSE_SQLITE, "").lower() in ("1", "true", "yes", "on"):
            require_shared(url)
        return url

    @property
    def is_elsewhere(self) -> bool:
        """Whether the catalogue is in another database than the folder's own."""
        return bool(os.environ.get(DATABASE_URL))

    @property
    def keys(self) -> Path:
        """The API keys of the gateway, hashed."""
        return self.root / "keys.json"

    @property
    def media(self) -> Path:
        """The photos, by content hash."""
        return self.root / "media"

    @property
    def artifacts(self) -> Path:
        """The root of the artifact store, with its releases."""
        return self.root / "artifacts"

    @property
    def runs(self) -> Path:
        """One folder for each training run: checkpoints, figures, samples."""
        return self.root / "runs"

    @property
    def run(self) -> Path:
        """What belongs to the processes that run now: state, logs, Redis, process ids."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """The logs of the running stages."""
        return self.run / "logs"

    @property
    def state(self) -> Path:
        """The file that tells what runs on this folder, and where."""
        return self.run / "state.json"

    @property
    def drawn(self) -> Path:
        """The note that the catalogue is a drawn one, and which."""
        return self.root / "drawn.json"

    @property
    def words(self) -> Path:
        """The words that the shop adds to the normaliser's own; need not exist."""
        return self.root / "words.toml"

    @property
    def rejects(self) -> Path:
        """The rows that imports refused, with reasons."""
        return self.root / "rejects"

    def create(self) -> "DataDir":
        """Makes the folder and returns itself.

        Raises:
            SetupError: The folder cannot be made or written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as problem:
            reason = problem.strerror or "unknown reason"
            raise SetupError(f"cannot write to the data folder {self.root}: {reason}") from problem
        return self

    def require_catalog(self) -> "DataDir":
        """Returns itself when a catalogue is there.

        Raises:
            SetupError: The folder holds no catalogue.
        """
        if not self.is_elsewhere and not self.database.is_file():
            raise SetupError(
                f"there is no catalogue in {self.root}: "
                "make one with `hemline demo` or `hemline import`"
            )
        return self
