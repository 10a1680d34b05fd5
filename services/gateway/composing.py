"""Puts together what the pieces of a query ask of the stages."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from catalog.product_filter import AllOf, AnyOf, Condition, Not, ProductFilter
from services.gateway.answer import Understood
from services.gateway.draft import Draft
from services.gateway.exclusions import Exclusion
from services.gateway.known import Ignored, Known
from services.gateway.lookups import lookups
from services.gateway.meanings import Meaning, Values
from services.gateway.phrases import Found
from services.gateway.scanning import Word

WORDS = "words"
"""The field of what no field of the catalogue knows."""

_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"kind": 1.0, "colour": 1.0, "brand": 1.0, "gender": 0.8, "category": 0.5}
)
_WEIGHT = 0.6
_NEAR, _WIDER = 0.7, 0.5
_MOST_VALUES = 500
_MOST_TOLD = 3
# A field that hardly any product has says little about those without it.
_SPARSE = 0.3


class Composer:
    """Writes the draft of one query.

    Args:
        mentions: What can be said of the catalogue's products.
        normalizer: The normaliser of the catalogue.
        frequencies: How many products hold each token.
        coverage: The share of the products that have each field.
        text: The query, of which the words are.
        words: Its pieces.
        ignored: What is not to be understood.
    """

    def __init__(self, known: Known, text: str, words: Sequence[Word], ignored: Ignored) -> None:
        self.words = words
        self.wanted: set[tuple[str, str]] = set()
        self._known, self._text, self._ignored = known, text, ignored
        self.draft = Draft()
        self._said = -1  # where the last piece ends that was taken as it is written

    def add(self, piece: Found) -> None:
        """Takes a piece that is wanted into the draft."""
        phrase = piece.phrase
        if not piece.written:
            return
        if phrase is None or (phrase.field and not phrase.meanings):
            self._say_piece(piece)
            return
        meanings = [
            meaning
            for meaning in phrase.meanings
            if not self._ignored.has(meaning.field, *meaning.names)
        ]
        if not meanings:
            if phrase.meanings or "exclude_before" in phrase.roles:
                self._say_piece(piece)
            return
        self._boost(piece, meanings, self._look_up(piece, meanings))

    def want(self, piece: Found) -> None:
        """Notes the values of a piece that is wanted: no exclusion takes them for another's."""
        for meaning in piece.phrase.meanings if piece.phrase else ():
            self.wanted |= {(home, value) for home, held in meaning.exact for value in held}

    def say(self, text: str) -> None:
        """Takes words into the draft as they stand."""
        self._say(text)

    def exclude(self, exclusion: Exclusion) -> bool:
        """Takes an exclusion into the draft; False where the caller does not want it read."""
        if not exclusion.mentions:
            if self._ignored.has(WORDS, exclusion.word):
                return False
            self._exclude_word(exclusion.word, exclusion.word)
            return True
        if any(self._is_refused(piece) for piece in exclusion.mentions):
            return False
        held = [self._excluded_values(piece) for piece in exclusion.mentions]
        if len(held) == 1 and not held[0]:
            inner = self._known.mentions.within(self.words, exclusion.mentions[0])
            inside = [self._excluded_values(piece) for piece in inner]
            held = inside if len(inside) > 1 and all(inside) else held
        # Of "chunky wool" the catalogue may know the wool alone: the last word is the thing.
        known = [values for values in held if values] if held[-1] else []
        if known:
            each = [_any_of(values) for values in known]
            self.draft.filters.append(Not(each[0] if len(each) == 1 else AllOf(tuple(each))))
        for piece, values in zip(exclusion.mentions, held, strict=False):
            if not (values or known) or (len(held) == 1 and self._is_sparse(values)):
                self._exclude_words(piece)
        for piece in exclusion.mentions:
            self._tell(piece, "exclude")
        return True

    def refuses(self, field: str, value: str) -> bool:
        """Whether the caller does not want a value of a field read."""
        return self._ignored.has(field, value)

    def filter(self, found: ProductFilter, *told: Understood) -> None:
        """Takes a filter into the draft, and what the caller is told of it."""
        self.draft.filters.append(found)
        self.draft.understood += told

    def tell(self, told: Understood) -> None:
        """Tells the caller of what was read and changes nothing."""
        self.draft.understood.append(told)

    def written(self, start: int, end: int) -> str:
        """What stands in the query from one piece to the one before another."""
        return self._text[self.words[start].start : self.words[end - 1].end]

    def _say_piece(self, piece: Found) -> None:
        """Takes a piece as it is written; what is glued to the last one stays so, as in 500ml."""
        start = self.words[piece.start].start
        is_glued = start == self._said and not piece.part and bool(self.draft.lookups)
        self._said = -1 if piece.part else self.words[piece.end - 1].end
        if is_glued:
            self.draft.lookups[-1] += piece.written
            self.draft.readable[-1] += piece.written
        else:
            self._say(piece.part or piece.written)
        self._keep_whole(piece)

    def _keep_whole(self, piece: Found) -> None:
        """Keeps a word of which a part is unknown: a product to come may be called so."""
        if piece.part and not self._known.holds(piece.written):
            self.draft.taken_apart.append(piece.written)

    def _say(self, text: str) -> None:
        self.draft.lookups.append(text)
        self.draft.readable.append(text)

    def _look_up(self, piece: Found, meanings: Sequence[Meaning]) -> bool:
        """Adds the words under which products are found; tells whether they are of others."""
        spelled = piece.part or self.written(piece.start, piece.end)
        texts, readable, is_other = lookups(self._known, piece, meanings, spelled)
        self.draft.lookups += texts
        self.draft.readable += readable
        return is_other

    def _boost(self, piece: Found, meanings: Sequence[Meaning], is_other: bool) -> None:
        before = len(self.draft.boosts)
        for meaning in meanings:
            weight = _WEIGHTS.get(meaning.field, _WEIGHT)
            self._lift(meaning.exact, weight)
            self._lift(meaning.near, _NEAR * weight if meaning.exact else weight)
            self._lift(meaning.wider, _WIDER * weight)
        if not any(meaning.is_value for meaning in meanings):
            for inner in self._known.mentions.within(self.words, piece):
                if inner.phrase is not None and not self._is_refused(inner):
                    for meaning in inner.phrase.meanings:
                        self._lift(meaning.exact, _WEIGHTS.get(meaning.field, _WEIGHT))
        if len(self.draft.boosts) > before:
            own = [each for each in meanings if not (is_other and each.instead)]
            self._tell(piece, "boost", own)
            if is_other:
                self._tell_wider(piece, meanings)
        elif piece.phrase is not None and not piece.phrase.is_english:
            self._tell(piece, "translate", meanings)

    def _lift(self, values: Values, weight: float) -> None:
        for home, held in values:
            values_held = held[:_MOST_VALUES]
            lifted = self.draft.boosts.get((home, values_held), 0.0)
            self.draft.boosts[home, values_held] = max(lifted, weight)

    def _tell_wider(self, piece: Found, meanings: Sequence[Meaning]) -> None:
        """Tells what stands for something that no product of the catalogue is."""
        written = self.written(piece.start, piece.end)
        for meaning in meanings:
            for value in meaning.instead[:_MOST_TOLD]:
                self.tell(Understood(meaning.field, value, written, "widen"))

    def _tell(self, piece: Found, effect: str, meanings: Sequence[Meaning] | None = None) -> None:
        phrase = piece.phrase
        if phrase is None:
            return
        written = self.written(piece.start, piece.end)
        for meaning in phrase.meanings[:1] if meanings is None else meanings:
            told = Understood(meaning.field, meaning.value, written, effect)
            if told not in self.draft.understood:
                self.draft.understood.append(told)
        if not phrase.meanings:
            self.draft.understood.append(Understood(phrase.field, piece.written, written, effect))

    def _is_refused(self, piece: Found) -> bool:
        if piece.phrase is None:
            return False
        names = [(m.field, m.name, m.value) for m in piece.phrase.meanings]
        names += [(piece.phrase.field, piece.written, piece.written)] * bool(piece.phrase.field)
        return any(self._ignored.has(*name) for name in names)

    def _excluded_values(self, piece: Found) -> Values:
        if piece.phrase is None:
            return ()
        whole = self._known.whole(piece.phrase.field) if piece.phrase.field else ()
        found: dict[str, dict[str, None]] = {}
        for home, held in whole:
            found.setdefault(home, {}).update(dict.fromkeys(held))
        for meaning in piece.phrase.meanings:
            for home, held in meaning.excluded:
                # "Blue, not azure": the blue that stands for azure here is wanted after all.
                kept = [v for v in held if meaning.is_value or (home, v) not in self.wanted]
                found.setdefault(home, {}).update(dict.fromkeys(kept))
        return tuple((home, tuple(held)) for home, held in found.items() if held)

    def _is_sparse(self, values: Values) -> bool:
        return all(self._known.coverage(home) < _SPARSE for home, _ in values)

    def _exclude_words(self, piece: Found) -> None:
        meanings = piece.phrase.meanings if piece.phrase else ()
        self._exclude_word(piece.part or piece.written, "")
        for meaning in meanings:
            for form in meaning.words:
                self._exclude_word(form, "")
            self.draft.negative.append(meaning.english)

    def _exclude_word(self, text: str, negative: str) -> None:
        """Excludes the rarest token of a text: that of "polka dot" which says what is meant."""
        if token := self._known.rarest(text):
            self.draft.excluded.append(token)
        if negative:
            self.draft.negative.append(negative)
            self.draft.understood.append(Understood(WORDS, text, text, "exclude"))


def _any_of(values: Values) -> ProductFilter:
    each: tuple[ProductFilter, ...] = tuple(
        Condition(home, held[:_MOST_VALUES]) for home, held in values
    )
    return each[0] if len(each) == 1 else AnyOf(each)
