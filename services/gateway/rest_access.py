"""Guards the routes of the REST door: each tells the scope that it needs."""

import ipaddress
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeAlias

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
            _refuse_strangers(request, access)
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


def _refuse_strangers(request: Request, access: Access) -> None:
    """Refuses what another site makes a browser send: it carries no key of its own.

    A page of any site may send a POST to an address of this machine. It sees no answer, but what
    it wrote would stay. Browsers say where such a request comes from; programs do not. A site may
    also give its own name the address of this machine (DNS rebinding): so where no key is asked
    for, which is on loopback, a browser must have called it by an address or as localhost.

    Raises:
        PermissionDenied: The request comes from the page of another site.
    """
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    if request.method in _HARMLESS or not (site or origin):
        return
    host = request.headers.get("host", "")
    is_ours = site in ("same-origin", "none") if site else origin.partition("://")[2] == host
    if not is_ours or not (access.asks_for_keys or _is_address(host)):
        raise PermissionDenied("pages of other sites need an API key")


def _is_address(host: str) -> bool:
    name = host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return True
