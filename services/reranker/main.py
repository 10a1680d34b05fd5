"""Runs the reranker: opens the released factors, follows releases, and answers."""

import asyncio
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc

from catalog.store import CatalogStore
from fashion.ranking.v1 import reranker_pb2_grpc as pb_grpc
from runtime import logs, settings
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from runtime.generations import Follower
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from services.reranker.generations import GenerationOpener
from services.reranker.live import LiveCatalog
from services.reranker.servicer import MAX_BATCH, NAME, RerankerServicer

STAGE = "ranking"
# A query costs a twentieth of a millisecond, so more of them may wait than elsewhere.
_IN_FLIGHT = 4 * MAX_BATCH


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stage is told by its environment.

    Without ``database_url`` it follows no catalogue: what it proposes is then neither filtered
    nor known to be in stock, and new arrivals are not proposed.
    """

    artifact_dir: Path
    poll_s: float = 5.0
    database_url: str = field(default="", metadata={"secret": True})  # may hold a password


# How long a small catalogue may take to be read before the stage says that it is ready. A large
# one takes longer, and scores are wanted meanwhile.
_CATALOGUE_WAIT_S = 10.0


async def run(config: Settings, serving: ServerSettings) -> None:
    """Serves until told to stop."""
    metrics = Metrics(STAGE)
    artifacts = ArtifactStore(config.artifact_dir)

    catalogue = (
        LiveCatalog(lambda: CatalogStore.open(config.database_url)) if config.database_url else None
    )
    _watch(catalogue, metrics)

    def register(server: grpc.aio.Server) -> None:
        servicer = RerankerServicer(lambda: follower.value, stage.run_blocking, catalogue)
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

    async def follow() -> None:
        if catalogue is not None:
            await asyncio.to_thread(catalogue.wait, _CATALOGUE_WAIT_S)
        await follower.run()

    await stage.start()
    try:
        await stage.serve_until_stopped(follow())
    finally:
        if catalogue is not None:
            catalogue.close()


def _watch(catalogue: LiveCatalog | None, metrics: Metrics) -> None:
    applied = metrics.gauge("applied_seq", "Last catalogue change that proposals know of")
    followed = metrics.gauge("catalog_followed", "Whether changes of the catalogue are followed")

    def seq() -> int:
        view = catalogue.view if catalogue is not None else None
        return view.seq if view is not None else 0

    applied.set_function(seq)
    followed.set_function(lambda: catalogue is not None and not catalogue.problem)


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
