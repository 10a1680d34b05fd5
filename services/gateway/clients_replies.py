"""Reads what stages have in common in their replies: a status, a ranking, a generation."""

from collections.abc import Sequence
from typing import TypeVar

from fashion.catalog.v1 import catalog_pb2
from runtime.errors import Code, Internal, of_code
from services.gateway.answer import Generation
from services.gateway.stages import Ranking

_T = TypeVar("_T")


def ranking_of(
    product_ids: Sequence[str],
    scores: Sequence[float],
    generation: Generation,
    total: int | None = None,
) -> Ranking:
    """The ranking of two columns.

    Raises:
        Internal: They are not of the same length.
    """
    ids = list(product_ids)
    if len(ids) != len(scores):
        raise Internal("a retriever gave another number of scores than of products")
    return Ranking(ids, scores, generation, total)


def generation_of(message: catalog_pb2.Generation) -> Generation:
    """The generation of a message."""
    return Generation(message.generation, message.seq)


def check(status: catalog_pb2.QueryStatus) -> None:
    """Raises what became of a query in a batch, unless it was answered."""
    if status.code:
        raise of_code(Code.of_grpc(status.code), status.message, field=status.field or None)


def only(answers: Sequence[_T]) -> _T:
    """The one answer to the one query of a batch."""
    if len(answers) != 1:
        raise Internal("a stage answered another number of queries than it was asked")
    return answers[0]
