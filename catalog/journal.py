"""Keeps what shoppers did, each event once."""

import hashlib
from collections.abc import Iterator, Sequence

import orjson
from sqlalchemy import Engine, delete, select, tuple_

from catalog.database import insert_new, told_as_unavailable, writer
from catalog.interaction import Interaction
from catalog.limits import check_interaction
from catalog.rows import INTERACTION_COLUMNS, interaction_of, interaction_values
from catalog.tables import INTERACTIONS

_PAGE = 2_000


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

    def of_user(self, user_id: str, limit: int) -> list[Interaction]:
        """Returns the user's newest ``limit`` events, oldest first."""
        statement = (
            select(*INTERACTION_COLUMNS)
            .where(INTERACTIONS.c.user_id == user_id)
            .order_by(INTERACTIONS.c.at_us.desc(), INTERACTIONS.c.event_id.desc())
            .limit(limit)
        )
        with told_as_unavailable(), self._engine.connect() as connection:
            rows = connection.execute(statement).all()
        return [interaction_of(row) for row in reversed(rows)]

    def digest(self) -> str:
        """Returns a digest of all events, in hex: equal means that nothing changed."""
        digest = hashlib.blake2b(digest_size=16)
        for event in self.scan():
            digest.update(orjson.dumps(interaction_values(event)))
        return digest.hexdigest()
