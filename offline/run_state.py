"""Tells other programs what runs on a data folder, and keeps a second house from opening there."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from offline.layout import DataDir
from offline.process import Identity
from runtime.errors import SetupError


@dataclass(frozen=True, slots=True)
class Member:
    """One process of the house.

    ``readiness`` is the URL that answers 200 when it is ready, empty where there is none;
    ``address`` is where it serves.
    """

    name: str
    stage: str
    pid: int
    started: int
    address: str
    readiness: str
    restarts: int = 0
    last_exit: str = ""

    @property
    def identity(self) -> Identity:
        """The process."""
        return Identity(self.pid, self.started)


@dataclass(frozen=True, slots=True)
class RunState:
    """What runs: the supervisor, its members, and where the public doors are."""

    pid: int
    started: int
    url: str
    grpc: str
    redis: str
    ready: bool
    members: tuple[Member, ...] = ()

    @property
    def supervisor(self) -> Identity:
        """The process that started the members and stops them."""
        return Identity(self.pid, self.started)


def write(data: DataDir, state: RunState) -> None:
    """Replaces the state of a data folder, whole."""
    scratch = data.state.with_suffix(".new")
    scratch.write_text(json.dumps(asdict(state), indent=1))
    scratch.chmod(0o600)
    scratch.replace(data.state)


def read(data: DataDir) -> RunState | None:
    """Returns what runs on a data folder; None when nothing does, whatever a file says."""
    try:
        raw = json.loads(data.state.read_text())
        members = tuple(Member(**member) for member in raw.pop("members"))
        state = RunState(**raw, members=members)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, KeyError) as problem:
        raise SetupError(f"{data.state} cannot be read: remove it") from problem
    return state if state.supervisor.alive() else None


@contextmanager
def alone(data: DataDir) -> Iterator[None]:
    """Holds the data folder for one house; the kernel lets go when the holder ends.

    Raises:
        SetupError: Another house runs on it.
    """
    data.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(data.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(_occupied(data)) from None
        data.state.unlink(missing_ok=True)
        try:
            yield
        finally:
            data.state.unlink(missing_ok=True)
    finally:
        os.close(lock)


def _occupied(data: DataDir) -> str:
    running = read(data)
    where = f" at {running.url}" if running is not None else ""
    way_out = f"stop it with `hemline down --data {data.root}`"
    return f"hemline runs on {data.root} already{where}: {way_out}"


def log_of(data: DataDir, name: str) -> Path:
    """Returns the log of a member."""
    return data.logs / f"{name}.log"
