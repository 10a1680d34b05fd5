"""Says what a search found, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.product import Product


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
class Explanation:
    """Why a product stands where it does; the values of the terms add up to its score."""

    retrievers: Mapping[str, RetrieverRank]
    terms: Sequence[Term]


@dataclass(frozen=True, slots=True)
class RankedProduct:
    """One product of the answer, ``rank`` from 1."""

    rank: int
    score: float
    product: Product
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """How many products the query reaches; ``relation`` is ``eq``, or ``gte`` for at least."""

    value: int
    relation: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a search.

    ``coverage`` says for each of ``text``, ``image``, ``ranking`` and ``taste`` one of ``ok``,
    ``timeout``, ``error``, ``shed``, ``skipped``. ``timings_ms`` are milliseconds spent waiting
    for each stage and step; those of text, image and taste overlap.
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

    @property
    def degraded(self) -> bool:
        """Whether something was missing that might have changed the answer."""
        return bool(self.degraded_reasons)
