"""Leads from what the dictionaries know to what a catalogue calls it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from catalog.concepts import FIELDS, Concept
from catalog.lexicon import Lexicon
from catalog.normalize import Normalizer
from catalog.product_filter import ATTRIBUTES
from services.gateway.meaning import Meaning, Values
from services.gateway.vocabulary import Vocabulary

__all__ = ["Meaning", "Meanings", "Values"]

_MOST_WORDS = 4
_KIND = "kind"
_FALLBACKS: Mapping[str, tuple[str, ...]] = {"kind": ("category",), "gender": ("category",)}
_UNSEARCHED = frozenset(("brand", "size", "category"))
# Where a catalogue knows no finer value, an exclusion takes the wider one: who wants no ivory gets
# no white. Not so of kinds: who wants no boots may want shoes.
_SHADES = frozenset(("colour", "pattern", "fit", "length"))


@dataclass(slots=True)
class _Held:
    """The values of a catalogue by their tokens."""

    whole: dict[tuple[str, ...], dict[str, list[str]]] = field(default_factory=dict)
    single: dict[str, dict[str, list[tuple[tuple[str, ...], str]]]] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class Meanings:
    """The concepts of the dictionaries as one catalogue knows them.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        normalizer = Normalizer(vocabulary.table)
        self._vocabulary = vocabulary
        self._tokens = cache(lambda text: tuple(normalizer.tokens(text)))
        self._held = self._hold(vocabulary.values)
        # A field of another kind of concept is no place to look for one.
        self._homes = _UNSEARCHED | {*FIELDS, *(ATTRIBUTES + name for name in FIELDS)}
        self._concepts: dict[str, list[Concept]] = defaultdict(list)
        self._wider: dict[str, list[str]] = defaultdict(list)
        lexicon = vocabulary.lexicon
        self._unreal = lexicon.markers("unreal")
        for concept in lexicon.concepts:
            self._concepts[concept.name].append(concept)
        for wide, narrow in lexicon.narrower.items():
            for name in narrow:
                self._wider[name].append(wide)
        self._exact = {(c.field, c.name): self._exactly(c) for c in lexicon.concepts}
        self.claimed = {
            (home, value)
            for held in self._exact.values()
            for home, values in held
            for value in values
        }

    def of(self, concept: Concept) -> Meaning:
        """Returns what a concept means here."""
        exact = self._exact[concept.field, concept.name]
        home = exact[0][0] if exact else self._home(concept.field)
        near = self._near(concept, home)
        if not exact and not near:
            near = self._narrower(concept)
        wider = () if exact or near else self._instead(concept) or self._widened(concept)
        return Meaning(
            concept.field,
            concept.name,
            _english(concept),
            exact,
            near,
            wider,
            self._excluded(concept, exact, near) or (wider if concept.field in _SHADES else ()),
            () if exact else self._words(concept),
        )

    def whole_field(self, name: str, lexicon: Lexicon) -> Values:
        """Returns the values of a field but for those that say that it has nothing."""
        home = self._home(name)
        nothing = {
            value
            for none in lexicon.none.get(name, ())
            for concept in self._concepts.get(none, ())
            if concept.field == name
            for _, values in self._exact[concept.field, concept.name]
            for value in values
        }
        values = tuple(v for v in self._held.counts.get(home, {}) if v not in nothing)
        return ((home, values),) if values else ()

    def _hold(self, values: Mapping[str, Mapping[str, int]]) -> _Held:
        held = _Held(counts=values)
        for home, counts in values.items():
            if home in ("brand", "size"):
                continue
            for value in sorted(counts, key=lambda value: (-counts[value], value)):
                tokens = self._tokens(value)
                if not tokens:
                    continue
                held.whole.setdefault(tokens, {}).setdefault(home, []).append(value)
                for token in set(tokens):
                    held.single.setdefault(home, {}).setdefault(token, []).append((tokens, value))
        return held

    def _home(self, name: str) -> str:
        """Where the catalogue keeps a field: itself, or an attribute of the name."""
        counts = self._held.counts
        return name if counts.get(name) else ATTRIBUTES + name

    def _exactly(self, concept: Concept) -> Values:
        """The values that one of its forms equals, in the first field that has any."""
        found: dict[str, dict[str, None]] = {}
        homes = (concept.field, ATTRIBUTES + concept.field, *_FALLBACKS.get(concept.field, ()))
        for form in concept.written:
            # A name alone, such as a short sleeve's "short", means itself in its own field only.
            is_form = any(form in forms for forms in concept.forms.values())
            for home, values in self._held.whole.get(self._tokens(form), {}).items():
                if home in homes or (is_form and home not in self._homes):
                    found.setdefault(home, {}).update(dict.fromkeys(values))
        order = [*homes, *sorted(found, key=lambda home: (-self._count(home, found[home]), home))]
        best = next((home for home in order if home in found), None)
        return ((best, tuple(found[best])),) if best else ()

    def _count(self, home: str, values: Iterable[str]) -> int:
        return sum(self._held.counts[home][value] for value in values)

    def _near(self, concept: Concept, home: str) -> Values:
        """The values of a field that hold one of its forms beside other words."""
        by_token = self._held.single.get(home, {})
        found: dict[str, None] = {}
        for form in concept.written:
            tokens = self._tokens(form)
            if not tokens or not any(form in forms for forms in concept.forms.values()):
                continue
            for held, value in by_token.get(tokens[-1], ()):
                if len(held) > len(tokens) and _holds(held, tokens) and self._is_real(held):
                    found[value] = None
        return ((home, tuple(found)),) if found else ()

    def _is_real(self, tokens: tuple[str, ...]) -> bool:
        return not self._unreal.intersection(tokens)

    def _widened(self, concept: Concept) -> Values:
        """The values of the next wider concepts that are any: those of shoes, for sandals.

        Of a kind also those of other narrower ones: where nothing is called an accessory, hats and
        scarves are what is most like a belt.
        """
        names, seen = [concept.name], {concept.name}
        while names:
            names = [n for name in names for n in self._wider.get(name, ()) if n not in seen]
            seen.update(names)
            wide = [c for n in names for c in self._concepts.get(n, ()) if c.field == concept.field]
            found = _values_of(self._exact[c.field, c.name] for c in wide)
            if not found and concept.field == _KIND:
                found = _values_of(self._narrower(each) for each in wide)
            if found:
                return found
        return ()

    def _instead(self, concept: Concept, *, is_last: bool = False) -> Values:
        """The values of the concepts that a dictionary says are most like one that has none."""
        found: list[Values] = []
        for name in self._vocabulary.lexicon.instead.get(concept.name, ()):
            for each in self._concepts.get(name, ()):
                if each.field == concept.field:
                    held = self._exact[each.field, each.name] or self._narrower(each)
                    held = held or self._above(each)
                    found.append(held or (() if is_last else self._instead(each, is_last=True)))
        return _values_of(found)

    def _above(self, concept: Concept) -> Values:
        """The values of the concepts just above one: of knitwear, for a sweater."""
        wide = (c for n in self._wider.get(concept.name, ()) for c in self._concepts.get(n, ()))
        return _values_of(self._exact[c.field, c.name] for c in wide if c.field == concept.field)

    def _narrower(self, concept: Concept) -> Values:
        """The values of narrower concepts of the same field: footwear is shoes and sandals."""
        names = self._vocabulary.lexicon.narrower.get(concept.name, ())
        return _values_of(self._exact.get((concept.field, name), ()) for name in names)

    def _excluded(self, concept: Concept, exact: Values, near: Values) -> Values:
        found: dict[str, dict[str, None]] = {}
        for home, values in (*exact, *near):
            found.setdefault(home, {}).update(dict.fromkeys(values))
        # "No denim" excludes jeans; "no long sleeves" no long skirts, for "long" is of two fields.
        is_one = len(self._concepts[concept.name]) == 1
        for name in self._vocabulary.lexicon.narrower.get(concept.name, ()):
            for narrow in self._concepts.get(name, ()):
                if is_one or narrow.field == concept.field:
                    for home, values in self._exact[narrow.field, narrow.name]:
                        found.setdefault(home, {}).update(dict.fromkeys(values))
        return _values(found)

    def _words(self, concept: Concept) -> tuple[str, ...]:
        """Its forms that the catalogue's documents know, the commonest first."""
        known: dict[tuple[str, ...], tuple[int, str]] = {}
        for form in concept.written:
            tokens = self._tokens(form)
            if not tokens or not any(form in forms for forms in concept.forms.values()):
                continue
            rarest = min(self._vocabulary.frequencies.get(token, 0) for token in tokens)
            if rarest:
                known.setdefault(tokens, (rarest, form))
        best = sorted(known.values(), key=lambda entry: (-entry[0], entry[1]))
        return tuple(form for _, form in best[:_MOST_WORDS])


def _english(concept: Concept) -> str:
    forms = concept.forms.get("en", ())
    return concept.name if concept.name in forms or not forms else forms[0]


def _holds(tokens: tuple[str, ...], part: tuple[str, ...]) -> bool:
    places = range(len(tokens) - len(part) + 1)
    return any(tokens[place : place + len(part)] == part for place in places)


def _values_of(many: Iterable[Values]) -> Values:
    """Values by field, each once."""
    found: dict[str, dict[str, None]] = {}
    for values in many:
        for home, held in values:
            found.setdefault(home, {}).update(dict.fromkeys(held))
    return _values(found)


def _values(found: Mapping[str, Mapping[str, None]]) -> Values:
    return tuple((home, tuple(values)) for home, values in found.items())
