"""Asks the ranking stage for proposals and neighbours, and turns what it says into our words."""

from collections.abc import Sequence

import numpy as np

from catalog.product_filter import ProductFilter
from fashion.catalog.v1 import catalog_pb2
from fashion.ranking.v1 import reranker_pb2 as pb
from fashion.ranking.v1.reranker_pb2_grpc import RerankerServiceStub
from runtime.errors import Internal, InvalidArgument
from runtime.replicas import ReplicaPool
from services.gateway.answer import Generation
from services.gateway.clients_replies import check, generation_of, only, ranking_of
from services.gateway.clients_text import filter_message
from services.gateway.proposals import Asked, Proposals, ProposedList
from services.gateway.stages import Ranking


class ProposalClient:
    """The ranking stage, as it proposes products.

    Args:
        pool: Its replicas.
    """

    def __init__(self, pool: ReplicaPool[RerankerServiceStub]) -> None:
        self._pool = pool

    async def propose(self, asked: Asked, *, timeout_s: float) -> Proposals:
        """The lists of all sources; PreconditionFailed if the generation is not open."""
        query = pb.RecommendQuery(
            vector=asked.factors.data if asked.factors else b"",
            recent_product_ids=asked.recent.ids,
            recent_confidences=asked.recent.confidences,
            filter=filter_message(asked.filter),
            excluded_product_ids=asked.excluded_ids,
            excluded_style_ids=asked.excluded_styles,
            count=asked.count,
        )
        generation = asked.factors.generation if asked.factors else ""
        request = pb.RecommendProductsRequest(queries=[query], generation=generation)
        reply = await self._pool.call(
            lambda stub: stub.RecommendProducts, request, timeout_s=timeout_s
        )
        result = only(reply.results)
        try:
            check(result.status)
        except InvalidArgument as error:  # the caller's filter passed its check: the rest is ours
            raise Internal(error.message) from error
        lists = [_list_of(each, len(asked.recent.ids)) for each in result.lists]
        return Proposals(lists, _generation(reply.generation))

    async def neighbours(
        self,
        product_id: str,
        by: str,
        count: int,
        *,
        filter: ProductFilter | None,
        excluded_styles: Sequence[str],
        timeout_s: float,
    ) -> Ranking:
        """The nearest products to one by ``taste`` or ``bought_together``, in stock."""
        request = pb.FindNeighboursRequest(
            product_id=product_id,
            by=by,
            filter=filter_message(filter),
            excluded_style_ids=excluded_styles,
            count=count,
        )
        reply = await self._pool.call(
            lambda stub: stub.FindNeighbours, request, timeout_s=timeout_s
        )
        scores = _floats(reply.scores, len(reply.product_ids))
        return ranking_of(reply.product_ids, scores, generation_of(reply.generation))


def _list_of(message: pb.ProposedProducts, recent: int) -> ProposedList:
    ids, because = list(message.product_ids), list(message.because)
    if because and len(because) != len(ids):
        raise Internal("the ranking stage gave another number of reasons than of products")
    if len(set(ids)) != len(ids) or not all(-1 <= place < recent for place in because):
        raise Internal("the ranking stage proposed what nobody asked for")
    return ProposedList(message.source, ids, _floats(message.scores, len(ids)), because)


def _floats(packed: bytes, count: int) -> list[float]:
    if len(packed) != 4 * count:
        raise Internal("the ranking stage gave another number of scores than of products")
    scores = np.frombuffer(packed, "<f4")
    if not np.isfinite(scores).all():
        raise Internal("the ranking stage gave a score that is not finite")
    found: list[float] = scores.tolist()
    return found


def _generation(message: catalog_pb2.Generation) -> Generation | None:
    return generation_of(message) if message.generation else None
