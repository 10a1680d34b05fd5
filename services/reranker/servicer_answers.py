"""Answers single queries of the ranking service, each with a verdict of its own."""

from fashion.catalog.v1 import catalog_pb2
from fashion.ranking.v1 import reranker_pb2 as pb
from runtime.errors import DeadlineExceeded, InvalidArgument, NotFound, ServiceError
from services.reranker.factors import Factors, Vector
from services.reranker.generations import OpenGeneration, OpenGenerations
from services.reranker.recommenders import TASTE
from services.reranker.servicer_messages import (
    MAX_ID_CHARS,
    candidates_of,
    confidences_of,
    named,
    packed,
    status_of,
    vector_of,
)


def answering(opened: OpenGenerations, by: str) -> catalog_pb2.Generation:
    """The generation that answers for neighbours."""
    if by == TASTE:
        return named(opened.current)
    if opened.neighbours is None:
        return catalog_pb2.Generation()
    return catalog_pb2.Generation(generation=opened.neighbours.name, seq=opened.neighbours.seq)


def trained(generation: OpenGeneration | None, user_id: str) -> pb.UserFactors:
    """The trained factors of a user."""
    if not 1 <= len(user_id) <= MAX_ID_CHARS:
        message = f"a user id has 1 to {MAX_ID_CHARS} characters"
        return pb.UserFactors(status=status_of(InvalidArgument(message, field="user_ids")))
    return _user(generation.factors.user(user_id) if generation else None)


def folded(generation: OpenGeneration | None, history: pb.History) -> pb.UserFactors:
    """The factors of a history."""
    try:
        confidences = confidences_of(history)
    except InvalidArgument as error:
        return pb.UserFactors(status=status_of(error))
    if generation is None:
        return _user(None)
    return _user(generation.factors.fold_in(history.product_ids, confidences))


def _user(vector: Vector | None) -> pb.UserFactors:
    if vector is None:
        return pb.UserFactors(status=status_of(NotFound("the model knows nothing of this user")))
    return pb.UserFactors(status=catalog_pb2.QueryStatus(), vector=packed(vector))


def scored(factors: Factors, query: pb.TasteQuery, elapsed_ms: float) -> pb.TasteResult:
    """The taste of a user for candidates, asked for some time ago."""
    try:
        check_time(query.deadline_ms, elapsed_ms)
        vector, product_ids = vector_of(factors, query.vector), candidates_of(query)
    except ServiceError as error:
        return pb.TasteResult(status=status_of(error))
    tastes, known, dots = factors.tastes(vector, product_ids)
    return pb.TasteResult(
        status=catalog_pb2.QueryStatus(),
        tastes=packed(tastes),
        known=known.tobytes(),
        dots=packed(dots),
    )


def check_time(deadline_ms: int, elapsed_ms: float) -> None:
    """Refuses a query whose time is up.

    Raises:
        DeadlineExceeded: It is.
    """
    if deadline_ms and elapsed_ms >= deadline_ms:
        raise DeadlineExceeded("the query's budget is spent", field="deadline_ms")
