"""Promises of the text retriever as a process of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from fashion.text.v1 import text_retriever_pb2_grpc as pb_grpc
from services.text_retriever.servicer import NAME
from tests.shop import shop
from tests.test_text_retriever import Shelf, request

SERVING, NOT_SERVING = 1, 2


async def test_the_process_is_not_serving_until_a_release_is_there(tmp_path: Path) -> None:
    environ = os.environ | {
        "HEMLINE_ARTIFACT_DIR": str(tmp_path / "artifacts"),
        "HEMLINE_POLL_S": "0.05",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = (sys.executable, "-m", "services.text_retriever.main")
    process = await asyncio.create_subprocess_exec(*command, env=environ, stderr=PIPE)
    assert process.stderr is not None
    try:
        port = 0
        while not port:
            line = (await process.stderr.readline()).decode()
            assert line, "the process ended"
            _, found_it, tail = line.partition("listens on port ")
            port = int(tail.split('"')[0]) if found_it else 0
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            health = health_pb2_grpc.HealthStub(channel)
            asked = health_pb2.HealthCheckRequest(service=NAME)
            watch = health.Watch(asked)  # type: ignore[attr-defined]  # its types lack it
            states = aiter(watch)
            assert (await anext(states)).status == NOT_SERVING
            Shelf(tmp_path / "artifacts").publish(shop(), seq=9)
            assert (await anext(states)).status == SERVING
            stub = pb_grpc.TextRetrieverServiceStub(channel)  # type: ignore[no-untyped-call]
            reply = await stub.RetrieveProducts(request("red dress"))
            assert reply.results[0].hits.product_ids
            assert reply.generation.seq == 9
            watch.cancel()
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
