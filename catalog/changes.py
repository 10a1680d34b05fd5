"""Writes changes of products, each under a number of the catalogue's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update

from catalog.rows import Values
from catalog.tables import CLOCK, PRODUCTS

STATEMENT_IDS = 200
"""Most ids that one statement names."""

_C = PRODUCTS.c
_KNOWN = select(_C.id, _C.deleted, _C.digest, _C.images, _C.image_state).where(
    _C.id.in_(bindparam("keys", expanding=True))
)
_TOUCH = update(PRODUCTS).where(_C.id == bindparam("key"))
_REPLACE = _TOUCH.values({c.name: bindparam(c.name) for c in PRODUCTS.columns if c.name != "id"})
_SET_STATE = _TOUCH.values(image_state=bindparam("state"), seq=bindparam("at"))
_BURY = _TOUCH.values(deleted=True, seq=bindparam("at"))
_ADVANCE = update(CLOCK).values(seq=CLOCK.c.seq + bindparam("n")).returning(CLOCK.c.seq)


@dataclass(frozen=True, slots=True)
class _Before:
    """What a row was before the change."""

    deleted: bool
    digest: str
    images: str
    image_state: str


def replace(connection: Connection, rows: Mapping[str, Values]) -> tuple[int, int, int]:
    """Creates or replaces rows by id.

    Args:
        connection: A transaction that has written nothing yet.
        rows: Rows as made by ``product_values``; completed in place.

    Returns:
        How many were created, how many replaced, and the clock afterwards.
    """
    seq = _advance(connection, 0)
    known = _known(connection, list(rows))
    created: list[Values] = []
    changed: list[Values] = []
    for key, values in rows.items():
        before = known.get(key)
        if before is not None and not before.deleted and before.digest == values["digest"]:
            continue
        values["deleted"] = False
        values["image_state"] = _image_state(values, before)
        (created if before is None else changed).append(values)
        values["seq"] = seq + len(created) + len(changed)
    if created:
        connection.execute(insert(PRODUCTS), created)
    if changed:
        connection.execute(_REPLACE, [values | {"key": values["id"]} for values in changed])
    revived = sum(known[str(values["id"])].deleted for values in changed)
    seq = _advance(connection, len(created) + len(changed))
    return len(created) + revived, len(changed) - revived, seq


def bury(connection: Connection, ids: Sequence[str]) -> int:
    """Turns products into tombstones and returns how many there were."""
    seq = _advance(connection, 0)
    known = _known(connection, ids)
    found = [key for key in dict.fromkeys(ids) if key in known and not known[key].deleted]
    if found:
        rows = [{"key": key, "at": seq + place} for place, key in enumerate(found, start=1)]
        connection.execute(_BURY, rows)
    _advance(connection, len(found))
    return len(found)


def set_states(connection: Connection, states: Mapping[str, str]) -> int:
    """Sets the image states of products that exist and returns how many rows changed."""
    seq = _advance(connection, 0)
    known = _known(connection, list(states))
    changed = [
        key for key, row in known.items() if not row.deleted and row.image_state != states[key]
    ]
    if changed:
        rows = [
            {"key": key, "state": states[key], "at": seq + place}
            for place, key in enumerate(sorted(changed), start=1)
        ]
        connection.execute(_SET_STATE, rows)
    _advance(connection, len(changed))
    return len(changed)


def _advance(connection: Connection, count: int) -> int:
    # The first call of a transaction takes the clock's lock, so that the order of commits is the
    # order of seq; the last one moves it by what really changed.
    return int(connection.execute(_ADVANCE, {"n": count}).scalar_one())


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, _Before]:
    found: dict[str, _Before] = {}
    for start in range(0, len(ids), STATEMENT_IDS):
        keys = {"keys": list(ids[start : start + STATEMENT_IDS])}
        for key, *row in connection.execute(_KNOWN, keys).all():
            found[key] = _Before(*row)
    return found


def _image_state(values: Values, before: _Before | None) -> str:
    if values["images"] == "[]":
        return "none"
    if before is None or before.deleted or before.images != values["images"]:
        return "pending"
    return before.image_state
