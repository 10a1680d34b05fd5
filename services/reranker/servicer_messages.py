"""Checks the messages of the ranking service, and turns answers into messages."""

from collections.abc import Callable, Sequence

import numpy as np

from catalog.filter_wire import filter_from_proto
from catalog.seasons import SEASONS
from fashion.catalog.v1 import catalog_pb2
from fashion.ranking.v1 import reranker_pb2 as pb
from runtime.errors import InvalidArgument, ServiceError
from services.reranker.admission import Allowed
from services.reranker.factors import Factors, Vector
from services.reranker.generations import OpenGeneration
from services.reranker.recommenders import BOUGHT_TOGETHER, TASTE, Proposed, Wanted

MAX_BATCH = 32
MAX_CANDIDATES = 2000
MAX_HISTORY = 1000
MAX_RECENT = 100
MAX_EXCLUDED = 2000
MAX_PROPOSED = 1000
MAX_CONFIDENCE = 1e4
MAX_FACTOR = 1e6
MAX_ID_CHARS = 128
NEIGHBOURS_BY = (TASTE, BOUGHT_TOGETHER)

PACKED = np.dtype("<f4")


def check_batch(queries: Sequence[object], field: str) -> None:
    """Refuses an empty batch, and one that is too large."""
    if not 1 <= len(queries) <= MAX_BATCH:
        raise InvalidArgument(f"{field} must hold 1 to {MAX_BATCH} entries", field=field)


def confidences_of(history: pb.History) -> list[float] | None:
    """The confidences of a history, checked; None stands for 1 each."""
    if len(history.product_ids) > MAX_HISTORY:
        raise InvalidArgument(f"at most {MAX_HISTORY} products", field="product_ids")
    if not history.confidences:
        return None
    return _confidences(history.confidences, len(history.product_ids), "confidences")


def vector_of(factors: Factors, packed: bytes) -> Vector:
    """The factors of a shopper, checked."""
    if len(packed) != PACKED.itemsize * factors.dim:
        raise InvalidArgument(f"the vector must hold {factors.dim} float32", field="vector")
    vector = np.frombuffer(packed, PACKED)
    # A comparison with NaN is false, so this refuses it too.
    if not np.abs(vector).max() <= MAX_FACTOR:
        raise InvalidArgument("the vector must be finite and small", field="vector")
    return vector


def candidates_of(query: pb.TasteQuery) -> list[str]:
    """The candidates of a query, each once."""
    product_ids = list(query.product_ids)
    if len(product_ids) > MAX_CANDIDATES:
        raise InvalidArgument(f"at most {MAX_CANDIDATES} candidates", field="product_ids")
    if len(set(product_ids)) != len(product_ids):
        raise InvalidArgument("a candidate stands twice", field="product_ids")
    return product_ids


def wanted_of(
    query: pb.RecommendQuery, factors: Factors | None, season: Callable[[], str]
) -> Wanted:
    """What a query wants to have proposed.

    Args:
        query: The query.
        factors: What its vector belongs to; None where the release has none: a vector then says
            nothing.
        season: Tells the season of today.

    Raises:
        InvalidArgument: A field is malformed or over a limit; the error names it.
    """
    if len(query.recent_product_ids) > MAX_RECENT:
        raise InvalidArgument(f"at most {MAX_RECENT} products", field="recent_product_ids")
    recent = list(query.recent_product_ids)
    weights = [1.0] * len(recent)
    if query.recent_confidences:
        weights = _confidences(query.recent_confidences, len(recent), "recent_confidences")
    if query.season and query.season not in SEASONS:
        raise InvalidArgument(f"must be one of {', '.join(SEASONS)}", field="season")
    return Wanted(
        vector_of(factors, query.vector) if query.vector and factors is not None else None,
        recent,
        weights,
        allowed_of(query),
        count_of(query.count),
        query.season or season(),
    )


def allowed_of(query: pb.RecommendQuery | pb.FindNeighboursRequest) -> Allowed:
    """What may be proposed.

    Raises:
        InvalidArgument: A list is too long, or the filter malformed.
    """
    excluded: Sequence[str] = ()
    if isinstance(query, pb.RecommendQuery):
        excluded = list(query.excluded_product_ids)
        if len(excluded) > MAX_EXCLUDED:
            raise InvalidArgument(f"at most {MAX_EXCLUDED} ids", field="excluded_product_ids")
    if len(query.excluded_style_ids) > MAX_EXCLUDED:
        raise InvalidArgument(f"at most {MAX_EXCLUDED} ids", field="excluded_style_ids")
    return Allowed(
        filter_from_proto(query.filter) if query.HasField("filter") else None,
        excluded,
        list(query.excluded_style_ids),
        query.out_of_stock,
    )


def count_of(count: int) -> int:
    """How many products are wanted, checked."""
    if not 1 <= count <= MAX_PROPOSED:
        raise InvalidArgument(f"must be 1 to {MAX_PROPOSED}", field="count")
    return count


def proposed_to_proto(lists: Sequence[Proposed]) -> pb.RecommendResult:
    """The message of what is proposed to somebody."""
    return pb.RecommendResult(
        status=catalog_pb2.QueryStatus(),
        lists=[
            pb.ProposedProducts(
                source=each.source,
                product_ids=each.product_ids,
                scores=packed(each.scores),
                because=each.because.tolist(),
            )
            for each in lists
        ],
    )


def packed(values: Vector) -> bytes:
    """Values as little-endian float32."""
    return values.astype(PACKED, copy=False).tobytes()


def named(generation: OpenGeneration | None) -> catalog_pb2.Generation:
    """The generation that answered; empty where there is none."""
    if generation is None:
        return catalog_pb2.Generation()
    return catalog_pb2.Generation(generation=generation.name, seq=generation.seq)


def status_of(error: ServiceError) -> catalog_pb2.QueryStatus:
    """What became of a query that was not answered."""
    return catalog_pb2.QueryStatus(
        code=error.code.grpc_number, message=error.message, field=error.field or ""
    )


def _confidences(told: Sequence[float], count: int, field: str) -> list[float]:
    if len(told) != count:
        raise InvalidArgument("one confidence for each product, or none", field=field)
    # A comparison with NaN is false, so this refuses it too.
    if not all(abs(each) <= MAX_CONFIDENCE for each in told):
        raise InvalidArgument("confidences must be finite and small", field=field)
    return list(told)
