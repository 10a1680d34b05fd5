"""Says what JSON an event is written as, and turns it into one."""

import re
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.interaction import Interaction
from catalog.limits import check_id
from runtime.errors import InvalidArgument
from services.gateway.interactions import MAX_EVENTS, REJECTED, EventVerdict, Item
from services.gateway.rest_problems import refused

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class EventBody(_Body):
    """Something that a shopper did with a product."""

    event_id: str = Field(description="The same event sent twice counts once.")
    user_id: str = Field(description="Who did it; a visitor without a name has one drawn.")
    product_id: str
    kind: str = Field(
        description="impression, view, cart, purchase, like, dislike, rating or return."
    )
    value: float | None = Field(None, description="Stars of a rating, 1 to 5; null for others.")
    at: str | None = Field(
        None, description="When, in RFC 3339 such as 2026-01-31T12:00:00Z; now if left out."
    )
    verified: bool = Field(False, description="Whether a rating is that of a buyer.")
    helpful_votes: int = Field(0, description="How many found a rating helpful.")


class InteractionsBody(_Body):
    """Events to keep; each is judged by itself."""

    events: list[object] = Field(
        min_length=1,
        max_length=MAX_EVENTS,
        json_schema_extra={"items": {"$ref": "#/components/schemas/EventBody"}},
    )


class EventVerdictReply(_Body):
    """What became of one event: accepted, duplicate or rejected, and why."""

    event_id: str
    status: str
    problem: str | None
    field: str | None


class InteractionsReply(_Body):
    """A verdict for each event in the order given; what is accepted is durable."""

    results: list[EventVerdictReply]


class EventReply(_Body):
    """An event that is kept."""

    event_id: str
    user_id: str
    product_id: str
    kind: str
    value: float | None
    at: str
    verified: bool
    helpful_votes: int


class HistoryReply(_Body):
    """Events of one shopper, newest first."""

    events: list[EventReply]
    next_page_token: str | None


class ErasureReply(_Body):
    """How many events were forgotten."""

    events: int


def to_events(body: InteractionsBody, now: datetime) -> list[Item]:
    """The events of a batch; what is none has its verdict already."""
    return [_item(found, now) for found in body.events]


def time_of(text: str) -> datetime:
    """The time of a text in RFC 3339; below a microsecond it is cut off.

    Raises:
        InvalidArgument: It is none.
    """
    wrong = InvalidArgument("must be a time such as 2026-01-31T12:00:00Z", field="at")
    found = _TIME.fullmatch(text)
    if found is None:
        raise wrong
    day, clock, fraction, zone = found.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in 'Zz' else zone}")
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None
    return at + timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))


def written(at: datetime) -> str:
    """The time in RFC 3339, as :func:`time_of` reads it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _item(found: object, now: datetime) -> Item:
    try:
        if not isinstance(found, dict):
            raise InvalidArgument("an event is a JSON object")
        body = EventBody.model_validate(found)
        return Interaction(
            event_id=body.event_id,
            user_id=body.user_id,
            product_id=body.product_id,
            kind=body.kind,
            at=now if body.at is None else time_of(body.at),
            value=body.value,
            verified=body.verified,
            helpful_votes=body.helpful_votes,
        )
    except ValidationError as error:
        problem = refused(error, whole="")
    except InvalidArgument as error:
        problem = error
    return EventVerdict(_id_of(found), REJECTED, problem.message, problem.field or "")


def _id_of(found: object) -> str:
    """The id of what was refused, by which its sender knows it again; empty if it is none."""
    event_id = found.get("event_id") if isinstance(found, dict) else None
    if not isinstance(event_id, str):
        return ""
    try:
        check_id(event_id, path="event_id")
    except InvalidArgument:
        return ""
    return event_id
