"""Says what JSON the REST door answers with."""

from typing import Literal

from pydantic import Field

from services.gateway.schemas_reasons import ExplanationReply, FusionReply, Reply, UnderstoodReply


class SizeReply(Reply):
    """How many pieces of one size are in stock."""

    size: str
    stock: int


class ProductReply(Reply):
    """One colour variant of a style; the price counts minor units of the currency (cents)."""

    id: str
    style_id: str
    title: str
    description: str
    brand: str
    category: list[str]
    kind: str
    gender: str
    colour: str
    season: str
    attributes: dict[str, str]
    sizes: list[SizeReply]
    in_stock: bool
    price_minor: int | None
    currency: str
    images: list[str]
    image_url: str | None
    product_url: str
    image_state: str
    seq: int
    added_seq: int


class VariantReply(Reply):
    """Another product of a hit's style."""

    id: str
    title: str
    colour: str
    image_url: str | None
    product_url: str
    price_minor: int | None
    currency: str
    in_stock: bool


class BecauseReply(Reply):
    """A reason for proposing a product, and the shopper's own product that speaks for it."""

    kind: Literal["liked", "session", "popular", "new", "bought_together"]
    product_id: str | None


class HitReply(Reply):
    """One product of an answer."""

    rank: int
    score: float
    product: ProductReply
    variants: list[VariantReply] | None = Field(
        None, description="Only with collapse: best first, at most 12."
    )
    explanation: ExplanationReply | None = None
    because: list[BecauseReply] | None = Field(
        None, description="Only of recommendations: the strongest reason first."
    )


class TotalReply(Reply):
    """How many products, or styles where collapsed, paging reaches; eq: there are no more."""

    value: int
    relation: Literal["eq", "gte"]


class GenerationReply(Reply):
    """The artifact that a stage answered from, and the last catalogue change in it."""

    generation: str
    seq: int


class FacetValueReply(Reply):
    """How many products, or styles where collapsed, hold a value; a filter takes it as it is."""

    value: str | bool
    count: int
    selected: bool


class FacetRangeReply(Reply):
    """How many products, or styles where collapsed, have a number from gte to below lt."""

    gte: int
    lt: int
    count: int
    selected: bool


Coverage = Literal["ok", "timeout", "error", "shed", "skipped"]


Reason = Literal[
    "text_unavailable",
    "image_unavailable",
    "ranking_unavailable",
    "personalization_unavailable",
    "timeout_partial",
    "stale_index",
    "overload_reduced",
    "paging_restarted",
]


class SearchReply(Reply):
    """The answer to a search."""

    hits: list[HitReply]
    total: TotalReply
    facets: dict[str, list[FacetValueReply] | list[FacetRangeReply]]
    next_page_token: str | None = Field(description="Null on the last page; good for 10 minutes.")
    degraded: bool
    degraded_reasons: list[Reason]
    coverage: dict[Literal["text", "image", "ranking", "taste"], Coverage]
    release: str
    generations: dict[Literal["text", "image", "ranking"], GenerationReply]
    request_id: str
    took_ms: int
    budget_ms: int
    timings_ms: dict[str, float]
    understood: list[UnderstoodReply] = Field(description="What the words were read as.")
    did_you_mean: str | None = Field(description="The words as they were probably meant.")
    relevance_cost: float = Field(
        ge=0, le=1, description="Share of the page's relevance that diversity and quotas cost."
    )
    fusion: FusionReply | None


class SuggestionReply(Reply):
    """Words to search for, and where they come from; ``spelling``: what was typed, mended."""

    text: str
    kind: Literal["query", "product", "category", "brand", "spelling"]


class SuggestReply(Reply):
    """What a shopper may be typing, the best first."""

    suggestions: list[SuggestionReply]
    degraded: bool = Field(description="Whether some source of suggestions did not answer.")
    request_id: str


class SimilarReply(Reply):
    """Products that are like a product, and in what; words are its title and kind."""

    hits: list[HitReply]
    by: Literal["look", "words", "taste", "bought_together"]
    degraded: bool
    degraded_reasons: list[Reason]
    request_id: str


class BatchGetReply(Reply):
    """Products in the order asked for, each once, and the ids that no product has."""

    products: list[ProductReply]
    missing: list[str]


class UploadReply(Reply):
    """The hash by which a search may name the photo."""

    sha256: str


class ShopperReply(Reply):
    """A demo shopper, with the kinds and colours that they bought most."""

    user_id: str
    purchases: int
    kinds: list[str]
    colours: list[str]


class ShoppersReply(Reply):
    """Some of the demo's shoppers."""

    shoppers: list[ShopperReply]


class ProblemReply(Reply):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None
    request_id: str
