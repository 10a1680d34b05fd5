"""Says what of a query is not to be understood."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from catalog.concepts import FIELDS
from catalog.product_filter import ATTRIBUTES
from runtime.errors import InvalidArgument
from services.gateway.pieces import Found

EFFECTS = ("boost", "filter", "exclude", "translate", "widen", "spell")
"""What can be done with words, and refused as a whole."""

KNOWN_FIELDS = tuple(sorted({*FIELDS, "brand", "price_minor", "size", "words"}))
"""The fields that readings are of; a catalogue's own attributes are others."""

_OTHERS: Mapping[str, str] = MappingProxyType(
    {"color": "colour", "price": "price_minor", "spelling": "spell"}
)


@dataclass(frozen=True, slots=True)
class Ignored:
    """What the caller does not want understood.

    Attributes:
        fields: The fields of which nothing is.
        values: Single readings, as ``field:value``.
        effects: What is not done with any words, each of :data:`EFFECTS`.
    """

    fields: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    effects: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Collection[str], attributes: Collection[str] = ()) -> "Ignored":
        """Reads what a caller wrote; case and spaces around the colon do not count.

        Args:
            names: Each is a field, a field, a colon and a value, or one of :data:`EFFECTS`.
            attributes: What the attributes of the catalogue are called.

        Raises:
            InvalidArgument: One is none of these; the error names its place.
        """
        found = cls()
        for place, name in enumerate(names):
            field, colon, value = (each.strip() for each in name.casefold().partition(":"))
            field = _OTHERS.get(field, field)
            if not colon and field in EFFECTS:
                found = replace(found, effects=found.effects | {field})
                continue
            field = field.removeprefix(ATTRIBUTES)
            is_attribute = name.casefold().strip().startswith(ATTRIBUTES) or field in attributes
            if not field or not (field in KNOWN_FIELDS or is_attribute):
                raise InvalidArgument(_UNKNOWN, field=f"understand.ignore[{place}]")
            if colon:
                found = replace(found, values=found.values | {f"{field}:{value}"})
            else:
                found = replace(found, fields=found.fields | {field})
        return found

    def has(self, field: str, *values: str) -> bool:
        """Whether a field, or one of its values, is refused."""
        if not (self.fields or self.values):
            return False
        name = field.removeprefix(ATTRIBUTES).casefold()
        if name in self.fields:
            return True
        return any(f"{name}:{value.casefold()}" in self.values for value in values)

    def has_effect(self, effect: str) -> bool:
        """Whether nothing is to be done with words in this way."""
        return effect in self.effects

    def refuses(self, piece: Found) -> bool:
        """Whether a phrase is not to be read as what it says."""
        phrase = piece.phrase
        if phrase is None or not (self.fields or self.values):
            return False
        if any(self.has(each.field, *each.names) for each in phrase.meanings):
            return True
        return bool(phrase.field) and self.has(phrase.field, phrase.name, piece.written)

    def mended(self) -> frozenset[str]:
        """The words that are not to be what a misspelt one was meant as."""
        return frozenset(name.partition(":")[2] for name in self.values)


_UNKNOWN = (
    f"must be a field ({', '.join(KNOWN_FIELDS)}, or an attribute of the catalogue), "
    f"a field, a colon and a value, or an effect ({', '.join(EFFECTS)})"
)
