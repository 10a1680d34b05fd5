"""Runs the reranker: opens the released factors, follows releases, and answers."""

import asyncio
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from fashion.ranking.v1 import reranker_pb2_grpc as pb_grpc
from runtime import logs, settings
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from runtime.generations import Follower
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.reranker.generations import GenerationOpener
from services.reranker.servicer import MAX_BATCH, NAME, RerankerServicer

STAGE = "ranking"
# A query costs a twentieth of a millisecond, so more of them may wait than elsewhere.
_IN_FLIGHT = 4 * MAX_BATCH


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stage is told by its environment."""

    artifact_dir: Path
    poll_s: float = 5.0


async def run(config: Settings, serving: ServerSettings) -> None:
    """Serves until told to stop."""
    metrics = Metrics(STAGE)
    artifacts = ArtifactStore(config.artifact_dir)

    def register(server: grpc.aio.Server) -> None:
        servicer = RerankerServicer(lambda: follower.value, stage.run_blocking)
        add = pb_grpc.add_RerankerServiceServicer_to_server
        add(servicer, server)  # type: ignore[no-untyped-call]  # generated code

    limited = replace(serving, in_flight_limit=serving.in_flight_limit or _IN_FLIGHT)
    stage = StageServer(STAGE, register, [NAME], limited, metrics)
    follower = Follower(
        artifacts,
        GenerationOpener(artifacts),
        poll_s=config.poll_s,
        on_state=stage.set_ready,
        metrics=metrics,
    )
    await stage.start()
    await stage.serve_until_stopped(follower.run())


def main() -> None:
    """Reads the environment and runs the stage."""
    try:
        serving = settings.load(ServerSettings, os.environ)
        logs.configure(STAGE, serving.log_level)
        asyncio.run(run(settings.load(Settings, os.environ), serving))
    except SetupError as error:
        sys.exit(f"{STAGE}: {error}")


if __name__ == "__main__":
    main()
