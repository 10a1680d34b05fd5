"""Promises of the image retriever as a process of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import pytest
import torch
from grpc_health.v1 import health_pb2, health_pb2_grpc

from catalog.media import MediaStore
from catalog.store import CatalogStore
from fashion.image.v1 import image_retriever_pb2 as pb
from fashion.image.v1.image_retriever_pb2_grpc import ImageRetrieverServiceStub
from runtime.artifacts import ArtifactStore, Release
from services.image_retriever.architecture import FORMAT, Architecture, Preprocessing, Trained
from services.image_retriever.canary import Canaries
from services.image_retriever.encoder import open_encoder
from services.image_retriever.servicer import NAME
from services.image_retriever.snapshot import Snapshot
from services.image_retriever.tokenizer import WordTokenizer
from tests.colours import photo
from tests.image_artifact import pictured, write_snapshot

SERVING, NOT_SERVING = 1, 2
MIB = 1 << 20


class Shelf:
    """Publishes encoders with random weights, and indexes of theirs."""

    def __init__(self, root: Path) -> None:
        self._store = ArtifactStore(root)

    def encoder(self, seed: int) -> str:
        torch.manual_seed(seed)
        tokenizer = WordTokenizer(["red", "dress", "blue"])
        architecture = Architecture(dim=16, width=16, heads=2, layers=1)
        model = architecture.build(tokenizer, 32)
        trained = Trained(model, tokenizer, architecture, Preprocessing(image_size=32))

        def write(folder: Path) -> dict[str, object]:
            trained.write(folder)
            return {"fingerprint": trained.fingerprint()}

        made = self._store.publish("encoder", format=FORMAT, seq=1, write=write)
        return made.generation

    def index(self, encoder: str, seq: int) -> str:
        folder = self._store.open("encoder", encoder, format=FORMAT).folder
        opened = open_encoder(folder)

        def write(folder: Path) -> dict[str, object]:
            rows = np.random.default_rng(0).standard_normal((50, 16)).astype(np.float32)
            Canaries.write(["red dress"], opened, folder)
            products = [pictured(f"p-{n:02d}") for n in range(50)]
            return write_snapshot(
                folder, products, rows, fingerprint=opened.fingerprint, floors={"text": None}
            )

        made = self._store.publish("image", format=Snapshot.FORMAT, seq=seq, write=write)
        return made.generation

    def release(self, encoder: str, image: str, seq: int) -> Release:
        return self._store.release({"encoder": encoder, "image": image}, seq=seq)


@asynccontextmanager
async def image_process(artifacts: Path, **settings: str) -> AsyncIterator[tuple[Process, int]]:
    environ = os.environ | {
        "HEMLINE_ARTIFACT_DIR": str(artifacts),
        "HEMLINE_POLL_S": "0.05",
        "PYTHONPATH": os.pathsep.join(sys.path),
        **settings,
    }
    command = (sys.executable, "-m", "services.image_retriever.main")
    process = await asyncio.create_subprocess_exec(*command, env=environ, stderr=PIPE)
    try:
        yield process, int(await said(process, "listens on port "))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process, words: str) -> str:
    """Waits for a line of the log that holds some words, and returns what follows them."""
    assert process.stderr is not None
    while True:
        line = (await process.stderr.readline()).decode()
        assert line, f"the process ended before it said {words!r}"
        _, found_it, tail = line.partition(words)
        if found_it:
            return tail.split('"')[0]


def words_and_photo() -> pb.EncodeQueriesRequest:
    return pb.EncodeQueriesRequest(
        queries=[
            pb.EncodeQuery(parts=[pb.QueryPart(text="red dress")]),
            pb.EncodeQuery(parts=[pb.QueryPart(photo=photo("red"))]),
        ]
    )


async def test_a_pair_is_served_and_never_mixed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    async with image_process(tmp_path) as (process, port):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(  # type: ignore[attr-defined]
                health_pb2.HealthCheckRequest(service=NAME)
            )
            states = aiter(watch)
            assert (await anext(states)).status == NOT_SERVING
            first = shelf.encoder(1)
            image = shelf.index(first, 5)
            shelf.release(first, image, 5)
            assert (await anext(states)).status == SERVING
            stub = ImageRetrieverServiceStub(channel)  # type: ignore[no-untyped-call]
            encoded = await stub.EncodeQueries(words_and_photo(), timeout=60)
            assert [each.status.code for each in encoded.queries] == [0, 0]
            assert encoded.generation.generation == image
            found = await stub.SearchVectors(
                pb.SearchVectorsRequest(
                    queries=[pb.VectorQuery(vector=each.vector) for each in encoded.queries],
                    encoder_fingerprint=encoded.encoder_fingerprint,
                ),
                timeout=60,
            )
            assert [len(result.hits.product_ids) for result in found.results] == [50, 50]
            # Another encoder is released beside the old index: refused, the old pair serves on.
            second = shelf.encoder(2)
            shelf.release(second, image, 6)
            await said(process, "was built with another encoder")
            again = await stub.EncodeQueries(words_and_photo(), timeout=60)
            assert again.encoder_fingerprint == encoded.encoder_fingerprint
            # Its own index follows: now both swap together.
            release = shelf.release(second, shelf.index(second, 7), 7)
            await said(process, f"release {release.name} is in service")
            swapped = await stub.EncodeQueries(words_and_photo(), timeout=60)
            assert swapped.encoder_fingerprint != encoded.encoder_fingerprint
            assert swapped.generation.seq == 7
            watch.cancel()
        process.terminate()
        assert await process.wait() == 0


async def test_a_process_that_only_searches_needs_no_encoder(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    encoder = shelf.encoder(1)
    release = shelf.release(encoder, shelf.index(encoder, 5), 5)
    # The encoder's weights are gone; the process must not miss them.
    (tmp_path / "encoder" / encoder / "weights.safetensors").unlink()
    async with image_process(tmp_path, HEMLINE_ROLE="search") as (process, port):
        await said(process, f"release {release.name} is in service")
        told = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        children = await asyncio.to_thread(told.read_text)
        assert children == "", "a process that only searches decodes no photos"
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = ImageRetrieverServiceStub(channel)  # type: ignore[no-untyped-call]
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.EncodeQueries(words_and_photo(), timeout=60)
            assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION


async def test_a_wrong_role_is_one_sentence(tmp_path: Path) -> None:
    environ = os.environ | {
        "HEMLINE_ARTIFACT_DIR": str(tmp_path),
        "HEMLINE_ROLE": "dance",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.image_retriever.main", env=environ, stderr=PIPE
    )
    _, error = await process.communicate()
    assert process.returncode == 1
    assert error.decode() == "image: HEMLINE_ROLE: 'dance' is not one of encode, search, both\n"


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Waits until a check holds, for a minute at most."""
    async with asyncio.timeout(60):
        while not await check():  # noqa: ASYNC110  # another process is waited for
            await asyncio.sleep(0.05)


async def is_nearest(
    encoder: ImageRetrieverServiceStub,
    searcher: ImageRetrieverServiceStub,
    data: bytes,
    product_id: str,
) -> bool:
    """Whether a photo, encoded by one process, finds a product in another one."""
    query = pb.EncodeQuery(parts=[pb.QueryPart(photo=data)])
    encoded = await encoder.EncodeQueries(pb.EncodeQueriesRequest(queries=[query]), timeout=60)
    request = pb.SearchVectorsRequest(
        queries=[pb.VectorQuery(vector=encoded.queries[0].vector, hit_count=1)],
        encoder_fingerprint=encoded.encoder_fingerprint,
    )
    found = await searcher.SearchVectors(request, timeout=60)
    return list(found.results[0].hits.product_ids) == [product_id]


async def is_embedded(store: CatalogStore, product_id: str) -> bool:
    """Whether the catalogue says so."""
    found = await asyncio.to_thread(store.get, product_id)
    return found is not None and found.image_state == "embedded"


async def test_a_new_photo_is_found_in_every_replica_and_a_killed_one_is_not_missed(
    tmp_path: Path,
) -> None:
    """One process encodes and embeds, another only searches: both follow the catalogue."""
    shelf = Shelf(tmp_path / "artifacts")
    store = CatalogStore.open(f"sqlite:///{tmp_path}/catalog.sqlite", create=True)
    store.upsert([pictured(f"p-{n:02d}") for n in range(50)])
    media = MediaStore(tmp_path / "media")
    encoder = shelf.encoder(1)
    release = shelf.release(encoder, shelf.index(encoder, store.seq()), store.seq())
    settings = {
        "HEMLINE_DATABASE_URL": f"sqlite:///{tmp_path}/catalog.sqlite",
        "HEMLINE_MEDIA_DIR": str(tmp_path / "media"),
    }
    root = tmp_path / "artifacts"
    async with (
        image_process(root, **settings) as (doomed, _),
        image_process(root, **settings) as (whole, port),
        image_process(root, HEMLINE_ROLE="search", **settings) as (searcher, search_port),
    ):
        for process in (doomed, whole, searcher):
            await said(process, f"release {release.name} is in service")
        async with (
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
            grpc.aio.insecure_channel(f"127.0.0.1:{search_port}") as search_channel,
        ):
            stub = ImageRetrieverServiceStub(channel)  # type: ignore[no-untyped-call]
            far = ImageRetrieverServiceStub(search_channel)  # type: ignore[no-untyped-call]
            for place, colour in enumerate(("red", "blue")):
                data = photo(colour, size=(300, 200))
                sha = media.put(data)
                store.upsert([replace(pictured(colour), images=(sha,))])
                for each in (stub, far):
                    await until(partial(is_nearest, stub, each, data, colour))
                await until(partial(is_embedded, store, colour))
                assert media.path(sha, 256) is not None
                if not place:
                    doomed.kill()
                    await doomed.wait()
    store.close()
