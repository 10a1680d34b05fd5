"""Says what a search found as a whole: every candidate in its order, before a page is cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog.facet import Facet
from services.gateway.answer import Explanation, Generation

MAX_RESULTS = 1000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product of the result, with its reasons where the query asked for them."""

    product_id: str
    score: float
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class ResultSet:
    """At most 1000 candidates in groups, each of which becomes one hit.

    The first product of a group is the hit, the others are its variants, best first; without
    collapse each group is one product. ``has_more`` says that further products may match.
    """

    groups: Sequence[Sequence[Candidate]]
    has_more: bool = False
    facets: Sequence[Facet] = ()
    degraded_reasons: Sequence[str] = ()
    coverage: Mapping[str, str] = field(default_factory=dict)
    release: str = ""
    generations: Mapping[str, Generation] = field(default_factory=dict)
