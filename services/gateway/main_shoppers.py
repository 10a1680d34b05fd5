"""Puts up what knows shoppers: their taste, the recording of what they do, and their histories."""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.metrics import Metrics
from services.gateway.answer import Answer
from services.gateway.click_watch import ClickWatch
from services.gateway.coverage import OK, SKIPPED
from services.gateway.factor_cache import FactorCache, UncachedFactors
from services.gateway.history import Histories
from services.gateway.interactions import Recorder
from services.gateway.late_catalog import LateCatalog
from services.gateway.main_observed import cache_counter
from services.gateway.query import Query
from services.gateway.ranking_generations import RankingGenerations
from services.gateway.redis_keep import RedisKeep
from services.gateway.sealed import Keys
from services.gateway.servicer_rooms import Searching
from services.gateway.shopper_factors import FoldedShoppers
from services.gateway.stages import RankingStage
from services.gateway.taste import TasteFinder
from services.gateway.write_lane import WriteLane

# Events are small, and a shop has many shoppers: more of them may wait than products.
WAITING_EVENTS = 64
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True, slots=True)
class Shopping:
    """What knows shoppers.

    ``taste`` finds what they like; ``lane`` is to be closed at the end.
    """

    taste: TasteFinder
    recorder: Recorder
    histories: Histories
    watch: ClickWatch
    lane: WriteLane


def open_shopping(
    catalog: LateCatalog,
    ranking: RankingStage,
    generations: RankingGenerations,
    kept: FactorCache | UncachedFactors,
    metrics: Metrics,
    *,
    forgotten: Callable[[str], object] = str,
) -> Shopping:
    """All of it over one catalogue; ``forgotten`` is told of each shopper who is erased."""
    seconds = metrics.histogram(
        "click_to_ranking_seconds",
        "Time from the acknowledgement of an event, or from the next question of its shopper "
        "where that comes later, to the first answer that knows it",
        buckets=_BUCKETS,
    )
    watch, lane = ClickWatch(seconds.observe), WriteLane(most=WAITING_EVENTS)

    def forget(user_id: str) -> None:
        watch.forget(user_id)
        forgotten(user_id)

    people = FoldedShoppers(catalog.journal, ranking, kept, generations.rules)
    return Shopping(
        TasteFinder(ranking, people, generations),
        Recorder(catalog.journal, lane, kept, acknowledged=watch.acknowledged),
        Histories(catalog.journal, lane, kept, forgotten=forget),
        watch,
        lane,
    )


def open_factors(
    redis: RedisKeep | None, keys: Keys, generations: RankingGenerations, metrics: Metrics
) -> FactorCache | UncachedFactors:
    """The cache of user factors; without Redis they are computed each time."""
    if redis is None:
        return UncachedFactors()
    count = cache_counter(metrics, "factors")
    return FactorCache(redis, keys, generation=lambda: generations.in_use, count=count)


class ClickedSearch:
    """Searches, and tells the watch which answers know all of their shopper's clicks."""

    def __init__(self, searching: Searching, watch: ClickWatch) -> None:
        self._searching = searching
        self._watch = watch

    async def search(self, query: Query) -> Answer:
        """The answer of the search itself."""
        # A further page shows the order of the first one.
        if not query.user_id or query.page_token or query.taste_share == 0:
            return await self._searching.search(query)
        started = self._watch.now()
        self._watch.asked(query.user_id, started)
        answer = await self._searching.search(query)
        # Of somebody of whom nothing can be said the ranking stage is asked nothing.
        if answer.coverage["taste"] == OK and answer.coverage["ranking"] in (OK, SKIPPED):
            self._watch.answered(query.user_id, started)
        return answer
