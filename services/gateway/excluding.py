"""Writes what a query does not want."""

from collections.abc import Sequence

from catalog.product_filter import AllOf, AnyOf, Condition, Not, ProductFilter
from services.gateway.answer import Understood
from services.gateway.draft import Draft, Wording
from services.gateway.exclusions import Exclusion
from services.gateway.ignoring import Ignored
from services.gateway.known import Known
from services.gateway.meaning import Values
from services.gateway.pieces import WORDS, Found
from services.gateway.spoken_filters import beside, told

_MOST_VALUES = 500
# A field that hardly any product has says little about those without it.
_SPARSE = 0.3


class Excluder:
    """Writes into a draft what a query does not want.

    Args:
        known: What is known of the catalogue.
        wording: The query.
        ignored: What is not to be understood.
        draft: Where to write it.
    """

    def __init__(self, known: Known, wording: Wording, ignored: Ignored, draft: Draft) -> None:
        self._known, self._wording, self._ignored = known, wording, ignored
        self._draft = draft
        self._wanted: set[tuple[str, str]] = set()

    def want(self, piece: Found) -> None:
        """Notes the values of a piece that is wanted: no exclusion takes them for another's."""
        for meaning in piece.phrase.meanings if piece.phrase else ():
            self._wanted |= {(home, value) for home, held in meaning.exact for value in held}

    def exclude(self, exclusion: Exclusion) -> bool:
        """Takes an exclusion into the draft; False where the caller does not want it read."""
        mentions, word = exclusion.mentions, exclusion.word
        if self._ignored.has_effect("exclude"):
            return False
        if not mentions:
            if self._ignored.has(WORDS, word):
                return False
            self.exclude_word(word)
            return True
        if any(map(self._is_refused, mentions)):
            return False
        if all(piece.exact is not None and piece.exact.condition is None for piece in mentions):
            return True  # a size that no product has
        if len(mentions) == 1 and (left := _left(mentions[0])) is not None:
            self._keep_only(mentions[0], left)
            return True
        self._exclude_all(mentions)
        return True

    def exclude_word(self, word: str) -> None:
        """Takes a word that no phrase knows: no product found may hold it.

        A word that no product holds either leaves nothing out, and leads no picture away from what
        an encoder makes of it.
        """
        if token := self._known.rarest(word):
            self._draft.excluded.append(token)
            self._draft.negative.append(word)
        self._draft.say(Understood(WORDS, word, word, "exclude" if token else "unknown"))

    def _exclude_all(self, mentions: Sequence[Found]) -> None:
        """Leaves out what all of the mentions say at once."""
        filters = [self._filter(piece, is_alone=len(mentions) == 1) for piece in mentions]
        if len(mentions) == 1 and filters[0] is None:
            inner = self._known.mentions.within(self._wording.words, mentions[0])
            inside = [self._filter(piece) for piece in inner]
            if len(inside) > 1 and None not in inside:
                filters = inside
        # Of "chunky wool" the catalogue may know the wool alone: the last word is the thing.
        known = [each for each in filters if each is not None] if filters[-1] is not None else []
        if known:
            self._draft.filters.append(Not(known[0] if len(known) == 1 else AllOf(tuple(known))))
        for piece, each in zip(mentions, filters, strict=False):
            is_alone = len(filters) == 1 and self._is_sparse(piece)
            if is_alone or (each is None and not known):
                self._exclude_words(piece)
            self._draft.tell(piece, self._wording.written(piece), "exclude")

    def _keep_only(self, piece: Found, left: Condition) -> None:
        self._draft.filters.append(left)
        written = self._wording.written(piece)
        self._draft.say(Understood(left.field, told(left), written, "filter"))

    def _is_refused(self, piece: Found) -> bool:
        if (left := _left(piece)) is not None and self._ignored.has(left.field, told(left)):
            return True
        exact = piece.exact
        if exact is not None:
            return self._ignored.has(exact.field, *exact.values)
        return self._ignored.refuses(piece)

    def _filter(self, piece: Found, *, is_alone: bool = False) -> ProductFilter | None:
        """What a piece says, as far as fields know it; None where none does."""
        if piece.exact is not None:
            return piece.exact.condition
        values = self._values(piece, is_alone=is_alone)
        return _any_of(values) if values else None

    def _values(self, piece: Found, *, is_alone: bool = False) -> Values:
        """The values that a piece excludes.

        "Navy, not blue", "blue, not azure": what stands for it here and is wanted stays. Beside
        other mentions it goes: a "tee, no cropped tops" is no cropped tee.
        """
        if piece.phrase is None:
            return ()
        whole = self._known.whole(piece.phrase.field) if piece.phrase.field else ()
        found: dict[str, dict[str, None]] = {}
        for home, held in whole:
            found.setdefault(home, {}).update(dict.fromkeys(held))
        for meaning in piece.phrase.meanings:
            just = {(home, value) for home, held in meaning.exact for value in held}
            for home, held in meaning.excluded:
                stays = (
                    self._wanted - just
                    if is_alone or not meaning.is_value
                    else set[tuple[str, str]]()
                )
                kept = [value for value in held if (home, value) not in stays]
                found.setdefault(home, {}).update(dict.fromkeys(kept))
        return tuple((home, tuple(held)) for home, held in found.items() if held)

    def _is_sparse(self, piece: Found) -> bool:
        if piece.exact is not None:
            return False
        values = self._values(piece)
        return bool(values) and all(self._known.coverage(home) < _SPARSE for home, _ in values)

    def _exclude_words(self, piece: Found) -> None:
        self._exclude_token(piece.part or piece.written)
        for meaning in piece.phrase.meanings if piece.phrase else ():
            for form in meaning.words:
                self._exclude_token(form)
            self._draft.negative.append(meaning.english)

    def _exclude_token(self, text: str) -> None:
        """Excludes the rarest token of a text: that of "polka dot" which says what is meant."""
        if token := self._known.rarest(text):
            self._draft.excluded.append(token)


def _left(piece: Found) -> Condition | None:
    """What is left where a piece that is a price is not wanted."""
    condition = piece.exact.condition if piece.exact is not None else None
    return None if condition is None else beside(condition)


def _any_of(values: Values) -> ProductFilter:
    each: tuple[ProductFilter, ...] = tuple(
        Condition(home, held[:_MOST_VALUES]) for home, held in values
    )
    return each[0] if len(each) == 1 else AnyOf(each)
