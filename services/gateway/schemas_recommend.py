"""Says what JSON asks for recommendations, and what answers."""

from typing import Annotated, Literal

from pydantic import Field

from services.gateway import query as q
from services.gateway.recommend_query import RecommendQuery
from services.gateway.schemas_filter import FilterBody, to_filter
from services.gateway.schemas_options import QuotasBody, Share, StrictBody, to_quotas
from services.gateway.schemas_out import Coverage, GenerationReply, HitReply, Reason
from services.gateway.schemas_reasons import Reply

Id = Annotated[str, Field(min_length=1, max_length=128)]


class RecommendBody(StrictBody):
    """Whom to recommend to, and what. All fields are optional: an empty body is a stranger."""

    user_id: Id | None = Field(None, description="A shopper; the key needs act_as_user.")
    session_product_ids: list[Id] = Field(
        default_factory=list, max_length=q.MAX_SESSION_PRODUCTS, description="Oldest first."
    )
    page_size: int = Field(q.DEFAULT_PAGE_SIZE, ge=1, le=q.MAX_PAGE_SIZE)
    filter: FilterBody | None = None
    diversity: Share | None = Field(
        None, description="How much unlike each other the hits should be."
    )
    quotas: QuotasBody = Field(
        QuotasBody(), description="One product of a style, unless this says otherwise."
    )
    new_share: Share | None = Field(None, description="Share of the page for new arrivals.")
    explain: bool = False
    budget_ms: int | None = Field(None, ge=q.MIN_BUDGET_MS, le=q.MAX_BUDGET_MS)


class RecommendReply(Reply):
    """What is recommended, best first; each hit says because of what."""

    hits: list[HitReply]
    mode: Literal["user", "session", "cold"]
    degraded: bool
    degraded_reasons: list[Reason]
    coverage: dict[Literal["text", "image", "ranking", "taste"], Coverage]
    release: str
    generations: dict[Literal["text", "image", "ranking"], GenerationReply]
    request_id: str
    took_ms: int


def to_recommend_query(body: RecommendBody) -> RecommendQuery:
    """What a body asks for.

    Raises:
        InvalidArgument: The filter contradicts itself; the error names the field.
    """
    return RecommendQuery(
        user_id=body.user_id or "",
        session_product_ids=tuple(body.session_product_ids),
        page_size=body.page_size,
        filter=to_filter(body.filter) if body.filter else None,
        diversity=body.diversity,
        quotas=to_quotas(body.quotas),
        new_share=body.new_share,
        explain=body.explain,
        budget_ms=body.budget_ms or 0,
    )
