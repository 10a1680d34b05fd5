"""Reads queries from messages, and writes what they came to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.crop import WHOLE, Crop, crop_at
from catalog.filter_wire import filter_from_proto
from catalog.normalize import clean
from catalog.product_filter import ProductFilter
from catalog.wire import hits_to_proto
from fashion.catalog.v1 import catalog_pb2
from fashion.image.v1 import image_retriever_pb2 as pb
from runtime.errors import Code, DeadlineExceeded, InvalidArgument, ServiceError
from services.image_retriever.live import LiveView
from services.image_retriever.mixture import MAX_WEIGHT, Kind
from services.image_retriever.parts import Encoded, Example, Mixture, Photo, Words
from services.image_retriever.question import Likeness, Reorder
from services.image_retriever.small import in_small
from services.image_retriever.view import Found

MAX_PARTS, MAX_EXCLUDED = 16, 64
MAX_HITS, DEFAULT_HITS = 1000, 200
MAX_CANDIDATES, MAX_FETCHED, MAX_LOOK_ALIKES = 5000, 200, 200
MAX_TEXT_CHARS, MAX_ID_CHARS = 512, 128
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


def read_mixture(query: pb.EncodeQuery, arrived: float, end: float) -> Mixture | ServiceError:
    """Returns a query to encode, or what is wrong with it.

    Args:
        query: The message.
        arrived: Reading of the clock when the call arrived.
        end: Reading of the clock at which the call is over.
    """
    try:
        return _mixture(query, arrived, end)
    except ServiceError as error:
        return error


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
        _check_id(product_id, f"product_ids[{place}]")
    return pb.FetchVectorsResponse(
        vectors=in_small(view.vectors_of(product_ids)).tobytes(),
        dimension=view.dim,
        generation=named(view),
    )


def named(view: LiveView) -> catalog_pb2.Generation:
    """Returns the message that names what answered."""
    return catalog_pb2.Generation(generation=view.generation, seq=view.seq)


def _mixture(query: pb.EncodeQuery, arrived: float, end: float) -> Mixture:
    if not 1 <= len(query.parts) <= MAX_PARTS:
        raise InvalidArgument(f"a query has 1 to {MAX_PARTS} parts", field="parts")
    if query.deadline_ms < 0:
        raise InvalidArgument("deadline_ms must not be negative", field="deadline_ms")
    if query.deadline_ms:
        end = min(end, arrived + query.deadline_ms / 1000)
    return Mixture(
        [_part(part, number) for number, part in enumerate(query.parts)],
        [_weight(part, number) for number, part in enumerate(query.parts)],
        end,
    )


def _part(part: pb.QueryPart, number: int) -> Words | Photo | Example:
    at = f"parts[{number}]"
    source = part.WhichOneof("source")
    if part.HasField("crop") and source != "photo":
        raise InvalidArgument("only a photo can be cropped", field=f"{at}.crop")
    if part.remove_background and source != "photo":
        raise InvalidArgument("only a photo has a background", field=f"{at}.remove_background")
    if source == "text":
        if len(part.text) > MAX_TEXT_CHARS:
            raise InvalidArgument(
                f"text has at most {MAX_TEXT_CHARS} characters", field=f"{at}.text"
            )
        text = clean(part.text)
        if not text:
            raise InvalidArgument("text must not be empty", field=f"{at}.text")
        return Words(text)
    if source == "photo":
        crop = _crop(part.crop, f"{at}.crop") if part.HasField("crop") else WHOLE
        return Photo(part.photo, crop, part.remove_background)
    if source == "product_id":
        _check_id(part.product_id, f"{at}.product_id")
        return Example(part.product_id)
    raise InvalidArgument("a part is a text, a photo or a product", field=at)


def _crop(crop: pb.Crop, at: str) -> Crop:
    return crop_at(at, x=crop.x, y=crop.y, width=crop.width, height=crop.height)


def _check_id(product_id: str, at: str) -> None:
    if not 1 <= len(product_id) <= MAX_ID_CHARS:
        raise InvalidArgument(f"a product id has 1 to {MAX_ID_CHARS} characters", field=at)


def _weight(part: pb.QueryPart, number: int) -> float:
    weight = part.weight if part.HasField("weight") else 1.0
    if not math.isfinite(weight) or not 0 < abs(weight) <= MAX_WEIGHT:
        raise InvalidArgument(
            f"a weight is -{MAX_WEIGHT:g} to {MAX_WEIGHT:g} and not 0",
            field=f"parts[{number}].weight",
        )
    return weight


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
        for name in ("candidate_count", "kind_vector"):
            if getattr(query, name):
                raise InvalidArgument("only with order_vector", field=name)
        return None
    if query.candidate_count and not count <= query.candidate_count <= MAX_CANDIDATES:
        raise InvalidArgument(
            f"candidate_count is hit_count to {MAX_CANDIDATES}", field="candidate_count"
        )
    vector = _unit(query.order_vector, index.dim, "order_vector")
    kinds = None
    if query.kind_vector:
        kinds = index.kinds_of(_unit(query.kind_vector, index.dim, "kind_vector"))
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
