"""Builds the rooms behind both doors of the gateway."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from catalog.media import MediaStore
from runtime.generations import Follower
from runtime.metrics import Metrics
from services.gateway.access import Access
from services.gateway.catalog_writes import CatalogWrites
from services.gateway.clients import ImageClient, RankingClient
from services.gateway.clients_pools import Pools
from services.gateway.clients_ranking import ProposalClient
from services.gateway.clients_text import TextClient
from services.gateway.documents import DocumentCache
from services.gateway.fanout import Leg
from services.gateway.late_catalog import LateCatalog
from services.gateway.legs import ImageLeg, TextLeg
from services.gateway.main_access import PersonalSearch
from services.gateway.main_observed import ObservedSearch, cache_counter
from services.gateway.main_recommend import (
    ObservedRecommender,
    PersonalRecommender,
    open_recommender,
)
from services.gateway.main_released import (
    Released,
    fusion_of,
    generations_of,
    name_of,
    sayings_of,
    understanding_of,
)
from services.gateway.main_shoppers import ClickedSearch, open_factors, open_shopping
from services.gateway.main_suggest import NotedSearch, open_past_queries
from services.gateway.paging import Paging
from services.gateway.pictures import Pictures
from services.gateway.pipeline import SearchPipeline
from services.gateway.ranking_generations import RankingGenerations
from services.gateway.redis_keep import RedisKeep
from services.gateway.result_lists import ProcessLists, RedisLists
from services.gateway.sealed import Keys
from services.gateway.servicer_rooms import Rooms
from services.gateway.settings import Settings
from services.gateway.shoppers import DemoShoppers
from services.gateway.suggesting import Suggester
from services.gateway.taste import TasteFinder
from services.gateway.vector_cache import VectorCache
from services.gateway.write_lane import WriteLane


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the rooms: the catalogue, the stages, the cache and the release."""

    catalog: LateCatalog
    pools: Pools
    redis: RedisKeep | None
    releases: Follower[Released]
    generations: RankingGenerations


@dataclass(frozen=True, slots=True)
class Opened:
    """The rooms, and what is to be closed in the end."""

    rooms: Rooms
    lanes: tuple[WriteLane, ...]

    def close(self) -> None:
        """Lets go of the threads."""
        for lane in self.lanes:
            lane.close()


def open_rooms(
    config: Settings,
    behind: Behind,
    access: Access,
    metrics: Metrics,
    *,
    why_not_ready: Callable[[], str],
) -> Opened:
    """All rooms."""
    catalog, lane = behind.catalog, WriteLane()
    documents, media = DocumentCache(catalog), MediaStore(config.media_dir)
    pictures = Pictures(media, catalog, lane)
    demo = DemoShoppers(catalog) if config.demo_shoppers else None
    shopping = open_shopping(
        catalog,
        RankingClient(behind.pools.ranking),
        behind.generations,
        open_factors(behind.redis, _keys(config), behind.generations, metrics),
        metrics,
        forgotten=demo.forget if demo else str,
    )
    pipeline = open_pipeline(config, behind, shopping.taste, pictures, documents, metrics)
    past = open_past_queries(config, behind.redis)
    clicked = ClickedSearch(
        ObservedSearch(pipeline, metrics, lambda: generations_of(behind.releases)), shopping.watch
    )
    rooms = Rooms(
        searching=NotedSearch(PersonalSearch(clicked), past),
        documents=documents,
        pictures=pictures,
        shoppers=demo,
        why_not_ready=why_not_ready,
        metrics=metrics,
        writes=CatalogWrites(catalog, media, lane),
        access=access,
        suggester=Suggester(
            TextClient(behind.pools.text), past, lambda: sayings_of(behind.releases)
        ),
        recorder=shopping.recorder,
        histories=shopping.histories,
        recommending=open_recommending(config, behind, documents, shopping.taste, metrics),
        neighbours=ProposalClient(behind.pools.ranking),
    )
    return Opened(rooms, (lane, shopping.lane))


def open_recommending(
    config: Settings,
    behind: Behind,
    documents: DocumentCache,
    taste: TasteFinder,
    metrics: Metrics,
) -> PersonalRecommender:
    """The recommendations over all stages, caches and the catalogue."""
    recommender = open_recommender(
        config,
        behind.pools,
        behind.catalog,
        documents,
        taste,
        behind.generations,
        release=lambda: name_of(behind.releases),
    )
    return PersonalRecommender(ObservedRecommender(recommender, metrics))


def open_pipeline(
    config: Settings,
    behind: Behind,
    taste: TasteFinder,
    pictures: Pictures,
    documents: DocumentCache,
    metrics: Metrics,
) -> SearchPipeline:
    """The search over all stages, caches and the catalogue."""
    pools, redis, releases = behind.pools, behind.redis, behind.releases
    text = TextClient(pools.text, gather=config.gather)
    image = ImageClient(pools.encode, pools.image, gather=config.gather)
    return SearchPipeline(
        open_legs(config, text, image, redis, pictures, metrics),
        taste,
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


def _keys(config: Settings) -> Keys:
    return Keys(config.cache_secret.encode() or secrets.token_bytes(32))
