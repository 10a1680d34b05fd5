"""Tells who calls by their API key, and what they may do."""

import hmac
import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import PermissionDenied, SetupError, Unauthenticated
from services.gateway.key_file import PREFIX, SCOPES, ApiKey, digest_of, parse

READ, WRITE, ACT_AS_USER, ADMIN = SCOPES
ERASE = "erase"
"""To forget a shopper: no scope of a key, but what two kinds of keys may do."""
LOOK_EVERY_S = 1.0
_MAX_KEY_CHARS = 256
_NO_DIGEST = "0" * 64
_REFUSED = "give a valid API key: the header Authorization: Bearer KEY"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the id of the key, and its scopes. ``renews`` asks for a new session."""

    id: str
    scopes: frozenset[str]
    renews: bool = False

    def require(self, scope: str) -> None:
        """Refuses a caller without a scope.

        Raises:
            PermissionDenied: The key lacks it.
        """
        if scope == ERASE:
            if ADMIN in self.scopes or {WRITE, ACT_AS_USER} <= self.scopes:
                return
            raise PermissionDenied(
                f"this needs an API key with the scope {ADMIN}, or with {WRITE} and {ACT_AS_USER}"
            )
        if scope not in self.scopes:
            raise PermissionDenied(f"this needs an API key with the scope {scope}")


NOBODY = Caller("", frozenset())
ANYBODY = Caller("", frozenset(SCOPES))
"""Whoever calls a gateway that knows no keys, which is on this machine."""

current_caller: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


class KeyRing:
    """The keys of a file, read again when it changes.

    Without a file everybody may do everything, which is for loopback alone. Once there was one,
    keys are asked for until the process ends: a file that goes away, or that cannot be read,
    leaves those that were read before.

    Args:
        path: The file; None: none, ever. It may come later.
        clock: Seconds; the file is looked at every :data:`LOOK_EVERY_S`.

    Raises:
        SetupError: The file is there and cannot be read.
    """

    def __init__(self, path: Path | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._looked = clock()
        self._seen = _state(path)
        self._keys: dict[str, ApiKey] | None = None
        if path is not None and self._seen is not None:
            try:
                self._keys = _read(path)
            except (OSError, ValueError) as error:
                raise SetupError(f"the API keys in {path} cannot be read: {_why(error)}") from None

    @property
    def is_asked_for(self) -> bool:
        """Whether a caller needs a key."""
        self._look()
        return self._keys is not None

    @property
    def has_live_keys(self) -> bool:
        """Whether any key opens anything."""
        return any(key.is_live for key in (self._keys or {}).values())

    def caller(self, key: str) -> Caller:
        """Whose key it is.

        Raises:
            Unauthenticated: It is none of ours, or was revoked. The words and the work are the
                same for an unknown id, a wrong secret and no key at all.
        """
        self._look()
        if self._keys is None:
            return ANYBODY
        prefix, _, rest = key[:_MAX_KEY_CHARS].partition("_")
        key_id, _, secret = rest.partition("_")
        known = self._keys.get(key_id)
        digest = known.digest if known is not None else _NO_DIGEST
        is_equal = hmac.compare_digest(digest_of(secret), digest)
        if known is None or not is_equal or not known.is_live or prefix != PREFIX:
            raise Unauthenticated(_REFUSED)
        return Caller(known.id, frozenset(known.scopes))

    def _look(self) -> None:
        now = self._clock()
        if self._path is None or now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        state = _state(self._path)
        if state == self._seen:
            return
        self._seen = state
        if state is None:
            _log.warning("the file of API keys is gone: those it held are still in force")
            return
        try:
            self._keys = _read(self._path)
        except (OSError, ValueError) as error:
            _log.error("the API keys cannot be read, those before stay: %s", _why(error))
        else:
            _log.info("%d API keys are in force", sum(k.is_live for k in self._keys.values()))


def _read(path: Path) -> dict[str, ApiKey]:
    return {key.id: key for key in parse(path.read_bytes())}


def _state(path: Path | None) -> tuple[int, int, int] | None:
    """What changes when a file does; None without one."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found is not None else None


def _why(error: Exception) -> str:
    return error.strerror or "it cannot be read" if isinstance(error, OSError) else str(error)
