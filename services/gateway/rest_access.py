"""Guards the routes of the REST door: each tells the scope that it needs."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from runtime.errors import PermissionDenied
from services.gateway.access import Access
from services.gateway.keys import current_caller
from services.gateway.sessions import COOKIE, LIFE_S

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
_HARMLESS = ("GET", "HEAD")


def guarded(handler: Handler, scope: str | None, access: Access) -> Handler:
    """The handler behind a check of the caller; ``scope`` None lets everybody in."""
    if scope is None:
        return handler

    @wraps(handler)
    async def checked(request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        if not authorization:
            _refuse_strangers(request)
        caller = access.caller(authorization, session=request.cookies.get(COOKIE, ""))
        caller.require(scope)
        current_caller.set(caller)
        response = await handler(request)
        if caller.renews:
            give_session(response, access)
        return response

    return checked


def give_session(response: Response, access: Access) -> None:
    """Adds the session of the page to an answer, where one is needed."""
    value = access.new_session()
    if value:
        response.set_cookie(COOKIE, value, max_age=LIFE_S, httponly=True, samesite="strict")


def _refuse_strangers(request: Request) -> None:
    """Refuses what another site makes a browser send: it carries no key of its own.

    A page of any site may send a POST to an address of this machine. It sees no answer, but what
    it wrote would stay. Browsers say where such a request comes from; programs do not.

    Raises:
        PermissionDenied: The request comes from the page of another site.
    """
    if request.method in _HARMLESS:
        return
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    if site:
        is_ours = site in ("same-origin", "none")
    else:  # an old browser, or none
        is_ours = not origin or urlsplit(origin).netloc == request.headers.get("host", "")
    if not is_ours:
        raise PermissionDenied("pages of other sites need an API key")
