"""Runs the gateway: REST and gRPC outside, the stages behind, one search in between."""

import asyncio
import logging
import os
import sys
from dataclasses import replace

import grpc

from catalog.shared import require_shared
from fashion.search.v1.search_pb2_grpc import add_SearchServiceServicer_to_server
from runtime import logs
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from runtime.settings import load
from services.gateway.clients_pools import Pools
from services.gateway.late_catalog import LateCatalog
from services.gateway.main_access import open_access
from services.gateway.main_released import follow_releases
from services.gateway.main_rooms import Behind, open_rooms
from services.gateway.ranking_generations import RankingGenerations
from services.gateway.redis_keep import RedisKeep, connect
from services.gateway.rest import create_app
from services.gateway.rest_server import HttpServer
from services.gateway.servicer import NAME, SearchServicer
from services.gateway.servicer_access import admission
from services.gateway.settings import Settings

STAGE = "gateway"
IN_FLIGHT_LIMIT = 64  # it waits more than it works
MAX_MESSAGE_MIB = 11  # a photo of 10 MiB, and what stands around it
_log = logging.getLogger(__name__)


async def run(config: Settings, serving: ServerSettings) -> None:
    """Serves until told to stop."""
    metrics = Metrics(STAGE)

    def register(server: grpc.aio.Server) -> None:
        servicer = SearchServicer(opened.rooms)
        add_SearchServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]  # generated code

    access = open_access(config)
    stage = StageServer(STAGE, register, [NAME], serving, metrics, admit=admission(access))
    catalog = LateCatalog(config.database_url, poll_s=config.poll_s, on_state=stage.set_ready)
    generations = RankingGenerations(ArtifactStore(config.artifact_dir))
    releases = follow_releases(config, generations, metrics)
    pools = Pools(config, metrics)
    redis = open_redis(config, metrics)
    behind = Behind(catalog, pools, redis, releases, generations)
    opened = open_rooms(config, behind, access, metrics, why_not_ready=stage.why_not_ready)
    http = HttpServer(create_app(opened.rooms), config.http_address, drain_s=serving.drain_s)
    try:
        await releases.poll()
        await pools.start()
        await stage.start()
        _log.info("gateway serves http on port %d", http.port)
        pause_s = serving.shutdown_pause_s
        doors = http.serve(stage.stopping, stage.hurrying, pause_s=pause_s)
        await stage.serve_until_stopped(releases.run(), catalog.open(), doors)
    finally:
        http.close()
        opened.close()
        await pools.close()
        if redis:
            await redis.close()
        catalog.close()


def open_redis(config: Settings, metrics: Metrics) -> RedisKeep | None:
    """The cache, or None without an address."""
    if not config.redis_url:
        return None
    failures = metrics.counter("redis_failures", "Calls that Redis did not answer")
    return RedisKeep(connect(config.redis_url), on_failure=failures.inc)


def main() -> None:
    """Reads the environment and runs the gateway."""
    try:
        config = load(Settings, os.environ)
        if config.refuse_sqlite:
            require_shared(config.database_url)
        told = load(ServerSettings, os.environ)
        logs.configure(STAGE, told.log_level)
        serving = replace(
            told,
            address=config.grpc_address,
            in_flight_limit=told.in_flight_limit or IN_FLIGHT_LIMIT,
            max_message_mib=max(told.max_message_mib, MAX_MESSAGE_MIB),
        )
        asyncio.run(run(config, serving))
    except SetupError as error:
        sys.exit(f"{STAGE}: {error}")


if __name__ == "__main__":
    main()
