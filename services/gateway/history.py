"""Shows a shopper what is kept of them, and forgets them."""

import asyncio
import base64
import binascii
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.interaction import Interaction
from catalog.journal import Place
from catalog.limits import check_id
from catalog.rows import microseconds
from runtime.errors import InvalidArgument
from services.gateway.limits import check_range
from services.gateway.write_lane import WriteLane

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
MAX_TOKEN_CHARS = 800
VERSION = 1
_HEAD = struct.Struct(">Bq")
_FIELD = "page_token"


class Journal(Protocol):
    """The store, as far as histories need it. The calls block."""

    def page(self, user_id: str, limit: int, *, before: Place | None = None) -> list[Interaction]:
        """The newest events of a shopper before a place, newest first."""
        ...

    def forget(self, user_id: str) -> int:
        """Removes all events of a shopper, and tells how many there were."""
        ...


class ForgettingFactors(Protocol):
    """What is kept of shoppers elsewhere."""

    async def forget(self, user_id: str) -> None:
        """Removes it. Never raises, never takes long."""
        ...


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Events of one shopper, newest first; the token is empty on the last page."""

    events: Sequence[Interaction]
    next_page_token: str


class Histories:
    """What shoppers did.

    Args:
        journal: Opens the store; Unavailable while it cannot.
        lane: The threads in which it writes.
        kept: What is kept of shoppers elsewhere.
        forgotten: Told of each shopper who is forgotten.
    """

    def __init__(
        self,
        journal: Callable[[], Journal],
        lane: WriteLane,
        kept: ForgettingFactors,
        *,
        forgotten: Callable[[str], object] = lambda user_id: None,
    ) -> None:
        self._journal = journal
        self._lane = lane
        self._kept = kept
        self._forgotten = forgotten
        self._erasing: set[asyncio.Task[int]] = set()

    async def page(
        self, user_id: str, page_size: int = DEFAULT_PAGE_SIZE, page_token: str = ""
    ) -> HistoryPage:
        """A page of a history; that of somebody unknown is empty.

        Raises:
            InvalidArgument: The id, the size or the token is none.
            Unavailable: The store does not answer.
        """
        check_id(user_id, path="user_id")
        check_range(page_size, 1, MAX_PAGE_SIZE, "page_size")
        before = _place_of(page_token) if page_token else None
        events = await asyncio.to_thread(
            lambda: self._journal().page(user_id, page_size + 1, before=before)
        )
        shown = events[:page_size]
        return HistoryPage(shown, _token_after(shown[-1]) if len(events) > page_size else "")

    async def forget(self, user_id: str) -> int:
        """Forgets a shopper, and returns how many events that were; 0 for somebody unknown.

        Raises:
            InvalidArgument: The id is none.
            Unavailable: The store cannot be written now; nothing is forgotten.
        """
        check_id(user_id, path="user_id")
        # A client that hangs up must not stop it between the store and the cache.
        erasing = asyncio.create_task(self._forget(user_id), name="forget")
        self._erasing.add(erasing)
        erasing.add_done_callback(self._landed)
        return await asyncio.shield(erasing)

    async def _forget(self, user_id: str) -> int:
        await self._kept.forget(user_id)
        try:
            return await self._lane.run(lambda: self._journal().forget(user_id))
        finally:
            await self._kept.forget(user_id)
            self._forgotten(user_id)

    def _landed(self, erasing: "asyncio.Task[int]") -> None:
        self._erasing.discard(erasing)
        if not erasing.cancelled():
            erasing.exception()  # seen, even where nobody waits any longer


def _token_after(event: Interaction) -> str:
    raw = _HEAD.pack(VERSION, microseconds(event.at)) + event.event_id.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _place_of(token: str) -> Place:
    """The place of a token; it says nothing that its shopper may not know, so it needs no seal."""
    wrong = InvalidArgument("this token is of no use: leave it out to begin anew", field=_FIELD)
    if len(token) > MAX_TOKEN_CHARS or not token.isascii():
        raise wrong
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        version, at_us = _HEAD.unpack_from(raw)
        event_id = raw[_HEAD.size :].decode()
        check_id(event_id, path=_FIELD)
    except (binascii.Error, struct.error, UnicodeDecodeError, InvalidArgument):
        raise wrong from None
    if version != VERSION:
        raise wrong
    return Place(at_us, event_id)
