"""Keeps the id in a path whole, whatever it holds: only an unencoded slash parts it from the rest.

A server hands over a path that is decoded already: the ``/`` of an id looks like any other there.
"""

from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request
from starlette.types import Scope

from runtime.errors import InvalidArgument

_HOMES = (["", "v1", "products"], ["", "v1", "users"])


def kept_encoded(scope: Scope) -> Scope:
    """Returns the scope with the id in a path encoded, so that it is one segment."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    told = [unquote_to_bytes(each) for each in raw.partition(b"?")[0].split(b"/")]
    segments = [each.decode("utf-8", "replace") for each in told]
    if segments[:3] not in _HOMES or len(segments) < 4:
        return scope
    segments[3] = quote(told[3], safe="")  # of the bytes: those that are no UTF-8 stay apart
    return {**scope, "path": "/".join(segments)}


def product_id_of(request: Request) -> str:
    """The id of a product in the path of a request that came through :func:`kept_encoded`.

    Raises:
        InvalidArgument: Its bytes are not UTF-8; nothing else of it is checked.
    """
    return _id_of(request, "product_id")


def user_id_of(request: Request) -> str:
    """The same of a user."""
    return _id_of(request, "user_id")


def _id_of(request: Request, name: str) -> str:
    try:
        return unquote_to_bytes(request.path_params[name]).decode()
    except UnicodeDecodeError:
        raise InvalidArgument("an id must be in UTF-8", field=name) from None
