"""Tells errors over HTTP as problem+json (RFC 9457), without an echo of what was sent."""

import re
from collections.abc import Iterable, Mapping

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from runtime.errors import InvalidArgument, ServiceError, Unauthenticated
from runtime.tracing import current_request_id

MEDIA_TYPE = "application/problem+json"
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

# In our own words; the numbers are limits of the schema, never of what was sent.
_WORDS = {
    "extra_forbidden": "there is no such field",
    "missing": "this field is required",
    "too_short": "the least number of entries is {min_length}",
    "too_long": "the greatest number of entries is {max_length}",
    "string_too_short": "the least number of characters is {min_length}",
    "string_too_long": "the greatest number of characters is {max_length}",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
}


def problem(error: ServiceError, *, status: int = 0) -> Response:
    """The response of an error; ``status`` overrides the one of its code."""
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    return problem_of(
        status=status or error.http_status,
        title=error.title,
        code=error.code.name.lower(),
        detail=error.message,
        field=error.field,
        headers=headers,
    )


def problem_of(
    *,
    status: int,
    title: str,
    code: str,
    detail: str,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response of anything that went wrong."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "field": field,
        "request_id": current_request_id(),
    }
    return Response(orjson.dumps(body), status, headers and dict(headers), media_type=MEDIA_TYPE)


def refused(error: ValidationError, *, whole: str = "body") -> InvalidArgument:
    """The first thing that is wrong with a body; ``whole`` is the field where none can be named."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = path_of(first["loc"]) or whole
    words = _WORDS.get(first["type"])
    if words is not None:
        return InvalidArgument(words.format_map(first.get("ctx", {})), field=field)
    return InvalidArgument(first["msg"][:1].lower() + first["msg"][1:], field=field)


def path_of(steps: Iterable[int | str]) -> str:
    """The path of a field, such as ``parts[1].weight``.

    The last step of an unknown field is the caller's own text: it is named only where it looks
    like a name.
    """
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _PLAIN_NAME.fullmatch(step):
            path += f".{step}" if path else step
        else:
            break
    return path
