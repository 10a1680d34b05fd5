"""Asks the text stage over gRPC: for products by words, for lists, and for what they hold."""

from collections.abc import Sequence
from dataclasses import replace

from catalog.filter_wire import facet_from_proto, filter_to_proto
from catalog.product_filter import ProductFilter
from fashion.catalog.v1 import catalog_pb2
from fashion.text.v1 import text_retriever_pb2 as pb
from fashion.text.v1.text_retriever_pb2_grpc import TextRetrieverServiceStub
from runtime.errors import Internal
from runtime.replicas import ReplicaPool
from services.gateway.answer import Generation
from services.gateway.clients_replies import check, generation_of, ranking_of
from services.gateway.gather import Ask, Gatherer, Send, direct
from services.gateway.stages import Boost, Completion, Counts, Ranking, Rows

_Found = tuple[pb.TextResult, Generation]


class TextClient:
    """The text stage.

    Args:
        pool: Its replicas.
        gather: Whether queries that wait at the same time share a call.
    """

    def __init__(
        self, pool: ReplicaPool[TextRetrieverServiceStub], *, gather: bool = False
    ) -> None:
        self._pool = pool
        send: Send[pb.TextQuery, _Found] = self._send
        self._ask: Ask[pb.TextQuery, _Found] = Gatherer(send) if gather else direct(send)

    async def retrieve(
        self,
        text: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
        boosts: Sequence[Boost] = (),
        excluded_text: str = "",
    ) -> Ranking:
        """The best ``count`` products that hold one of the words, and no excluded one."""
        query = pb.TextQuery(
            text=text,
            hit_count=count,
            filter=filter_message(filter),
            boosts=[
                pb.Boost(field=each.field, values=each.values, weight=each.weight)
                for each in boosts
            ],
            excluded_text=excluded_text,
        )
        result, generation = await self._ask(query, timeout_s=timeout_s, group=str(min_seq))
        check(result.status)
        found = ranking_of(result.hits.product_ids, result.hits.scores, generation)
        return replace(found, without_photo=_at(result.without_photo, found.ids))

    async def browse(
        self,
        order: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
    ) -> Ranking:
        """The first ``count`` products by ``newest``, ``price_asc`` or ``price_desc``."""
        request = pb.BrowseProductsRequest(
            filter=filter_message(filter),
            order=f"BROWSE_ORDER_{order.upper()}",
            hit_count=count,
            min_seq=min_seq,
        )
        reply = await self._pool.call(
            lambda stub: stub.BrowseProducts, request, timeout_s=timeout_s
        )
        scores = [0.0] * len(reply.product_ids)
        generation = generation_of(reply.generation)
        return ranking_of(reply.product_ids, scores, generation, reply.total)

    async def count_facets(
        self,
        product_ids: Sequence[str],
        fields: Sequence[str],
        *,
        collapse: bool,
        rows: bool,
        min_seq: int,
        timeout_s: float,
    ) -> Counts:
        """The facets of at most 1000 products; of their styles if they are to collapse."""
        request = pb.CountFacetsRequest(
            product_ids=product_ids, fields=fields, collapse=collapse, rows=rows, min_seq=min_seq
        )
        reply = await self._pool.call(lambda stub: stub.CountFacets, request, timeout_s=timeout_s)
        facets = [facet_from_proto(facet) for facet in reply.facets]
        if [facet.field for facet in facets] != list(fields):
            raise Internal("the text stage counted other fields than it was asked")
        return Counts(
            facets,
            _rows(reply.rows, len(product_ids)) if rows else None,
            generation_of(reply.generation),
        )

    async def complete(self, text: str, count: int, *, timeout_s: float) -> Sequence[Completion]:
        """At most ``count`` texts that a shopper may be typing, the best first."""
        request = pb.CompleteTextRequest(text=text, limit=count)
        reply = await self._pool.call(lambda stub: stub.CompleteText, request, timeout_s=timeout_s)
        return [
            Completion(each.text, _kind(each.kind), each.product_count)
            for each in reply.completions
        ]

    async def _send(
        self, queries: Sequence[pb.TextQuery], *, group: str, timeout_s: float, hedge: bool
    ) -> Sequence[_Found]:
        request = pb.RetrieveProductsRequest(queries=queries, min_seq=int(group))
        reply = await self._pool.call(
            lambda stub: stub.RetrieveProducts, request, timeout_s=timeout_s, hedge=hedge
        )
        generation = generation_of(reply.generation)
        return [(result, generation) for result in reply.results]


def filter_message(found: ProductFilter | None) -> catalog_pb2.ProductFilter | None:
    """The message of a filter; None where all products are admitted."""
    return None if found is None else filter_to_proto(found)


def _rows(rows: pb.ProductRows, count: int) -> Rows:
    columns = (rows.styles, rows.prices_minor, rows.added_seqs, rows.brands, rows.colours)
    if any(len(column) != count for column in columns):
        raise Internal("the text stage gave another number of rows than of products")
    return Rows(*columns)


def _at(places: Sequence[int], ids: Sequence[str]) -> frozenset[str]:
    if not all(0 <= place < len(ids) for place in places):
        raise Internal("the text stage names a place that is not among its hits")
    return frozenset(ids[place] for place in places)


def _kind(kind: pb.CompletionKind) -> str:
    try:
        name = pb.CompletionKind.Name(kind)
    except ValueError:
        raise Internal("the text stage gave a completion of an unknown kind") from None
    return name.removeprefix("COMPLETION_KIND_").lower()
