"""Answers the standard health service, truthfully."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
_Context = grpc.aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]

LIVE, READY, STARTUP = "", "ready", "startup"


class Health(health_pb2_grpc.HealthServicer):
    """Knows which services may be sent work.

    ``""`` says that the event loop answers and ``startup`` that the server is bound, from the
    start on; ``ready`` and the full name of each service follow :meth:`set_ready`.

    Args:
        services: Full names of the services.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._following = (READY, *services)
        self._status: dict[str, int] = {LIVE: _SERVING, STARTUP: _SERVING}
        self._status |= dict.fromkeys(self._following, int(_NOT_SERVING))
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def is_ready(self) -> bool:
        """Whether work may be sent."""
        return self._status[READY] == _SERVING

    def set_ready(self, ready: bool) -> None:
        """Tells watchers and probes; has no effect after :meth:`close`."""
        if not self._is_closed:
            self._tell(_SERVING if ready else _NOT_SERVING)

    def close(self) -> None:
        """Says NOT_SERVING from now on; the process is still live."""
        self._is_closed = True
        self._tell(_NOT_SERVING)

    async def Check(  # noqa: N802  # named by the protocol
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> health_pb2.HealthCheckResponse:
        """Returns the status of one service; an unknown one is NOT_FOUND."""
        status = self._status.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(  # noqa: N802  # named by the protocol
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Yields the status of one service now and at each change."""
        del context  # The stream ends with the task.
        last: int | None = None
        while True:
            changed = self._changed
            status = self._status.get(request.service, _UNKNOWN)
            if status != last:
                yield health_pb2.HealthCheckResponse(status=status)
                last = status
            if self._is_closed:  # An open stream would hold up the drain.
                return
            await changed.wait()

    def _tell(self, status: int) -> None:
        self._status |= dict.fromkeys(self._following, status)
        self._changed.set()
        self._changed = asyncio.Event()
