"""Guards every call of a server: request id, limit, errors and measurements in one place."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar, cast

import grpc
from prometheus_client import Histogram

from runtime.errors import Code, DeadlineExceeded, InvalidArgument, ServiceError
from runtime.limiter import Limiter, current_slot
from runtime.metrics import Metrics
from runtime.tracing import METADATA_KEY, bind

AUTHORIZATION = "authorization"
REASON, FIELD, RETRY_AFTER = "hemline-reason", "hemline-field", "hemline-retry-after-s"
_BATCHES = ("queries", "histories", "user_ids")
_STATUS = {status.value[0]: status for status in grpc.StatusCode}
_log = logging.getLogger(__name__)
_Request = TypeVar("_Request")
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Found: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
_Context = grpc.aio.ServicerContext[Any, Any]
_Behaviour = Callable[[Any, _Context], Awaitable[Any]]
Admit: TypeAlias = Callable[[str, str], None]
"""Is told the full name of a method and the caller's ``authorization``, and raises or not."""


class _Malformed:
    """Stands for a request whose bytes are no message of its type."""


_MALFORMED = _Malformed()


class Guard(grpc.aio.ServerInterceptor):
    """Turns what a servicer raises into a status, and nothing else leaves the process.

    A :class:`ServiceError` keeps its code and message; trailing metadata name the reason
    (``hemline-reason``), the field at fault (``hemline-field``) and the seconds to wait
    (``hemline-retry-after-s``). Bytes that are no message are INVALID_ARGUMENT. Anything else is
    INTERNAL without its text, and is logged. Health and reflection are never limited.

    Args:
        limiter: Counts the queries of a batch, or one for a call without a batch.
        metrics: Gets ``hemline_rpc_seconds{method,code}`` and ``hemline_in_flight``.
        admit: Asked before each call that is not of health or reflection; None lets all in.
    """

    def __init__(self, limiter: Limiter, metrics: Metrics, admit: Admit | None = None) -> None:
        self._limiter = limiter
        self._admit = admit
        self._seconds = metrics.histogram(
            "rpc_seconds", "Time to answer a call, by method and code", ("method", "code")
        )
        in_flight = metrics.gauge("in_flight", "Queries in the process now")
        in_flight.set_function(lambda: limiter.in_flight)
        metrics.gauge("in_flight_limit", "Queries that the process lets in").set(limiter.limit)
        self._wrapped: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Found]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Found:
        """Returns the guarded handler of a method, which is made once."""
        method = handler_call_details.method
        known = self._wrapped.get(method)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        wrapped = self._wrap(method, handler)
        self._wrapped[method] = wrapped
        return wrapped

    def _wrap(self, method: str, handler: _Handler) -> _Handler:
        is_ours = not method.startswith("/grpc.")
        behaviour = cast(_Behaviour, handler.unary_unary)
        limiter, admit = (self._limiter, self._admit) if is_ours else (None, None)
        call = _Call(method, behaviour, limiter, self._seconds, admit)
        return grpc.unary_unary_rpc_method_handler(
            call.run,  # grpc asks whether this is a coroutine function.
            request_deserializer=_tolerant(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )


class _Call:
    """Runs one method under guard."""

    def __init__(
        self,
        method: str,
        behaviour: _Behaviour,
        limiter: Limiter | None,
        seconds: Histogram,
        admit: Admit | None,
    ) -> None:
        self._method = method
        self._admit = admit
        self._behaviour = behaviour
        self._limiter = limiter
        self._seconds = seconds
        self._by_code: dict[str, Histogram] = {}

    async def run(self, request: object, context: _Context) -> object:
        """Answers one call, or aborts it."""
        started = time.perf_counter()
        code = "CANCELLED"  # So that a call that was given up is not counted as answered.
        slot = None
        try:
            bind(_told(context, METADATA_KEY))
            if self._admit is not None:
                self._admit(self._method, _told(context, AUTHORIZATION))
            if isinstance(request, _Malformed):
                raise InvalidArgument("the request is not a message of this method")
            left = context.time_remaining()
            if left is not None and left <= 0:
                raise DeadlineExceeded("the time for this call is over")
            if self._limiter is not None:
                slot = self._limiter.enter(_count(request))
                current_slot.set(slot)
            response = await self._behaviour(request, context)
            code = "OK"
        except ServiceError as error:
            code = error.code.name
            await self._abort(error, context)
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except grpc.aio.AbortError:
            code = "ABORTED"
            raise
        except BaseException:  # noqa: BLE001  # A panic in a Rust library is no Exception.
            code = Code.INTERNAL.name
            _log.exception("unhandled error in %s", self._method)
            await context.abort(grpc.StatusCode.INTERNAL, "internal error", _trailer(code))
        finally:
            if slot is not None:
                slot.release()
            self._observe(code, time.perf_counter() - started)
        return response

    async def _abort(self, error: ServiceError, context: _Context) -> None:
        message = error.message
        if error.code is Code.INTERNAL:
            _log.error("internal error in %s: %s", self._method, message, exc_info=error)
            message = "internal error"
        status = _STATUS[error.code.grpc_number]
        trailer = _trailer(error.code.name, error.field, error.retry_after_s)
        await context.abort(status, message, trailer)

    def _observe(self, code: str, seconds: float) -> None:
        child = self._by_code.get(code)
        if child is None:
            child = self._by_code[code] = self._seconds.labels(self._method, code)
        child.observe(seconds)


def _tolerant(parse: Callable[[bytes], _Request] | None) -> Callable[[bytes], object]:
    def deserialize(raw: bytes) -> object:
        try:
            return raw if parse is None else parse(raw)
        except Exception:  # noqa: BLE001  # grpc would answer UNKNOWN with the name of a class.
            return _MALFORMED

    return deserialize


def _count(request: object) -> int:
    for name in _BATCHES:
        batch = getattr(request, name, None)
        if batch is not None:
            return max(1, len(batch))
    return 1


def _told(context: _Context, name: str) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == name and isinstance(value, str):
            return value
    return ""


def _trailer(
    reason: str, field: str | None = None, retry_after_s: float | None = None
) -> tuple[tuple[str, str], ...]:
    trailer = [(REASON, reason)]
    if field:
        trailer.append((FIELD, field.encode("ascii", "replace").decode("ascii")))
    if retry_after_s is not None:
        trailer.append((RETRY_AFTER, f"{retry_after_s:g}"))
    return tuple(trailer)
