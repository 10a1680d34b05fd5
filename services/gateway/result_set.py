"""Says what a search found as a whole: every product in its order, before a page is cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from catalog.facet import Facet
from services.gateway.answer import Generation
from services.gateway.explaining import Reasons
from services.gateway.query import Fusion

MAX_RESULTS = 1000


@dataclass(frozen=True, slots=True)
class ResultSet:
    """At most 1000 products in groups, each of which becomes one hit.

    The first product of a group is the hit, the others are its variants, best first; without
    collapse each group is one product. The groups stand one after the other in the columns.

    Attributes:
        ids: The products.
        scores: Their final scores.
        sizes: How many products each group has, 1 or more.
        reasons: Why each product stands where it does; None where nobody asked.
        has_more: Whether further products may match.
        facets: The facets asked for, in that order.
        degraded_reasons: What was missing.
        coverage: Who answered.
        release: The release in force.
        generations: The artifacts that answered.
        fusion: How the rankings were merged.
        before: The score of the hit at each place before diversity and quotas; empty where
            neither was asked for.
    """

    ids: Sequence[str]
    scores: Sequence[float]
    sizes: Sequence[int]
    reasons: Reasons | None = None
    has_more: bool = False
    facets: Sequence[Facet] = ()
    degraded_reasons: Sequence[str] = ()
    coverage: Mapping[str, str] = field(default_factory=dict)
    release: str = ""
    generations: Mapping[str, Generation] = field(default_factory=dict)
    fusion: Fusion | None = None
    before: Sequence[float] = ()

    def start_of(self, group: int) -> int:
        """The place in the columns where a group starts."""
        return sum(self.sizes[:group])

    def relevance_cost(self, start: int, end: int) -> float:
        """What diversity and quotas cost the page of these groups, 0 to 1.

        It is ``1 - s / b``, where ``s`` is the sum of the scores of its hits and ``b`` that of
        those that would stand on the same places without; 0 where the page is the better for it.

        Args:
            start: The place of its first group, from 0.
            end: The place after its last.
        """
        best = sum(self.before[start:end])
        if best <= 0:
            return 0.0
        places = accumulate(self.sizes[start : end - 1], initial=self.start_of(start))
        return max(0.0, 1.0 - sum(self.scores[at] for at in places) / best)
