"""Says what a search may ask for, and refuses anything else by the name of the field."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from catalog.product_filter import ProductFilter, check_field, check_filter
from runtime.errors import DeadlineExceeded, InvalidArgument
from services.gateway.limits import check_choice, check_id, check_ids, check_range
from services.gateway.parts import MAX_TEXT_CHARS, Example, Part, Photo, StoredPhoto, Words
from services.gateway.query_options import (
    RETRIEVERS,
    Fusion,
    Rerank,
    Understand,
    check_exclusions,
    check_quotas,
)
from services.gateway.stage_answers import Boost

__all__ = ["RETRIEVERS", "Fusion", "Query", "within_time"]

BLENDS = ("taste", "minmax")
RELEVANCE = "relevance"
NEWEST = "newest"
SORTS = (RELEVANCE, "price_asc", "price_desc", NEWEST)
MAX_PARTS = 16  # the text is one of them
MAX_PAGE_SIZE = 100
MAX_SESSION_PRODUCTS = 100
MAX_FACTOR = 100
MAX_FACETS = 20
MAX_SEQ = 2**63 - 1
MIN_BUDGET_MS, MAX_BUDGET_MS = 50, 5000
TEXT_BUDGET_MS, PHOTO_BUDGET_MS = 1000, 2000
DEFAULT_PAGE_SIZE = 24
DEFAULT_FACTOR = 10
DEFAULT_PERSONALIZATION = 0.3


@dataclass(frozen=True, slots=True)
class Query:
    """One search; without parts it lists what the filter admits.

    ``budget_ms`` 0 and ``personalization`` None stand for the defaults; ``fusion`` None stands for
    what was tuned; ``page_token`` is empty on the first page. ``boosts``, ``excluded_words``,
    ``other_kinds``, those that the words do not name, ``labelled``, the share of the products
    that say what the words ask for, and ``said``, whether words were said that a filter or an
    exclusion says now, come from reading: no caller gives them.

    Raises:
        InvalidArgument: A value is out of its range; the error names the field.
    """

    parts: tuple[Part, ...]
    page_size: int = DEFAULT_PAGE_SIZE
    user_id: str = ""
    session_product_ids: tuple[str, ...] = ()
    personalization: float | None = None
    blend: str = "taste"
    retrievers: tuple[str, ...] = ()
    fusion: Fusion | None = None
    candidate_factor: int = DEFAULT_FACTOR
    explain: bool = False
    budget_ms: int = 0
    allow_partial: bool = True
    filter: ProductFilter | None = None
    facets: tuple[str, ...] = ()
    sort: str = RELEVANCE
    page_token: str = ""
    collapse: bool = False
    min_seq: int = 0
    exclude: tuple[str, ...] = ()
    understand: Understand = field(default_factory=Understand)
    diversity: float = 0.0
    quotas: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    rerank: Rerank | None = None
    include_examples: bool = False
    boosts: tuple[Boost, ...] = ()
    excluded_words: str = ""
    other_kinds: tuple[str, ...] = ()
    labelled: float = 1.0
    said: bool = False

    def __post_init__(self) -> None:
        _check_parts(self.parts)
        _check_facets(self.facets)
        if self.filter is not None:
            check_filter(self.filter)
        check_choice(self.sort, SORTS, "sort")
        check_range(self.min_seq, 0, MAX_SEQ, "min_seq")
        check_range(self.page_size, 1, MAX_PAGE_SIZE, "page_size")
        check_range(self.candidate_factor, 1, MAX_FACTOR, "candidate_factor")
        check_choice(self.blend, BLENDS, "blend")
        if self.user_id:
            check_id(self.user_id, "user_id")
        check_ids(self.session_product_ids, MAX_SESSION_PRODUCTS, "session_product_ids")
        if self.personalization is not None:
            check_range(self.personalization, 0.0, 1.0, "personalization")
        if self.budget_ms:
            check_range(self.budget_ms, MIN_BUDGET_MS, MAX_BUDGET_MS, "budget_ms")
        for retriever in self.retrievers:
            check_choice(retriever, RETRIEVERS, "retrievers")
        check_exclusions(self.exclude)
        check_range(self.diversity, 0.0, 1.0, "diversity")
        check_quotas(self.quotas)
        if self.rerank is not None and not (self.words and self.has_picture):
            raise InvalidArgument("only for words and a picture together", field="rerank")

    @property
    def merging(self) -> Fusion:
        """How rankings are merged, where nothing was tuned: as asked for, else by plain ranks."""
        return self.fusion or Fusion()

    @property
    def words(self) -> str:
        """The words that the text retriever looks up: those of positive weight."""
        return " ".join(
            part.source.lookup or part.source.text
            for part in self.parts
            if isinstance(part.source, Words) and part.weight > 0
        )

    @property
    def has_photo(self) -> bool:
        """Whether a photo must be decoded and encoded."""
        return any(isinstance(part.source, Photo | StoredPhoto) for part in self.parts)

    @property
    def has_picture(self) -> bool:
        """Whether a photo or a product says what is wanted."""
        return any(part.weight > 0 and not isinstance(part.source, Words) for part in self.parts)

    @property
    def example_ids(self) -> tuple[str, ...]:
        """The products that the query is made of."""
        return tuple(
            part.source.product_id for part in self.parts if isinstance(part.source, Example)
        )

    @property
    def total_budget_ms(self) -> int:
        """Milliseconds for the whole search."""
        return self.budget_ms or (PHOTO_BUDGET_MS if self.has_photo else TEXT_BUDGET_MS)

    @property
    def taste_share(self) -> float:
        """The share of taste in the order, 0 to 1; 0 for a stranger without a session."""
        if not (self.user_id or self.session_product_ids):
            return 0.0
        return DEFAULT_PERSONALIZATION if self.personalization is None else self.personalization


def within_time(query: Query, left_s: float | None) -> Query:
    """The query with no more budget than the caller will wait.

    Raises:
        DeadlineExceeded: The caller waits for less than the smallest budget.
    """
    if left_s is None or 1000 * left_s >= query.total_budget_ms:
        return query
    if 1000 * left_s < MIN_BUDGET_MS:
        raise DeadlineExceeded("too little time is left to search")
    return replace(query, budget_ms=int(1000 * left_s))


def _check_facets(fields: tuple[str, ...]) -> None:
    if len(fields) > MAX_FACETS:
        raise InvalidArgument(f"at most {MAX_FACETS} facets", field="facets")
    for place, name in enumerate(fields):
        check_field(name, path=f"facets[{place}]")
        if name in fields[:place]:
            raise InvalidArgument("this facet is named before", field=f"facets[{place}]")


def _check_parts(parts: tuple[Part, ...]) -> None:
    if len(parts) > MAX_PARTS:
        raise InvalidArgument(f"at most {MAX_PARTS} parts, the text included", field="parts")
    if parts and all(part.weight < 0 for part in parts):
        raise InvalidArgument("one part at least needs a positive weight", field="parts")
    if sum(len(part.source.text) for part in parts if isinstance(part.source, Words)) > (
        MAX_TEXT_CHARS
    ):
        raise InvalidArgument(f"at most {MAX_TEXT_CHARS} characters in all parts", field="parts")
