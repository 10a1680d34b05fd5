"""Stands around every HTTP request: id, room, safe headers, measurement, and the last net."""

import logging
import time
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.errors import Overloaded, Unavailable
from runtime.limiter import Limiter
from runtime.metrics import Metrics
from runtime.tracing import METADATA_KEY, bind
from services.gateway.rest_paths import kept_encoded
from services.gateway.rest_problems import problem

SAFE_HEADERS = (
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
)
_log = logging.getLogger(__name__)


class Frame:
    """The outermost layer of the application.

    Args:
        app: The application.
        limiter: Counts the requests under ``/v1/``; those over the limit get 503 at once.
        metrics: Gets ``hemline_http_seconds{route,method,status}``.
    """

    def __init__(self, app: ASGIApp, limiter: Limiter, metrics: Metrics) -> None:
        self._app = app
        self._limiter = limiter
        self._seconds = metrics.histogram(
            "http_seconds", "Time to answer a request", ("route", "method", "status")
        )
        in_flight = metrics.gauge("http_in_flight", "HTTP requests in the process now")
        in_flight.set_function(lambda: limiter.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = kept_encoded(scope)
        reply = _Reply(send, bind(Headers(scope=scope).get(METADATA_KEY, "")))
        started = time.perf_counter()
        try:
            await self._guarded(scope, receive, reply)
        except ClientDisconnect:
            reply.status = 499
        finally:
            self._observe(scope, reply.status, time.perf_counter() - started)

    async def _guarded(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        try:
            slot = self._limiter.enter(1) if scope["path"].startswith("/v1/") else None
        except Overloaded:
            busy = Unavailable("the gateway has no room: try again soon", retry_after_s=1)
            await problem(busy)(scope, receive, reply)
            return
        try:
            await self._app(scope, receive, reply)
        except ClientDisconnect:
            raise
        except Exception:
            _log.exception("unhandled error in %s", _route(scope))
            if not reply.is_whole:
                raise  # the server ends the connection
        finally:
            if slot is not None:
                slot.release()

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._seconds.labels(_route(scope), method, str(status)).observe(seconds)


_METHODS: Iterable[str] = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class _Reply:
    """Sends, adds the safe headers, and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0
        self.is_whole = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[METADATA_KEY] = self._request_id
            for name, value in SAFE_HEADERS:
                headers[name] = value
            if self.status in (401, 403, 408, 413):
                headers["connection"] = "close"  # the rest of the body is not read
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.is_whole = True


def _route(scope: Scope) -> str:
    """The template of the route, never the path: paths are without number."""
    return getattr(scope.get("route"), "path", "none")
