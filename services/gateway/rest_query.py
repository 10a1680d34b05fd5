"""Reads what a request says beside its path and body: headers and query parameters."""

from starlette.requests import Request

from runtime.errors import InvalidArgument
from services.gateway.query import MAX_BUDGET_MS, MIN_BUDGET_MS

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
    """A whole number of the query, 0 or more."""
    told = request.query_params.get(name)
    if told is None:
        return default
    if not (told.isascii() and told.isdecimal() and len(told) <= 6):
        raise InvalidArgument("must be a number", field=name)
    return int(told)
