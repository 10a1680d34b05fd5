"""Reads products from the catalogue."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, bindparam, exists, func, select

from catalog.changes import STATEMENT_IDS
from catalog.clock import is_lost
from catalog.commit_watch import CommitWatch
from catalog.database import is_one_of, now_us, reader, told_as_unavailable
from catalog.product import Product
from catalog.rows import PRODUCT_COLUMNS, product_of
from catalog.tables import CLOCK, IMAGE_CLAIMS, IS_PENDING, PRODUCTS

PAGE = 500
_C = PRODUCTS.c
_BY_ID = select(*PRODUCT_COLUMNS).where(_C.id == bindparam("key"), ~_C.deleted)
_NEXT_PAGE = (
    select(*PRODUCT_COLUMNS)
    .where(_C.id > bindparam("after"), ~_C.deleted)
    .order_by(_C.id)
    .limit(PAGE)
)
# The face in the JSON of a list of photos: ["<64 digits>", ...
_FACE = func.substr(_C.images, 3, 64)


class CatalogReads:
    """What can be asked of a catalogue; safe to use from many threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = reader(engine)
        self._watch = CommitWatch(engine)
        wanted = is_one_of(engine, _C.id, "keys")
        self._by_ids = select(*PRODUCT_COLUMNS).where(wanted, ~_C.deleted)

    @property
    def engine(self) -> Engine:
        """The database, for the rooms of the catalogue."""
        return self._engine

    @property
    def reader(self) -> Engine:
        """The database, for statements that only read."""
        return self._reader

    @property
    def poll_s(self) -> float:
        """Seconds between looks at the clock that do not burden this database."""
        return 0.05 if self._engine.dialect.name == "sqlite" else 0.1

    def get(self, product_id: str) -> Product | None:
        """Returns a product, or None."""
        with self._reading() as connection:
            row = connection.execute(_BY_ID, {"key": product_id}).first()
        return None if row is None else product_of(row)

    def get_many(self, ids: Sequence[str]) -> dict[str, Product]:
        """Returns the products that exist, by id, in no order of note."""
        found: dict[str, Product] = {}
        with self._reading() as connection:
            for start in range(0, len(ids), STATEMENT_IDS):
                keys = {"keys": list(ids[start : start + STATEMENT_IDS])}
                for row in connection.execute(self._by_ids, keys).all():
                    found[row[0]] = product_of(row)
        return found

    def scan(self, *, after: str = "") -> Iterator[Product]:
        """Yields products by id, from past ``after``, in bounded pages without a long read."""
        while True:
            with self._reading() as connection:
                rows = connection.execute(_NEXT_PAGE, {"after": after}).all()
            yield from map(product_of, rows)
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    def pending_photos(self, fingerprint: str, limit: int) -> list[Product]:
        """Returns products whose photos wait for a verdict, the longest waiting first.

        Those whose face somebody is embedding right now, for the same fingerprint, are left out.
        """
        claims = IMAGE_CLAIMS.c
        is_claimed = exists().where(
            claims.sha256 == _FACE,
            claims.fingerprint == fingerprint,
            claims.expires_us > now_us(self._engine),
        )
        waiting = (
            select(*PRODUCT_COLUMNS).where(IS_PENDING, ~is_claimed).order_by(_C.seq).limit(limit)
        )
        with self._reading() as connection:
            return [product_of(row) for row in connection.execute(waiting).all()]

    def seq(self) -> int:
        """Returns the clock: the number of the last change."""
        with self._reading() as connection:
            return int(connection.execute(select(CLOCK.c.seq)).scalar_one())

    def log_floor(self) -> int:
        """Returns the number below which nobody can catch up: tombstones are gone there."""
        with self._reading() as connection:
            return int(connection.execute(select(CLOCK.c.log_floor)).scalar_one())

    def is_followable(self, seq: int) -> bool:
        """Tells whether whoever has seen all changes up to a number can go on from there.

        Not so below the log floor, past the clock, and at a number that was given out by a
        catalogue that a backup has replaced since.
        """
        with self._reading() as connection:
            clock, floor = connection.execute(select(CLOCK.c.seq, CLOCK.c.log_floor)).one()
            return floor <= seq <= clock and not is_lost(connection, seq)

    def count(self) -> int:
        """Returns the number of products."""
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).where(~_C.deleted)).scalar_one())

    def content_digest(self) -> str:
        """Returns a digest of all products' contents, in hex, without what the store sets.

        Equal digests, of whichever stores, mean that what is made from the products is equal.
        """
        digest = hashlib.blake2b(digest_size=16)
        page = select(_C.id, _C.digest).where(~_C.deleted).order_by(_C.id).limit(4 * PAGE)
        after = ""
        with self._reading() as connection:
            while rows := connection.execute(page.where(_C.id > after)).all():
                digest.update("".join(f"{key}\0{content}\0" for key, content in rows).encode())
                after = rows[-1][0]
        return digest.hexdigest()

    def changes_token(self) -> object:
        """Returns a value that differs once any process changed a product; takes microseconds."""
        return self.clock()

    def clock(self) -> int:
        """Returns ``seq()``, without asking the database where nothing was committed since."""
        with told_as_unavailable():
            return self._watch.token(self.seq)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with told_as_unavailable(), self._reader.connect() as connection:
            yield connection
