"""Says what JSON the REST door takes and gives."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from catalog.crop import crop_at
from runtime.errors import InvalidArgument
from services.gateway import query as q
from services.gateway.paging import MAX_TOKEN_CHARS
from services.gateway.parts import MAX_TEXT_CHARS, Example, Part, Photo, Source, StoredPhoto
from services.gateway.parts import words as words_part
from services.gateway.query_options import MAX_EXCLUDED, exclusion
from services.gateway.schemas_examples import EXAMPLES
from services.gateway.schemas_filter import FilterBody, to_filter
from services.gateway.schemas_options import (
    FusionBody,
    QuotasBody,
    RerankBody,
    Share,
    StrictBody,
    UnderstandBody,
    to_fusion,
    to_quotas,
    to_rerank,
    to_understand,
)

Retriever = Literal["text", "image"]
Sort = Literal["relevance", "price_asc", "price_desc", "newest"]
Id = Annotated[str, Field(min_length=1, max_length=128)]
Excluded = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]


class CropBody(StrictBody):
    """A rectangle in fractions of the upright photo."""

    x: Share
    y: Share
    width: Annotated[float, Field(gt=0, le=1)]
    height: Annotated[float, Field(gt=0, le=1)]


class ImageBody(StrictBody):
    """Where a photo comes from: exactly one of the three."""

    upload: str | None = Field(None, description="Name of a file part of this multipart request.")
    sha256: str | None = Field(None, description="Hash of a photo that was uploaded before.")
    base64: str | None = Field(None, description="The photo itself; for small ones only.")


class PartBody(StrictBody):
    """One part of a query: exactly one of text, image and product_id."""

    text: str | None = Field(None, max_length=MAX_TEXT_CHARS)
    image: ImageBody | None = None
    product_id: Id | None = None
    crop: CropBody | None = None
    remove_background: bool = Field(
        False, description="Only with image: what stands around the garment is taken out."
    )
    weight: Annotated[float, Field(ge=-10, le=10)] = Field(
        1.0, description="Not 0; below 0 it leads away."
    )


def _with_examples(schema: dict[str, JsonValue]) -> None:
    schema["examples"] = json.loads(json.dumps(list(EXAMPLES)))


class SearchBody(StrictBody):
    """A search. All fields are optional; without text and parts it lists by the filter."""

    model_config = ConfigDict(json_schema_extra=_with_examples)

    text: str | None = Field(
        None, max_length=MAX_TEXT_CHARS, description="Short for one text part."
    )
    parts: list[PartBody] = Field(default_factory=list, max_length=q.MAX_PARTS - 1)
    page_size: int = Field(q.DEFAULT_PAGE_SIZE, ge=1, le=q.MAX_PAGE_SIZE)
    user_id: Id | None = None
    session_product_ids: list[Id] = Field(
        default_factory=list, max_length=q.MAX_SESSION_PRODUCTS, description="Oldest first."
    )
    personalization: Share | None = Field(
        None, description="Share of taste in the order; .3 where there is a user or a session."
    )
    blend: Literal["taste", "minmax"] = "taste"
    retrievers: list[Retriever] = Field(default_factory=list, description="Empty: all that apply.")
    fusion: FusionBody | None = None
    candidate_factor: int = Field(q.DEFAULT_FACTOR, ge=1, le=q.MAX_FACTOR)
    explain: bool = False
    budget_ms: int | None = Field(None, ge=q.MIN_BUDGET_MS, le=q.MAX_BUDGET_MS)
    allow_partial: bool = True
    filter: FilterBody | None = None
    facets: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list,
        max_length=q.MAX_FACETS,
        description="Fields whose values are counted over all that the query reaches.",
    )
    sort: Sort = "relevance"
    page_token: str | None = Field(
        None,
        max_length=MAX_TOKEN_CHARS,
        description="next_page_token of the page before; the rest of the request stays the same.",
    )
    collapse: bool = Field(
        False, description="Only the best of each style is a hit, with the others as variants."
    )
    min_seq: int | None = Field(
        None, ge=0, le=q.MAX_SEQ, description="A change that the answer should know of."
    )
    exclude: list[Excluded] = Field(
        default_factory=list,
        max_length=MAX_EXCLUDED,
        description=f"What no hit may be; at most {MAX_TEXT_CHARS} characters together.",
        examples=[["black", "no logo"]],
    )
    understand: UnderstandBody = UnderstandBody()
    diversity: Share = Field(0.0, description="How much unlike each other the hits should be.")
    quotas: QuotasBody = QuotasBody()
    rerank: RerankBody | None = None
    include_examples: bool = Field(
        False, description="Whether the products of the query, and their likes, may be hits."
    )


class BatchGetBody(StrictBody):
    """Products to read."""

    ids: list[Id] = Field(min_length=1, max_length=100)


def to_query(body: SearchBody, files: Mapping[str, bytes]) -> q.Query:
    """The query of a body; ``files`` are the photos that came with it, by name.

    Raises:
        InvalidArgument: The body contradicts itself; the error names the field.
    """
    parts = [words_part(body.text, "text")] if body.text else []
    parts += [_part(part, f"parts[{place}]", files) for place, part in enumerate(body.parts)]
    return q.Query(
        parts=tuple(parts),
        page_size=body.page_size,
        user_id=body.user_id or "",
        session_product_ids=tuple(body.session_product_ids),
        personalization=body.personalization,
        blend=body.blend,
        retrievers=tuple(body.retrievers),
        fusion=to_fusion(body.fusion),
        candidate_factor=body.candidate_factor,
        explain=body.explain,
        budget_ms=body.budget_ms or 0,
        allow_partial=body.allow_partial,
        filter=to_filter(body.filter) if body.filter else None,
        facets=tuple(body.facets),
        sort=body.sort,
        page_token=body.page_token or "",
        collapse=body.collapse,
        min_seq=body.min_seq or 0,
        exclude=tuple(
            exclusion(text, f"exclude[{place}]") for place, text in enumerate(body.exclude)
        ),
        understand=to_understand(body.understand),
        diversity=body.diversity,
        quotas=to_quotas(body.quotas),
        rerank=to_rerank(body.rerank),
        include_examples=body.include_examples,
    )


def _part(part: PartBody, path: str, files: Mapping[str, bytes]) -> Part:
    given = [source for source in (part.text, part.image, part.product_id) if source is not None]
    if len(given) != 1:
        raise InvalidArgument("give exactly one of text, image and product_id", field=path)
    if part.text is not None:
        if part.crop is not None:
            raise InvalidArgument("only a photo can be cropped", field=f"{path}.crop")
        if part.remove_background:
            raise InvalidArgument(
                "only a photo has a background", field=f"{path}.remove_background"
            )
        return words_part(part.text, path, part.weight)
    crop = None
    if part.crop is not None:
        sides = part.crop
        crop = crop_at(f"{path}.crop", x=sides.x, y=sides.y, width=sides.width, height=sides.height)
    source: Source = Example(part.product_id or "")
    if part.image is not None:
        source = _photo(part.image, f"{path}.image", files)
    return Part(source, path, part.weight, crop, part.remove_background)


def _photo(image: ImageBody, path: str, files: Mapping[str, bytes]) -> Source:
    given = [way for way in (image.upload, image.sha256, image.base64) if way is not None]
    if len(given) != 1:
        raise InvalidArgument("give exactly one of upload, sha256 and base64", field=path)
    if image.sha256 is not None:
        return StoredPhoto(image.sha256)
    if image.upload is not None:
        if image.upload not in files:
            raise InvalidArgument("no file part has this name", field=f"{path}.upload")
        return Photo(files[image.upload])
    try:
        return Photo(base64.b64decode(image.base64 or "", validate=True))
    except (binascii.Error, ValueError):
        raise InvalidArgument("not base64", field=f"{path}.base64") from None
