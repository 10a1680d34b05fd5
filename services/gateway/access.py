"""Says who calls, by the key that came along or by the session of the page."""

from services.gateway.keys import READ, Caller, KeyRing
from services.gateway.sessions import Sessions

_SCHEME = "bearer "


class Access:
    """The one place that both doors ask.

    Args:
        keys: The keys in force.
        sessions: Lets the page read without a key; None: it needs one like any other client.
    """

    def __init__(self, keys: KeyRing, sessions: Sessions | None = None) -> None:
        self._keys = keys
        self._sessions = sessions

    @property
    def asks_for_keys(self) -> bool:
        """Whether a caller needs a key."""
        return self._keys.is_asked_for

    def caller(self, authorization: str, *, session: str = "") -> Caller:
        """Who calls. A key wins over a session, also where it is a wrong one.

        Args:
            authorization: The header, ``Bearer KEY``; empty: none.
            session: What the page was given; empty: nothing.

        Raises:
            Unauthenticated: Neither is valid, and keys are asked for.
        """
        if self._sessions is not None and not authorization and self.asks_for_keys:
            found = self._sessions.check(session)
            if found is not None:
                return Caller("session", frozenset({READ}), renews=found.is_old)
        is_key = authorization[: len(_SCHEME)].lower() == _SCHEME
        return self._keys.caller(authorization[len(_SCHEME) :].strip() if is_key else "")

    def new_session(self) -> str:
        """A session for the page; empty where none is needed or given."""
        if self._sessions is None or not self.asks_for_keys:
            return ""
        return self._sessions.issue()


def open_to_all() -> Access:
    """Access without keys, for this machine alone."""
    return Access(KeyRing(None))
