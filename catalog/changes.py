"""Writes changes of products, each under a number of the catalogue's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from catalog.clock import advance, raise_floor, wall_us
from catalog.rows import Values, dumped
from catalog.tables import IS_TOMBSTONE, PRODUCTS
from runtime.errors import Conflict

STATEMENT_IDS = 200
"""Most ids that one statement names."""

_C = PRODUCTS.c
_KNOWN = select(_C.id, _C.deleted, _C.digest, _C.images, _C.image_state, _C.seq, _C.added_seq)
_KNOWN = _KNOWN.where(_C.id.in_(bindparam("keys", expanding=True)))
_TOUCH = update(PRODUCTS).where(_C.id == bindparam("key"))
_REPLACE = _TOUCH.values({c.name: bindparam(c.name) for c in PRODUCTS.columns if c.name != "id"})
_SET_STATE = _TOUCH.values(
    image_state=bindparam("state"), seq=bindparam("at"), changed_us=bindparam("now")
)
_BURY = _TOUCH.values(deleted=True, seq=bindparam("at"), changed_us=bindparam("now"))
_OLD = (IS_TOMBSTONE, _C.changed_us < bindparam("before"), _C.seq <= bindparam("up_to"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a write came to: "created", "updated" or "unchanged" by id, and the clock after it."""

    statuses: Mapping[str, str]
    seq: int


@dataclass(frozen=True, slots=True)
class _Before:
    """What a row was before the change."""

    deleted: bool
    digest: str
    images: str
    image_state: str
    seq: int
    added_seq: int


def replace(
    connection: Connection, rows: Mapping[str, Values], *, if_seq: int | None = None
) -> Outcome:
    """Creates or replaces rows by id.

    Args:
        connection: A transaction that has written nothing yet.
        rows: Rows as made by ``product_values``; completed in place.
        if_seq: The number that each row must have, 0 for rows that must not exist.

    Raises:
        Conflict: A row has another number; nothing is written.
    """
    seq = advance(connection, 0)
    known = _known(connection, list(rows))
    _expect(rows, known, if_seq)
    statuses: dict[str, str] = {}
    created: list[Values] = []
    changed: list[Values] = []
    now = wall_us()
    for key, values in rows.items():
        before = known.get(key)
        is_new = before is None or before.deleted
        if before is not None and not is_new and before.digest == values["digest"]:
            statuses[key] = "unchanged"
            continue
        seq += 1
        (created if before is None else changed).append(values)
        statuses[key] = "created" if is_new else "updated"
        added = seq if before is None or is_new else before.added_seq
        values |= {"seq": seq, "added_seq": added, "changed_us": now, "deleted": False}
        values["image_state"] = _image_state(values, before)
    if created:
        connection.execute(insert(PRODUCTS), created)
    if changed:
        connection.execute(_REPLACE, [values | {"key": values["id"]} for values in changed])
    return Outcome(statuses, advance(connection, len(created) + len(changed)))


def bury(
    connection: Connection, ids: Sequence[str], *, if_seq: int | None = None
) -> tuple[int, int]:
    """Turns products into tombstones and returns how many there were, and the clock.

    Raises:
        Conflict: A product has another number than ``if_seq``; nothing is written.
    """
    seq = advance(connection, 0)
    known = _known(connection, ids)
    _expect(ids, known, if_seq)
    found = [key for key in dict.fromkeys(ids) if key in known and not known[key].deleted]
    if found:
        now = wall_us()
        rows = [{"key": key, "at": seq + n, "now": now} for n, key in enumerate(found, start=1)]
        connection.execute(_BURY, rows)
    return len(found), advance(connection, len(found))


def set_states(
    connection: Connection,
    states: Mapping[str, str],
    photos: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """Sets the image states of products that exist and returns how many rows changed.

    With ``photos``, products that have others by now are passed over.
    """
    seq = advance(connection, 0)
    changed = [
        key
        for key, row in _known(connection, list(states)).items()
        if not row.deleted
        and row.image_state != states[key]
        and (photos is None or row.images == dumped(photos[key]))
    ]
    if changed:
        now = wall_us()
        rows = [
            {"key": key, "state": states[key], "at": seq + place, "now": now}
            for place, key in enumerate(sorted(changed), start=1)
        ]
        connection.execute(_SET_STATE, rows)
    advance(connection, len(changed))
    return len(changed)


def purge(connection: Connection, before_us: int, up_to: int) -> int:
    """Forgets the tombstones of before a time and not past a number; raises the log floor.

    Returns:
        How many there were.
    """
    advance(connection, 0)
    which = {"before": before_us, "up_to": up_to}
    floor = connection.execute(select(func.max(_C.seq)).where(*_OLD), which).scalar_one()
    if floor is None:
        return 0
    raise_floor(connection, floor)
    return connection.execute(delete(PRODUCTS).where(*_OLD), which).rowcount


def _expect(ids: Sequence[str] | Mapping[str, Values], known: Mapping[str, _Before],
            if_seq: int | None) -> None:  # fmt: skip
    if if_seq is None:
        return
    for key in ids:
        row = known.get(key)
        if if_seq != (0 if row is None or row.deleted else row.seq):
            raise Conflict("the product is at another seq: read it and try again", field="if_seq")


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
