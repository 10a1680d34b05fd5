"""Turns the requests of the public contract into what the pipeline is asked."""

from catalog.crop import crop_at
from catalog.filter_wire import filter_from_proto
from fashion.search.v1 import search_pb2 as pb
from runtime.errors import InvalidArgument
from services.gateway.limits import check_range
from services.gateway.parts import Example, Part, Photo, Source, StoredPhoto, words
from services.gateway.query import (
    DEFAULT_FACTOR,
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    MAX_PARTS,
    RELEVANCE,
    Query,
)
from services.gateway.query_options import (
    DEFAULT_K,
    MAX_EXCLUDED,
    Fusion,
    Rerank,
    Understand,
    exclusion,
)
from services.gateway.similar import DEFAULT_PAGE_SIZE as SIMILAR_PAGE_SIZE
from services.gateway.similar import LOOK, SimilarQuery


def query_from_proto(request: pb.SearchRequest) -> Query:
    """The query of a request.

    Raises:
        InvalidArgument: A field is out of its range.
    """
    return Query(
        parts=_parts(request),
        page_size=request.page_size or DEFAULT_PAGE_SIZE,
        user_id=request.user_id,
        session_product_ids=tuple(request.session_product_ids),
        personalization=(request.personalization if request.HasField("personalization") else None),
        blend=request.blend or "taste",
        retrievers=tuple(request.retrievers),
        fusion=_fusion(request.fusion),
        candidate_factor=request.candidate_factor or DEFAULT_FACTOR,
        explain=request.explain,
        budget_ms=request.budget_ms,
        allow_partial=request.allow_partial if request.HasField("allow_partial") else True,
        filter=filter_from_proto(request.filter) if request.HasField("filter") else None,
        facets=tuple(request.facets),
        sort=request.sort or RELEVANCE,
        page_token=request.page_token,
        collapse=request.collapse,
        min_seq=request.min_seq,
        exclude=_exclude(request),
        understand=_understand(request.understand),
        diversity=request.diversity,
        quotas=dict(request.quotas),
        rerank=_rerank(request.rerank) if request.HasField("rerank") else None,
        include_examples=request.include_examples,
    )


def similar_from_proto(request: pb.ListSimilarProductsRequest) -> SimilarQuery:
    """What a request for products like one asks for.

    Raises:
        InvalidArgument: A field is out of its range.
    """
    size = request.page_size or SIMILAR_PAGE_SIZE
    check_range(size, 1, MAX_PAGE_SIZE, "page_size")
    return SimilarQuery(
        request.product_id,
        request.by or LOOK,
        size,
        filter_from_proto(request.filter) if request.HasField("filter") else None,
    )


def _parts(request: pb.SearchRequest) -> tuple[Part, ...]:
    if len(request.parts) >= MAX_PARTS:
        raise InvalidArgument(f"at most {MAX_PARTS - 1} parts", field="parts")
    first = [words(request.text, "text")] if request.text else []
    return (*first, *(_part(part, f"parts[{place}]") for place, part in enumerate(request.parts)))


def _part(part: pb.Part, path: str) -> Part:
    weight = part.weight if part.HasField("weight") else 1.0
    kind = part.WhichOneof("source")
    if kind == "text":
        if part.HasField("crop"):
            raise InvalidArgument("only a photo can be cropped", field=f"{path}.crop")
        if part.remove_background:
            raise InvalidArgument(
                "only a photo has a background", field=f"{path}.remove_background"
            )
        return words(part.text, path, weight)
    crop = None
    if part.HasField("crop"):
        crop = crop_at(
            f"{path}.crop",
            x=part.crop.x,
            y=part.crop.y,
            width=part.crop.width,
            height=part.crop.height,
        )
    source: Source
    if kind == "photo":
        source = Photo(part.photo)
    elif kind == "image_sha256":
        source = StoredPhoto(part.image_sha256)
    elif kind == "product_id":
        source = Example(part.product_id)
    else:
        raise InvalidArgument("a part needs a text, a photo or a product", field=path)
    return Part(source, path, weight, crop, part.remove_background)


def _fusion(fusion: pb.Fusion) -> Fusion | None:
    """What was asked for; None where neither the method nor anything of it is said."""
    if not (fusion.method or fusion.k or fusion.weights):
        return None
    return Fusion(fusion.method or "rrf", fusion.k or DEFAULT_K, dict(fusion.weights))


def _exclude(request: pb.SearchRequest) -> tuple[str, ...]:
    if len(request.exclude) > MAX_EXCLUDED:
        raise InvalidArgument(f"at most {MAX_EXCLUDED} entries", field="exclude")
    return tuple(exclusion(text, f"exclude[{at}]") for at, text in enumerate(request.exclude))


def _understand(told: pb.Understand) -> Understand:
    return Understand(told.enabled if told.HasField("enabled") else True, tuple(told.ignore))


def _rerank(told: pb.Rerank) -> Rerank:
    return Rerank(told.first, told.second)
