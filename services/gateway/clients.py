"""Asks the image and the ranking stage over gRPC, and turns what they say into our words."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from catalog.product_filter import ProductFilter
from fashion.catalog.v1 import catalog_pb2
from fashion.image.v1 import image_retriever_pb2 as image_pb
from fashion.image.v1.image_retriever_pb2_grpc import ImageRetrieverServiceStub
from fashion.ranking.v1 import reranker_pb2 as ranking_pb
from fashion.ranking.v1.reranker_pb2_grpc import RerankerServiceStub
from runtime.errors import Code, Internal, InvalidArgument, NotFound, ServiceError, of_code
from runtime.replicas import ReplicaPool
from services.gateway.answer import Generation
from services.gateway.clients_replies import check, generation_of, only, ranking_of
from services.gateway.clients_text import filter_message
from services.gateway.gather import Ask, Gatherer, Send, direct
from services.gateway.parts import Example, Part, Photo, Words
from services.gateway.stages import QueryKind, QueryVector, Ranking, Tastes, UserFactors

_PART = re.compile(r"parts\[(\d+)\]")
_ImageFound = tuple[image_pb.VectorResult, Generation]


class ImageClient:
    """The image stage, whose two halves may be served by different replicas.

    Args:
        encoders: The replicas that encode.
        searchers: The replicas that search.
        gather: Whether searches that wait at the same time share a call.
    """

    def __init__(
        self,
        encoders: ReplicaPool[ImageRetrieverServiceStub],
        searchers: ReplicaPool[ImageRetrieverServiceStub],
        *,
        gather: bool = False,
    ) -> None:
        self._encoders = encoders
        self._searchers = searchers
        send: Send[image_pb.VectorQuery, _ImageFound] = self._send
        self._ask: Ask[image_pb.VectorQuery, _ImageFound] = (
            Gatherer(send) if gather else direct(send)
        )

    async def encode(
        self, mixtures: Sequence[Sequence[Part]], *, timeout_s: float
    ) -> Sequence[QueryVector]:
        """The unit vectors of mixtures, in one call. It is dear, so it is never hedged."""
        queries = [
            image_pb.EncodeQuery(parts=[_part_to_proto(part) for part in parts])
            for parts in mixtures
        ]
        request = image_pb.EncodeQueriesRequest(queries=queries)
        reply = await self._encoders.call(
            lambda stub: stub.EncodeQueries, request, timeout_s=timeout_s, hedge=False
        )
        if len(reply.queries) != len(mixtures):
            raise Internal("the encoder answered another number of queries than it was asked")
        return [
            _vector(encoded, parts, reply.encoder_fingerprint)
            for encoded, parts in zip(reply.queries, mixtures, strict=True)
        ]

    async def search(
        self,
        vector: QueryVector,
        count: int,
        *,
        filter: ProductFilter | None,
        excluded: Sequence[str],
        min_seq: int,
        timeout_s: float,
        look_alikes_excluded: bool = False,
        order_vector: bytes = b"",
        candidates: int = 0,
        kind_vector: bytes = b"",
        kind_products: Sequence[str] = (),
    ) -> Ranking:
        """The nearest products; PreconditionFailed if the index is of another encoder."""
        query = image_pb.VectorQuery(
            vector=vector.data,
            hit_count=count,
            kind=f"QUERY_KIND_{vector.kind.name}",
            excluded_product_ids=excluded,
            filter=filter_message(filter),
            excludes_look_alikes=look_alikes_excluded,
            order_vector=order_vector,
            candidate_count=candidates,
            kind_vector=kind_vector,
            kind_product_ids=kind_products,
        )
        group = f"{min_seq}:{vector.fingerprint}"
        try:
            result, generation = await self._ask(query, timeout_s=timeout_s, group=group)
            check(result.status)
        except (InvalidArgument, NotFound) as error:  # the caller gave no vector: we did
            raise Internal(error.message) from error
        found = ranking_of(result.hits.product_ids, result.hits.scores, generation)
        return replace(found, look_alikes=frozenset(result.look_alike_ids))

    async def fetch(self, product_ids: Sequence[str], *, timeout_s: float) -> NDArray[np.int8]:
        """The vectors of products in small, int8 of shape [products, dimension]."""
        request = image_pb.FetchVectorsRequest(product_ids=product_ids)
        reply = await self._searchers.call(
            lambda stub: stub.FetchVectors, request, timeout_s=timeout_s
        )
        if len(reply.vectors) != len(product_ids) * reply.dimension:
            raise Internal("the image stage gave another number of vectors than of products")
        return np.frombuffer(reply.vectors, np.int8).reshape(len(product_ids), reply.dimension)

    async def _send(
        self,
        queries: Sequence[image_pb.VectorQuery],
        *,
        group: str,
        timeout_s: float,
        hedge: bool,
    ) -> Sequence[_ImageFound]:
        min_seq, _, fingerprint = group.partition(":")
        request = image_pb.SearchVectorsRequest(
            queries=queries, encoder_fingerprint=fingerprint, min_seq=int(min_seq)
        )
        reply = await self._searchers.call(
            lambda stub: stub.SearchVectors, request, timeout_s=timeout_s, hedge=hedge
        )
        generation = generation_of(reply.generation)
        return [(result, generation) for result in reply.results]


class RankingClient:
    """The ranking stage.

    Args:
        pool: Its replicas.
    """

    def __init__(self, pool: ReplicaPool[RerankerServiceStub]) -> None:
        self._pool = pool

    async def fold_in(
        self,
        product_ids: Sequence[str],
        *,
        timeout_s: float,
        confidences: Sequence[float] = (),
        generation: str = "",
    ) -> UserFactors | None:
        """The factors of a history or a session, or None if the model knows none of it."""
        history = ranking_pb.History(product_ids=product_ids, confidences=confidences)
        request = ranking_pb.FoldInHistoriesRequest(histories=[history], generation=generation)
        reply = await self._pool.call(
            lambda stub: stub.FoldInHistories, request, timeout_s=timeout_s
        )
        return _factors(reply.users, reply.generation)

    async def tastes(
        self, factors: UserFactors, product_ids: Sequence[str], *, timeout_s: float
    ) -> Tastes:
        """The taste for each product; PreconditionFailed if the generation is not open."""
        query = ranking_pb.TasteQuery(vector=factors.data, product_ids=product_ids)
        request = ranking_pb.ScoreCandidatesRequest(queries=[query], generation=factors.generation)
        reply = await self._pool.call(
            lambda stub: stub.ScoreCandidates, request, timeout_s=timeout_s
        )
        result = only(reply.results)
        check(result.status)
        tastes = np.frombuffer(result.tastes, "<f4")
        dots = np.frombuffer(result.dots, "<f4")
        known = np.frombuffer(result.known, np.uint8).astype(bool)
        if not len(tastes) == len(dots) == len(known) == len(product_ids):
            raise Internal("the ranking stage scored another number of candidates")
        if not (np.isfinite(tastes).all() and np.isfinite(dots).all()):
            raise Internal("the ranking stage gave a score that is not finite")
        return Tastes(generation_of(reply.generation), tastes, known, dots)


def _factors(
    users: Sequence[ranking_pb.UserFactors], generation: catalog_pb2.Generation
) -> UserFactors | None:
    user = only(users)
    if user.status.code == Code.NOT_FOUND.grpc_number:
        return None
    check(user.status)
    return UserFactors(generation.generation, user.vector)


def _vector(encoded: image_pb.EncodedQuery, parts: Sequence[Part], fingerprint: str) -> QueryVector:
    """The vector of a mixture; what is wrong with it is told as the caller named its parts."""
    try:
        check(encoded.status)
    except InvalidArgument as error:
        raise _at_part(error, parts) from None
    except NotFound as error:
        raise _at_part(InvalidArgument(error.message, field=error.field), parts) from None
    try:
        kind = QueryKind(encoded.kind)
    except ValueError:
        raise Internal("the encoder does not say what the vector was made of") from None
    return QueryVector(fingerprint, kind, encoded.vector, encoded.background_kept)


def _part_to_proto(part: Part) -> image_pb.QueryPart:
    crop = None
    if part.crop is not None:
        crop = image_pb.Crop(
            x=part.crop.x, y=part.crop.y, width=part.crop.width, height=part.crop.height
        )
    weight = None if part.weight == 1 else part.weight
    match part.source:
        case Words(text=text, own=own):
            return image_pb.QueryPart(text=text, own_text=own, weight=weight)
        case Photo(data):
            return image_pb.QueryPart(
                photo=data, crop=crop, weight=weight, remove_background=part.remove_background
            )
        case Example(product_id):
            return image_pb.QueryPart(product_id=product_id, weight=weight)
    raise Internal("a stored photo must be read before it is encoded")


def _at_part(error: ServiceError, parts: Sequence[Part]) -> ServiceError:
    """The error with the field as the caller named it."""
    place = _PART.search(error.field or "")
    if place and int(place[1]) < len(parts):
        part = parts[int(place[1])]
        ours = f"{part.field}.product_id" if isinstance(part.source, Example) else part.field
        return of_code(error.code, error.message, field=ours)
    photos = [part.field for part in parts if isinstance(part.source, Photo)]
    at = photos[0] if len(photos) == 1 and error.field in ("photo", "crop") else "parts"
    return of_code(error.code, error.message, field=at)
