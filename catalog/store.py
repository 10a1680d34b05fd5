"""Keeps the catalogue in SQL: the source of truth of products and of what shoppers did."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from sqlalchemy import Connection, Engine

from catalog import changes
from catalog.clock import jump
from catalog.database import open_engine, told_as_unavailable, writer
from catalog.interaction import Interaction
from catalog.journal import Journal
from catalog.layout import lay_out
from catalog.limits import MAX_INT64, check_image_state, check_product
from catalog.photos import Photo, Photos
from catalog.product import Product
from catalog.reads import PAGE, CatalogReads
from catalog.reports import DeleteReport, UpsertReport, Verdict
from catalog.rows import product_values
from catalog.vectors import ImageVectors
from runtime.errors import InvalidArgument


class CatalogStore(CatalogReads):
    """Products and interactions in one database; safe to use from many threads.

    Each change to a product or a vector takes a number of one clock, whose lock is taken first:
    whoever reads by ``seq`` never misses one. What does not change takes no number.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._journal = Journal(engine)
        self._photos = Photos(engine)
        self.vectors = ImageVectors(engine)

    @classmethod
    def open(cls, url: str, *, create: bool = False) -> "CatalogStore":
        """Opens a catalogue by URL, such as ``sqlite:////data/catalog.db``.

        A catalogue of an older format is brought up to date where it stands.

        Raises:
            SetupError: There is none and ``create`` is false, it cannot be opened, or it is of a
                newer format.
        """
        engine = open_engine(url, create=create)
        try:
            lay_out(engine, create=create)
            return cls(engine)
        except BaseException:
            engine.dispose()
            raise

    def close(self) -> None:
        """Closes all connections."""
        self._watch.close()
        self._engine.dispose()

    def upsert(self, products: Sequence[Product], *, if_seq: int | None = None) -> UpsertReport:
        """Creates or replaces products in one transaction; of equal ids the last one counts.

        The store sets ``seq``, ``added_seq``, and ``image_state``: "none" without photos,
        "pending" where the photos are new, else as it was.

        Args:
            products: The products.
            if_seq: The ``seq`` that each must have for the write to happen, 0 for products that
                must not exist.

        Raises:
            InvalidArgument: A product is over a limit; nothing is kept.
            Conflict: A product is not at ``if_seq``; nothing is kept.
            Unavailable: Another writer held the catalogue too long.
        """
        for place, product in enumerate(products):
            check_product(product, path=f"products[{place}]")
        rows = {product.id: product_values(product) for product in products}
        with self._writing() as connection:
            outcome = changes.replace(connection, rows, if_seq=if_seq)
        counts = {"created": 0, "updated": 0, "unchanged": 0}
        for status in outcome.statuses.values():
            counts[status] += 1
        return UpsertReport(**counts, seq=outcome.seq)

    def upsert_each(self, products: Sequence[Product]) -> tuple[list[Verdict], int]:
        """Creates or replaces those products that are within the limits, in one transaction.

        Returns:
            A verdict for each, in the order given, and the clock after the write. Of equal ids
            the last valid one counts, and its verdict stands for all of them.

        Raises:
            Unavailable: Another writer held the catalogue too long; nothing is kept.
        """
        rows = {}
        rejected: dict[int, Verdict] = {}
        for place, product in enumerate(products):
            try:
                check_product(product, path=f"products[{place}]")
            except InvalidArgument as error:
                found = Verdict(product.id, "rejected", error.message, error.field or "")
                rejected[place] = found
            else:
                rows[product.id] = product_values(product)
        with self._writing() as connection:
            outcome = changes.replace(connection, rows)
        verdicts = [
            rejected.get(place) or Verdict(product.id, outcome.statuses[product.id])
            for place, product in enumerate(products)
        ]
        return verdicts, outcome.seq

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
        while batch := list(islice(stream, PAGE)):
            if created + updated + unchanged:
                time.sleep(pause_s)
            report = self.upsert(batch)
            created += report.created
            updated += report.updated
            unchanged += report.unchanged
            if on_batch is not None:
                on_batch(len(batch))
        return UpsertReport(created, updated, unchanged, self.seq())

    def delete(self, ids: Sequence[str], *, if_seq: int | None = None) -> DeleteReport:
        """Deletes products, leaving tombstones, and tells how many there were.

        Raises:
            Conflict: A product is not at ``if_seq``; nothing is deleted.
            Unavailable: Another writer held the catalogue too long.
        """
        with self._writing() as connection:
            return DeleteReport(*changes.bury(connection, ids, if_seq=if_seq))

    def purge_tombstones(self, before_us: int, *, up_to: int = MAX_INT64) -> int:
        """Forgets old deletions and returns how many.

        Raises the log floor: snapshots and followers older than that must begin anew.

        Args:
            before_us: Those before this time, in microseconds UTC.
            up_to: Those up to this number, such as that of the oldest snapshot in use.
        """
        with self._writing() as connection:
            return changes.purge(connection, before_us, up_to)

    def set_image_state(
        self, states: Mapping[str, str], *, photos: Mapping[str, Sequence[str]] | None = None
    ) -> int:
        """Records what became of products' photos and returns how many rows changed.

        Args:
            states: "none", "pending", "embedded" or "rejected(reason)" by product id; unknown
                products are passed over.
            photos: The photos of each product that the verdict is about; products that have
                others by now are passed over.

        Raises:
            InvalidArgument: A state is none of these; nothing is kept.
        """
        for state in states.values():
            check_image_state(state)
        with self._writing() as connection:
            return changes.set_states(connection, states, photos)

    def jump_clock(self) -> int:
        """Moves the clock past all numbers that a lost catalogue may have given out.

        For a catalogue that was just put back from a backup; returns the clock afterwards.
        """
        with self._writing() as connection:
            return jump(connection)

    def add_media(self, photos: Sequence[Photo]) -> int:
        """Records photos that the media store keeps and returns how many were new."""
        return self._photos.add(photos)

    def media(self, sha256: str) -> Photo | None:
        """Returns what is known of a photo by its content hash, or None."""
        return self._photos.get(sha256)

    @property
    def journal(self) -> Journal:
        """What shoppers did."""
        return self._journal

    def add_interactions(self, events: Sequence[Interaction]) -> int:
        """Keeps events in one transaction and returns how many were new, by ``event_id``.

        Raises:
            InvalidArgument: An event is over a limit; nothing is kept.
        """
        return self._journal.add(events)

    def remove_interactions(self, *, prefix: str) -> int:
        """Removes the events whose id begins with ``prefix`` and returns how many there were."""
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
        with told_as_unavailable(), writer(self._engine).begin() as connection:
            yield connection
