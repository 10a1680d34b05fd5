"""Says what a phrase stands for in one catalogue."""

from dataclasses import dataclass

Values = tuple[tuple[str, tuple[str, ...]], ...]
"""Values by the catalogue's field."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase stands for in one catalogue.

    Attributes:
        field: Field of the concept, such as ``colour``, or ``brand``.
        name: Its plain English name, or the value.
        english: How it is said to a model that reads English.
        exact: The values that are just this.
        near: Values that hold it beside other words, such as "organic cotton", or else those of
            narrower concepts.
        wider: Values of wider concepts, where no value is just this.
        excluded: All values that an exclusion of it takes out; those of a wider concept where
            a finer one is no value.
        words: Words under which products of it may be found, where no value is just this.
    """

    field: str
    name: str
    english: str
    exact: Values = ()
    near: Values = ()
    wider: Values = ()
    excluded: Values = ()
    words: tuple[str, ...] = ()

    @property
    def is_value(self) -> bool:
        """Whether the catalogue has values for it."""
        return bool(self.exact or self.near)

    @property
    def value(self) -> str:
        """What the shopper is told: the catalogue's own word, else the concept's name."""
        values = [value for _, held in self.exact for value in held]
        return self.name if self.name in values or not values else values[0]

    @property
    def instead(self) -> tuple[str, ...]:
        """The values that stand for it where the catalogue has none for it."""
        return () if self.is_value else tuple(v for _, held in self.wider for v in held)

    @property
    def names(self) -> tuple[str, ...]:
        """By what it may be refused: its name, and what the shopper is told."""
        return (self.name, self.value, *self.instead)
