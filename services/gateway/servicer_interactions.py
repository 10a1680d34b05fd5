"""The gRPC door to what shoppers do."""

from datetime import UTC, datetime, timedelta

from catalog.interaction import Interaction
from catalog.rows import microseconds
from fashion.catalog.v1 import catalog_pb2
from fashion.search.v1 import search_pb2 as pb
from runtime.errors import TooLarge, Unavailable
from services.gateway.history import DEFAULT_PAGE_SIZE, Histories
from services.gateway.interactions import (
    MAX_BATCH_BYTES,
    REJECTED,
    EventVerdict,
    Item,
    Recorder,
    shown_id,
)
from services.gateway.shopper_factors import now

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS = 1_000_000_000


class InteractionMethods:
    """The methods; None is a gateway that keeps nothing of shoppers."""

    def __init__(self, recorder: Recorder | None, histories: Histories | None) -> None:
        self._recorder = recorder
        self._histories = histories

    async def record(self, request: pb.RecordInteractionsRequest) -> pb.RecordInteractionsResponse:
        """Keeps events."""
        if self._recorder is None:
            raise Unavailable("this gateway only reads")
        if request.ByteSize() > MAX_BATCH_BYTES:
            raise TooLarge(f"at most {MAX_BATCH_BYTES} bytes", field="events")
        moment = now()
        verdicts = await self._recorder.record([_item(each, moment) for each in request.events])
        return pb.RecordInteractionsResponse(
            results=[
                pb.InteractionVerdict(
                    event_id=each.event_id,
                    status=each.status,
                    problem=each.problem,
                    field=each.field,
                )
                for each in verdicts
            ]
        )

    async def history(self, request: pb.ListInteractionsRequest) -> pb.ListInteractionsResponse:
        """Returns what a shopper did, newest first."""
        size = request.page_size or DEFAULT_PAGE_SIZE
        page = await self._known().page(request.user_id, size, request.page_token)
        return pb.ListInteractionsResponse(
            events=[_message(each) for each in page.events], next_page_token=page.next_page_token
        )

    async def forget(self, request: pb.DeleteUserRequest) -> pb.DeleteUserResponse:
        """Forgets a shopper."""
        return pb.DeleteUserResponse(events=await self._known().forget(request.user_id))

    def _known(self) -> Histories:
        if self._histories is None:
            raise Unavailable("this gateway keeps nothing of shoppers")
        return self._histories


def _item(message: catalog_pb2.Interaction, moment: datetime) -> Item:
    at = moment
    if message.HasField("at"):
        try:
            if not 0 <= message.at.nanos < _NANOS:
                raise OverflowError
            at = _EPOCH + timedelta(seconds=message.at.seconds)
            at += timedelta(microseconds=message.at.nanos // 1000)
        except OverflowError:
            return EventVerdict(shown_id(message.event_id), REJECTED, "must be a time", "at")
    return Interaction(
        event_id=message.event_id,
        user_id=message.user_id,
        product_id=message.product_id,
        kind=message.kind,
        at=at,
        # It came in 32 bits.
        value=round(message.value, 6) if message.HasField("value") else None,
        verified=message.verified,
        helpful_votes=message.helpful_votes,
    )


def _message(event: Interaction) -> catalog_pb2.Interaction:
    message = catalog_pb2.Interaction(
        event_id=event.event_id,
        user_id=event.user_id,
        product_id=event.product_id,
        kind=event.kind,
        value=event.value,
        verified=event.verified,
        helpful_votes=event.helpful_votes,
    )
    message.at.FromMicroseconds(microseconds(event.at))
    return message
