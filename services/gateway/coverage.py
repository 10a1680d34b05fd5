"""Says who answered, who did not, and what that cost the answer."""

from collections.abc import Mapping, Sequence

from runtime.errors import (
    DeadlineExceeded,
    Overloaded,
    PreconditionFailed,
    ServiceError,
    Unavailable,
)

STEPS = ("text", "image", "ranking", "taste")
OK, SKIPPED, TIMEOUT, SHED, ERROR = "ok", "skipped", "timeout", "shed", "error"
STALE, RESTARTED = "stale_index", "paging_restarted"
_ALSO = {TIMEOUT: "timeout_partial", SHED: "overload_reduced"}


class HistoryUnavailable(Unavailable):
    """What a shopper did cannot be read."""


def coverage_of(error: ServiceError) -> str:
    """``timeout``, ``shed`` or ``error``."""
    if isinstance(error, DeadlineExceeded):
        return TIMEOUT
    return SHED if isinstance(error, Overloaded) else ERROR


def leg_reasons(failed: Mapping[str, ServiceError]) -> list[str]:
    """The degraded reasons of the retrievers that were asked and did not answer."""
    return [
        reason
        for name, error in failed.items()
        for reason in _with_cause(f"{name}_unavailable", error)
    ]


def taste_reasons(error: ServiceError) -> Sequence[str]:
    """The degraded reasons where taste was asked for and did not come.

    Factors that no open generation matches, even fresh ones, are nobody's failure to answer; a
    history that cannot be read is not that of the ranking stage.
    """
    lost = isinstance(error, PreconditionFailed | HistoryUnavailable)
    return _with_cause("personalization_unavailable" if lost else "ranking_unavailable", error)


def _with_cause(reason: str, error: ServiceError) -> list[str]:
    also = _ALSO.get(coverage_of(error))
    return [reason, also] if also else [reason]
