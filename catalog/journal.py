"""Keeps what shoppers did, each event once."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Column, Connection, Engine, Select, delete, func, select, tuple_

from catalog.database import empty_log, insert_new, is_one_of, reader, told_as_unavailable, writer
from catalog.interaction import Interaction
from catalog.limits import check_interaction
from catalog.rows import INTERACTION_COLUMNS, interaction_of, interaction_values, microseconds
from catalog.tables import INTERACTIONS, IS_LEARNED, PRODUCTS

ACCEPTED, DUPLICATE, UNKNOWN_PRODUCT = "accepted", "duplicate", "unknown product"
DECISIONS = ("purchase", "return", "like", "dislike", "rating")
"""Kinds of events that somebody meant."""

_PAGE = 2_000
_C = INTERACTIONS.c
_NEWEST_FIRST = _C.at_us.desc(), _C.event_id.desc()


@dataclass(frozen=True, slots=True)
class Learned:
    """What there is to learn of a shopper, oldest first, and the mark of this state."""

    events: Sequence[Interaction]
    mark: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a history ended: before the event of this time and id."""

    at_us: int
    event_id: str


class Journal:
    """The interactions of a catalogue. They do not move its clock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, events: Sequence[Interaction]) -> int:
        """Keeps events in one transaction and returns how many were new.

        An event whose id is known is passed over, so a repeated delivery changes nothing.

        Raises:
            InvalidArgument: An event is over a limit; nothing is kept.
        """
        for place, event in enumerate(events):
            check_interaction(event, path=f"events[{place}]")
        fresh = {event.event_id: event for event in reversed(events)}
        if not fresh:
            return 0
        statement = insert_new(self._engine, INTERACTIONS).returning(INTERACTIONS.c.event_id)
        values = [interaction_values(event) for event in fresh.values()]
        with told_as_unavailable(), writer(self._engine).begin() as connection:
            return len(connection.execute(statement, values).all())

    def record(self, events: Sequence[Interaction]) -> list[str]:
        """Keeps those events that are new, in one transaction, and tells what became of each.

        Returns:
            For each event ``accepted``, ``duplicate`` (its id is known, or stands before it) or
            ``unknown product`` (there never was one of this id, or its deletion is forgotten).

        Raises:
            InvalidArgument: An event is over a limit; nothing is kept.
            Unavailable: Another writer held the catalogue too long; nothing is kept.
        """
        for place, event in enumerate(events):
            check_interaction(event, path=f"events[{place}]")
        first = {event.event_id: event for event in reversed(events)}
        with told_as_unavailable(), writer(self._engine).begin() as connection:
            sold = self._those(connection, PRODUCTS.c.id, {each.product_id for each in events})
            # By id: two writers of the same events must not wait for each other.
            fit = [first[name] for name in sorted(first) if first[name].product_id in sold]
            new = self._insert(connection, fit)
            known = self._those(connection, _C.event_id, first.keys() - new)
        told = []
        for event in events:
            is_new = event.event_id in new and first[event.event_id] is event
            is_known = event.event_id in known or event.event_id in new
            told.append(ACCEPTED if is_new else DUPLICATE if is_known else UNKNOWN_PRODUCT)
        return told

    def remove(self, prefix: str) -> int:
        """Removes the events whose id begins with ``prefix`` and returns how many there were."""
        doomed = delete(INTERACTIONS).where(
            INTERACTIONS.c.event_id.startswith(prefix, autoescape=True)
        )
        with told_as_unavailable(), writer(self._engine).begin() as connection:
            return connection.execute(doomed).rowcount

    def scan(self, *, kinds: Sequence[str] = ()) -> Iterator[Interaction]:
        """Yields events by time, then id, in bounded pages; ``kinds`` empty means all."""
        statement = select(*INTERACTION_COLUMNS).order_by(
            INTERACTIONS.c.at_us, INTERACTIONS.c.event_id
        )
        if kinds:
            statement = statement.where(INTERACTIONS.c.kind.in_(list(kinds)))
        place = tuple_(INTERACTIONS.c.at_us, INTERACTIONS.c.event_id)
        page = statement.limit(_PAGE)
        while True:
            with told_as_unavailable(), self._engine.connect() as connection:
                rows = connection.execute(page).all()
            yield from map(interaction_of, rows)
            if len(rows) < _PAGE:
                return
            last = tuple_(rows[-1].at_us, rows[-1].event_id)
            page = statement.where(place > last).limit(_PAGE)

    def forget(self, user_id: str) -> int:
        """Removes all that a shopper did and returns how many events that were."""
        with told_as_unavailable(), writer(self._engine).begin() as connection:
            doomed = delete(INTERACTIONS).where(_C.user_id == user_id)
            count = connection.execute(doomed).rowcount
        empty_log(self._engine)
        return count

    def of_user(self, user_id: str, limit: int) -> list[Interaction]:
        """Returns the user's newest ``limit`` events, oldest first."""
        return self.page(user_id, limit)[::-1]

    def page(self, user_id: str, limit: int, *, before: Place | None = None) -> list[Interaction]:
        """Returns the newest ``limit`` events of a user before a place, newest first."""
        statement = _of(user_id).limit(limit)
        if before is not None:
            place = tuple_(_C.at_us, _C.event_id)
            statement = statement.where(place < tuple_(before.at_us, before.event_id))
        return self._read(statement)

    def learned(self, user_id: str, limit: int) -> Learned:
        """Returns the newest ``limit`` events of a user that say something of their taste."""
        events = self._read(_of(user_id).where(IS_LEARNED).limit(limit))[::-1]
        if not events:
            return Learned((), _marked(0))
        ends = [Place(microseconds(each.at), each.event_id) for each in (events[0], events[-1])]
        return Learned(events, _marked(len(events), *ends))

    def decided(self, user_id: str, limit: int) -> list[Interaction]:
        """Returns a user's newest purchases and verdicts, oldest first, however many views there
        are between them."""
        return self._read(_of(user_id).where(_C.kind.in_(DECISIONS)).limit(limit))[::-1]

    def styles_of(self, product_ids: Collection[str]) -> frozenset[str]:
        """Returns the styles of products, of deleted ones too while their tombstones stand."""
        with told_as_unavailable(), reader(self._engine).connect() as connection:
            if not product_ids:
                return frozenset()
            statement = select(PRODUCTS.c.style_id).where(
                is_one_of(self._engine, PRODUCTS.c.id, "keys")
            )
            found = connection.execute(statement, {"keys": list(product_ids)})
            return frozenset(found.scalars())

    def mark(self, user_id: str, limit: int) -> str:
        """Returns the mark that :meth:`learned` would; as good as never equal for two states.

        It is read from an index alone: it takes microseconds where the events take milliseconds.
        An event more moves the count, or pushes the oldest one out, whose id is told.
        """
        newest = select(_C.at_us, _C.event_id).where(_C.user_id == user_id, IS_LEARNED)
        newest = newest.order_by(*_NEWEST_FIRST)
        with told_as_unavailable(), reader(self._engine).connect() as connection:
            counted = select(func.count()).select_from(newest.limit(limit).subquery())
            count = connection.execute(counted).scalar_one()
            if not count:
                return _marked(0)
            first, last = (
                connection.execute(newest.limit(1).offset(place)).first()
                for place in (count - 1, 0)
            )
        if first is None or last is None:  # erased between two looks
            return _marked(0)
        return _marked(count, *(Place(each.at_us, each.event_id) for each in (first, last)))

    def digest(self) -> str:
        """Returns a digest of all events, in hex: equal means that nothing changed."""
        digest = hashlib.blake2b(digest_size=16)
        for event in self.scan():
            digest.update(orjson.dumps(interaction_values(event)))
        return digest.hexdigest()

    def _read(self, statement: Select[tuple[object, ...]]) -> list[Interaction]:
        with told_as_unavailable(), reader(self._engine).connect() as connection:
            return [interaction_of(row) for row in connection.execute(statement).all()]

    def _insert(self, connection: Connection, events: Sequence[Interaction]) -> set[str]:
        if not events:
            return set()
        statement = insert_new(self._engine, INTERACTIONS).returning(_C.event_id)
        rows = connection.execute(statement, [interaction_values(event) for event in events])
        return {row.event_id for row in rows.all()}

    def _those(
        self, connection: Connection, column: Column[str], wanted: Collection[str]
    ) -> set[str]:
        """Those of the wanted values that the column holds."""
        if not wanted:
            return set()
        statement = select(column).where(is_one_of(self._engine, column, "keys"))
        return set(connection.execute(statement, {"keys": list(wanted)}).scalars())


def _of(user_id: str) -> Select[tuple[object, ...]]:
    return select(*INTERACTION_COLUMNS).where(_C.user_id == user_id).order_by(*_NEWEST_FIRST)


def _marked(count: int, *ends: Place) -> str:
    """Names a state by the number of its events and by the oldest and the newest of them."""
    told = orjson.dumps([count, *([each.at_us, each.event_id] for each in ends)])
    return hashlib.blake2b(told, digest_size=12).hexdigest()
