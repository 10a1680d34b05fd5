"""Blends the lists of several sources of proposals into one score a product."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from catalog.product_filter import ProductFilter
from services.gateway.answer import Generation
from services.gateway.stage_answers import UserFactors

TASTE, BOUGHT_TOGETHER, POPULAR, NEW = "taste", "bought_together", "popular", "new"
USER, SESSION, COLD = "user", "session", "cold"
K = 60
"""The rank constant, that of reciprocal ranks in searches."""
WEIGHTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        # Of a shopper much is known; what the crowd takes says little beside it.
        USER: {TASTE: 1.0, BOUGHT_TOGETHER: 0.7, POPULAR: 0.1, NEW: 0.1},
        # Of a session little is known: what goes with the few products speaks first.
        SESSION: {TASTE: 0.7, BOUGHT_TOGETHER: 1.0, POPULAR: 0.1, NEW: 0.1},
        COLD: {POPULAR: 1.0, NEW: 0.3},
    }
)
"""Weight of each source by what is known of the shopper."""
MAX_RECENT = 100


@dataclass(frozen=True, slots=True)
class Recent:
    """Products with which a shopper had to do lately, newest first, and how sure each is liked.

    ``confidences`` are above 0, one a product.
    """

    ids: Sequence[str] = ()
    confidences: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the sources.

    Attributes:
        factors: The shopper's; None for a stranger.
        recent: At most :data:`MAX_RECENT`.
        filter: Admits products; None admits all.
        excluded_ids: Products that must not be proposed, at most 2000.
        excluded_styles: Styles of which none may be, at most 2000.
        count: Most products of each source, 1 to 1000.
    """

    factors: UserFactors | None
    recent: Recent
    filter: ProductFilter | None
    excluded_ids: Sequence[str]
    excluded_styles: Sequence[str]
    count: int


@dataclass(frozen=True, slots=True)
class ProposedList:
    """Products of one source, best first, with their scores in its own units.

    ``because`` is the place of the recent product that says most for each, -1 for none; empty
    where the source knows none.
    """

    source: str
    ids: Sequence[str]
    scores: Sequence[float]
    because: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Proposals:
    """The lists of the sources that have something to propose."""

    lists: Sequence[ProposedList]
    generation: Generation | None = None


class ProposingStage(Protocol):
    """Proposes products."""

    async def propose(self, asked: Asked, *, timeout_s: float) -> Proposals:
        """The lists; PreconditionFailed if the generation of the factors is not open."""
        ...


@dataclass(frozen=True, slots=True)
class Voice:
    """What one source says for a product: its rank there, from 1, its score, and its term."""

    source: str
    rank: int
    score: float
    value: float
    because: int = -1


@dataclass(frozen=True, slots=True)
class Blended:
    """One product, and what speaks for it, the strongest first; the terms add up to the score."""

    product_id: str
    voices: Sequence[Voice]

    @property
    def score(self) -> float:
        """0 to 1; 1 is the first of every source."""
        return sum(voice.value for voice in self.voices)

    @property
    def is_new(self) -> bool:
        """Whether it is a new arrival."""
        return any(voice.source == NEW for voice in self.voices)


def blend(
    lists: Sequence[ProposedList], mode: str, *, new: bool = True, k: int = K
) -> list[Blended]:
    """Merges lists by ``sum w_s (k + 1) / (k + rank_s) / sum w_s``, best first, then by id.

    Args:
        lists: What the sources propose; those without a weight have no say.
        mode: ``user``, ``session`` or ``cold``: whose weights count.
        new: Whether new arrivals are wanted for being new.
        k: The rank constant.
    """
    weights = {name: w for name, w in WEIGHTS[mode].items() if new or name != NEW}
    heard = [each for each in lists if each.ids and each.source in weights]
    total = sum(weights[each.source] for each in heard)
    voices: dict[str, list[Voice]] = {}
    for each in heard:
        weight = weights[each.source] * (k + 1) / total
        because = each.because or [-1] * len(each.ids)
        told = zip(each.ids, each.scores, because, strict=True)
        for rank, (product_id, score, place) in enumerate(told, 1):
            voice = Voice(each.source, rank, score, weight / (k + rank), place)
            voices.setdefault(product_id, []).append(voice)
    found = [
        Blended(name, sorted(said, key=lambda voice: -voice.value)) for name, said in voices.items()
    ]
    return sorted(found, key=lambda each: (-each.score, each.product_id))
