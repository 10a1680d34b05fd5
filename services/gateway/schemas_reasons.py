"""Says what JSON tells why an answer is as it is: how it was asked, merged, scored and moved."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Reply(BaseModel):
    """What a door answers with: these fields, of these types."""

    model_config = ConfigDict(strict=True, extra="forbid")


class RetrieverReply(Reply):
    """Place, from 1, and score of a product in the list of one retriever, or one source."""

    rank: int
    score: float


class TermReply(Reply):
    """One term of a score; the mode stands with ``taste`` and ``source.taste`` only."""

    name: Literal[
        "fusion.text",
        "fusion.image",
        "fusion.image_imputed",
        "fusion.minmax",
        "taste",
        "source.taste",
        "source.bought_together",
        "source.popular",
        "source.new",
    ]
    value: float
    mode: Literal["user", "session", "cold"] | None = None


class MoveReply(Reply):
    """A step that took a product from one place to another, both from 1."""

    stage: Literal["sort", "collapse", "diversity", "new", "quotas", "gone"]
    from_: int = Field(alias="from")
    to: int
    why: str


class ExplanationReply(Reply):
    """Why a product stands where it does.

    The terms add up to its score; the moves lead from its place by score to its rank.
    """

    retrievers: dict[
        Literal["text", "image", "taste", "bought_together", "popular", "new"], RetrieverReply
    ]
    terms: list[TermReply]
    moves: list[MoveReply]


class UnderstoodReply(Reply):
    """Something that words of the query were read as; ``ignore`` takes ``field:value`` of it."""

    field: str
    value: str
    from_: str = Field(alias="from")
    effect: Literal[
        "boost", "filter", "exclude", "translate", "widen", "spell", "unknown",
        "other_currency", "no_prices", "no_such_size",
    ]  # fmt: skip


class FusionReply(Reply):
    """How the rankings were merged."""

    method: Literal["rrf", "dbsf", "relative", "convex"]
    k: int
    weights: dict[Literal["text", "image"], float]
