"""Holds what a query is made of once its phrases are found."""

from dataclasses import dataclass, replace

from catalog.product_filter import Condition
from services.gateway.answer import Understood
from services.gateway.meaning import Meaning

WORDS = "words"
"""The field of what no field of the catalogue knows."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a written phrase can be: something wanted, a filler, or a marker; or several of them.

    ``beside`` is what it says beside the name of a garment. ``is_english`` tells whether it is
    said like this in English; ``field`` is set where it names a field itself, ``name`` then is
    what the field is called.
    """

    meanings: tuple[Meaning, ...] = ()
    roles: frozenset[str] = frozenset()
    is_filler: bool = False
    is_english: bool = False
    field: str = ""
    name: str = ""
    beside: tuple[Meaning, ...] = ()

    @property
    def is_mention(self) -> bool:
        """Whether it says something of a product."""
        return bool(self.meanings or self.field)


@dataclass(frozen=True, slots=True)
class Exact:
    """Pieces of a query that are meant just as they stand: a quoted text, a size or a price.

    Attributes:
        start: The first of the pieces, a quote included.
        end: The one behind the last.
        written: What stands there, without quotes.
        field: What it is of; ``words`` for a text that is no brand.
        values: What the shopper is told.
        condition: What it admits; None for a text, and where it cannot be used.
        unused: What of it cannot be used, and why, as the shopper is told.
        phrase: What a text says where it is not wanted; None where that is unknown.
    """

    start: int
    end: int
    written: str
    field: str
    values: tuple[str, ...] = ()
    condition: Condition | None = None
    unused: tuple[Understood, ...] = ()
    phrase: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of a query, from one word to the one before ``end``; without phrase, as written.

    ``written`` is the folded text; ``part`` is set where a word was taken apart: the form that it
    holds; ``exact`` where it is meant just as it stands. ``is_modifier`` tells that it only says
    more of the garment that is named behind it.
    """

    start: int
    end: int
    written: str
    phrase: Phrase | None = None
    part: str = ""
    exact: Exact | None = None
    is_modifier: bool = False

    @property
    def is_mention(self) -> bool:
        """Whether it says something of a product."""
        if self.exact is not None:
            return self.exact.condition is not None
        return self.phrase is not None and self.phrase.is_mention

    @property
    def is_unknown(self) -> bool:
        """Whether it is a word that no phrase knows."""
        return self.phrase is None and self.exact is None and bool(self.written)

    @property
    def is_kind(self) -> bool:
        """Whether it names a garment."""
        return self.is_mention and self.field == "kind"

    @property
    def field(self) -> str:
        """The field of which it says something; empty where it says nothing."""
        if self.exact is not None:
            return self.exact.field
        if self.phrase is None:
            return ""
        return self.phrase.meanings[0].field if self.phrase.meanings else self.phrase.field

    @property
    def unquoted(self) -> "Found":
        """What a text in quotes says, where a phrase is known for it; anything else as it is."""
        if self.exact is None or self.exact.phrase is None or not self.exact.phrase.is_mention:
            return self
        return replace(self, phrase=self.exact.phrase, exact=None)

    def is_marker(self, role: str) -> bool:
        """Whether it is a marker of exclusions of a role."""
        return self.phrase is not None and role in self.phrase.roles
