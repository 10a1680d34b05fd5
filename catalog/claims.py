"""Says who is embedding a photo, so that nobody else does.

A claim is a lease of the database's own time: that of a holder who died runs out, and is taken
over.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, or_, select

from catalog.database import insert, now_us
from catalog.tables import IMAGE_CLAIMS, IMAGE_VECTORS

_C = IMAGE_CLAIMS.c
_SECOND_US = 1_000_000


def take(
    connection: Connection, fingerprint: str, shas: Sequence[str], holder: str, lease_s: float
) -> list[str]:
    """Claims those of the photos that have no vector and no other holder's lease.

    Args:
        connection: A writer's transaction.
        fingerprint: The encoder's.
        shas: Photos, ascending: all who take locks take them in one order.
        holder: Who claims.
        lease_s: Seconds that the claim holds.

    Returns:
        The photos that are the holder's now, ascending.
    """
    now = now_us(connection.engine)
    until = now + int(lease_s * _SECOND_US)
    rows = [
        {"sha256": sha256, "fingerprint": fingerprint, "holder": holder, "expires_us": until}
        for sha256 in shas
    ]
    wanted = insert(connection.engine, IMAGE_CLAIMS).values(rows)
    taking = wanted.on_conflict_do_update(
        index_elements=[_C.sha256, _C.fingerprint],
        set_={"holder": wanted.excluded.holder, "expires_us": wanted.excluded.expires_us},
        where=or_(_C.expires_us <= now, _C.holder == holder),
    ).returning(_C.sha256)
    taken = set(connection.execute(taking).scalars())
    # Looked up after the claim, not before: whoever embedded one of them meanwhile has ended its
    # claim in the same transaction that brought the vector.
    v = IMAGE_VECTORS.c
    known = select(v.sha256).where(v.fingerprint == fingerprint, v.sha256.in_(taken))
    done = set(connection.execute(known).scalars())
    if done:
        end(connection, fingerprint, sorted(done), holder=holder)
    return sorted(taken - done)


def end(connection: Connection, fingerprint: str, shas: Sequence[str], *, holder: str = "") -> None:
    """Removes the claims on photos, or only those of one holder."""
    for start in range(0, len(shas), 200):
        of_these = [_C.fingerprint == fingerprint, _C.sha256.in_(shas[start : start + 200])]
        if holder:
            of_these.append(_C.holder == holder)
        # Locked in the one order first; a DELETE takes its rows in any.
        ordered = select(_C.sha256).where(*of_these).order_by(_C.sha256).with_for_update()
        if found := list(connection.execute(ordered).scalars()):
            doomed = delete(IMAGE_CLAIMS).where(_C.fingerprint == fingerprint, _C.sha256.in_(found))
            connection.execute(doomed.where(_C.holder == holder) if holder else doomed)
