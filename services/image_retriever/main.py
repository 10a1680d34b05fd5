"""Runs the image retriever: opens the released encoder with its index, follows, and answers."""

import asyncio
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import faiss
import grpc
import torch

from catalog.media import MediaStore
from fashion.image.v1 import image_retriever_pb2_grpc as pb_grpc
from runtime import logs, settings
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from runtime.generations import Follower
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.image_retriever.batcher import BatchSettings, EncodeBatcher
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.decode_bulk import bulk_decoder
from services.image_retriever.embedder import Embedder, EmbedSettings
from services.image_retriever.encoder import open_encoder
from services.image_retriever.lane import EmbedLane
from services.image_retriever.main_metrics import Measures
from services.image_retriever.pair import Pair, PairOpener
from services.image_retriever.parts import PartEncoder
from services.image_retriever.servicer import MAX_BATCH, NAME, ImageRetrieverServicer
from services.image_retriever.wiring import LateCatalogue, openers

STAGE = "image"
ROLES = ("encode", "search", "both")
# A photo has at most 10 MiB; a batch of them comes in several calls.
_MESSAGE_MIB = 11
_IN_FLIGHT = 2 * MAX_BATCH
_WAITING_PHOTOS = 16  # a photo takes a worker some milliseconds, an encoder rather more
_BATCH_SIZES = (1, 2, 4, 8, 16, 32)
# A query waits for the pass of the lane below it: two photos on a processor, many on a GPU.
_BEHIND_CPU, _BEHIND_GPU = 2, 32


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
        decoders: Processes that decode photos of queries.
        poll_s: Seconds between looks at the release in force.
        database_url: The catalogue to follow; empty serves the released index as it was built.
        media_dir: Folder of the photos; with a catalogue and a role that encodes, those that wait
            are embedded. Empty: they are not.
    """

    artifact_dir: Path
    role: str = "both"
    device: str = "cpu"
    encoder: str = ""
    precision: str = "auto"
    threads: int = 0
    decoders: int = 2
    poll_s: float = 5.0
    database_url: str = field(default="", metadata={"secret": True})  # may hold a password
    media_dir: str = ""

    @property
    def encodes(self) -> bool:
        """Whether queries are encoded here."""
        return self.role != "search"


async def run(config: Settings, serving: ServerSettings) -> None:
    """Serves until told to stop."""
    metrics = Metrics(STAGE)
    measures = Measures(metrics)
    with ExitStack() as closing:
        catalogue = LateCatalogue(config.database_url) if config.database_url else None
        if catalogue is not None:
            closing.callback(catalogue.close)
        batcher = _batcher(config, metrics) if config.encodes else None
        parts = None if batcher is None else _part_encoder(batcher, config, metrics)
        if parts is not None:
            closing.callback(parts.close)

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
        opener = _pair_opener(config, artifacts, catalogue, measures)
        closing.callback(opener.close)
        follower: Follower[Pair] = Follower(
            artifacts, opener, poll_s=config.poll_s, on_state=stage.set_ready, metrics=metrics
        )
        measures.watch(lambda: follower.value)
        if catalogue is not None and batcher is not None and config.media_dir:
            embedder = _embedder(config, catalogue, batcher, measures, closing)
            lane = EmbedLane(embedder, lambda: follower.value, lambda: catalogue().clock())
            closing.callback(lane.stop)
            lane.start()
        await stage.start()
        await stage.serve_until_stopped(follower.run())


def _pair_opener(
    config: Settings,
    artifacts: ArtifactStore,
    catalogue: LateCatalogue | None,
    measures: Measures,
) -> PairOpener:
    opened = partial(open_encoder, device=config.device, precision=config.precision)
    return PairOpener(
        artifacts,
        openers(
            opened if config.encodes else None,
            catalogue,
            device=config.device,
            on_delay=measures.delay,
        ),
        encoder=config.encoder,
    )


def _embedder(
    config: Settings,
    catalogue: LateCatalogue,
    batcher: EncodeBatcher,
    measures: Measures,
    closing: ExitStack,
) -> Embedder:
    # A worker of its own: no query waits for a photo of the catalogue to be decoded.
    decoder = bulk_decoder(1)
    closing.callback(decoder.close)
    return Embedder(
        catalogue,
        MediaStore(Path(config.media_dir)),
        batcher,
        decoder,
        EmbedSettings(on_embedded=measures.embedded),
    )


def _limited(serving: ServerSettings) -> ServerSettings:
    # Encodes share their passes, so many may be in flight for each thread.
    return replace(
        serving,
        in_flight_limit=serving.in_flight_limit or _IN_FLIGHT,
        max_message_mib=max(serving.max_message_mib, _MESSAGE_MIB),
    )


def _batcher(config: Settings, metrics: Metrics) -> EncodeBatcher:
    sizes = metrics.histogram(
        "encode_batch_size", "Items of one forward pass", buckets=_BATCH_SIZES
    )
    return EncodeBatcher(
        BatchSettings(
            most=MAX_BATCH,
            exhausted=(MemoryError, torch.OutOfMemoryError),
            on_batch=sizes.observe,
            most_behind=_BEHIND_CPU if config.device == "cpu" else _BEHIND_GPU,
        )
    )


def _part_encoder(batcher: EncodeBatcher, config: Settings, metrics: Metrics) -> PartEncoder:
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
