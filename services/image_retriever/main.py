"""Runs the image retriever: opens the released encoder with its index, and answers."""

import asyncio
import os
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import faiss
import grpc
import torch

from fashion.image.v1 import image_retriever_pb2_grpc as pb_grpc
from runtime import logs, settings
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from runtime.generations import Follower
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.image_retriever.batcher import BatchSettings, EncodeBatcher
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.encoder import open_encoder
from services.image_retriever.pair import PairOpener
from services.image_retriever.parts import PartEncoder
from services.image_retriever.servicer import MAX_BATCH, NAME, ImageRetrieverServicer

STAGE = "image"
ROLES = ("encode", "search", "both")
# A photo has at most 10 MiB; a batch of them comes in several calls.
_MESSAGE_MIB = 11
_IN_FLIGHT = 2 * MAX_BATCH
_WAITING_PHOTOS = 16  # a photo takes a worker some milliseconds, an encoder rather more
_BATCH_SIZES = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stage is told by its environment.

    Attributes:
        artifact_dir: Root of the artifact store.
        role: ``encode``, ``search`` or ``both``.
        device: ``cpu``, ``cuda`` or ``cuda:N``, for the encoder and the search.
        encoder: Name of the encoder; empty takes the release's.
        precision: ``auto``, ``fp32`` or ``bf16``.
        threads: Processor threads of one forward pass; 0 takes half of the cores.
        decoders: Processes that decode photos.
        poll_s: Seconds between looks at the release in force.
    """

    artifact_dir: Path
    role: str = "both"
    device: str = "cpu"
    encoder: str = ""
    precision: str = "auto"
    threads: int = 0
    decoders: int = 2
    poll_s: float = 5.0


async def run(config: Settings, serving: ServerSettings) -> None:
    """Serves until told to stop."""
    metrics = Metrics(STAGE)
    encodes = config.role != "search"
    parts = _part_encoder(config, metrics) if encodes else None

    def register(server: grpc.aio.Server) -> None:
        servicer = ImageRetrieverServicer(
            lambda: follower.value,
            stage.run_blocking,
            encoder=parts,
            searches=config.role != "encode",
        )
        add = pb_grpc.add_ImageRetrieverServiceServicer_to_server
        add(servicer, server)  # type: ignore[no-untyped-call]  # generated code

    stage = StageServer(STAGE, register, [NAME], _limited(serving), metrics)
    artifacts = ArtifactStore(config.artifact_dir)
    opened = partial(open_encoder, device=config.device, precision=config.precision)
    follower = Follower(
        artifacts,
        PairOpener(
            artifacts,
            opened if encodes else None,
            encoder=config.encoder,
            device=config.device,
        ),
        poll_s=config.poll_s,
        on_state=stage.set_ready,
        metrics=metrics,
    )
    try:
        await stage.start()
        await stage.serve_until_stopped(follower.run())
    finally:
        if parts is not None:
            parts.close()


def _limited(serving: ServerSettings) -> ServerSettings:
    # Encodes share their passes, so many may be in flight for each thread.
    return replace(
        serving,
        in_flight_limit=serving.in_flight_limit or _IN_FLIGHT,
        max_message_mib=max(serving.max_message_mib, _MESSAGE_MIB),
    )


def _part_encoder(config: Settings, metrics: Metrics) -> PartEncoder:
    sizes = metrics.histogram(
        "encode_batch_size", "Items of one forward pass", buckets=_BATCH_SIZES
    )
    exhausted = (MemoryError, torch.OutOfMemoryError)
    batcher = EncodeBatcher(
        BatchSettings(most=MAX_BATCH, exhausted=exhausted, on_batch=sizes.observe)
    )
    decoder = PhotoDecoder(workers=config.decoders, queue=_WAITING_PHOTOS)
    metrics.gauge("decoders_busy", "Photo decoders at work").set_function(decoder.busy)
    return PartEncoder(batcher, decoder)


def main() -> None:
    """Reads the environment and runs the stage."""
    try:
        serving = settings.load(ServerSettings, os.environ)
        logs.configure(STAGE, serving.log_level)
        config = settings.load(Settings, os.environ)
        if config.role not in ROLES:
            raise SetupError(f"HEMLINE_ROLE: {config.role!r} is not one of {', '.join(ROLES)}")
        # Both bring an OpenMP of their own, and neither may take all cores for each thread.
        faiss.omp_set_num_threads(1)
        torch.set_num_threads(config.threads or max(1, (os.cpu_count() or 1) // 2))
        asyncio.run(run(config, serving))
    except SetupError as error:
        sys.exit(f"{STAGE}: {error}")


if __name__ == "__main__":
    main()
