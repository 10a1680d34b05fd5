"""Runs the gateway: REST and gRPC outside, the stages behind, one search in between."""

import asyncio
import logging
import os
import secrets
import sys
from dataclasses import replace

import grpc

from catalog.media import MediaStore
from catalog.shared import require_shared
from fashion.search.v1.search_pb2_grpc import add_SearchServiceServicer_to_server
from runtime import logs
from runtime.errors import SetupError
from runtime.generations import Follower
from runtime.metrics import Metrics
from runtime.server import ServerSettings, StageServer
from runtime.settings import load
from services.gateway.catalog_writes import CatalogWrites
from services.gateway.clients import ImageClient, RankingClient
from services.gateway.clients_pools import Pools
from services.gateway.clients_text import TextClient
from services.gateway.documents import DocumentCache
from services.gateway.factor_cache import FactorCache, UncachedFactors
from services.gateway.fanout import Leg
from services.gateway.late_catalog import LateCatalog
from services.gateway.legs import ImageLeg, TextLeg
from services.gateway.main_access import PersonalSearch, open_access
from services.gateway.main_observed import ObservedSearch, cache_counter
from services.gateway.main_released import (
    Released,
    follow_releases,
    fusion_of,
    name_of,
    understanding_of,
)
from services.gateway.main_suggest import NotedSearch, open_past_queries
from services.gateway.paging import Paging
from services.gateway.pictures import Pictures
from services.gateway.pipeline import SearchPipeline
from services.gateway.redis_keep import RedisKeep, connect
from services.gateway.rest import create_app
from services.gateway.rest_server import HttpServer
from services.gateway.result_lists import ProcessLists, RedisLists
from services.gateway.sealed import Keys
from services.gateway.servicer import NAME, SearchServicer
from services.gateway.servicer_access import admission
from services.gateway.servicer_rooms import Rooms
from services.gateway.settings import Settings
from services.gateway.shoppers import DemoShoppers
from services.gateway.stages import FactorCache as Factors
from services.gateway.suggesting import Suggester
from services.gateway.taste import TasteFinder
from services.gateway.vector_cache import VectorCache
from services.gateway.write_lane import WriteLane

STAGE = "gateway"
IN_FLIGHT_LIMIT = 64  # it waits more than it works
MAX_MESSAGE_MIB = 11  # a photo of 10 MiB, and what stands around it
_log = logging.getLogger(__name__)


async def run(config: Settings, serving: ServerSettings) -> None:
    """Serves until told to stop."""
    metrics = Metrics(STAGE)

    def register(server: grpc.aio.Server) -> None:
        servicer = SearchServicer(rooms)
        add_SearchServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]  # generated code

    access = open_access(config)
    stage = StageServer(STAGE, register, [NAME], serving, metrics, admit=admission(access))
    catalog = LateCatalog(config.database_url, poll_s=config.poll_s, on_state=stage.set_ready)
    releases = follow_releases(config, metrics)
    pools = Pools(config, metrics)
    redis = open_redis(config, metrics)
    documents = DocumentCache(catalog)
    media, lane = MediaStore(config.media_dir), WriteLane()
    pictures, writes = Pictures(media, catalog, lane), CatalogWrites(catalog, media, lane)
    pipeline = open_pipeline(config, pools, redis, releases, pictures, documents, metrics)
    shoppers = DemoShoppers(catalog) if config.demo_shoppers else None
    past = open_past_queries(config, redis)
    search = NotedSearch(PersonalSearch(ObservedSearch(pipeline, metrics)), past)
    suggester = Suggester(TextClient(pools.text), past)
    why = stage.why_not_ready
    rooms = Rooms(search, documents, pictures, shoppers, why, metrics, writes, access, suggester)
    http = HttpServer(create_app(rooms), config.http_address, drain_s=serving.drain_s)
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
        lane.close()
        await pools.close()
        if redis:
            await redis.close()
        catalog.close()


def open_pipeline(
    config: Settings,
    pools: Pools,
    redis: RedisKeep | None,
    releases: Follower[Released],
    pictures: Pictures,
    documents: DocumentCache,
    metrics: Metrics,
) -> SearchPipeline:
    """The search over all stages, caches and the catalogue."""
    text = TextClient(pools.text, gather=config.gather)
    image = ImageClient(pools.encode, pools.image, gather=config.gather)
    return SearchPipeline(
        open_legs(config, text, image, redis, pictures, metrics),
        TasteFinder(RankingClient(pools.ranking), open_factors(config, redis, releases, metrics)),
        documents,
        text,
        open_paging(config, redis, metrics),
        release=lambda: name_of(releases),
        tuned=lambda: fusion_of(releases),
        understanding=lambda: understanding_of(releases),
        vectors=image,
    )


def open_legs(
    config: Settings,
    text: TextClient,
    image: ImageClient,
    redis: RedisKeep | None,
    pictures: Pictures,
    metrics: Metrics,
) -> dict[str, Leg]:
    """The retrievers."""
    vectors = VectorCache(redis, _keys(config), count=cache_counter(metrics, "vectors"))
    return {
        "text": TextLeg(text),
        "image": ImageLeg(image, vectors, pictures),
    }


def open_paging(config: Settings, redis: RedisKeep | None, metrics: Metrics) -> Paging:
    """Keeps results for further pages; without Redis in this process only."""
    if redis is None:
        return Paging(ProcessLists(), _keys(config))
    return Paging(RedisLists(redis, count=cache_counter(metrics, "pages")), _keys(config))


def open_factors(
    config: Settings, redis: RedisKeep | None, releases: Follower[Released], metrics: Metrics
) -> Factors:
    """The cache of user factors; without Redis they are asked for each time."""
    if redis is None:
        return UncachedFactors()

    def generation() -> str:
        return releases.release.generations.get("ranking", "") if releases.release else ""

    count = cache_counter(metrics, "factors")
    return FactorCache(redis, _keys(config), generation=generation, count=count)


def _keys(config: Settings) -> Keys:
    return Keys(config.cache_secret.encode() or secrets.token_bytes(32))


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
