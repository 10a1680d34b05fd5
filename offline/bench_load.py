"""Sends the same searches again and again and measures how long each one takes."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import grpc.aio
import numpy as np
import orjson

from fashion.search.v1 import search_pb2

SEARCH = "/fashion.search.v1.SearchService/Search"
_READ_BYTES = 1 << 20
_Search: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


@dataclass(frozen=True, slots=True)
class Load:
    """What one run measured.

    ``latencies_ms`` is float64 [n], one for each answered request in the order of the answers;
    ``seconds`` is the wall time of the run; ``timings_ms`` holds the mean of each stage over the
    answers that were looked into.
    """

    latencies_ms: np.ndarray
    seconds: float
    failures: int
    timings_ms: dict[str, float]

    @property
    def per_second(self) -> float:
        """Answered requests a second."""
        return len(self.latencies_ms) / self.seconds if self.seconds else 0.0

    def percentile_ms(self, percent: float) -> float:
        """The latency below which ``percent`` of the requests stay; NaN without any."""
        return (
            float(np.percentile(self.latencies_ms, percent)) if len(self.latencies_ms) else np.nan
        )


class Caller(Protocol):
    """One client: sends the request of an index and returns the raw answer."""

    async def open(self) -> None:
        """Connects."""

    async def call(self, index: int) -> bytes:
        """Sends request ``index`` and returns the body of the answer."""

    async def close(self) -> None:
        """Disconnects."""

    def timings(self, answer: bytes) -> dict[str, float]:
        """Reads the time of each stage from an answer."""


class GrpcCaller(Caller):
    """Calls the public gRPC door; the messages are serialized once, before the clock starts."""

    def __init__(
        self, target: str, requests: Sequence[search_pb2.SearchRequest], *, key: str = ""
    ) -> None:
        self._target = target
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()
        self._bodies = [request.SerializeToString() for request in requests]

    async def open(self) -> None:
        self._channel = grpc.aio.insecure_channel(
            self._target,
            options=[("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)],
        )
        # Bytes in, bytes out: the generator shares the cores with what it measures.
        self._search: _Search = self._channel.unary_unary(SEARCH)

    async def call(self, index: int) -> bytes:
        answer: bytes = await self._search(
            self._bodies[index % len(self._bodies)], timeout=10, metadata=self._metadata
        )
        return answer

    async def close(self) -> None:
        await self._channel.close()

    def timings(self, answer: bytes) -> dict[str, float]:
        return dict(search_pb2.SearchResponse.FromString(answer).timings_ms)


class RestCaller(Caller):
    """Calls the REST door over one kept connection.

    A general HTTP client costs more than the server that it measures, so this one writes prepared
    bytes and reads by Content-Length.
    """

    def __init__(
        self, host: str, port: int, bodies: Sequence[tuple[str, bytes]], *, key: str = ""
    ) -> None:
        self._host, self._port = host, port
        bearer = f"Authorization: Bearer {key}\r\n" if key else ""
        self._requests = [
            f"POST /v1/search HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {media_type}\r\n"
            f"{bearer}Content-Length: {len(body)}\r\n\r\n".encode()
            + body
            for media_type, body in bodies
        ]

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            self._host, self._port, limit=_READ_BYTES
        )

    async def call(self, index: int) -> bytes:
        self._writer.write(self._requests[index % len(self._requests)])
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":", 1)[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        body = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(head.split(b"\r\n", 1)[0].decode("latin-1"))
        return body

    async def close(self) -> None:
        self._writer.close()

    def timings(self, answer: bytes) -> dict[str, float]:
        return dict(orjson.loads(answer)["timings_ms"])


async def closed_loop(
    make_caller: Callable[[int], Caller],
    *,
    clients: int,
    requests: int,
    salt: int = 0,
    look_every: int = 20,
) -> Load:
    """Runs ``clients`` callers side by side, each sending its next request when it has an answer.

    Args:
        make_caller: Makes one client of a number, by which its photos differ from all others.
        clients: How many at the same time.
        requests: How many requests in all.
        salt: Number of the first client.
        look_every: The timings of one answer in so many are read.
    """
    callers = [make_caller(salt + number) for number in range(clients)]
    for caller in callers:
        await caller.open()
    latencies: list[float] = []
    looked: list[bytes] = []
    failures = 0
    upcoming = iter(range(requests))

    async def work(caller: Caller) -> None:
        nonlocal failures
        for index in upcoming:
            began = time.perf_counter()
            try:
                answer = await caller.call(index)
            except (grpc.RpcError, ConnectionError, asyncio.IncompleteReadError):
                failures += 1
                await _reopen(caller)
                continue
            latencies.append((time.perf_counter() - began) * 1000)
            if index % look_every == 0:
                looked.append(answer)

    began = time.perf_counter()
    await asyncio.gather(*(work(caller) for caller in callers))
    seconds = time.perf_counter() - began
    timings = _means([callers[0].timings(answer) for answer in looked])
    for caller in callers:
        await caller.close()
    return Load(np.array(latencies), seconds, failures, timings)


async def _reopen(caller: Caller) -> None:
    await caller.close()
    await caller.open()


def _means(timings: Sequence[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for timing in timings for name in timing})
    return {
        name: float(np.mean([timing[name] for timing in timings if name in timing]))
        for name in names
    }
