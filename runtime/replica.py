"""Keeps what a pool knows about one replica: its channel, its load and its standing."""

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import grpc
from grpc_health.v1 import health_pb2

StubT = TypeVar("StubT")
_ALPHA = 0.2


class Movable(Protocol):
    """A call in flight that can be tried elsewhere."""

    def move(self) -> None:
        """Starts a second try on another replica, unless one is under way."""


class Replica(Generic[StubT]):
    """One address of a stage.

    Args:
        address: ``host:port``.
        make_stub: Makes the stub of the stage on a channel.
        max_message_mib: Largest reply in MiB.
    """

    def __init__(
        self,
        address: str,
        make_stub: Callable[[grpc.aio.Channel], StubT],
        *,
        max_message_mib: int,
    ) -> None:
        self.address = address
        self.channel = grpc.aio.insecure_channel(address, options=_options(max_message_mib))
        self.stub = make_stub(self.channel)
        self.names = {id(method): name for name, method in vars(self.stub).items()}
        self.outstanding = 0
        self.latency_s = 0.0
        self.failures = 0  # In a row.
        self.ejections = 0  # In a row.
        self.ejected_until = 0.0
        self.returned_at = 0.0
        self.is_ejected = False
        self.is_unfit = False  # Says itself that it does not serve.
        self.is_down = False  # Cannot be reached.
        self.is_retired = False  # No longer in the name service.
        self.calls: set[Movable] = set()
        self.doubt = asyncio.Event()
        self._check = self.channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )

    @property
    def is_out(self) -> bool:
        """Whether it should get no calls while there are others."""
        return self.is_ejected or self.is_unfit

    def enter(self, latency_s: float) -> None:
        """Moves the mean latency a fifth of the way."""
        if self.latency_s:
            self.latency_s += _ALPHA * (latency_s - self.latency_s)
        else:
            self.latency_s = latency_s

    async def check(self, *, timeout_s: float) -> grpc.StatusCode | bool:
        """Asks for its health: True serving, False not serving, else why there is no answer.

        A server without the health service or without ``ready`` in it counts as serving.
        """
        request = health_pb2.HealthCheckRequest(service="ready")
        try:
            reply = await self._check(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED):
                return True
            return error.code()
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """Closes the channel; calls in flight end."""
        await self.channel.close()


def _options(max_message_mib: int) -> list[tuple[str, int]]:
    """Returns the channel arguments; without the ping timeout a frozen peer stays for 60 s."""
    return [
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.http2.ping_timeout_ms", 2000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 2000),
        ("grpc.max_receive_message_length", max_message_mib << 20),
        ("grpc.enable_http_proxy", 0),
        # Nobody but us tries again; what gRPC knows was never processed it still resends.
        ("grpc.service_config_disable_resolution", 1),
        # Each replica has a connection of its own, also when two pools share an address.
        ("grpc.use_local_subchannel_pool", 1),
    ]
