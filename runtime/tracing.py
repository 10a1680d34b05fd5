"""Carries the id of a request through a process and from stage to stage."""

import contextvars
import re
import secrets

METADATA_KEY = "x-request-id"
_VALID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")


def new_request_id() -> str:
    """Returns a fresh id: 16 hex digits."""
    return secrets.token_hex(8)


def current_request_id() -> str:
    """Returns the id of the request that this task works for; empty outside of one."""
    return _request_id.get()


def bind(request_id: str) -> str:
    """Makes an id that of the current task, and returns it.

    An id comes from outside: one that is empty, over 64 characters or holds others than letters,
    digits, ``.``, ``_`` and ``-`` is replaced by a fresh one.
    """
    known = request_id if _VALID.fullmatch(request_id) else new_request_id()
    _request_id.set(known)
    return known
