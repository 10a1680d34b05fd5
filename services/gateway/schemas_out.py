"""Says what JSON the REST door answers with."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Reply(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class SizeReply(_Reply):
    """How many pieces of one size are in stock."""

    size: str
    stock: int


class ProductReply(_Reply):
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


class RetrieverReply(_Reply):
    """Place, from 1, and score of a product in one retriever's list."""

    rank: int
    score: float


class TermReply(_Reply):
    """One term of a score; the mode stands with ``taste`` only."""

    name: Literal["fusion.text", "fusion.image", "fusion.minmax", "taste"]
    value: float
    mode: Literal["user", "session", "cold"] | None = None


class ExplanationReply(_Reply):
    """Why a product stands where it does; the terms add up to its score."""

    retrievers: dict[Literal["text", "image"], RetrieverReply]
    terms: list[TermReply]


class HitReply(_Reply):
    """One product of an answer."""

    rank: int
    score: float
    product: ProductReply
    explanation: ExplanationReply | None = None


class TotalReply(_Reply):
    """How many products the query reaches: exactly, or at least."""

    value: int
    relation: Literal["eq", "gte"]


class GenerationReply(_Reply):
    """The artifact that a stage answered from, and the last catalogue change in it."""

    generation: str
    seq: int


Coverage = Literal["ok", "timeout", "error", "shed", "skipped"]


class SearchReply(_Reply):
    """The answer to a search."""

    hits: list[HitReply]
    total: TotalReply
    degraded: bool
    degraded_reasons: list[
        Literal[
            "text_unavailable",
            "image_unavailable",
            "ranking_unavailable",
            "personalization_unavailable",
            "timeout_partial",
            "overload_reduced",
        ]
    ]
    coverage: dict[Literal["text", "image", "ranking", "taste"], Coverage]
    release: str
    generations: dict[Literal["text", "image", "ranking"], GenerationReply]
    request_id: str
    took_ms: int
    budget_ms: int
    timings_ms: dict[str, float]


class BatchGetReply(_Reply):
    """Products in the order asked for, each once, and the ids that no product has."""

    products: list[ProductReply]
    missing: list[str]


class UploadReply(_Reply):
    """The hash by which a search may name the photo."""

    sha256: str


class ShopperReply(_Reply):
    """A demo shopper, with the kinds and colours that they bought most."""

    user_id: str
    purchases: int
    kinds: list[str]
    colours: list[str]


class ShoppersReply(_Reply):
    """Some of the demo's shoppers."""

    shoppers: list[ShopperReply]


class ProblemReply(_Reply):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None
    request_id: str
