"""Finds products that are like a product."""

from dataclasses import dataclass, replace
from typing import Protocol

from catalog.normalize import clean
from catalog.product import Product
from catalog.product_filter import AllOf, Condition, Not, ProductFilter, check_filter
from runtime.errors import InvalidArgument, NotFound, Unavailable
from services.gateway.answer import Answer
from services.gateway.limits import check_choice, check_id
from services.gateway.parts import MAX_TEXT_CHARS, Example, Part, words
from services.gateway.query import Query, within_time
from services.gateway.query_options import Understand
from services.gateway.stages import Documents

DEFAULT_PAGE_SIZE = 12
LOOK, WORDS = "look", "words"
_FIELD = "product_id"
_TOO_LARGE = "a filter of similar products may have at most 19 conditions, nested at most 7 deep"


class Searching(Protocol):
    """Answers searches."""

    async def search(self, query: Query) -> Answer:
        """The answer, or a ServiceError."""
        ...


@dataclass(frozen=True, slots=True)
class SimilarQuery:
    """What to find: products like this one ``by`` its look.

    Raises:
        InvalidArgument: A value is out of its range; the error names the field.
    """

    product_id: str
    by: str = LOOK
    page_size: int = DEFAULT_PAGE_SIZE
    filter: ProductFilter | None = None

    def __post_init__(self) -> None:
        check_id(self.product_id, _FIELD)
        # "taste" and "bought_together" have their names, and nobody yet who answers them.
        check_choice(self.by, (LOOK,), "by")
        if self.filter is not None:
            check_filter(self.filter)


@dataclass(frozen=True, slots=True)
class Similar:
    """The answer, and in what its products are alike: ``look``, or ``words``."""

    answer: Answer
    by: str


@dataclass(frozen=True, slots=True)
class SimilarFinder:
    """Searches by a product's own vector; where it has none, by its title and kind."""

    searching: Searching
    documents: Documents

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
