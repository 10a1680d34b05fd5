"""Reads the event of a row of a table."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from catalog.interaction import Interaction
from offline.importing.events import EventNames
from offline.importing.records import BadRow, Record
from offline.importing.values import id_of, text_of, time_of, truth_of, whole_of


def event_reader(
    mapping: Mapping[str, str], prefix: str
) -> Callable[[], Callable[[Record], Interaction]]:
    """Returns what makes readers of events.

    An event without an id is named by what it says; one without a kind is a rating if it has a
    value, else a purchase.

    Args:
        mapping: Columns by field.
        prefix: What the ids of events begin with that have none of their own.
    """

    def reader() -> Callable[[Record], Interaction]:
        names = EventNames(prefix)

        def read(record: Record) -> Interaction:
            row = {field: record.fields.get(column) for field, column in mapping.items()}
            value = stars_of(row.get("value"))
            told = text_of(row.get("kind")).lower()
            event = Interaction(
                event_id=id_of(row.get("event_id")) or "-",
                user_id=id_of(row.get("user_id")),
                product_id=id_of(row.get("product_id")),
                kind=told or ("purchase" if value is None else "rating"),
                at=time_of(row.get("at")),
                value=value,
                verified=truth_of(row.get("verified")),
                helpful_votes=whole_of(row.get("helpful_votes"), what="helpful_votes"),
                text=text_of(row.get("text")),
            )
            return named(event, names)

        return read

    return reader


def exported_event(record: Record) -> Interaction:
    """Reads an event that `hemline export --interactions` wrote: nothing is cleaned.

    Raises:
        BadRow: A field is missing or of another type.
    """
    row = record.fields
    texts = {name: row.get(name) for name in ("event_id", "user_id", "product_id", "kind", "text")}
    told = {name: value for name, value in texts.items() if isinstance(value, str)}
    votes, verified = row.get("helpful_votes"), row.get("verified")
    if len(told) != len(texts) or not isinstance(votes, int) or not isinstance(verified, bool):
        raise BadRow("the fields are not those of an export")
    return Interaction(
        event_id=told["event_id"],
        user_id=told["user_id"],
        product_id=told["product_id"],
        kind=told["kind"],
        at=time_of(row.get("at")),
        value=stars_of(row.get("value")),
        verified=verified,
        helpful_votes=votes,
        text=told["text"],
    )


def named(event: Interaction, names: EventNames) -> Interaction:
    """Returns the event with an id, by what it says, where it has none."""
    if event.event_id != "-":
        return event
    name = names.name(
        event.user_id,
        event.product_id,
        event.kind,
        event.at.isoformat(),
        event.value,
        event.verified,
        event.helpful_votes,
        event.text,
    )
    return replace(event, event_id=name)


def stars_of(value: object) -> float | None:
    """Returns stars of 1 to 5; None where nothing is told.

    Raises:
        BadRow: It is no such number.
    """
    text = text_of(value)
    if not text:
        return None
    try:
        stars = float(text)
    except ValueError:
        raise BadRow("the rating is no number") from None
    if not 1 <= stars <= 5:
        raise BadRow("the rating is not 1 to 5")
    return stars
