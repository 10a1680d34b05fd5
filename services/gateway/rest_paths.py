"""Keeps the id in a path whole, whatever it holds: only an unencoded slash parts it from the rest.

A server hands over a path that is decoded already: the ``/`` of an id looks like any other there.
"""

from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.types import Scope

_PRODUCTS = ["", "v1", "products"]


def kept_encoded(scope: Scope) -> Scope:
    """Returns the scope with the id of a product's path encoded, so that it is one segment."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    segments = [unquote(each) for each in raw.partition(b"?")[0].decode("latin-1").split("/")]
    if segments[:3] != _PRODUCTS or len(segments) < 4:
        return scope
    segments[3] = quote(segments[3], safe="")
    return {**scope, "path": "/".join(segments)}


def product_id_of(request: Request) -> str:
    """The id in the path of a request that came through :func:`kept_encoded`; not checked."""
    return unquote(request.path_params["product_id"])
