"""Reads queries from messages, and writes what they came to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.filter_wire import filter_from_proto
from catalog.product_filter import ProductFilter
from catalog.wire import hits_to_proto
from fashion.catalog.v1 import catalog_pb2
from fashion.image.v1 import image_retriever_pb2 as pb
from runtime.errors import Code, DeadlineExceeded, InvalidArgument, ServiceError
from services.image_retriever.kinds import kinds_of
from services.image_retriever.live import LiveView
from services.image_retriever.mixture import Kind
from services.image_retriever.parts import Encoded
from services.image_retriever.question import Likeness, Reorder
from services.image_retriever.servicer_mixtures import MAX_PARTS, check_id
from services.image_retriever.small import in_small
from services.image_retriever.view import Found

MAX_EXCLUDED = 64
MAX_HITS, DEFAULT_HITS = 1000, 200
MAX_CANDIDATES, MAX_FETCHED, MAX_LOOK_ALIKES = 5000, 200, 200
MIN_NORM, MAX_NORM = 1e-6, 1e6

_KINDS = {
    pb.QUERY_KIND_UNSPECIFIED: None,
    pb.QUERY_KIND_TEXT: Kind.TEXT,
    pb.QUERY_KIND_PHOTO: Kind.PHOTO,
    pb.QUERY_KIND_MIXED: Kind.MIXED,
}
_NUMBERS = {kind: number for number, kind in _KINDS.items() if kind is not None}
_VECTOR = np.dtype("<f4")
_Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Search:
    """A search: unit vector float32 ``[dim]``, most hits, floor, what to leave out and let in.

    ``unlike`` is what no hit may look like, ``reorder`` how the hits are ordered anew.
    """

    vector: _Vectors
    count: int
    floor: float | None
    excluded: Sequence[str]
    filter: ProductFilter | None = None
    unlike: Likeness | None = None
    reorder: Reorder | None = None


def read_search(query: pb.VectorQuery, index: LiveView, elapsed_s: float) -> Search | ServiceError:
    """Returns a vector to search with, or what is wrong with it."""
    try:
        return _search(query, index, elapsed_s)
    except ServiceError as error:
        return error


def write_encoded(result: Encoded | ServiceError) -> pb.EncodedQuery:
    """Returns the message of an encoded query."""
    if isinstance(result, ServiceError):
        return pb.EncodedQuery(status=_status(result))
    vector = b"" if result.vector is None else result.vector.astype(_VECTOR, copy=False).tobytes()
    return pb.EncodedQuery(
        status=catalog_pb2.QueryStatus(),
        vector=vector,
        kind=_NUMBERS[result.kind],
        background_kept=result.background_kept,
    )


def write_found(result: Found | ServiceError) -> pb.VectorResult:
    """Returns the message of what a vector found."""
    if isinstance(result, ServiceError):
        return pb.VectorResult(status=_status(result))
    return pb.VectorResult(
        status=catalog_pb2.QueryStatus(),
        hits=hits_to_proto(result.ids, result.scores),
        look_alike_ids=result.look_alikes[:MAX_LOOK_ALIKES],
    )


def write_fetched(view: LiveView, product_ids: Sequence[str]) -> pb.FetchVectorsResponse:
    """Returns the vectors of products in small.

    Raises:
        InvalidArgument: There are none or too many ids, or one that no product can have.
    """
    if not 1 <= len(product_ids) <= MAX_FETCHED:
        raise InvalidArgument(f"1 to {MAX_FETCHED} ids", field="product_ids")
    for place, product_id in enumerate(product_ids):
        check_id(product_id, f"product_ids[{place}]")
    return pb.FetchVectorsResponse(
        vectors=in_small(view.vectors_of(product_ids)).tobytes(),
        dimension=view.dim,
        generation=named(view),
    )


def named(view: LiveView) -> catalog_pb2.Generation:
    """Returns the message that names what answered."""
    return catalog_pb2.Generation(generation=view.generation, seq=view.seq)


def _search(query: pb.VectorQuery, index: LiveView, elapsed_s: float) -> Search:
    if query.deadline_ms < 0:
        raise InvalidArgument("deadline_ms must not be negative", field="deadline_ms")
    if query.deadline_ms and elapsed_s * 1000 >= query.deadline_ms:
        raise DeadlineExceeded("the query's budget is spent", field="deadline_ms")
    if not 0 <= query.hit_count <= MAX_HITS:
        raise InvalidArgument(f"hit_count is 1 to {MAX_HITS}", field="hit_count")
    if len(query.excluded_product_ids) > MAX_EXCLUDED:
        raise InvalidArgument(
            f"at most {MAX_EXCLUDED} products can be left out", field="excluded_product_ids"
        )
    if query.kind not in _KINDS:
        raise InvalidArgument("kind is not one of QueryKind", field="kind")
    kind = _KINDS[query.kind]
    floor = index.floors.get(kind.value) if kind else None
    excluded = query.excluded_product_ids
    return Search(
        _unit(query.vector, index.dim, "vector"),
        query.hit_count or DEFAULT_HITS,
        floor,
        excluded,
        filter_from_proto(query.filter) if query.HasField("filter") else None,
        index.likeness_of(excluded) if query.excludes_look_alikes else None,
        _reorder(query, index),
    )


def _reorder(query: pb.VectorQuery, index: LiveView) -> Reorder | None:
    """Returns how what is found is ordered anew, None where it stays as it is."""
    count = query.hit_count or DEFAULT_HITS
    if not query.order_vector:
        for name in ("candidate_count", "kind_vector", "kind_product_ids"):
            if getattr(query, name):
                raise InvalidArgument("only with order_vector", field=name)
        return None
    if query.candidate_count and not count <= query.candidate_count <= MAX_CANDIDATES:
        raise InvalidArgument(
            f"candidate_count is hit_count to {MAX_CANDIDATES}", field="candidate_count"
        )
    vector = _unit(query.order_vector, index.dim, "order_vector")
    if len(query.kind_product_ids) > MAX_PARTS:
        raise InvalidArgument(f"at most {MAX_PARTS} products", field="kind_product_ids")
    kinds = None
    if query.kind_vector or query.kind_product_ids:
        pictures = np.zeros((0, index.dim), np.float32)
        if query.kind_vector:
            pictures = _unit(query.kind_vector, index.dim, "kind_vector")[None]
        kinds = kinds_of(index, pictures, query.kind_product_ids)
    return Reorder(vector, query.candidate_count or count, kinds)


def _unit(packed: bytes, dim: int, at: str) -> _Vectors:
    if len(packed) != _VECTOR.itemsize * dim:
        raise InvalidArgument(f"the vector must hold {dim} float32", field=at)
    vector = np.frombuffer(packed, _VECTOR)
    norm = float(np.linalg.norm(vector.astype(np.float64)))
    # A comparison with NaN is false, so this refuses it too.
    if not MIN_NORM <= norm <= MAX_NORM:
        raise InvalidArgument("the vector must be finite and have a direction", field=at)
    if abs(norm - 1) > 1e-3:
        vector = vector / np.float32(norm)
    return vector


def _status(error: ServiceError) -> catalog_pb2.QueryStatus:
    message = "internal error" if error.code is Code.INTERNAL else error.message
    return catalog_pb2.QueryStatus(
        code=error.code.grpc_number, message=message, field=error.field or ""
    )
