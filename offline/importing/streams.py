"""Turns rows into products and events for the store, and tells of those it cannot."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from catalog.interaction import Interaction
from catalog.limits import check_interaction, check_product
from catalog.product import Product
from catalog.store import CatalogStore
from offline.importing.checkpoint import Tally
from offline.importing.events import Choice, Verdict, choose
from offline.importing.held_out import HeldOut
from offline.importing.photos import Found, PhotoIntake
from offline.importing.plan import EventPart, ProductPart
from offline.importing.records import DUPLICATE, BadRow, Record, Skipped, Source
from offline.rejects import Rejects
from runtime.errors import InvalidArgument

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Tools:
    """What an import works with."""

    store: CatalogStore
    photos: PhotoIntake
    rejects: Rejects
    held_out: HeldOut
    tally: Tally


class ProductStream:
    """The products of one file, each id once and all prices in one currency."""

    def __init__(self, part: ProductPart, tools: Tools) -> None:
        self._part = part
        self._tools = tools
        self._seen: set[str] = set()
        self._standing: dict[str, int] = {}
        self._currency: str | None = None
        self.rows_read = 0

    def rows(self, skip: int) -> Iterator[tuple[int, Product]]:
        """Yields line and product, for the rows past line ``skip``."""
        if self._part.whole is not None:
            self._standing = self._lines_that_stand(self._part.whole)
        for record in self._part.source.read():
            told = _Told(record, self._part.source.path.name, self._tools, record.line > skip)
            self.rows_read += record.line > skip
            found = told.read(self._found)
            if found is not None and record.line > skip:
                yield record.line, self._tools.photos.take(found, told.refuse_photo)

    def keep(self, products: Sequence[Product]) -> None:
        """Commits products."""
        # Photos first: a product must not name one that nobody has heard of.
        self._tools.store.add_media(self._tools.photos.commit())
        report = self._tools.store.upsert(products)
        tally = self._tools.tally
        tally.created += report.created
        tally.updated += report.updated
        tally.unchanged += report.unchanged
        tally.photos += sum(bool(product.images) for product in products)

    def _found(self, record: Record) -> Found:
        found = self._read(record)
        key = found.product.id
        stands = self._standing.get(key)
        # A line that stands itself is here for the sake of a photo that was refused.
        is_double = stands not in (None, record.line)
        if stands is None and record.line in self._part.doubles:
            is_double = self._tools.store.get(key) is not None
        if key in self._seen or is_double:
            raise BadRow(DUPLICATE)
        self._seen.add(key)
        return found

    def _read(self, record: Record) -> Found:
        found = self._part.read(record)
        product = found.product
        check_product(product)
        if product.price_minor is not None and product.currency != self._expected(product):
            raise BadRow("another currency than the catalogue's")
        return found

    def _lines_that_stand(self, whole: Source) -> dict[str, int]:
        """Returns the line of the sound row of the file, for ids of its mended rows."""
        wanted = {key for _, key in self._sound(self._part.source)}
        lines: dict[str, int] = {}
        for line, key in self._sound(whole):
            if key in wanted:
                lines.setdefault(key, line)
        return lines

    def _sound(self, source: Source) -> Iterator[tuple[int, str]]:
        for record in source.read():
            with contextlib.suppress(BadRow, InvalidArgument, Skipped):
                if not record.problem:
                    yield record.line, self._read(record).product.id

    def _expected(self, product: Product) -> str:
        if self._currency is None:
            # A catalogue has one currency: that of whatever product has a price already.
            priced = (one for one in self._tools.store.scan() if one.price_minor is not None)
            self._currency = next(priced, product).currency
        return self._currency


class EventStream:
    """The events of one file that are about products of the catalogue, and wanted."""

    def __init__(self, part: EventPart, tools: Tools, choice: Choice) -> None:
        self._part = part
        self._tools = tools
        self._choice = choice
        self.rows_read = 0

    def rows(self, skip: int) -> Iterator[tuple[int, Interaction]]:
        """Yields line and event, for the rows past line ``skip``."""
        known = {product.id for product in self._tools.store.scan()}
        verdicts = self._verdicts(known)
        for number, (told, event) in enumerate(self._events(known, skip)):
            verdict = Verdict.KEEP if verdicts is None else verdicts[number]
            if told.record.line <= skip:
                continue
            if verdict == Verdict.KEEP:
                yield told.record.line, event
            elif verdict == Verdict.HOLD_OUT:
                self._tools.held_out.add(event)
                self._tools.tally.held_out += 1
            else:
                told.skip("a shopper or a product with too few events")

    def keep(self, events: Sequence[Interaction]) -> None:
        """Commits events."""
        fresh = self._tools.store.add_interactions(events)
        self._tools.tally.events += fresh
        self._tools.tally.known_events += len(events) - fresh

    def _verdicts(self, known: set[str]) -> npt.NDArray[np.uint8] | None:
        if self._choice.asks_nothing:
            return None
        # Nothing is told of these rows now: they are read again.
        return choose((event for _, event in self._events(known, None)), self._choice)

    def _events(self, known: set[str], skip: int | None) -> Iterator[tuple["_Told", Interaction]]:
        read = self._part.reader()

        def event_of(record: Record) -> Interaction:
            event = read(record)
            check_interaction(event)
            if event.product_id and event.product_id not in known:
                raise Skipped("an event of a product that is not in the catalogue")
            return event

        for record in self._part.source.read():
            is_told = skip is not None and record.line > skip
            self.rows_read += is_told
            told = _Told(record, self._part.source.path.name, self._tools, is_told)
            event = told.read(event_of)
            if event is not None:
                yield told, event


class _Told:
    """One row, whose problems are told if that was not done in an earlier run."""

    def __init__(self, record: Record, file: str, tools: Tools, is_told: bool) -> None:
        self.record = record
        self._file = file
        self._tools = tools
        self._is_told = is_told

    def read(self, read: Callable[[Record], _T]) -> _T | None:
        """Returns what the row says, or None where that cannot be taken."""
        try:
            if self.record.problem:
                raise BadRow(self.record.problem)
            return read(self.record)
        except (BadRow, InvalidArgument) as bad:
            self.refuse(str(bad))
        except Skipped as reason:
            self.skip(str(reason))
        return None

    def refuse(self, reason: str) -> None:
        """Refuses the row."""
        if self._is_told:
            self._tools.rejects.add(self._file, self.record.line, reason, self.record.raw)

    def refuse_photo(self, reason: str) -> None:
        """Refuses a photo of the row, which is taken without it."""
        if self._is_told:
            self._tools.rejects.add_photo(self._file, self.record.line, reason, self.record.raw)

    def skip(self, reason: str) -> None:
        """Passes the row by."""
        if self._is_told:
            skipped = self._tools.tally.skipped
            skipped[reason] = skipped.get(reason, 0) + 1
