"""Keeps the vectors of photos, each embedded once in the whole system."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, bindparam, insert, select, update

from catalog import claims
from catalog.changes import STATEMENT_IDS
from catalog.clock import advance, wall_us
from catalog.database import told_as_unavailable, writer
from catalog.limits import check_id, is_sha256
from catalog.tables import IMAGE_VECTORS
from runtime.errors import InvalidArgument

MAX_PROBLEM_CHARS = 200

_V = IMAGE_VECTORS.c
_ROWS = select(_V.sha256, _V.vector).where(
    _V.fingerprint == bindparam("fingerprint"), _V.sha256.in_(bindparam("keys", expanding=True))
)
_VERDICTS = select(_V.sha256, _V.vector.is_not(None)).where(
    _V.fingerprint == bindparam("fingerprint"), _V.sha256.in_(bindparam("keys", expanding=True))
)
_PROBLEMS = select(_V.sha256, _V.problem).where(
    _V.fingerprint == bindparam("fingerprint"),
    _V.sha256.in_(bindparam("keys", expanding=True)),
    _V.vector.is_(None),
)
_MEND = (
    update(IMAGE_VECTORS)
    .where(_V.sha256 == bindparam("key"), _V.fingerprint == bindparam("under"))
    .values({c.name: bindparam(c.name) for c in IMAGE_VECTORS.columns if not c.primary_key})
)


class ImageVectors:
    """Vectors by (content hash of the photo, fingerprint of the encoder)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, fingerprint: str, shas: Sequence[str]) -> dict[str, bytes]:
        """Returns the vectors that exist, little-endian float32, by photo.

        Photos that cannot be decoded have b""; those that nobody has looked at are left out.
        """
        found: dict[str, bytes] = {}
        with told_as_unavailable(), self._engine.connect() as connection:
            for keys in _parts(shas):
                for sha256, vector in connection.execute(_ROWS, _where(fingerprint, keys)).all():
                    found[sha256] = bytes(vector or b"")
        return found

    def verdicts(self, fingerprint: str, shas: Sequence[str]) -> dict[str, bool]:
        """Tells of the photos that were looked at whether they have a vector; reads no vectors."""
        found: dict[str, bool] = {}
        with told_as_unavailable(), self._engine.connect() as connection:
            for keys in _parts(shas):
                for sha256, has in connection.execute(_VERDICTS, _where(fingerprint, keys)).all():
                    found[sha256] = bool(has)
        return found

    def problems(self, fingerprint: str, shas: Sequence[str]) -> dict[str, str]:
        """Returns why photos have no vector, by photo; those that have one are left out."""
        found: dict[str, str] = {}
        with told_as_unavailable(), self._engine.connect() as connection:
            for keys in _parts(shas):
                for sha256, why in connection.execute(_PROBLEMS, _where(fingerprint, keys)).all():
                    found[sha256] = str(why)
        return found

    def put(self, fingerprint: str, rows: Sequence[tuple[str, bytes | None, str]]) -> int:
        """Keeps verdicts on photos in one transaction and ends the claims on them.

        A photo that has a vector keeps it; one that had a problem may get a vector. What does not
        change takes no number.

        Args:
            fingerprint: The encoder's.
            rows: Content hash, vector as little-endian float32, "" beside it; or content hash,
                None, and the problem.

        Returns:
            The clock afterwards.

        Raises:
            InvalidArgument: A hash is none, or a row has neither vector nor problem, or both;
                nothing is kept.
        """
        check_id(fingerprint, path="fingerprint")
        for place, row in enumerate(rows):
            _check(row, f"rows[{place}]")
        wanted = {sha256: (vector, problem) for sha256, vector, problem in rows}
        with told_as_unavailable(), writer(self._engine).begin() as connection:
            seq = advance(connection, 0)
            fresh, mended = self._changes(connection, fingerprint, wanted)
            now = wall_us()
            values = [
                {
                    "sha256": sha256,
                    "fingerprint": fingerprint,
                    "vector": wanted[sha256][0],
                    "problem": wanted[sha256][1],
                    "seq": seq + place,
                    "changed_us": now,
                }
                for place, sha256 in enumerate([*fresh, *mended], start=1)
            ]
            if fresh:
                connection.execute(insert(IMAGE_VECTORS), values[: len(fresh)])
            if mended:
                changed = [
                    {
                        key: value
                        for key, value in row.items()
                        if key not in ("sha256", "fingerprint")
                    }
                    | {"key": row["sha256"], "under": fingerprint}
                    for row in values[len(fresh) :]
                ]
                connection.execute(_MEND, changed)
            claims.end(connection, fingerprint, list(wanted))
            return advance(connection, len(values))

    def claim(
        self, fingerprint: str, shas: Sequence[str], *, holder: str, lease_s: float = 60.0
    ) -> list[str]:
        """Takes the photos that nobody has embedded or is embedding.

        Args:
            fingerprint: The encoder's.
            shas: Photos wanted.
            holder: Who takes them; one's own claims are renewed.
            lease_s: Seconds of database time after which others may take them over.

        Returns:
            Those that are the holder's now, ascending.
        """
        check_id(fingerprint, path="fingerprint")
        check_id(holder, path="holder")
        taken: list[str] = []
        for keys in _parts(sorted(set(shas))):
            with told_as_unavailable(), writer(self._engine).begin() as connection:
                taken += claims.take(connection, fingerprint, keys, holder, lease_s)
        return taken

    def release(self, fingerprint: str, shas: Sequence[str], *, holder: str) -> None:
        """Gives back claims that came to nothing; those of others stay."""
        for keys in _parts(sorted(set(shas))):
            with told_as_unavailable(), writer(self._engine).begin() as connection:
                claims.end(connection, fingerprint, keys, holder=holder)

    @staticmethod
    def _changes(
        connection: Connection, fingerprint: str, wanted: dict[str, tuple[bytes | None, str]]
    ) -> tuple[list[str], list[str]]:
        # Ascending, so that the same work gets the same numbers.
        known: dict[str, tuple[bool, str]] = {}
        has_vector = select(_V.sha256, _V.vector.is_not(None), _V.problem)
        for keys in _parts(sorted(wanted)):
            page = has_vector.where(_V.fingerprint == fingerprint, _V.sha256.in_(keys))
            for sha256, has, problem in connection.execute(page).all():
                known[sha256] = (bool(has), problem)
        fresh = [sha256 for sha256 in sorted(wanted) if sha256 not in known]
        mended = [
            sha256
            for sha256 in sorted(known)
            if not known[sha256][0] and wanted[sha256] != (None, known[sha256][1])
        ]
        return fresh, mended


def _check(row: tuple[str, bytes | None, str], path: str) -> None:
    sha256, vector, problem = row
    if not is_sha256(sha256):
        raise InvalidArgument("not a SHA-256", field=f"{path}.sha256")
    if (vector is None) != bool(problem):
        raise InvalidArgument("a photo has either a vector or a problem", field=path)
    if vector is not None and (not vector or len(vector) % 4):
        raise InvalidArgument("a vector is float32 in bytes", field=f"{path}.vector")
    if len(problem) > MAX_PROBLEM_CHARS:
        raise InvalidArgument("a problem is told in 200 characters", field=f"{path}.problem")


def _parts(shas: Sequence[str]) -> list[list[str]]:
    return [
        list(shas[start : start + STATEMENT_IDS]) for start in range(0, len(shas), STATEMENT_IDS)
    ]


def _where(fingerprint: str, keys: list[str]) -> dict[str, object]:
    return {"fingerprint": fingerprint, "keys": keys}
