"""Counts down the one budget of a request."""

from collections.abc import Callable

from runtime.errors import DeadlineExceeded

RESERVE_S = 0.05  # for reading the winners and writing the answer
LEGS_SHARE = 0.6
RANKING_SHARE = 0.2


class Deadline:
    """A moment on a monotonic clock after which an answer is of no more use."""

    __slots__ = ("_at", "_clock")

    def __init__(self, at: float, clock: Callable[[], float]) -> None:
        self._at = at
        self._clock = clock

    def left_s(self) -> float:
        """Seconds left, more than 0.

        Raises:
            DeadlineExceeded: None are left.
        """
        left = self._at - self._clock()
        if left <= 0:
            raise DeadlineExceeded("the budget is spent")
        return left


class Budget:
    """The seconds of one request, counted from its making."""

    __slots__ = ("_clock", "_end", "_reserve_s", "_seconds", "_start")

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._start = clock()
        self._end = self._start + seconds
        self._reserve_s = min(RESERVE_S, seconds / 4)

    def share(self, fraction: float) -> Deadline:
        """The deadline of a step that may use this fraction of the whole, less the reserve."""
        latest = self._end - self._reserve_s
        return Deadline(min(latest, self._clock() + fraction * self._seconds), self._clock)

    def whole(self) -> Deadline:
        """The deadline of the request itself."""
        return Deadline(self._end, self._clock)

    def spent_ms(self) -> float:
        """Milliseconds since the request came."""
        return 1000 * (self._clock() - self._start)
