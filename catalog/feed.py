"""Reads what changed in the catalogue, in order of its clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Row, Select, bindparam, select

from catalog.database import told_as_unavailable
from catalog.product import Product
from catalog.rows import PRODUCT_COLUMNS, product_of
from catalog.store import CatalogStore
from catalog.tables import IMAGE_VECTORS, PRODUCTS

_Row: TypeAlias = Row[*tuple[Any, ...]]
_Select: TypeAlias = Select[*tuple[Any, ...]]
_P = PRODUCTS.c
_V = IMAGE_VECTORS.c
_PRODUCTS = (
    select(_P.seq, _P.changed_us, _P.deleted, *PRODUCT_COLUMNS)
    .where(_P.seq > bindparam("after"), _P.seq <= bindparam("until"))
    .order_by(_P.seq)
)
_VECTORS = (
    select(_V.seq, _V.changed_us, _V.sha256, _V.vector)
    .where(
        _V.seq > bindparam("after"),
        _V.seq <= bindparam("until"),
        _V.fingerprint == bindparam("fingerprint"),
    )
    .order_by(_V.seq)
)


@dataclass(frozen=True, slots=True)
class Change:
    """A product as it is after its last change, or None where it was deleted.

    ``changed_us`` is the writer's time in microseconds UTC.
    """

    product_id: str
    seq: int
    changed_us: int
    product: Product | None


@dataclass(frozen=True, slots=True)
class VectorChange:
    """The vector of a photo, little-endian float32; b"" where it cannot be decoded."""

    sha256: str
    seq: int
    changed_us: int
    vector: bytes


@dataclass(frozen=True, slots=True)
class ChangeBatch:
    """Everything that was changed after a number and up to ``seq``, in order of number.

    A product or a vector stands in it once, as it is now, under its last change.
    """

    products: tuple[Change, ...]
    vectors: tuple[VectorChange, ...]
    seq: int


class LogTruncated(Exception):
    """There is no way on from a number: what follows it is no longer, or never was, in the log.

    It is below the log floor, past the clock, or of a catalogue that a backup has replaced. The
    follower must begin anew from a snapshot.
    """


class ChangeFeed:
    """The changes of a catalogue, in batches.

    Args:
        store: The catalogue.
        fingerprint: Whose vectors are read beside the products; None reads none.
        limit: Most products, and most vectors, of one batch.
    """

    def __init__(
        self, store: CatalogStore, *, fingerprint: str | None = None, limit: int = 500
    ) -> None:
        self._store = store
        self._fingerprint = fingerprint
        self._limit = limit
        self._checked = False

    def read(self, after: int) -> ChangeBatch:
        """Returns the next changes; ``seq`` equals ``after`` when there are none.

        What is changed again while it is read comes later, under its new number.

        Raises:
            LogTruncated: There is no way on from ``after``.
            Unavailable: The database does not answer.
        """
        # The clock first: each number up to it is committed.
        until = self._store.clock()
        if until == after and self._checked:
            return ChangeBatch((), (), after)
        rows = self._rows(_PRODUCTS, after, until)
        until = rows[-1].seq if len(rows) == self._limit else until
        vectors: Sequence[_Row] = ()
        if self._fingerprint is not None:
            vectors = self._rows(_VECTORS, after, until)
            if len(vectors) == self._limit:
                until = vectors[-1].seq
        # After the rows: had tombstones been purged before they were read, the floor says so now.
        if not self._store.is_followable(after):
            raise LogTruncated(f"nobody can follow the catalogue from change {after} on")
        self._checked = True
        return ChangeBatch(
            tuple(_change(row) for row in rows if row.seq <= until),
            tuple(VectorChange(v.sha256, v.seq, v.changed_us, v.vector or b"") for v in vectors),
            until,
        )

    def _rows(self, wanted: _Select, after: int, until: int) -> Sequence[_Row]:
        keys: dict[str, object] = {"after": after, "until": until}
        if wanted is _VECTORS:
            keys["fingerprint"] = self._fingerprint
        with told_as_unavailable(), self._store.reader.connect() as connection:
            return connection.execute(wanted.limit(self._limit), keys).all()


def _change(row: _Row) -> Change:
    seq, changed_us, is_deleted, *columns = row
    product = None if is_deleted else product_of(columns)
    return Change(columns[0], seq, changed_us, product)
