"""Promises of the text retriever as a process of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from catalog.product import Product
from catalog.store import CatalogStore
from fashion.text.v1 import text_retriever_pb2_grpc as pb_grpc
from offline.build_text import build_text
from offline.layout import DataDir
from runtime.artifacts import ArtifactStore
from services.text_retriever.servicer import NAME
from tests.shop import shop
from tests.test_text_retriever import Shelf, request

SERVING, NOT_SERVING = 1, 2


async def _started(environ: Mapping[str, str]) -> tuple[Process, int]:
    """Starts the stage and returns it with its port."""
    command = (sys.executable, "-m", "services.text_retriever.main")
    process = await asyncio.create_subprocess_exec(*command, env=environ, stderr=PIPE)
    assert process.stderr is not None
    while True:
        line = (await process.stderr.readline()).decode()
        assert line, "the process ended"
        _, found_it, tail = line.partition("listens on port ")
        if found_it:
            return process, int(tail.split('"')[0])


async def _serves(channel: grpc.aio.Channel) -> None:
    """Waits until the stage says that it serves."""
    asked = health_pb2.HealthCheckRequest(service=NAME)
    watch = health_pb2_grpc.HealthStub(channel).Watch(asked)  # type: ignore[attr-defined]
    async for state in watch:
        if state.status == SERVING:
            watch.cancel()
            return


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_a_killed_process_catches_up_and_a_stopped_one_leaves_nothing(
    tmp_path: Path,
) -> None:
    data = DataDir(tmp_path / "data").create()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert(shop())
    artifact = build_text(data)
    ArtifactStore(data.artifacts).release({"text": artifact.generation}, seq=artifact.seq)
    environ = os.environ | {
        "HEMLINE_ARTIFACT_DIR": str(data.artifacts),
        "HEMLINE_DATABASE_URL": data.database_url,
        "HEMLINE_SCRATCH_DIR": str(scratch),
        "HEMLINE_POLL_S": "0.05",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    for number in range(2):
        process, port = await _started(environ)
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = pb_grpc.TextRetrieverServiceStub(channel)  # type: ignore[no-untyped-call]
                key = f"kaftan-{number}"
                asked = request("kaftan")
                asked.min_seq = store.upsert([Product(id=key, style_id=key, title="Kaftan")]).seq
                await _serves(channel)
                reply = await stub.RetrieveProducts(asked)
                assert reply.generation.seq == asked.min_seq
                assert len(reply.results[0].hits.product_ids) == number + 1
            if number:
                process.terminate()
                assert await asyncio.wait_for(process.wait(), 30) == 0
        finally:
            await _ended(process)
    store.close()
    assert not any(scratch.iterdir())


async def test_the_process_is_not_serving_until_a_release_is_there(tmp_path: Path) -> None:
    environ = os.environ | {
        "HEMLINE_ARTIFACT_DIR": str(tmp_path / "artifacts"),
        "HEMLINE_POLL_S": "0.05",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    process, port = await _started(environ)
    try:
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
        await _ended(process)
