"""Turns the error of a call to a stage into our words."""

import grpc

from runtime.errors import (
    Code,
    DeadlineExceeded,
    Internal,
    Overloaded,
    ServiceError,
    Unavailable,
    of_code,
)
from runtime.interceptors import FIELD, REASON

_TRANSPORT = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED)


def translate(stage: str, error: grpc.aio.AioRpcError) -> ServiceError:
    """Returns the error that a stage answered; what the transport says stays here."""
    trailer = {key: value for key, value in error.trailing_metadata() or () if value}
    status = error.code()
    code = Code.of_grpc(status.value[0])
    if code is Code.UNAVAILABLE or (status in _TRANSPORT and REASON not in trailer):
        return Unavailable(f"the {stage} stage does not answer", retry_after_s=1.0)
    if code is Code.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"the {stage} stage took too long")
    if code is Code.RESOURCE_EXHAUSTED:
        return Overloaded(f"the {stage} stage has no room", retry_after_s=1.0)
    if code is Code.INTERNAL:
        return Internal(f"the {stage} stage failed with {status.name}")
    field = trailer.get(FIELD)
    return of_code(code, error.details() or "", field=field if isinstance(field, str) else None)
