"""Lets nobody search as a shopper, but who may act as one."""

from services.gateway.answer import Answer
from services.gateway.keys import ACT_AS_USER, current_caller
from services.gateway.query import Query
from services.gateway.servicer import Searching


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
