"""Says what JSON a search takes for how words are read, rankings merged, and pages mixed."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.gateway import query_options as options

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=options.MAX_FUSION_WEIGHT)]
Quota = Annotated[int, Field(ge=1, le=options.MAX_QUOTA)]
Ignored = Annotated[str, Field(min_length=1, max_length=options.MAX_IGNORED_CHARS)]


class StrictBody(BaseModel):
    """A body whose values are taken as they are: nothing is coerced, and nothing else is known."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class UnderstandBody(StrictBody):
    """How far words are read as colours, kinds, prices and the like."""

    enabled: bool = True
    ignore: list[Ignored] = Field(
        default_factory=list,
        max_length=options.MAX_IGNORED,
        description="What is not read so, as told: a field, field:value, or an effect.",
        examples=[["colour:navy"], ["size", "spell"]],
    )


class RerankBody(StrictBody):
    """The picture finds the candidates, the words order them; for queries of both alone."""

    first: Share = Field(description="Share of the picture in finding; the rest is the words'.")
    second: Share = Field(description="Share of the words in ordering; the rest is the picture's.")


class QuotasBody(StrictBody):
    """Most products of one value on a page."""

    brand: Quota | None = None
    style: Quota | None = None
    colour: Quota | None = None


class WeightsBody(StrictBody):
    """Weight of each retriever."""

    text: Weight = 1.0
    image: Weight = 1.0


class FusionBody(StrictBody):
    """How the rankings of the retrievers become one; left out: as it was tuned."""

    method: Literal["rrf", "dbsf", "relative", "convex"] = "rrf"
    k: int = Field(options.DEFAULT_K, ge=1, le=options.MAX_K, description="Rank constant of rrf.")
    weights: WeightsBody = WeightsBody()


def to_understand(body: UnderstandBody) -> options.Understand:
    """How words are read."""
    return options.Understand(body.enabled, tuple(body.ignore))


def to_rerank(body: RerankBody | None) -> options.Rerank | None:
    """The two stages, if asked for."""
    return options.Rerank(body.first, body.second) if body else None


def to_quotas(body: QuotasBody) -> Mapping[str, int]:
    """The quotas that are asked for."""
    told = {"brand": body.brand, "style": body.style, "colour": body.colour}
    return {name: most for name, most in told.items() if most is not None}


def to_fusion(body: FusionBody | None) -> options.Fusion | None:
    """What was asked for; None where neither the method nor anything of it is said."""
    if body is None or not body.model_fields_set:
        return None
    weights = {"text": body.weights.text, "image": body.weights.image}
    return options.Fusion(body.method, body.k, weights)
