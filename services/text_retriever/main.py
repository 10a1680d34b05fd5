"""Runs the text retriever: opens the released index, follows releases, and answers."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import grpc

from fashion.text.v1 import text_retriever_pb2_grpc as pb_grpc
from runtime import logs, settings
from runtime.artifacts import ArtifactRefused, ArtifactStore, Release
from runtime.errors import SetupError
from runtime.generations import Follower
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.text_retriever.index import FORMAT, TextIndex
from services.text_retriever.servicer import NAME, OpenIndex, TextRetrieverServicer

STAGE = "text"
KIND = "text"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stage is told by its environment."""

    artifact_dir: Path
    poll_s: float = 5.0


class Loader:
    """Opens the index of a release, or keeps the one that is open when it is the same."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self._last: OpenIndex | None = None

    def load(self, release: Release) -> OpenIndex:
        """Returns the index that the release names.

        Raises:
            ArtifactRefused: It names none, or the index is not whole.
        """
        generation = release.generations.get(KIND)
        if generation is None:
            raise ArtifactRefused("kind_missing", f"{release.name} names no text index")
        if self._last is None or self._last.generation != generation:
            artifact = self._artifacts.open(KIND, generation, format=FORMAT)
            index = TextIndex.open(artifact.folder)
            self._last = OpenIndex(index, artifact.generation, artifact.seq)
        return self._last


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
        Loader(artifacts).load,
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
