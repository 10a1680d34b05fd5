"""Reads what a request says beside its path and body: headers and query parameters."""

import re

from starlette.requests import Request

from catalog.product_filter import ProductFilter
from runtime.errors import InvalidArgument
from services.gateway import rest_bodies as bodies
from services.gateway.query import MAX_BUDGET_MS, MIN_BUDGET_MS
from services.gateway.schemas_filter import FilterBody, to_filter

_DIGITS = 6
_WHOLE = re.compile(r"(-?)([0-9]{1,64})")
TIMEOUT_HEADER = "x-timeout-ms"


def header_s(request: Request) -> float | None:
    """The seconds that the caller says it will wait."""
    told = request.headers.get(TIMEOUT_HEADER)
    if told is None:
        return None
    if not (told.isascii() and told.isdecimal() and len(told) <= 5) or not (
        MIN_BUDGET_MS <= int(told) <= MAX_BUDGET_MS
    ):
        raise InvalidArgument(f"must be {MIN_BUDGET_MS} to {MAX_BUDGET_MS}", field=TIMEOUT_HEADER)
    return int(told) / 1000


def number(request: Request, name: str, default: int) -> int:
    """A whole number of the query; beyond six digits its sign is all that counts."""
    told = request.query_params.get(name)
    if told is None:
        return default
    found = _WHOLE.fullmatch(told)
    if found is None:
        raise InvalidArgument("must be a whole number", field=name)
    size = int(found[2]) if len(found[2]) <= _DIGITS else 10**_DIGITS
    return -size if found[1] else size


def filter_of(told: str | None) -> ProductFilter | None:
    """The filter that a query holds as JSON, if it does."""
    if told is None:
        return None
    try:
        body = bodies.parse(FilterBody, told.encode("utf-8", "surrogatepass"))
    except InvalidArgument as error:
        at = "filter" if error.field in (None, "body") else f"filter.{error.field}"
        raise InvalidArgument(error.message, field=at) from None
    return to_filter(body)
