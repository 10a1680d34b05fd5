"""Opens a house: starts Redis and the stages, serves until told to stop, and stops them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from offline import run_state
from offline.house import House, UpOptions, inherited, plan_house
from offline.layout import DataDir
from offline.ports import require_free
from offline.process import Identity
from offline.progress import progress, say
from offline.run_state import Member, RunState
from offline.supervisor import STOP_S, Signals, Supervisor
from runtime.artifacts import ArtifactRefused, ArtifactStore
from runtime.errors import SetupError

READY_WITHIN_S = 120.0
STOPPED = 130  # told to end before it was ready


def up(data: DataDir, options: UpOptions) -> int:
    """Runs a house until Ctrl-C or SIGTERM; returns 0, or 130 when stopped before it was ready.

    Raises:
        SetupError: There is nothing to serve, a port is busy, another house runs on the folder,
            or a stage cannot start.
    """
    trained = release_kinds(data)
    require_free(options.address, options.port)
    with run_state.alone(data):
        house = plan_house(data, options, trained=trained, environ=inherited())
        state = _Keeper(data, house)
        supervisor = Supervisor(tell=say, changed=state.changed)
        signals = Signals()
        try:
            supervisor.start(house.plans)
            if not _await(supervisor, house, signals):
                return STOPPED
            state.ready()
            _greet(house, trained)
            supervisor.run_until(signals.stop)
            say("Stopping ...")
        finally:
            supervisor.stop(signals.hurry)
            signals.restore()
    return 0


def up_detached(data: DataDir, options: UpOptions) -> int:
    """Starts a house that outlives this program; returns when it is ready.

    Raises:
        SetupError: As :func:`up`, in the words of the house; or it was stopped before it was
            ready.
    """
    release_kinds(data)
    require_free(options.address, options.port)
    if (running := run_state.read(data)) is not None:
        raise SetupError(f"hemline runs on {data.root} already at {running.url}")
    log = run_state.log_of(data, "supervisor")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        process = subprocess.Popen(
            _again(data, options),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        with progress("Starting the house") as shown:
            while not ((state := run_state.read(data)) and state.ready):
                if process.poll() is not None:
                    if process.returncode == STOPPED:
                        raise SetupError("stopped while starting")
                    words = log.read_text(errors="replace").strip().splitlines()
                    raise SetupError(words[-1].removeprefix("hemline: ") if words else "it ended")
                time.sleep(0.1)
                shown.note(f"{len(state.members) if state else 0} processes")
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    print(f"Hemline is ready at {state.url}", flush=True)
    return 0


def down(data: DataDir) -> bool:
    """Stops what ``up`` started on a folder, and nothing else; False when nothing ran.

    Raises:
        SetupError: It does not stop.
    """
    state = run_state.read(data)
    if state is None:
        return False
    state.supervisor.signal(signal.SIGTERM)
    if not state.supervisor.wait(2 * STOP_S):
        raise SetupError(f"process {state.pid} does not stop: see {data.logs}")
    return True


def release_kinds(data: DataDir) -> list[str]:
    """Returns the kinds of artifact that the release in force names.

    Raises:
        SetupError: No release is in force, or it cannot be read.
    """
    data.require_catalog()
    try:
        release = ArtifactStore(data.artifacts).current()
    except ArtifactRefused as problem:
        raise SetupError(f"the release in {data.artifacts} cannot be read: {problem}") from problem
    if release is None:
        raise SetupError(f"nothing is built in {data.root}: run `hemline build --data {data.root}`")
    return list(release.generations)


class _Keeper:
    """Writes the state of the house whenever it changes."""

    def __init__(self, data: DataDir, house: House) -> None:
        me = Identity.of(os.getpid())
        if me is None:
            raise SetupError("/proc does not show this process: hemline up needs Linux")
        self._data = data
        self._state = RunState(me.pid, me.started, house.url, house.grpc, house.redis, ready=False)

    def changed(self, members: Sequence[Member]) -> None:
        self._state = replace(self._state, members=tuple(members))
        run_state.write(self._data, self._state)

    def ready(self) -> None:
        self._state = replace(self._state, ready=True)
        run_state.write(self._data, self._state)


def _await(supervisor: Supervisor, house: House, signals: Signals) -> bool:
    awaited = [plan for plan in house.plans if plan.needed]
    with progress("Starting the stages", len(awaited)) as shown:

        def told(name: str) -> None:
            shown.note(f"{name} is ready")
            shown.advance()

        return supervisor.wait_ready(READY_WITHIN_S, stop=signals.stop, told=told)


def _greet(house: House, trained: Sequence[str]) -> None:
    for url in house.more_doors:
        say(f"A further gateway answers at {url}")
    if "ranking" not in trained:
        say("Nobody's taste is known yet: `hemline train als`, then `hemline build`, adds it")
    say(f"gRPC answers at {house.grpc}; Ctrl-C stops everything")
    print(f"Hemline is ready at {house.url}", flush=True)


def _again(data: DataDir, options: UpOptions) -> list[str]:
    replicas = [f"{stage}={number}" for stage, number in options.replicas.items()]
    return [
        sys.executable,
        *("-m", "offline.cli", "up", "--data", str(data.root)),
        *("--port", str(options.port), "--address", options.address),
        *(word for each in replicas for word in ("--replicas", each)),
    ]
