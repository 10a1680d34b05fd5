"""Says what recommendations may be asked for, and refuses anything else by its field."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from catalog.product_filter import ProductFilter, check_filter
from runtime.errors import DeadlineExceeded
from services.gateway.limits import check_id, check_ids, check_range
from services.gateway.query import (
    DEFAULT_PAGE_SIZE,
    MAX_BUDGET_MS,
    MAX_PAGE_SIZE,
    MAX_SESSION_PRODUCTS,
    MIN_BUDGET_MS,
    TEXT_BUDGET_MS,
)
from services.gateway.query_options import check_quotas

__all__ = ["DEFAULT_PAGE_SIZE", "MAX_PAGE_SIZE", "RecommendQuery"]

ONE_OF_A_STYLE: Mapping[str, int] = MappingProxyType({"style": 1})
"""The quota that holds where a query does not speak of styles."""


@dataclass(frozen=True, slots=True)
class RecommendQuery:
    """Whom to recommend products to: a shopper, a session, or a stranger where both are empty.

    ``diversity`` and ``new_share`` None stand for what suits the shopper and for what the gateway
    is set to; ``budget_ms`` 0 stands for the default.

    Raises:
        InvalidArgument: A value is out of its range; the error names the field.
    """

    user_id: str = ""
    session_product_ids: tuple[str, ...] = ()
    page_size: int = DEFAULT_PAGE_SIZE
    filter: ProductFilter | None = None
    diversity: float | None = None
    quotas: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    new_share: float | None = None
    explain: bool = False
    budget_ms: int = 0

    def __post_init__(self) -> None:
        if self.user_id:
            check_id(self.user_id, "user_id")
        check_ids(self.session_product_ids, MAX_SESSION_PRODUCTS, "session_product_ids")
        check_range(self.page_size, 1, MAX_PAGE_SIZE, "page_size")
        if self.filter is not None:
            check_filter(self.filter)
        if self.diversity is not None:
            check_range(self.diversity, 0.0, 1.0, "diversity")
        check_quotas(self.quotas)
        if self.new_share is not None:
            check_range(self.new_share, 0.0, 1.0, "new_share")
        if self.budget_ms:
            check_range(self.budget_ms, MIN_BUDGET_MS, MAX_BUDGET_MS, "budget_ms")

    @property
    def total_budget_ms(self) -> int:
        """Milliseconds for the whole answer."""
        return self.budget_ms or TEXT_BUDGET_MS

    @property
    def limits(self) -> Mapping[str, int]:
        """The quotas that hold: one product of a style, unless the query says otherwise."""
        return {**ONE_OF_A_STYLE, **self.quotas}


def within_left(query: RecommendQuery, left_s: float | None) -> RecommendQuery:
    """The query with no more budget than the caller will wait.

    Raises:
        DeadlineExceeded: The caller waits for less than the smallest budget.
    """
    if left_s is None or 1000 * left_s >= query.total_budget_ms:
        return query
    if 1000 * left_s < MIN_BUDGET_MS:
        raise DeadlineExceeded("too little time is left to recommend anything")
    return replace(query, budget_ms=int(1000 * left_s))
