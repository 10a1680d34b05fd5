"""Checks the messages of the text service, and turns answers into messages."""

import logging
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from catalog.filter_wire import filter_from_proto
from catalog.product import MAX_ID_CHARS
from catalog.product_filter import Condition, ProductFilter, check_field, check_filter
from fashion.catalog.v1 import catalog_pb2
from fashion.text.v1 import text_retriever_pb2 as pb
from runtime.errors import Code, InvalidArgument, ServiceError
from services.text_retriever.boosts import Boost
from services.text_retriever.browse import Order, Rows
from services.text_retriever.suggest import Completion

MAX_BATCH = 32
MAX_CHARS = 512
MAX_HITS = 1000
DEFAULT_HITS = 200
MAX_IDS = 1000
MAX_FIELDS = 20
MAX_BOOSTS = 32
MAX_BOOST_VALUES = 50
MAX_BOOST = 100
MAX_COMPLETIONS = 20
DEFAULT_COMPLETIONS = 8

ORDERS: Mapping[pb.BrowseOrder, Order] = {
    pb.BROWSE_ORDER_UNSPECIFIED: "id",
    pb.BROWSE_ORDER_PRICE_ASC: "price_asc",
    pb.BROWSE_ORDER_PRICE_DESC: "price_desc",
    pb.BROWSE_ORDER_NEWEST: "newest",
}

_log = logging.getLogger(__name__)


def check_query(query: pb.TextQuery) -> None:
    """Refuses a query that is malformed.

    Raises:
        InvalidArgument: A field is; the error names it.
    """
    if not query.text.strip():
        raise InvalidArgument("text is required", field="text")
    if len(query.text) > MAX_CHARS:
        raise InvalidArgument(f"text may have at most {MAX_CHARS} characters", field="text")
    if len(query.excluded_text) > MAX_CHARS:
        raise InvalidArgument(
            f"excluded_text may have at most {MAX_CHARS} characters", field="excluded_text"
        )
    if query.deadline_ms < 0:
        raise InvalidArgument("deadline_ms must be 0 or more", field="deadline_ms")


def boosts_of(query: pb.TextQuery) -> list[Boost]:
    """Returns what lifts products, checked.

    Raises:
        InvalidArgument: There are too many, or one is malformed; the error names it.
    """
    if len(query.boosts) > MAX_BOOSTS:
        raise InvalidArgument(f"at most {MAX_BOOSTS} boosts", field="boosts")
    return [_boost(each, f"boosts[{place}]") for place, each in enumerate(query.boosts)]


def _boost(message: pb.Boost, path: str) -> Boost:
    if not 1 <= len(message.values) <= MAX_BOOST_VALUES:
        raise InvalidArgument(
            f"a boost needs 1 to {MAX_BOOST_VALUES} values", field=f"{path}.values"
        )
    if not 0 <= message.weight <= MAX_BOOST:  # not a number is neither
        raise InvalidArgument(f"weight must be 0 to {MAX_BOOST}", field=f"{path}.weight")
    condition = Condition(message.field, tuple(message.values))
    check_filter(condition, path=path)
    return Boost(condition, message.weight)


def hit_count(wanted: int) -> int:
    """Returns how many hits are wanted.

    Raises:
        InvalidArgument: Too many, or fewer than none.
    """
    if not 0 <= wanted <= MAX_HITS:
        raise InvalidArgument(f"hit_count must be 1 to {MAX_HITS}, or 0", field="hit_count")
    return wanted or DEFAULT_HITS


def filter_of(
    request: pb.TextQuery | pb.BrowseProductsRequest,
) -> ProductFilter | None:
    """Returns the filter of a request, checked, or None.

    Raises:
        InvalidArgument: It is malformed.
    """
    return filter_from_proto(request.filter) if request.HasField("filter") else None


def check_count(request: pb.CountFacetsRequest) -> None:
    """Refuses a request for facets that is malformed.

    Raises:
        InvalidArgument: A field is; the error names it.
    """
    ids = request.product_ids
    if len(ids) > MAX_IDS:
        raise InvalidArgument(f"at most {MAX_IDS} products are counted", field="product_ids")
    if len(set(ids)) != len(ids):
        raise InvalidArgument("a product is there twice", field="product_ids")
    if not all(1 <= len(each) <= MAX_ID_CHARS for each in ids):
        raise InvalidArgument(f"an id must be 1 to {MAX_ID_CHARS} characters", field="product_ids")
    if len(request.fields) > MAX_FIELDS:
        raise InvalidArgument(f"at most {MAX_FIELDS} fields are counted", field="fields")
    for place, field in enumerate(request.fields):
        check_field(field, path=f"fields[{place}]")


def completion_limit(request: pb.CompleteTextRequest) -> int:
    """Returns how many completions are wanted.

    Raises:
        InvalidArgument: A field is malformed; the error names it.
    """
    if not request.text.strip():
        raise InvalidArgument("text is required", field="text")
    if len(request.text) > MAX_CHARS:
        raise InvalidArgument(f"text may have at most {MAX_CHARS} characters", field="text")
    if not 0 <= request.limit <= MAX_COMPLETIONS:
        raise InvalidArgument(f"limit must be 1 to {MAX_COMPLETIONS}, or 0", field="limit")
    return request.limit or DEFAULT_COMPLETIONS


def completion_to_proto(completion: Completion) -> pb.Completion:
    """Returns the message of a completion."""
    return pb.Completion(
        text=completion.text,
        kind=f"COMPLETION_KIND_{completion.kind.upper()}",
        product_count=completion.product_count,
    )


def check_seq(min_seq: int) -> None:
    """Refuses a number that no change has.

    Raises:
        InvalidArgument: It is below 0.
    """
    if min_seq < 0:
        raise InvalidArgument("min_seq must be 0 or more", field="min_seq")


def status_of(error: ServiceError) -> catalog_pb2.QueryStatus:
    """Returns what became of a query that failed; a bug is logged and not told."""
    message = error.message
    if error.code is Code.INTERNAL:
        _log.error("a query failed: %s", message, exc_info=error)
        message = "internal error"
    return catalog_pb2.QueryStatus(
        code=error.code.grpc_number, message=message, field=error.field or ""
    )


def rows_to_proto(rows: Rows) -> pb.ProductRows:
    """Returns the message of rows, styles, brands and colours numbered within it."""
    return pb.ProductRows(
        styles=_numbered(rows.styles),
        prices_minor=rows.prices.tolist(),
        added_seqs=rows.added.tolist(),
        brands=_numbered(rows.brands),
        colours=_numbered(rows.colours),
    )


def _numbered(codes: npt.NDArray[np.int32]) -> list[int]:
    known, numbers = np.unique(codes, return_inverse=True)
    # What is absent has -1, the smallest: the others are numbered from 0.
    first = 1 if len(known) and known[0] < 0 else 0
    return [*map(int, numbers - first)]
