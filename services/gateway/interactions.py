"""Records what shoppers do: durable before it is acknowledged, and known to the next search."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from catalog import interaction
from catalog.interaction import Interaction
from catalog.journal import ACCEPTED, DUPLICATE, UNKNOWN_PRODUCT
from catalog.limits import check_interaction
from runtime.errors import InvalidArgument
from services.gateway.shopper_factors import now
from services.gateway.write_lane import WriteLane

KINDS = tuple(kind for kind in interaction.KINDS if kind != "search")
IMPRESSION = "impression"
MAX_EVENTS = 500
MAX_BATCH_BYTES = 1 << 20
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
REJECTED = "rejected"
_PATH = "event"


@dataclass(frozen=True, slots=True)
class EventVerdict:
    """What became of an event: ``accepted``, ``duplicate`` or ``rejected``, and why."""

    event_id: str
    status: str
    problem: str = ""
    field: str = ""


Item: TypeAlias = Interaction | EventVerdict
"""An event to keep, or the verdict of one that could not even be read."""


class RecordingJournal(Protocol):
    """The store, as far as recording needs it. The call blocks."""

    def record(self, events: Sequence[Interaction]) -> Sequence[str]:
        """Keeps those events that are new, and tells what became of each."""
        ...


class ChangedFactors(Protocol):
    """What is kept of shoppers."""

    async def changed(self, user_ids: Collection[str]) -> None:
        """Makes what is kept of shoppers useless. Never raises, never takes long."""
        ...


class Recorder:
    """Keeps events. What it returns is on the disk, and no search that begins later is without it.

    Args:
        journal: Opens the store; Unavailable while it cannot.
        lane: The threads in which it writes.
        kept: What is kept of shoppers.
        acknowledged: Told of the shoppers whose events are durable.
        now: The time.
    """

    def __init__(
        self,
        journal: Callable[[], RecordingJournal],
        lane: WriteLane,
        kept: ChangedFactors,
        *,
        acknowledged: Callable[[Collection[str]], object] = lambda user_ids: None,
        now: Callable[[], datetime] = now,
    ) -> None:
        self._journal = journal
        self._lane = lane
        self._kept = kept
        self._acknowledged = acknowledged
        self._now = now
        self._writing: set[asyncio.Task[list[EventVerdict]]] = set()

    async def record(self, items: Sequence[Item]) -> list[EventVerdict]:
        """Keeps events, each once, and returns a verdict for each in the order given.

        Raises:
            InvalidArgument: There are none or too many.
            Unavailable: The store cannot be written now; nothing is kept.
            DeadlineExceeded: It takes too long; whether events were kept is not known.
        """
        if not 1 <= len(items) <= MAX_EVENTS:
            raise InvalidArgument(f"give 1 to {MAX_EVENTS} events", field="events")
        # A client that hangs up must not stop it between the store and the cache.
        writing = asyncio.create_task(self._record(items), name="record")
        self._writing.add(writing)
        writing.add_done_callback(self._landed)
        return await asyncio.shield(writing)

    async def settle(self) -> None:
        """Waits until what is being written has been."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def _record(self, items: Sequence[Item]) -> list[EventVerdict]:
        latest = self._now() + AHEAD
        checked = [each if isinstance(each, EventVerdict) else _fit(each, latest) for each in items]
        fit = [each for each in checked if isinstance(each, Interaction)]
        if not fit:
            return [each for each in checked if isinstance(each, EventVerdict)]
        # Of one that is known already too: who first sent it may have died before he told.
        users = {each.user_id for each in fit if each.kind != IMPRESSION}
        await self._kept.changed(users)
        try:
            told = iter(await self._lane.run(lambda: self._journal().record(fit)))
        finally:
            await self._kept.changed(users)
        verdicts = [
            each if isinstance(each, EventVerdict) else _verdict(each, next(told))
            for each in checked
        ]
        self._acknowledged(users & _accepted(fit, verdicts))
        return verdicts

    def _landed(self, writing: "asyncio.Task[list[EventVerdict]]") -> None:
        self._writing.discard(writing)
        if not writing.cancelled():
            writing.exception()  # seen, even where nobody waits any longer


def _fit(event: Interaction, latest: datetime) -> Item:
    """The event if it can be kept, else its verdict."""
    try:
        if event.kind not in KINDS:
            raise InvalidArgument(f"kind must be one of {', '.join(KINDS)}", field="kind")
        check_interaction(event, path=_PATH)
        if event.value is not None and event.kind != "rating":
            raise InvalidArgument("only a rating has a value", field="value")
        if event.user_id in (".", ".."):
            # A browser takes them out of an address: nobody could ask for the history.
            raise InvalidArgument("an id must be neither . nor ..", field="user_id")
        if event.at < EARLIEST:
            raise InvalidArgument("the time lies before 1970", field="at")
        if event.at > latest:
            raise InvalidArgument("the time is more than a day ahead", field="at")
    except InvalidArgument as error:
        field = (error.field or "").removeprefix(f"{_PATH}.")
        return EventVerdict(shown_id(event.event_id), REJECTED, error.message, field)
    return event


def _verdict(event: Interaction, told: str) -> EventVerdict:
    if told == UNKNOWN_PRODUCT:
        return EventVerdict(
            event.event_id, REJECTED, "there never was such a product", "product_id"
        )
    return EventVerdict(event.event_id, DUPLICATE if told == DUPLICATE else ACCEPTED)


def _accepted(events: Sequence[Interaction], verdicts: Sequence[EventVerdict]) -> set[str]:
    """The shoppers of whom something new is kept."""
    new = {each.event_id for each in verdicts if each.status == ACCEPTED}
    return {each.user_id for each in events if each.event_id in new}


def shown_id(event_id: str) -> str:
    """The id of a rejected event, where it is one; else nothing of what was sent."""
    return event_id if event_id.isprintable() and len(event_id) <= 128 else ""
