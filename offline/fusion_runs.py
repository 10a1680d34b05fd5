"""Asks the search labelled queries, and keeps what each retriever found before it is merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from offline.progress import Progress
from runtime.errors import Internal
from services.gateway.budget import Deadline
from services.gateway.fanout import Filters, Leg
from services.gateway.parts import Example, Part, Words
from services.gateway.pipeline import SearchPipeline
from services.gateway.query import MAX_BUDGET_MS, Fusion, Query
from services.gateway.stages import Ranking
from services.gateway.tuned_fusion import class_of


@dataclass(frozen=True, slots=True)
class Labelled:
    """A query, and what each product is worth to who asks it.

    Attributes:
        text: Its words; may be empty.
        like: A product whose photo is the other part of the query; may be empty.
        gains: Worth of each product that is of any, above 0; all others are worth nothing.
    """

    text: str
    like: str
    gains: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Run:
    """What the retrievers found for one query.

    ``kind`` is the class of the query, ``labelled`` the share of the products that say what its
    words ask for.
    """

    kind: str
    rankings: Mapping[str, Ranking]
    gains: Mapping[str, float]
    labelled: float = 1.0


@dataclass(slots=True)
class _Recorder:
    """A retriever that keeps its last answer."""

    leg: Leg
    found: dict[str, Ranking]
    name: str
    asked: list[Query] = field(default_factory=list)

    async def retrieve(
        self, query: Query, count: int, deadline: Deadline, filters: Filters
    ) -> Sequence[Ranking]:
        rankings = await self.leg.retrieve(query, count, deadline, filters)
        self.found[self.name] = rankings[0]
        self.asked.append(query)
        return rankings


async def recorded_runs(
    pipeline: SearchPipeline, queries: Sequence[Labelled], shown: Progress
) -> list[Run]:
    """Asks the pipeline each query as a shopper would, and returns what its retrievers found.

    Raises:
        Internal: A stage did not answer; figures over half an answer would be wrong.
    """
    found: dict[str, Ranking] = {}
    legs = {name: _Recorder(leg, found, name) for name, leg in pipeline.legs.items()}
    recording = replace(pipeline, legs=legs)
    runs = []
    for labelled in queries:
        found.clear()
        # Equal weights, so that both are asked; how they are merged here does not matter.
        answer = await recording.search(
            Query(parts=parts_of(labelled), budget_ms=MAX_BUDGET_MS, fusion=Fusion())
        )
        if answer.degraded:
            raise Internal(f"a stage did not answer: {', '.join(answer.degraded_reasons)}")
        asked = next(leg.asked[-1] for name, leg in legs.items() if name in found)
        runs.append(Run(class_of(asked), dict(found), labelled.gains, asked.labelled))
        shown.advance()
    return runs


def parts_of(labelled: Labelled) -> tuple[Part, ...]:
    """The parts of a labelled query."""
    words = [Part(Words(labelled.text), "text")] if labelled.text else []
    like = [Part(Example(labelled.like), "parts[0]")] if labelled.like else []
    return (*words, *like)
