"""Gathers what a query asks of the stages while its words are read."""

from dataclasses import dataclass, field
from itertools import islice

from catalog.product_filter import ProductFilter
from services.gateway.answer import Understood
from services.gateway.stages import Boost

_MOST_BOOSTS = 32


@dataclass(slots=True)
class Draft:
    """A reading in the making: words for both sides, boosts by field and values, filters.

    ``taken_apart`` are words that no product holds and of which a part is unknown.
    """

    lookups: list[str] = field(default_factory=list)
    readable: list[str] = field(default_factory=list)
    boosts: dict[tuple[str, tuple[str, ...]], float] = field(default_factory=dict)
    filters: list[ProductFilter] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    negative: list[str] = field(default_factory=list)
    understood: list[Understood] = field(default_factory=list)
    taken_apart: list[str] = field(default_factory=list)

    def lifting(self) -> tuple[Boost, ...]:
        """The boosts, at most 32."""
        boosts = (Boost(home, held, weight) for (home, held), weight in self.boosts.items())
        return tuple(islice(boosts, _MOST_BOOSTS))
