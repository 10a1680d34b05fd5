"""Keeps the processes of a house running: starts them, starts the dead again, stops them all."""

import contextlib
import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from offline.process import Child, describe_exit
from offline.readiness import Reasons, refusal
from offline.run_state import Member
from runtime.errors import SetupError

FIRST_PAUSE_S, MAX_PAUSE_S = 0.5, 30.0
CALM_S = 60.0  # a process that ran this long starts again without delay
STOP_S = 25.0  # more than a stage takes to drain
TICK_S = 0.1
PROBE_EVERY_S = 0.25
CAP_LOGS_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run one member.

    Attributes:
        name: Its name among the members, such as ``"image-2"``.
        stage: The stage it is a replica of, or ``"redis"``.
        program: The program with its arguments.
        environment: All of its environment.
        address: Where it serves.
        readiness: URL that answers 200 once it is ready; empty: ready when it runs.
        needed: Whether the house is ready only when this member is.
        last: Stopped after the members that use it.
    """

    name: str
    stage: str
    program: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    address: str = ""
    readiness: str = ""
    needed: bool = True
    last: bool = False


@dataclass(slots=True)
class _Place:
    """A member and what became of it."""

    plan: Plan
    child: Child
    began: float
    ready: bool = False
    restarts: int = 0
    failures: int = 0
    due: float | None = None
    last_exit: str = ""


@dataclass(slots=True)
class Supervisor:
    """Runs the members of a house in the thread that made it.

    Args:
        tell: Shows one line to the person who watches.
        changed: Called with the members whenever a process came or went.
    """

    tell: Callable[[str], None]
    changed: Callable[[Sequence[Member]], None]
    _places: list[_Place] = field(default_factory=list)
    _capped: float = field(default_factory=time.monotonic)

    def start(self, plans: Sequence[Plan]) -> None:
        """Starts a process for each plan, all at once."""
        for plan in plans:
            child = Child(plan.program, plan.environment, plan.log, append=False)
            self._places.append(_Place(plan, child, time.monotonic()))
        self.changed(self.members())

    def members(self) -> list[Member]:
        """Returns the processes as they are now."""
        return [
            Member(
                name=place.plan.name,
                stage=place.plan.stage,
                pid=place.child.identity.pid,
                started=place.child.identity.started,
                address=place.plan.address,
                readiness=place.plan.readiness,
                restarts=place.restarts,
                last_exit=place.last_exit,
            )
            for place in self._places
        ]

    def wait_ready(
        self,
        timeout_s: float,
        *,
        stop: Callable[[], bool],
        told: Callable[[str], None] = lambda name: None,
    ) -> bool:
        """Waits until every awaited member is ready; False when ``stop`` asked to give up.

        Args:
            timeout_s: How long to wait.
            told: Called with the name of each member that became ready.

        Raises:
            SetupError: A member ended before it was ready, the time is up, or a member says what
                has to be done first.
        """
        began, reasons = time.monotonic(), Reasons()
        deadline = began + timeout_s
        while waiting := [p for p in self._places if p.plan.needed and not p.ready]:
            if stop():
                return False
            for place in waiting:
                if (code := place.child.exit_code()) is not None:
                    raise SetupError(_why(place.plan, code))
                why = refusal(place.plan.readiness)
                reasons.note(place.plan.name, why, time.monotonic())
                if not why:
                    place.ready = True
                    told(place.plan.name)
            now = time.monotonic()
            if reasons.told() and (now > deadline or reasons.hopeless(now)):
                logs = waiting[0].plan.log.parent
                after = f"not ready after {now - began:.0f} s"
                raise SetupError(f"{after}: {reasons.told()} (see {logs})")
            if not all(place.ready for place in waiting):
                time.sleep(PROBE_EVERY_S)
        return True

    def run_until(self, stop: Callable[[], bool]) -> None:
        """Keeps the members running until ``stop`` is true."""
        while not stop():
            for place in self._places:
                self._look_after(place)
            if time.monotonic() - self._capped > CAP_LOGS_EVERY_S:
                self._capped = time.monotonic()
                for place in self._places:
                    place.child.cap_log()
            time.sleep(TICK_S)

    def _look_after(self, place: _Place) -> None:
        now = time.monotonic()
        if place.due is None:
            code = place.child.exit_code()
            if code is None:
                return
            calm = now - place.began > CALM_S
            place.failures = 1 if calm else place.failures + 1
            pause = min(FIRST_PAUSE_S * 2 ** (place.failures - 1), MAX_PAUSE_S)
            place.due, place.last_exit = now + pause, describe_exit(code)
            self.tell(
                f"{place.plan.name} ended ({place.last_exit}): starting it again in {pause:g} s"
            )
        elif now >= place.due:
            plan = place.plan
            place.child = Child(plan.program, plan.environment, plan.log, append=True)
            place.began, place.due, place.restarts = now, None, place.restarts + 1
            self.changed(self.members())

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stops every member: first those that use the others; whoever lingers is killed.

        Args:
            hurry: Asked while waiting; once true, everything is killed at once.
        """
        for group in (
            [place for place in self._places if place.plan.stage == "gateway"],
            [place for place in self._places if not place.plan.last],
            self._places,
        ):
            for place in group:
                place.child.terminate()
            deadline = time.monotonic() + STOP_S
            while [place for place in group if place.child.exit_code() is None]:
                if hurry() or time.monotonic() > deadline:
                    for place in group:
                        place.child.kill()
                time.sleep(TICK_S / 2)


class Signals:
    """Turns SIGINT and SIGTERM into questions; made in the main thread."""

    def __init__(self) -> None:
        self._count = 0
        self._before = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def _note(self, number: int, frame: object) -> None:
        self._count += 1

    def stop(self) -> bool:
        """Whether somebody asked to stop."""
        return self._count > 0

    def hurry(self) -> bool:
        """Whether somebody asked twice."""
        return self._count > 1

    def restore(self) -> None:
        """Puts back what was there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _why(plan: Plan, code: int) -> str:
    """Says why a member ended, in the last words of its log."""
    lines = plan.log.read_text(errors="replace").strip().splitlines()
    words = lines[-1] if lines else describe_exit(code)
    with contextlib.suppress(ValueError, TypeError, KeyError):  # of plain words
        words = str(json.loads(words)["message"])
    return f"{plan.name} cannot start: {words[:400]} (see {plan.log})"
