"""Turns the messages of the public contract into the pipeline's words, and back."""

from collections.abc import Mapping

from catalog.filter_wire import facet_to_proto, filter_from_proto
from catalog.product import Product
from catalog.wire import product_to_proto
from fashion.catalog.v1 import catalog_pb2
from fashion.search.v1 import search_pb2 as pb
from runtime.errors import InvalidArgument
from services.gateway.answer import Answer, Explanation
from services.gateway.limits import check_choice, check_range
from services.gateway.parts import Crop, Example, Part, Photo, Source, StoredPhoto, words
from services.gateway.query import (
    DEFAULT_FACTOR,
    DEFAULT_K,
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    MAX_PARTS,
    RELEVANCE,
    Fusion,
    Query,
)
from services.gateway.similar import DEFAULT_PAGE_SIZE as SIMILAR_PAGE_SIZE
from services.gateway.similar import LOOK, Similar, SimilarQuery

CAPACITY = 20_000
KNOWN_METHODS = ("rrf",)


def query_from_proto(request: pb.SearchRequest) -> Query:
    """The query of a request.

    Raises:
        InvalidArgument: A field is out of its range.
    """
    if len(request.parts) >= MAX_PARTS:
        raise InvalidArgument(f"at most {MAX_PARTS - 1} parts", field="parts")
    parts = [words(request.text, "text")] if request.text else []
    parts += [_part(part, f"parts[{place}]") for place, part in enumerate(request.parts)]
    return Query(
        parts=tuple(parts),
        page_size=request.page_size or DEFAULT_PAGE_SIZE,
        user_id=request.user_id,
        session_product_ids=tuple(request.session_product_ids),
        personalization=(request.personalization if request.HasField("personalization") else None),
        blend=request.blend or "taste",
        retrievers=tuple(request.retrievers),
        fusion=_fusion(request.fusion) if request.HasField("fusion") else None,
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


class ProductMessages:
    """The messages of products, each made once while the product stays the same."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._kept: dict[str, tuple[Product, catalog_pb2.Product]] = {}

    def of(self, product: Product) -> catalog_pb2.Product:
        """The message of a product; not to be changed."""
        kept = self._kept.get(product.id)
        if kept is not None and kept[0] is product:
            return kept[1]
        message = product_to_proto(product)
        if len(self._kept) >= self._capacity:
            self._kept.clear()
        self._kept[product.id] = product, message
        return message


def answer_to_proto(
    answer: Answer, messages: ProductMessages, request_id: str
) -> pb.SearchResponse:
    """The response of an answer."""
    response = pb.SearchResponse(
        total=pb.Total(value=answer.total.value, relation=answer.total.relation),
        degraded=answer.degraded,
        degraded_reasons=answer.degraded_reasons,
        coverage=answer.coverage,
        release=answer.release,
        generations={
            name: catalog_pb2.Generation(generation=found.name, seq=found.seq)
            for name, found in answer.generations.items()
        },
        request_id=request_id,
        took_ms=answer.took_ms,
        budget_ms=answer.budget_ms,
        timings_ms=answer.timings_ms,
        next_page_token=answer.next_page_token,
        facets=[facet_to_proto(facet) for facet in answer.facets],
    )
    _add_hits(response, answer, messages)
    return response


def similar_to_proto(
    similar: Similar, messages: ProductMessages, request_id: str
) -> pb.ListSimilarProductsResponse:
    """The response of products like one."""
    answer = similar.answer
    response = pb.ListSimilarProductsResponse(
        degraded=answer.degraded,
        degraded_reasons=answer.degraded_reasons,
        request_id=request_id,
        by=similar.by,
    )
    _add_hits(response, answer, messages)
    return response


def _add_hits(
    response: pb.SearchResponse | pb.ListSimilarProductsResponse,
    answer: Answer,
    messages: ProductMessages,
) -> None:
    add = response.hits.add
    for hit in answer.hits:
        message = add(rank=hit.rank, score=hit.score)
        # Half the price of passing the product to the constructor.
        message.product.CopyFrom(messages.of(hit.product))
        if hit.explanation is not None:
            message.explanation.CopyFrom(_explanation(hit.explanation))
        for variant in hit.variants or ():
            message.variants.add().CopyFrom(messages.of(variant))


def _explanation(explanation: Explanation) -> pb.Explanation:
    retrievers: Mapping[str, pb.RetrieverRank] = {
        name: pb.RetrieverRank(rank=place.rank, score=place.score)
        for name, place in explanation.retrievers.items()
    }
    terms = [
        pb.Term(name=term.name, value=term.value, mode=term.mode) for term in explanation.terms
    ]
    moves = [
        pb.Move(stage=move.stage, from_place=move.start, to_place=move.end, why=move.why)
        for move in explanation.moves
    ]
    return pb.Explanation(retrievers=retrievers, terms=terms, moves=moves)


def _fusion(fusion: pb.Fusion) -> Fusion | None:
    """What was asked for; None where neither the method nor anything of it is said."""
    if not (fusion.method or fusion.k or fusion.weights):
        return None
    method = fusion.method or "rrf"
    check_choice(method, KNOWN_METHODS, "fusion.method")
    return Fusion(method, fusion.k or DEFAULT_K, dict(fusion.weights))


def _part(part: pb.Part, path: str) -> Part:
    weight = part.weight if part.HasField("weight") else 1.0
    kind = part.WhichOneof("source")
    if kind == "text":
        if part.HasField("crop"):
            raise InvalidArgument("only a photo can be cropped", field=f"{path}.crop")
        return words(part.text, path, weight)
    crop = None
    if part.HasField("crop"):
        crop = Crop(part.crop.x, part.crop.y, part.crop.width, part.crop.height)
    source: Source
    if kind == "photo":
        source = Photo(part.photo)
    elif kind == "image_sha256":
        source = StoredPhoto(part.image_sha256)
    elif kind == "product_id":
        source = Example(part.product_id)
    else:
        raise InvalidArgument("a part needs a text, a photo or a product", field=path)
    return Part(source, path, weight, crop)
