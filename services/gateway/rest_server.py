"""Serves the REST application in the event loop of the gRPC server, and drains with it."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from runtime.errors import SetupError
from services.gateway.settings import split_address

MAX_CONNECTIONS = 1024
KEEP_ALIVE_S = 30


class HttpServer:
    """One HTTP server.

    Args:
        app: The application.
        address: ``host:port``; port 0 takes a free one.
        drain_s: Seconds that requests in flight get to end after the stop.

    Raises:
        SetupError: The address cannot be bound.
    """

    def __init__(self, app: ASGIApp, address: str, *, drain_s: float) -> None:
        self._socket = _bind(address)
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=max(1, round(drain_s)),
        )
        self._server = _Server(config)

    @property
    def port(self) -> int:
        """The port it is bound to."""
        return int(self._socket.getsockname()[1])

    async def serve(
        self, stopping: asyncio.Event, hurrying: asyncio.Event, *, pause_s: float
    ) -> None:
        """Serves until ``stopping``; then pauses, drains and returns, at once if ``hurrying``."""
        serving = asyncio.create_task(self._server.serve([self._socket]))
        told = asyncio.create_task(stopping.wait())
        hurry = asyncio.create_task(hurrying.wait())
        try:
            await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({serving, hurry}, timeout=pause_s, return_when="FIRST_COMPLETED")
        finally:
            self._server.should_exit = True
            await _insist(serving, hurry, self._server)
            told.cancel()
            hurry.cancel()

    def close(self) -> None:
        """Frees the port, where it was bound and never served."""
        self._socket.close()


class _Server(uvicorn.Server):
    """Leaves the signals to the gRPC server, which stops both."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _insist(
    serving: "asyncio.Task[None]", hurry: "asyncio.Task[bool]", server: uvicorn.Server
) -> None:
    """Waits for the drain, which has a limit of its own, even where this task is cancelled."""
    while not serving.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({serving, hurry}, return_when=asyncio.FIRST_COMPLETED)
        if hurry.done():
            server.force_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({serving})
    serving.result()


def _bind(address: str) -> socket.socket:
    host, port = split_address(address)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, where = found[0]
        bound = socket.socket(family, kind, protocol)
    except OSError:
        raise SetupError(f"{address} cannot be bound: there is no such host") from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(where)
    except OSError:
        bound.close()
        raise SetupError(f"{address} cannot be bound: is it taken?") from None
    return bound
