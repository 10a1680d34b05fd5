"""Starts, watches and stops one process, and mistakes no stranger for it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from offline import tether

MAX_LOG_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Identity:
    """A process for as long as it lives: its id, and the clock tick after boot that it started at.

    The id alone may belong to another process a moment after.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """Returns the identity of a living process, None when there is none."""
        try:
            # The name, which may hold anything, stands in brackets before the fields.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Identity.of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to this very process; one that ended is passed over."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Whether the process ended within the time."""
        deadline = time.monotonic() + timeout_s
        while self.alive():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True


class Child:
    """A process of ours in a group of its own, which ends with us.

    Args:
        program: The program, by its full path, with its arguments.
        environment: All of its environment.
        log: Where its output goes; emptied at the start.
    """

    def __init__(
        self, program: Sequence[str], environment: Mapping[str, str], log: Path, *, append: bool
    ) -> None:
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        # -P: no module beside the tether is taken for one of Python's own.
        python = [sys.executable, "-P", "-S", "-E"]
        tethered = [*python, tether.__file__, str(os.getpid()), *program]
        # Appending, so that the file may be cut while the process writes.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (0 if append else os.O_TRUNC)
        descriptor = os.open(log, flags, 0o600)
        try:
            self._process = subprocess.Popen(
                tethered,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        self.identity = Identity.of(self._process.pid) or Identity(self._process.pid, 0)

    def exit_code(self) -> int | None:
        """Returns how the process ended, None while it runs; its group ends with it.

        The group is killed before the process is reaped: until then nobody else can have its id.
        """
        if self._process.returncode is None:
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            if ended is None:
                return None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        return self._process.returncode

    def terminate(self) -> None:
        """Asks the process to end."""
        if self.exit_code() is None:
            self._process.terminate()

    def kill(self) -> None:
        """Ends the process and its group at once."""
        if self.exit_code() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def cap_log(self) -> None:
        """Keeps at most two files of the log, each at most :data:`MAX_LOG_BYTES` or little more."""
        if self._log.stat().st_size > MAX_LOG_BYTES:
            shutil.copyfile(self._log, self._log.with_name(self._log.name + ".1"))
            os.truncate(self._log, 0)


def describe_exit(code: int) -> str:
    """Says in words how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
