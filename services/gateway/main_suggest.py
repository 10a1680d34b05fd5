"""Notes what shoppers search for, where past queries are kept."""

import asyncio
import secrets

from services.gateway.answer import Answer
from services.gateway.parts import Words
from services.gateway.past_queries import PastQueries
from services.gateway.query import Query
from services.gateway.redis_keep import RedisKeep
from services.gateway.sealed import Keys
from services.gateway.servicer_rooms import Searching
from services.gateway.settings import Settings

MAX_NOTES = 100  # at once; a Redis that is slow gets no more


def open_past_queries(config: Settings, redis: RedisKeep | None) -> PastQueries | None:
    """The past queries; None without Redis, or where none are to be kept."""
    if redis is None or not config.past_queries:
        return None
    return PastQueries(redis, Keys(config.cache_secret.encode() or secrets.token_bytes(32)))


class NotedSearch:
    """Searches; words that found something are noted as a query of the shopper who asked.

    Only a caller who may act as a shopper names one, so that nobody else can put words into the
    suggestions by asking often. Words with a mistake in them are not noted.
    """

    def __init__(self, searching: Searching, past: PastQueries | None) -> None:
        self._searching = searching
        self._past = past
        self._notes: set[asyncio.Task[None]] = set()

    async def search(self, query: Query) -> Answer:
        """The answer of the search itself; the note is taken behind it."""
        answer = await self._searching.search(query)
        text = _noteworthy(query, answer)
        if text and self._past is not None and len(self._notes) < MAX_NOTES:
            note = asyncio.create_task(self._past.note(text, query.user_id), name="note")
            self._notes.add(note)
            note.add_done_callback(self._notes.discard)
        return answer

    async def settle(self) -> None:
        """Waits until what is being noted has been."""
        await asyncio.gather(*self._notes)


def _noteworthy(query: Query, answer: Answer) -> str:
    """The words of a search that others may want too; empty where it is none."""
    if not query.user_id or query.page_token or len(query.parts) != 1:
        return ""
    source = query.parts[0].source
    is_found = answer.hits and answer.coverage.get("text") == "ok" and not answer.did_you_mean
    return source.text if isinstance(source, Words) and is_found else ""
