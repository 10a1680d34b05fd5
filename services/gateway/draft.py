"""Gathers what a query asks of the stages while its words are read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from catalog.product_filter import Condition, ProductFilter
from services.gateway.answer import Understood
from services.gateway.meaning import Meaning
from services.gateway.pieces import Found
from services.gateway.scanning import Word
from services.gateway.stages import Boost

_BRAND = "brand"
_MOST_BOOSTS = 32


@dataclass(frozen=True, slots=True)
class Wording:
    """A text and the words that it is made of."""

    text: str
    words: Sequence[Word]

    def written(self, piece: Found) -> str:
        """What stands in the text for a piece of it, without quotes."""
        if piece.exact is not None:
            return piece.exact.written
        return self.text[self.words[piece.start].start : self.words[piece.end - 1].end]


@dataclass(slots=True)
class Draft:
    """A reading in the making: words for both sides, boosts by field and values, filters.

    ``own`` are the words in the language of the query, ``named`` the fields that they speak of.
    ``taken_apart`` are words that no product holds and of which a part is unknown.
    """

    lookups: list[str] = field(default_factory=list)
    readable: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    boosts: dict[tuple[str, tuple[str, ...]], float] = field(default_factory=dict)
    filters: list[ProductFilter] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    negative: list[str] = field(default_factory=list)
    understood: list[Understood] = field(default_factory=list)
    taken_apart: list[str] = field(default_factory=list)

    def admit(self, condition: Condition) -> None:
        """Takes a filter; of several brands each will do, for no product has two."""
        for place, each in enumerate(self.filters):
            if condition.field == _BRAND and isinstance(each, Condition) and each.field == _BRAND:
                values = tuple(dict.fromkeys((*each.values, *condition.values)))
                self.filters[place] = Condition(_BRAND, values)
                return
        self.filters.append(condition)

    def lifting(self) -> tuple[Boost, ...]:
        """The boosts, at most 32."""
        boosts = (Boost(home, held, weight) for (home, held), weight in self.boosts.items())
        return tuple(islice(boosts, _MOST_BOOSTS))

    def tell(
        self, piece: Found, written: str, effect: str, meanings: Sequence[Meaning] | None = None
    ) -> None:
        """Says what was done with a piece: with these meanings of it, or with its first."""
        phrase = piece.phrase
        if piece.exact is not None:
            for value in piece.exact.values:
                self.say(Understood(piece.exact.field, value, written, effect))
        if piece.exact is not None or phrase is None:
            return
        is_value = any(meaning.is_value for meaning in phrase.meanings)
        if phrase.field and meanings is None and not is_value:
            self.say(Understood(phrase.field, phrase.name, written, effect))
            return
        for meaning in phrase.meanings[:1] if meanings is None else meanings:
            self.say(Understood(meaning.field, meaning.value, written, effect))

    def say(self, told: Understood) -> None:
        """Says what was done, once."""
        if told not in self.understood:
            self.understood.append(told)
