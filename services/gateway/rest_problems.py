"""Tells errors over HTTP as problem+json (RFC 9457), without an echo of what was sent."""

import re
from collections.abc import Iterable, Mapping

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from runtime.errors import InvalidArgument, ServiceError, Unauthenticated
from runtime.tracing import current_request_id

MEDIA_TYPE = "application/problem+json"
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


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


def refused(error: ValidationError) -> InvalidArgument:
    """The first thing that is wrong with a body."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = path_of(first["loc"]) or "body"
    if first["type"] == "extra_forbidden":
        return InvalidArgument("there is no such field", field=field)
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
