"""Runs the text retriever: opens the released index, follows releases, and answers."""

import asyncio
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from fashion.text.v1 import text_retriever_pb2_grpc as pb_grpc
from runtime import canaries, logs, settings
from runtime.artifacts import ArtifactStore, Release
from runtime.errors import SetupError
from runtime.generations import Follower
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.text_retriever.index import CANARY_TOLERANCE, FORMAT, TextIndex
from services.text_retriever.servicer import MAX_BATCH, NAME, OpenIndex, TextRetrieverServicer

STAGE = "text"
KIND = "text"
_IN_FLIGHT = 2 * MAX_BATCH  # a query takes about a millisecond


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stage is told by its environment."""

    artifact_dir: Path
    poll_s: float = 5.0


def open_index(artifacts: ArtifactStore, release: Release) -> OpenIndex:
    """Returns the text index that a release names.

    Raises:
        ArtifactRefused: It is not whole, of another format, or answers otherwise than when it was
            built.
    """
    artifact = artifacts.open(KIND, release.generations[KIND], format=FORMAT)
    index = TextIndex.open(artifact.folder)
    canaries.check(artifact.folder, index.answer, tolerance=CANARY_TOLERANCE)
    return OpenIndex(index, artifact.generation, artifact.seq)


async def run(config: Settings, serving: ServerSettings) -> None:
    """Serves until told to stop."""
    metrics = Metrics(STAGE)
    artifacts = ArtifactStore(config.artifact_dir)

    def register(server: grpc.aio.Server) -> None:
        servicer = TextRetrieverServicer(lambda: follower.value, stage.run_blocking, metrics)
        add = pb_grpc.add_TextRetrieverServiceServicer_to_server
        add(servicer, server)  # type: ignore[no-untyped-call]  # generated code

    stage = StageServer(STAGE, register, [NAME], serving, metrics)
    follower = Follower(
        artifacts,
        lambda release: open_index(artifacts, release),
        poll_s=config.poll_s,
        on_state=stage.set_ready,
        metrics=metrics,
        kinds=(KIND,),
    )
    await stage.start()
    await stage.serve_until_stopped(follower.run())


def main() -> None:
    """Reads the environment and runs the stage."""
    try:
        serving = settings.load(ServerSettings, os.environ)
        logs.configure(STAGE, serving.log_level)
        limited = replace(serving, in_flight_limit=serving.in_flight_limit or _IN_FLIGHT)
        asyncio.run(run(settings.load(Settings, os.environ), limited))
    except SetupError as error:
        sys.exit(f"{STAGE}: {error}")


if __name__ == "__main__":
    main()
