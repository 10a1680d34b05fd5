"""Says what the doors open to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from runtime.metrics import Metrics
from services.gateway.access import Access, open_to_all
from services.gateway.answer import Answer
from services.gateway.catalog_writes import CatalogWrites
from services.gateway.history import Histories
from services.gateway.interactions import Recorder
from services.gateway.pictures import Pictures
from services.gateway.query import Query
from services.gateway.recommend_query import RecommendQuery
from services.gateway.recommending import Recommended
from services.gateway.shoppers import DemoShoppers
from services.gateway.similar import NeighbourStage
from services.gateway.stages import Documents
from services.gateway.suggesting import Suggester


class Searching(Protocol):
    """Answers searches."""

    async def search(self, query: Query) -> Answer:
        """The answer, or a ServiceError."""
        ...


class Recommending(Protocol):
    """Recommends products."""

    async def recommend(self, query: RecommendQuery) -> Recommended:
        """The answer, or a ServiceError."""
        ...


@dataclass(frozen=True, slots=True)
class Rooms:
    """What both doors open to.

    ``shoppers`` is None where the catalogue is not the demo's; ``writes`` is None where the
    gateway only reads; ``access`` says who may; ``suggester`` is None where nothing is suggested;
    ``recorder`` and ``histories`` are None where nothing is kept of shoppers;
    ``recommending`` is None where nothing is recommended, ``neighbours`` where nobody knows what
    the same shoppers take.
    """

    searching: Searching
    documents: Documents
    pictures: Pictures
    shoppers: DemoShoppers | None
    why_not_ready: Callable[[], str]
    metrics: Metrics
    writes: CatalogWrites | None = None
    access: Access = field(default_factory=open_to_all)
    suggester: Suggester | None = None
    recorder: Recorder | None = None
    histories: Histories | None = None
    recommending: Recommending | None = None
    neighbours: NeighbourStage | None = None
