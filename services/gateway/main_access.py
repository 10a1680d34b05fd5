"""Puts up the guard of both doors, and lets nobody search as a shopper who may not act as one."""

import secrets
from pathlib import Path

from services.gateway.access import Access
from services.gateway.answer import Answer
from services.gateway.keys import ACT_AS_USER, KeyRing, current_caller
from services.gateway.query import Query
from services.gateway.servicer_rooms import Searching
from services.gateway.sessions import Sessions
from services.gateway.settings import Settings, require_loopback


def open_access(config: Settings) -> Access:
    """The guard.

    Raises:
        SetupError: The keys cannot be read, or there are none that live, and an address can be
            reached from other machines.
    """
    keys = KeyRing(Path(config.key_file) if config.key_file else None)
    if not keys.has_live_keys:
        require_loopback("HEMLINE_HTTP_ADDRESS", config.http_address)
        require_loopback("HEMLINE_GRPC_ADDRESS", config.grpc_address)
    if not config.page_session:
        return Access(keys)
    return Access(keys, Sessions(config.cache_secret.encode() or secrets.token_bytes(32)))


class PersonalSearch:
    """Searches; one that names a shopper needs the scope ``act_as_user``."""

    def __init__(self, searching: Searching) -> None:
        self._searching = searching

    async def search(self, query: Query) -> Answer:
        """The answer of the search itself.

        Raises:
            PermissionDenied: The caller may not act as a shopper.
        """
        if query.user_id:
            current_caller.get().require(ACT_AS_USER)
        return await self._searching.search(query)
