"""Finds products that are like a product: by its look, by taste, or by what is bought with it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from catalog.normalize import clean
from catalog.product import Product
from catalog.product_filter import AllOf, Condition, Not, ProductFilter, admits, check_filter
from runtime.errors import InvalidArgument, NotFound, ServiceError, Unavailable
from services.gateway.answer import Answer, RankedProduct, Total
from services.gateway.budget import Budget
from services.gateway.coverage import OK, SKIPPED, STEPS, coverage_of, leg_reasons
from services.gateway.fanout import within
from services.gateway.limits import check_choice, check_id
from services.gateway.parts import MAX_TEXT_CHARS, Example, Part, words
from services.gateway.proposals import BOUGHT_TOGETHER, TASTE
from services.gateway.query import TEXT_BUDGET_MS, Query, within_time
from services.gateway.query_options import Understand
from services.gateway.stages import Documents, Ranking

DEFAULT_PAGE_SIZE = 12
LOOK, WORDS = "look", "words"
BY = (LOOK, TASTE, BOUGHT_TOGETHER)
_MARGIN = 2  # neighbours a hit: some may be gone, or sold out a moment ago
_FIELD = "product_id"
_TOO_LARGE = "a filter of similar products may have at most 19 conditions, nested at most 7 deep"


class Searching(Protocol):
    """Answers searches."""

    async def search(self, query: Query) -> Answer:
        """The answer, or a ServiceError."""
        ...


class NeighbourStage(Protocol):
    """Knows which products the same shoppers take."""

    async def neighbours(
        self,
        product_id: str,
        by: str,
        count: int,
        *,
        filter: ProductFilter | None,
        excluded_styles: Sequence[str],
        timeout_s: float,
    ) -> Ranking:
        """The nearest products to one by ``taste`` or ``bought_together``, in stock."""
        ...


@dataclass(frozen=True, slots=True)
class SimilarQuery:
    """What to find: products like this one ``by`` its look, by taste, or bought together with it.

    Raises:
        InvalidArgument: A value is out of its range; the error names the field.
    """

    product_id: str
    by: str = LOOK
    page_size: int = DEFAULT_PAGE_SIZE
    filter: ProductFilter | None = None

    def __post_init__(self) -> None:
        check_id(self.product_id, _FIELD)
        check_choice(self.by, BY, "by")
        if self.filter is not None:
            check_filter(self.filter)


@dataclass(frozen=True, slots=True)
class Similar:
    """The answer, and in what its products are alike: what was asked for, or ``words``."""

    answer: Answer
    by: str


@dataclass(frozen=True, slots=True)
class SimilarFinder:
    """Searches by a product's own vector; where it has none, by its title and kind.

    By taste, and by what is bought together, the ranking stage knows the neighbours; None where
    there is none to ask.
    """

    searching: Searching
    documents: Documents
    neighbours: NeighbourStage | None = None

    async def find(self, asked: SimilarQuery, left_s: float | None = None) -> Similar:
        """Products like one, without that one and without the others of its style.

        Args:
            asked: What to find.
            left_s: Seconds that the caller waits; None for as long as a search may take.

        Raises:
            NotFound: There is no such product.
            InvalidArgument: The filter leaves no room for leaving out the style.
        """
        found = await self.documents.read([asked.product_id])
        product = found.get(asked.product_id)
        if product is None:
            raise NotFound("there is no such product", field=_FIELD)
        if asked.by != LOOK:
            return Similar(await self._neighbours(asked, product, left_s), asked.by)
        query = Query(
            parts=(Part(Example(product.id), _FIELD),),
            page_size=asked.page_size,
            filter=_without_style(asked.filter, product),
        )
        if product.images:
            try:
                return Similar(await self.searching.search(within_time(query, left_s)), LOOK)
            except InvalidArgument as error:
                if error.field != _FIELD:  # else no photo of it is indexed
                    raise
            except Unavailable:
                pass  # its words are asked for below, and the answer says what is missing
        # A title says what a product is; it asks for nothing, and excludes nothing.
        literal = Understand(enabled=False)
        by_words = replace(query, parts=(_words(product),), understand=literal)
        return Similar(await self.searching.search(within_time(by_words, left_s)), WORDS)

    async def _neighbours(
        self, asked: SimilarQuery, product: Product, left_s: float | None
    ) -> Answer:
        """What the same shoppers take; nothing, and degraded, where nobody can tell."""
        seconds = TEXT_BUDGET_MS / 1000
        budget = Budget(seconds if left_s is None else min(left_s, seconds), time.monotonic)
        deadline = budget.whole()
        found = Ranking([], [])
        lost: ServiceError | None = None
        try:
            found = await within(deadline, self._nearest(asked, product, deadline.left_s()))
        except ServiceError as error:
            lost = error
        ids = [name for name in found.ids if name != product.id]
        products = await within(deadline, self.documents.read(ids)) if ids else {}
        scores = dict(zip(found.ids, found.scores, strict=True))
        fit = [products[name] for name in ids if _fits(products.get(name), asked, product)]
        hits = [
            RankedProduct(rank, scores[each.id], each)
            for rank, each in enumerate(fit[: asked.page_size], 1)
        ]
        return _answer(hits, found, lost, budget)

    async def _nearest(self, asked: SimilarQuery, product: Product, timeout_s: float) -> Ranking:
        if self.neighbours is None:
            raise Unavailable("nobody knows what the same shoppers take")
        return await self.neighbours.neighbours(
            product.id,
            asked.by,
            _MARGIN * asked.page_size,
            filter=asked.filter,
            excluded_styles=[product.style_id],
            timeout_s=timeout_s,
        )


def _fits(found: Product | None, asked: SimilarQuery, product: Product) -> bool:
    """Whether a neighbour may be shown by what the catalogue says now."""
    return (
        found is not None
        and found.in_stock
        and found.style_id != product.style_id
        and (asked.filter is None or admits(asked.filter, found))
    )


def _answer(
    hits: Sequence[RankedProduct], found: Ranking, lost: ServiceError | None, budget: Budget
) -> Answer:
    coverage = dict.fromkeys(STEPS, SKIPPED) | {"ranking": coverage_of(lost) if lost else OK}
    is_named = found.generation is not None and found.generation.name
    return Answer(
        hits=hits,
        total=Total(len(hits), "eq"),
        degraded_reasons=leg_reasons({"ranking": lost}) if lost else [],
        coverage=coverage,
        release="",
        generations={"ranking": found.generation} if found.generation and is_named else {},
        took_ms=round(budget.spent_ms()),
        budget_ms=TEXT_BUDGET_MS,
        timings_ms={},
    )


def _without_style(found: ProductFilter | None, product: Product) -> ProductFilter:
    others = Not(Condition("style_id", (product.style_id,)))
    if found is None:
        return others
    members = found.filters if isinstance(found, AllOf) else (found,)
    narrowed = AllOf((*members, others))
    try:
        check_filter(narrowed)
    except InvalidArgument:
        raise InvalidArgument(_TOO_LARGE, field="filter") from None
    return narrowed


def _words(product: Product) -> Part:
    said = clean(f"{product.title} {product.kind}")[:MAX_TEXT_CHARS]
    return words(said, _FIELD)
