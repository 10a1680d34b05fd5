"""Turns what the pipeline answers into the responses of the public contract."""

from collections.abc import Mapping, Sequence

from catalog.filter_wire import facet_to_proto
from catalog.product import Product
from catalog.wire import product_to_proto
from fashion.catalog.v1 import catalog_pb2
from fashion.search.v1 import search_pb2 as pb
from services.gateway.answer import Answer, Explanation, RankedProduct
from services.gateway.query_options import Fusion
from services.gateway.similar import Similar
from services.gateway.suggesting import Suggestions

CAPACITY = 20_000


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
        understood=[
            pb.Understood(
                field=each.field, value=each.value, from_text=each.written, effect=each.effect
            )
            for each in answer.understood
        ],
        did_you_mean=answer.did_you_mean,
        relevance_cost=answer.relevance_cost,
        fusion=_fusion(answer.fusion) if answer.fusion else None,
    )
    add_hits(response, answer.hits, messages)
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
    add_hits(response, answer.hits, messages)
    return response


def suggestions_to_proto(answer: Suggestions, request_id: str) -> pb.SuggestResponse:
    """The response of suggestions."""
    return pb.SuggestResponse(
        suggestions=[pb.Suggestion(text=each.text, kind=each.kind) for each in answer.found],
        degraded=answer.degraded,
        request_id=request_id,
    )


def _fusion(fusion: Fusion) -> pb.Fusion:
    return pb.Fusion(method=fusion.method, k=fusion.k, weights=fusion.weights)


def add_hits(
    response: pb.SearchResponse | pb.ListSimilarProductsResponse | pb.RecommendResponse,
    hits: Sequence[RankedProduct],
    messages: ProductMessages,
) -> None:
    """Adds hits to a response."""
    add = response.hits.add
    for hit in hits:
        message = add(rank=hit.rank, score=hit.score)
        # Half the price of passing the product to the constructor.
        message.product.CopyFrom(messages.of(hit.product))
        if hit.explanation is not None:
            message.explanation.CopyFrom(_explanation(hit.explanation))
        for variant in hit.variants or ():
            message.variants.add().CopyFrom(messages.of(variant))
        for reason in hit.because:
            message.because.add(kind=reason.kind, product_id=reason.product_id)


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
