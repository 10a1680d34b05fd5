"""Says which products are meant: conditions on fields, joined by and, or and not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from catalog.limits import MAX_TITLE_CHARS, MAX_WORD_CHARS
from catalog.product import Product
from runtime.errors import InvalidArgument

MAX_LEAVES = 20
MAX_DEPTH = 8
MAX_VALUES = 1000
WORDS = ("id", "style_id", "brand", "kind", "gender", "colour", "season")
"""Fields that hold one word each."""
FLAGS = ("in_stock", "has_photo")
"""Fields that are true or false."""
FIELDS = (*WORDS, "category", "size", *FLAGS, "price_minor")
"""All fields but those of :data:`ATTRIBUTES`."""
NUMBER = "price_minor"
ATTRIBUTES = "attributes."
"""What the field of an attribute begins with."""

_MAX_INT64 = 2**63 - 1
_NUMBER_DIGITS = 19
_TRUTH: Mapping[bool, str] = {True: "true", False: "false"}


@dataclass(frozen=True, slots=True)
class Condition:
    """Admits by one field: a product that holds any of the values, or whose number is in range.

    Values are compared exactly, as a facet shows them. ``gte``, ``lte``, ``gt`` and ``lt`` are
    for ``price_minor`` alone and hold together; a product without a price is in no range.
    """

    field: str
    values: tuple[str, ...] = ()
    gte: int | None = None
    lte: int | None = None
    gt: int | None = None
    lt: int | None = None

    @property
    def has_range(self) -> bool:
        """Whether the condition is a range."""
        return any(bound is not None for bound in (self.gte, self.lte, self.gt, self.lt))

    @property
    def interval(self) -> tuple[int, int]:
        """The least and the greatest number in the range; the first is above if none is."""
        least = max(
            -_MAX_INT64 - 1 if self.gte is None else self.gte,
            -_MAX_INT64 - 1 if self.gt is None else self.gt + 1,
        )
        most = min(
            _MAX_INT64 if self.lte is None else self.lte,
            _MAX_INT64 if self.lt is None else self.lt - 1,
        )
        return least, most


@dataclass(frozen=True, slots=True)
class AllOf:
    """Admits what every one of the filters admits."""

    filters: "tuple[ProductFilter, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Admits what any one of the filters admits."""

    filters: "tuple[ProductFilter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Admits what the filter does not admit."""

    filter: "ProductFilter"


ProductFilter: TypeAlias = Condition | AllOf | AnyOf | Not


def check_filter(found: ProductFilter, *, path: str = "filter") -> None:
    """Refuses a filter that is malformed or too large.

    Args:
        found: The filter.
        path: What the error calls it; parts are named as in JSON, ``filter.and[1].field``.

    Raises:
        InvalidArgument: A field is unknown, a condition has no values or a range too, a value
            does not fit its field, or there are too many leaves or levels.
    """
    if _check(found, path, 1) > MAX_LEAVES:
        raise InvalidArgument(f"a filter may have at most {MAX_LEAVES} conditions", field=path)


def check_field(field: str, *, path: str) -> None:
    """Refuses a field that no product has.

    Raises:
        InvalidArgument: The field is none of :data:`FIELDS`, nor that of an attribute.
    """
    if field in FIELDS:
        return
    name = field.removeprefix(ATTRIBUTES)
    if name == field or not 1 <= len(name) <= MAX_WORD_CHARS:
        known = ", ".join(FIELDS)
        raise InvalidArgument(f"field must be one of {known}, attributes.NAME", field=path)


def admits(found: ProductFilter, product: Product) -> bool:
    """Tells whether the filter admits the product; every faster way is held to this one."""
    match found:
        case AllOf(filters):
            return all(admits(each, product) for each in filters)
        case AnyOf(filters):
            return any(admits(each, product) for each in filters)
        case Not(inner):
            return not admits(inner, product)
        case Condition() if found.has_range:
            least, most = found.interval
            return product.price_minor is not None and least <= product.price_minor <= most
        case Condition(field, values):
            return any(value in values for value in values_of(product, field))


def values_of(product: Product, field: str) -> tuple[str, ...]:
    """Returns the values of a field that a product holds, each once, as facets show them.

    Empty words are no values; ``size`` names the sizes that are in stock.

    Raises:
        InvalidArgument: No product has the field.
    """
    if field in WORDS:
        word: str = getattr(product, field)
        return (word,) if word else ()
    if field == "category":
        return tuple(dict.fromkeys(filter(None, product.category)))
    if field == "size":
        held = (size.size for size in product.sizes if size.stock > 0)
        return tuple(dict.fromkeys(filter(None, held)))
    if field == "in_stock":
        return (_TRUTH[product.in_stock],)
    if field == "has_photo":
        return (_TRUTH[bool(product.images)],)
    if field == NUMBER:
        return () if product.price_minor is None else (str(product.price_minor),)
    check_field(field, path="field")
    value = product.attributes.get(field.removeprefix(ATTRIBUTES), "")
    return (value,) if value else ()


def without_field(found: ProductFilter, field: str) -> ProductFilter | None:
    """Returns the filter without its top-level conditions on a field; None if nothing is left.

    Top-level are the filter itself and the members of an :class:`AllOf` at the top.
    """
    kept = tuple(each for each in _top(found) if not _is_on(each, field))
    if len(kept) == len(_top(found)):
        return found
    if len(kept) <= 1:
        return kept[0] if kept else None
    return AllOf(kept)


def selected_values(found: ProductFilter | None, field: str) -> Condition | None:
    """Returns the first top-level condition on a field, or None."""
    members = () if found is None else _top(found)
    return next(
        (each for each in members if isinstance(each, Condition) and each.field == field), None
    )


def _top(found: ProductFilter) -> tuple[ProductFilter, ...]:
    return found.filters if isinstance(found, AllOf) else (found,)


def _is_on(found: ProductFilter, field: str) -> bool:
    return isinstance(found, Condition) and found.field == field


def _check(found: ProductFilter, path: str, depth: int) -> int:
    """Checks a node at a depth, the top being 1, and returns how many leaves it has."""
    if depth > MAX_DEPTH:
        raise InvalidArgument(f"a filter may be nested at most {MAX_DEPTH} deep", field=path)
    if isinstance(found, Condition):
        _check_condition(found, path)
        return 1
    if isinstance(found, Not):
        return _check(found.filter, f"{path}.not", depth + 1)
    path = f"{path}.{'and' if isinstance(found, AllOf) else 'or'}"
    if not 1 <= len(found.filters) <= MAX_LEAVES:
        raise InvalidArgument(f"there must be 1 to {MAX_LEAVES} filters", field=path)
    return sum(_check(each, f"{path}[{n}]", depth + 1) for n, each in enumerate(found.filters))


def _check_condition(found: Condition, path: str) -> None:
    check_field(found.field, path=f"{path}.field")
    if found.has_range:
        _check_range(found, path)
        return
    path = f"{path}.in"
    if not 1 <= len(found.values) <= MAX_VALUES:
        needed = f"{NUMBER} needs a range or" if found.field == NUMBER else "this field needs"
        raise InvalidArgument(f"{needed} 1 to {MAX_VALUES} values", field=path)
    for place, value in enumerate(found.values):
        if not 1 <= len(value) <= MAX_TITLE_CHARS:
            raise InvalidArgument(
                f"a value must be 1 to {MAX_TITLE_CHARS} characters", field=f"{path}[{place}]"
            )
        if found.field in FLAGS and value not in _TRUTH.values():
            raise InvalidArgument("the value must be true or false", field=f"{path}[{place}]")
        if found.field == NUMBER and not _is_number(value):
            raise InvalidArgument("the value must be a whole number", field=f"{path}[{place}]")


def _check_range(found: Condition, path: str) -> None:
    if found.field != NUMBER:
        raise InvalidArgument(f"only {NUMBER} has ranges", field=path)
    if found.values:
        raise InvalidArgument("a condition has values or a range, not both", field=path)
    for name in ("gte", "lte", "gt", "lt"):
        bound: int | None = getattr(found, name)
        if bound is not None and not -_MAX_INT64 - 1 <= bound <= _MAX_INT64:
            raise InvalidArgument("the number must fit 64 bits", field=f"{path}.{name}")


def _is_number(value: str) -> bool:
    return (
        value.isascii()
        and value.isdigit()
        and len(value) <= _NUMBER_DIGITS
        and str(int(value)) == value
        and int(value) <= _MAX_INT64
    )
