"""Puts up recommendations: their sources, what they are measured by, and who may ask for whom."""

import time
from collections.abc import Callable

from runtime.errors import ServiceError, SetupError
from runtime.metrics import Metrics
from services.gateway.alike import LikenessFinder
from services.gateway.clients import ImageClient
from services.gateway.clients_pools import Pools
from services.gateway.clients_ranking import ProposalClient
from services.gateway.clients_text import TextClient
from services.gateway.documents import DocumentCache
from services.gateway.keys import ACT_AS_USER, current_caller
from services.gateway.late_catalog import LateCatalog
from services.gateway.proposing import Sources
from services.gateway.ranking_generations import RankingGenerations
from services.gateway.recommend_query import RecommendQuery
from services.gateway.recommending import Recommended, Recommender
from services.gateway.servicer_rooms import Recommending
from services.gateway.settings import Settings
from services.gateway.shopper_past import PastReader
from services.gateway.taste import TasteFinder


def open_recommender(
    config: Settings,
    pools: Pools,
    catalog: LateCatalog,
    documents: DocumentCache,
    taste: TasteFinder,
    generations: RankingGenerations,
    *,
    release: Callable[[], str],
) -> Recommender:
    """Recommendations over all stages and the catalogue.

    Raises:
        SetupError: The share of new arrivals is none.
    """
    if not 0 <= config.new_share <= 1:
        raise SetupError("HEMLINE_NEW_SHARE must be 0 to 1")
    kinds = frozenset(kind.strip().casefold() for kind in config.replenishable_kinds)
    pasts = PastReader(catalog.journal, documents, lambda: generations.rules(""), kinds)
    sources = Sources(ProposalClient(pools.ranking), taste, pasts, TextClient(pools.text))
    alike = LikenessFinder(ImageClient(pools.encode, pools.image), documents)
    return Recommender(sources, documents, alike, release, config.new_share)


class PersonalRecommender:
    """Recommends; to a shopper only where the key has the scope ``act_as_user``."""

    def __init__(self, recommending: Recommending) -> None:
        self._recommending = recommending

    async def recommend(self, query: RecommendQuery) -> Recommended:
        """The answer of the recommendation itself.

        Raises:
            PermissionDenied: The caller may not act as a shopper.
        """
        if query.user_id:
            current_caller.get().require(ACT_AS_USER)
        return await self._recommending.recommend(query)


class ObservedRecommender:
    """Recommends, and measures.

    Metrics: ``hemline_recommend_seconds{outcome}`` (``ok``, ``degraded`` or the code of the error)
    and ``hemline_recommend_mode{mode}``.
    """

    def __init__(self, recommending: Recommending, metrics: Metrics) -> None:
        self._recommending = recommending
        self._seconds = metrics.histogram(
            "recommend_seconds", "Time to recommend, by outcome", ("outcome",)
        )
        self._modes = metrics.counter(
            "recommend_mode", "Recommendations, by what they were made", ("mode",)
        )

    async def recommend(self, query: RecommendQuery) -> Recommended:
        """The answer of the recommendation itself."""
        started = time.perf_counter()
        outcome = "cancelled"
        try:
            answer = await self._recommending.recommend(query)
            outcome = "degraded" if answer.degraded else "ok"
        except ServiceError as error:
            outcome = error.code.name.lower()
            raise
        finally:
            self._seconds.labels(outcome).observe(time.perf_counter() - started)
        self._modes.labels(answer.mode).inc()
        return answer
