"""Turns filters and facets into messages, and back."""

from catalog.facet import Facet, FacetRange, FacetValue
from catalog.product_filter import AllOf, AnyOf, Condition, Not, ProductFilter, check_filter
from fashion.catalog.v1 import catalog_pb2 as pb
from runtime.errors import InvalidArgument


def filter_from_proto(message: pb.ProductFilter, *, path: str = "filter") -> ProductFilter:
    """Returns the filter of a message, checked.

    Args:
        message: The message.
        path: What an error calls it.

    Raises:
        InvalidArgument: A node is of no kind, or the filter does not pass ``check_filter``.
    """
    found = _filter(message, path)
    check_filter(found, path=path)
    return found


def filter_to_proto(found: ProductFilter) -> pb.ProductFilter:
    """Returns the message of a filter."""
    match found:
        case AllOf(filters):
            members = [filter_to_proto(each) for each in filters]
            return pb.ProductFilter(all_of=pb.ProductFilterList(filters=members))
        case AnyOf(filters):
            members = [filter_to_proto(each) for each in filters]
            return pb.ProductFilter(any_of=pb.ProductFilterList(filters=members))
        case Not(inner):
            return pb.ProductFilter(not_of=filter_to_proto(inner))
        case Condition():
            return pb.ProductFilter(
                condition=pb.FieldCondition(
                    field=found.field,
                    values=found.values,
                    gte=found.gte,
                    lte=found.lte,
                    gt=found.gt,
                    lt=found.lt,
                )
            )


def facet_to_proto(facet: Facet) -> pb.Facet:
    """Returns the message of a facet."""
    return pb.Facet(
        field=facet.field,
        values=[
            pb.FacetValue(value=each.value, count=each.count, selected=each.selected)
            for each in facet.values
        ],
        ranges=[
            pb.FacetRange(gte=each.gte, lt=each.lt, count=each.count, selected=each.selected)
            for each in facet.ranges
        ],
    )


def facet_from_proto(message: pb.Facet) -> Facet:
    """Returns the facet of a message."""
    return Facet(
        message.field,
        tuple(FacetValue(each.value, each.count, each.selected) for each in message.values),
        tuple(FacetRange(each.gte, each.lt, each.count, each.selected) for each in message.ranges),
    )


def _filter(message: pb.ProductFilter, path: str) -> ProductFilter:
    # The parser of messages stops at 100 levels, long before this recursion would.
    match message.WhichOneof("node"):
        case "all_of":
            return AllOf(_members(message.all_of, f"{path}.and"))
        case "any_of":
            return AnyOf(_members(message.any_of, f"{path}.or"))
        case "not_of":
            return Not(_filter(message.not_of, f"{path}.not"))
        case "condition":
            return _condition(message.condition)
        case _:
            raise InvalidArgument("a filter must be and, or, not, or a condition", field=path)


def _members(message: pb.ProductFilterList, path: str) -> tuple[ProductFilter, ...]:
    return tuple(_filter(each, f"{path}[{place}]") for place, each in enumerate(message.filters))


def _condition(message: pb.FieldCondition) -> Condition:
    return Condition(
        message.field,
        tuple(message.values),
        message.gte if message.HasField("gte") else None,
        message.lte if message.HasField("lte") else None,
        message.gt if message.HasField("gt") else None,
        message.lt if message.HasField("lt") else None,
    )
