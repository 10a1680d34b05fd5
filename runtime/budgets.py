"""Bounds what may be spent on second tries, and knows how long a first one usually takes."""

import time
from collections.abc import Callable

_WINDOW, _EVERY = 128, 16
_LEAST_S, _FRACTION = 0.05, 0.2


def longest_wait_s(left_s: float) -> float:
    """Seconds that a stage may wait for a change, so that its answer still comes in time.

    What is left over, a fifth of the time but 50 ms at least, is for the answer itself and its way
    back, on a machine that has other work too.

    Args:
        left_s: Seconds until the caller gives up.
    """
    return max(0.0, left_s - max(_LEAST_S, _FRACTION * left_s))


class Budget:
    """Tokens that calls earn and second tries spend.

    Args:
        fraction: Tokens that each call earns, such as .1 for one second try in ten calls.
        per_s: Tokens that each second earns.
        burst: Most tokens, and those at the start: what a sudden fault may cost.
        clock: Seconds that never go back.
    """

    __slots__ = ("_burst", "_clock", "_fraction", "_per_s", "_then", "_tokens")

    def __init__(
        self,
        fraction: float,
        per_s: float,
        burst: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fraction = fraction
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._then = clock()

    def earn(self) -> None:
        """Counts a call."""
        self._tokens = min(self._burst, self._tokens + self._fraction)

    def spend(self) -> bool:
        """Takes a token for a second try; False when there is none."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._then) * self._per_s)
        self._then = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Rolling:
    """The 95th percentile of the last 128 values, renewed every 16.

    Args:
        start: What it is before 16 values are known.
    """

    __slots__ = ("_count", "_ring", "p95")

    def __init__(self, start: float) -> None:
        self.p95 = start
        self._ring: list[float] = []
        self._count = 0

    def add(self, value: float) -> None:
        """Takes a value in."""
        if self._count < _WINDOW:
            self._ring.append(value)
        else:
            self._ring[self._count % _WINDOW] = value
        self._count += 1
        if self._count % _EVERY == 0:
            self.p95 = sorted(self._ring)[int(0.95 * (len(self._ring) - 1))]
