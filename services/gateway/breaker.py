"""Keeps away from something that fails, and tries it again now and then."""

from collections import deque
from collections.abc import Callable

FAILURES, WITHIN_S = 5, 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0


class Breaker:
    """Opens after 5 failures in 5 s, for 1 s at first and twice as long each time, to 30 s.

    After the pause one call may try; it closes the breaker or opens it again.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._pause_s = FIRST_PAUSE_S
        self._open_until: float | None = None
        self._probing = False

    def allows(self) -> bool:
        """Whether a call may be made; a caller that gets True tells how it ended."""
        if self._open_until is None:
            return True
        if self._probing or self._clock() < self._open_until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """A call was answered."""
        if self._open_until is not None:
            self._failures.clear()
        self._open_until = None
        self._probing = False
        self._pause_s = FIRST_PAUSE_S

    def failed(self) -> None:
        """A call was not answered."""
        now = self._clock()
        if self._open_until is not None:
            if self._probing:
                self._probing = False
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
                self._open_until = now + self._pause_s
            return
        self._failures.append(now)
        if len(self._failures) == FAILURES and now - self._failures[0] <= WITHIN_S:
            self._open_until = now + self._pause_s

    def gave_up(self) -> None:
        """A call was cancelled before it could be answered; another may probe."""
        self._probing = False
