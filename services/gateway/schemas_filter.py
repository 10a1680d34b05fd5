"""Says what a filter is in JSON, and reads it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from catalog.product_filter import (
    FLAGS,
    MAX_LEAVES,
    MAX_VALUES,
    NUMBER,
    AllOf,
    AnyOf,
    Condition,
    Not,
    ProductFilter,
)
from runtime.errors import InvalidArgument

_INT64 = 1 << 63
_ONE = "give exactly one of and, or, not and field"


def _value(told: object) -> bool | int | str:
    if isinstance(told, bool | int | str):
        return told
    raise PydanticCustomError("value_type", "must be text, a whole number, true or false")


Value = Annotated[
    bool | int | str,
    PlainValidator(_value),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]}),
]
Bound = Annotated[int, Field(ge=-_INT64, lt=_INT64)]
Members = Annotated[list["FilterBody"], Field(min_length=1, max_length=MAX_LEAVES)]


class FilterBody(BaseModel):
    """Which products are meant: exactly one of and, or, not and field.

    A field comes with ``in`` (any of these values) or with a range (``price_minor`` alone). At most
    20 conditions, nested at most 8 deep.
    """

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

    and_: Members | None = Field(None, alias="and", description="All of these.")
    or_: Members | None = Field(None, alias="or", description="Any of these.")
    not_: "FilterBody | None" = Field(None, alias="not", description="Not this.")
    field: str | None = Field(
        None,
        description="id, style_id, brand, category, kind, gender, colour, season, size (in stock), "
        "in_stock, has_photo, price_minor, or attributes.NAME.",
    )
    in_: list[Value] | None = Field(
        None,
        alias="in",
        min_length=1,
        max_length=MAX_VALUES,
        description="Texts; true or false for in_stock and has_photo; numbers for price_minor.",
    )
    gte: Bound | None = Field(None, description="Least number.")
    lte: Bound | None = Field(None, description="Greatest number.")
    gt: Bound | None = Field(None, description="Greater numbers only.")
    lt: Bound | None = Field(None, description="Smaller numbers only.")


def to_filter(body: FilterBody, path: str = "filter") -> ProductFilter:
    """The filter of a body; its size is not checked yet.

    Raises:
        InvalidArgument: A node is none or several of and, or, not and field, or a value is not of
            the type of its field.
    """
    nodes = (body.and_, body.or_, body.not_, body.field)
    if sum(node is not None for node in nodes) != 1:
        raise InvalidArgument(_ONE, field=path)
    if body.field is not None:
        return _condition(body, body.field, path)
    if (body.in_, body.gte, body.lte, body.gt, body.lt) != (None,) * 5:
        raise InvalidArgument("values and ranges go with a field", field=path)
    if body.and_ is not None:
        return AllOf(_each(body.and_, f"{path}.and"))
    if body.or_ is not None:
        return AnyOf(_each(body.or_, f"{path}.or"))
    if body.not_ is not None:
        return Not(to_filter(body.not_, f"{path}.not"))
    raise InvalidArgument(_ONE, field=path)


def _each(bodies: list[FilterBody], path: str) -> tuple[ProductFilter, ...]:
    return tuple(to_filter(body, f"{path}[{place}]") for place, body in enumerate(bodies))


def _condition(body: FilterBody, field: str, path: str) -> Condition:
    values = tuple(
        _text(value, field, f"{path}.in[{place}]") for place, value in enumerate(body.in_ or ())
    )
    return Condition(field, values, body.gte, body.lte, body.gt, body.lt)


def _text(value: bool | int | str, field: str, path: str) -> str:
    """The value as facets show it."""
    if field in FLAGS:
        if not isinstance(value, bool):
            raise InvalidArgument("the value must be true or false", field=path)
        return "true" if value else "false"
    if field == NUMBER:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _INT64:
            raise InvalidArgument("the value must be a whole number, 0 or more", field=path)
        return str(value)
    if not isinstance(value, str):
        raise InvalidArgument("the value must be text", field=path)
    return value
