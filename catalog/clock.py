"""Gives each change its number.

The first statement of each write takes the clock's lock, so that the order of commits is the order
of numbers, on SQLite and PostgreSQL alike: whoever follows by number never skips a change.
"""

import time

from sqlalchemy import Connection, bindparam, insert, select, update

from catalog.tables import CLOCK, CLOCK_JUMPS

JUMP = 10**12
"""More changes than any catalogue sees."""

_ADVANCE = update(CLOCK).values(seq=CLOCK.c.seq + bindparam("n")).returning(CLOCK.c.seq)
_SET = update(CLOCK).values(seq=bindparam("to"))
_RAISE_FLOOR = update(CLOCK).values(log_floor=bindparam("floor"))


def advance(connection: Connection, count: int) -> int:
    """Moves the clock and returns what it says now; 0 takes its lock and moves nothing."""
    return int(connection.execute(_ADVANCE, {"n": count}).scalar_one())


def wall_us() -> int:
    """Returns this machine's time in microseconds UTC."""
    return time.time_ns() // 1_000


def raise_floor(connection: Connection, floor: int) -> None:
    """Says that tombstones at or below ``floor`` may be gone; under the clock's lock."""
    connection.execute(_RAISE_FLOOR, {"floor": floor})


def jump(connection: Connection) -> int:
    """Moves the clock past whatever it said after a backup was made, and keeps the jump.

    For a catalogue that was put back from a backup: the numbers in between may have been given out
    by the catalogue that is lost, and whoever stands there must not go on from them.

    The clock goes on from the time in microseconds, which no catalogue reaches by its changes,
    however often it was put back: a million changes a second are too many for it. A double holds
    it exactly until the year 2255.

    Returns:
        The clock afterwards.
    """
    before = advance(connection, 0)
    after = max(before + JUMP, wall_us())
    connection.execute(_SET, {"to": after})
    connection.execute(insert(CLOCK_JUMPS), {"from_seq": before, "to_seq": after})
    return after


def is_lost(connection: Connection, seq: int) -> bool:
    """Tells whether a number was given out by a catalogue that a backup has replaced since."""
    jumps = CLOCK_JUMPS.c
    known = select(jumps.to_seq).where(jumps.from_seq < seq, jumps.to_seq > seq).limit(1)
    return connection.execute(known).first() is not None
