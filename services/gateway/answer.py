"""Says what a search found, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.facet import Facet
from catalog.product import Product
from services.gateway.query_options import Fusion


@dataclass(frozen=True, slots=True)
class Generation:
    """The artifact that a stage answered from, and the last catalogue change in it."""

    name: str
    seq: int = 0


@dataclass(frozen=True, slots=True)
class RetrieverRank:
    """Place, from 1, and score of a product in one retriever's list."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a score; ``mode`` is set for taste only: ``user``, ``session`` or ``cold``."""

    name: str
    value: float
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A step that took a product from one place to another, both from 1.

    ``stage`` is ``sort``, ``collapse``, ``diversity``, ``quotas`` or ``gone`` (products before it
    are there no more); of a proposal also ``new`` (the share of new arrivals).
    """

    stage: str
    start: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a product stands where it does.

    The values of the terms add up to its score. The first move starts at its place by score, each
    other where the one before ended, and the last ends at its rank; without moves its place by
    score is its rank.
    """

    retrievers: Mapping[str, RetrieverRank]
    terms: Sequence[Term]
    moves: Sequence[Move] = ()


@dataclass(frozen=True, slots=True)
class Because:
    """A reason for proposing a product.

    ``kind`` is ``liked``, ``session``, ``popular``, ``new`` or ``bought_together``; ``product_id``
    is the shopper's own product that speaks for it, empty where there is none.
    """

    kind: str
    product_id: str = ""


@dataclass(frozen=True, slots=True)
class RankedProduct:
    """One product of the answer, ``rank`` from 1.

    ``variants`` are the other products of its style, best first; None where the answer is not
    collapsed. ``because`` says why it is proposed, the strongest reason first; empty where it was
    searched for.
    """

    rank: int
    score: float
    product: Product
    explanation: Explanation | None = None
    variants: Sequence[Product] | None = None
    because: Sequence[Because] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """How many products, or styles where collapsed, paging reaches.

    ``relation`` is ``eq``, or ``gte`` where there may be more.
    """

    value: int
    relation: str


@dataclass(frozen=True, slots=True)
class Understood:
    """Something that words of the query, ``written``, were read as.

    ``field`` is one of the products, such as ``colour``, or ``words`` where no field knows the
    value; the value of a price is a range, such as ``..4999``. ``effect`` is ``boost``,
    ``filter``, ``exclude``, ``translate``, ``spell`` or ``widen``, or says why it is not used:
    ``other_currency``, ``no_prices`` or ``no_such_size``, and ``unknown`` of something not wanted
    that nothing knows.
    """

    field: str
    value: str
    written: str
    effect: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a search.

    ``coverage`` says for each of ``text``, ``image``, ``ranking`` and ``taste`` one of ``ok``,
    ``timeout``, ``error``, ``shed``, ``skipped``. ``timings_ms`` are milliseconds spent waiting
    for each stage and step; those of text, image and taste overlap. ``facets`` are those asked
    for, in that order; ``next_page_token`` is empty on the last page. ``understood`` says what the
    words were read as, ``did_you_mean`` how the query was probably meant, empty where nothing looks
    misspelt. ``relevance_cost``, 0 to 1, is the share of the page's relevance that diversity and
    quotas cost. ``fusion`` says how the rankings were merged.
    """

    hits: Sequence[RankedProduct]
    total: Total
    degraded_reasons: Sequence[str]
    coverage: Mapping[str, str]
    release: str
    generations: Mapping[str, Generation]
    took_ms: int
    budget_ms: int
    timings_ms: Mapping[str, float]
    facets: Sequence[Facet] = ()
    next_page_token: str = ""
    understood: Sequence[Understood] = ()
    did_you_mean: str = ""
    relevance_cost: float = 0.0
    fusion: Fusion | None = None

    @property
    def degraded(self) -> bool:
        """Whether something was missing that might have changed the answer."""
        return bool(self.degraded_reasons)
