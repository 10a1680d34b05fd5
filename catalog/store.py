"""Keeps the catalogue in SQL: the source of truth of products and of what shoppers did."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, Engine, bindparam, func, select
from sqlalchemy.exc import OperationalError

from catalog import changes
from catalog.changes import STATEMENT_IDS
from catalog.interaction import Interaction
from catalog.journal import Journal
from catalog.limits import check_image_state, check_product
from catalog.product import Product
from catalog.rows import PRODUCT_COLUMNS, product_of, product_values
from catalog.tables import CLOCK, PRODUCTS, CommitWatch, open_engine, writer
from runtime.errors import Unavailable

_PAGE = 500
_C = PRODUCTS.c
_BY_ID = select(*PRODUCT_COLUMNS).where(_C.id == bindparam("key"), ~_C.deleted)
_BY_IDS = select(*PRODUCT_COLUMNS).where(_C.id.in_(bindparam("keys", expanding=True)), ~_C.deleted)
_NEXT_PAGE = (
    select(*PRODUCT_COLUMNS)
    .where(_C.id > bindparam("after"), ~_C.deleted)
    .order_by(_C.id)
    .limit(_PAGE)
)


@dataclass(frozen=True, slots=True)
class UpsertReport:
    """What an upsert came to: numbers of products, and the clock after it."""

    created: int
    updated: int
    unchanged: int
    seq: int


class CatalogStore:
    """Products and interactions in one database; safe to use from many threads.

    Each change to a product takes a number of one clock, whose lock is taken first: whoever reads
    products by ``seq`` never misses one. What does not change takes no number.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._journal = Journal(engine)
        self._watch = CommitWatch(engine)

    @classmethod
    def open(cls, url: str, *, create: bool = False) -> "CatalogStore":
        """Opens a catalogue by URL, such as ``sqlite:////data/catalog.db``.

        Raises:
            SetupError: There is none and ``create`` is false, or it cannot be opened.
        """
        return cls(open_engine(url, create=create))

    def close(self) -> None:
        """Closes all connections."""
        self._watch.close()
        self._engine.dispose()

    def upsert(self, products: Sequence[Product]) -> UpsertReport:
        """Creates or replaces products in one transaction; of equal ids the last one counts.

        The store sets ``seq``, and ``image_state``: "none" without photos, "pending" where the
        photos are new, else as it was.

        Raises:
            InvalidArgument: A product is over a limit; nothing is kept.
            Unavailable: Another writer held the catalogue too long.
        """
        for place, product in enumerate(products):
            check_product(product, path=f"products[{place}]")
        rows = {product.id: product_values(product) for product in products}
        with self._writing() as connection:
            created, updated, seq = changes.replace(connection, rows)
        return UpsertReport(created, updated, len(rows) - created - updated, seq)

    def upsert_all(
        self,
        products: Iterable[Product],
        *,
        pause_s: float = 0.03,
        on_batch: Callable[[int], object] | None = None,
    ) -> UpsertReport:
        """Upserts any number of products in commits of 500.

        Args:
            products: The products, read as a stream.
            pause_s: Seconds between commits, in which the writes of others get their turn.
            on_batch: Told the number of products after each commit.

        Raises:
            InvalidArgument: A product is over a limit; earlier commits stay.
        """
        created = updated = unchanged = 0
        stream = iter(products)
        while batch := list(islice(stream, _PAGE)):
            if created + updated + unchanged:
                time.sleep(pause_s)
            report = self.upsert(batch)
            created += report.created
            updated += report.updated
            unchanged += report.unchanged
            if on_batch is not None:
                on_batch(len(batch))
        return UpsertReport(created, updated, unchanged, self.seq())

    def delete(self, ids: Sequence[str]) -> int:
        """Deletes products, leaving tombstones, and returns how many there were."""
        with self._writing() as connection:
            return changes.bury(connection, ids)

    def set_image_state(self, states: Mapping[str, str]) -> int:
        """Records what became of products' photos and returns how many rows changed.

        Args:
            states: "none", "pending", "embedded" or "rejected(reason)" by product id; unknown
                products are passed over.

        Raises:
            InvalidArgument: A state is none of these; nothing is kept.
        """
        for state in states.values():
            check_image_state(state)
        with self._writing() as connection:
            return changes.set_states(connection, states)

    def get(self, product_id: str) -> Product | None:
        """Returns a product, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(_BY_ID, {"key": product_id}).first()
        return None if row is None else product_of(row)

    def get_many(self, ids: Sequence[str]) -> dict[str, Product]:
        """Returns the products that exist, by id, in no order of note."""
        found: dict[str, Product] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(ids), STATEMENT_IDS):
                keys = {"keys": ids[start : start + STATEMENT_IDS]}
                for row in connection.execute(_BY_IDS, keys).all():
                    found[row[0]] = product_of(row)
        return found

    def scan(self, *, after: str = "") -> Iterator[Product]:
        """Yields products by id, from past ``after``, in bounded pages without a long read."""
        while True:
            with self._engine.connect() as connection:
                rows = connection.execute(_NEXT_PAGE, {"after": after}).all()
            yield from map(product_of, rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def seq(self) -> int:
        """Returns the clock: the number of the last change to a product."""
        with self._engine.connect() as connection:
            return int(connection.execute(select(CLOCK.c.seq)).scalar_one())

    def count(self) -> int:
        """Returns the number of products."""
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).where(~_C.deleted)).scalar_one())

    def content_digest(self) -> str:
        """Returns a digest of all products' contents, in hex, without ``seq`` and ``image_state``.

        Equal digests, of whichever stores, mean that what is made from the products is equal.
        """
        digest = hashlib.blake2b(digest_size=16)
        page = select(_C.id, _C.digest).where(~_C.deleted).order_by(_C.id).limit(4 * _PAGE)
        after = ""
        with self._engine.connect() as connection:
            while rows := connection.execute(page.where(_C.id > after)).all():
                digest.update("".join(f"{key}\0{content}\0" for key, content in rows).encode())
                after = rows[-1][0]
        return digest.hexdigest()

    def changes_token(self) -> object:
        """Returns a value that differs once any process changed a product; takes microseconds."""
        return self._watch.token(self.seq)

    def add_interactions(self, events: Sequence[Interaction]) -> int:
        """Keeps events in one transaction and returns how many were new, by ``event_id``.

        Raises:
            InvalidArgument: An event is over a limit; nothing is kept.
        """
        with _told_as_busy():
            return self._journal.add(events)

    def remove_interactions(self, *, prefix: str) -> int:
        """Removes the events whose id begins with ``prefix`` and returns how many there were.

        An import that names its events with a prefix of its own can so be taken back.
        """
        with _told_as_busy():
            return self._journal.remove(prefix)

    def interactions(self, *, kinds: Sequence[str] = ()) -> Iterator[Interaction]:
        """Yields events by (time, event id); ``kinds`` empty means all."""
        return self._journal.scan(kinds=kinds)

    def history(self, user_id: str, limit: int) -> list[Interaction]:
        """Returns the user's newest ``limit`` events, oldest first."""
        return self._journal.of_user(user_id, limit)

    def interactions_digest(self) -> str:
        """Returns a digest of all events, in hex; equal means that nothing changed."""
        return self._journal.digest()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _told_as_busy(), writer(self._engine).begin() as connection:
            yield connection


@contextmanager
def _told_as_busy() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        is_full = "disk is full" in str(error.orig) or "disk I/O error" in str(error.orig)
        why = (
            "the catalogue cannot be written, its disk is full: make room and try again"
            if is_full
            else "the catalogue cannot be written now: try again"
        )
        raise Unavailable(why, retry_after_s=1) from error
