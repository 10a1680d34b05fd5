"""Puts together what the pieces of a query ask of the stages."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from services.gateway.answer import Understood
from services.gateway.draft import Draft, Wording
from services.gateway.ignoring import Ignored
from services.gateway.known import Known
from services.gateway.lookups import lookups
from services.gateway.meaning import Meaning, Values
from services.gateway.pieces import WORDS, Found, Phrase

_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"kind": 1.0, "colour": 1.0, "brand": 1.0, "gender": 0.8, "category": 0.5}
)
_WEIGHT = 0.6
# What no product is called is of a garment still: a colour does not outweigh it.
_NEAR, _WIDER, _WIDER_KIND = 0.7, 0.5, 1.0
_KIND = "kind"
_MOST_VALUES = 500
_MOST_TOLD = 3


class Composer:
    """Writes into a draft what a query wants.

    Args:
        known: What is known of the catalogue.
        wording: The query.
        ignored: What is not to be understood.
        draft: Where to write it.
    """

    def __init__(self, known: Known, wording: Wording, ignored: Ignored, draft: Draft) -> None:
        self._known, self._wording, self._ignored = known, wording, ignored
        self._draft = draft
        self._said = -1  # where the last piece ends that was taken as it is written

    def add(self, piece: Found) -> None:
        """Takes a piece that is wanted into the draft."""
        phrase = piece.phrase
        if not piece.written:
            return
        if phrase is None or (phrase.field and not phrase.meanings):
            self._say_piece(piece)
            return
        telling = self._telling(piece, phrase)
        meanings = [
            meaning for meaning in telling if not self._ignored.has(meaning.field, *meaning.names)
        ]
        if not meanings:
            is_word = "exclude_never" in phrase.roles and not phrase.is_filler
            if telling or is_word or "exclude_before" in phrase.roles:
                self._say_piece(piece)
            return
        refused = self._ignored.has_effect("translate" if not phrase.is_english else "boost")
        is_lifted = not self._ignored.has_effect("boost") and self._boost(piece, meanings)
        if refused and not is_lifted:
            self._say_piece(piece)
            return
        is_other = self._look_up(piece, meanings) or self._is_strange(piece, meanings)
        if is_lifted:
            self._tell(piece, "boost", [m for m in meanings if not (is_other and m.instead)])
        elif not phrase.is_english:
            self._tell(piece, "translate", meanings)
        if is_lifted and is_other:
            self._tell_wider(piece, meanings)
        if not self._ignored.has_effect("boost"):  # else what is known was refused
            self._tell_unknown(piece, meanings, is_lifted)

    def filter(self, piece: Found) -> None:
        """Takes what was said exactly into the draft: as a filter, or as words to be looked up."""
        exact = piece.exact
        if exact is None:
            return
        if exact.field == WORDS:
            self._say(exact.written)
            if not self._known.holds(exact.written):
                self._draft.say(Understood(WORDS, exact.written, exact.written, "unknown"))
        if exact.condition is not None:
            self._draft.admit(exact.condition)
            for value in exact.values:
                self._draft.say(Understood(exact.field, value, exact.written, "filter"))

    def say(self, piece: Found) -> None:
        """Takes a piece into the draft as it is written, whatever it means."""
        if piece.exact is not None:
            self._say(piece.exact.written)
        elif piece.is_mention or piece.phrase is None:
            self._say_piece(piece)

    def _telling(self, piece: Found, phrase: Phrase) -> tuple[Meaning, ...]:
        """The meanings of a phrase; none of an English filler that no product holds."""
        is_filler = phrase.is_filler and phrase.is_english
        if is_filler and not self._known.holds(piece.written):
            return tuple(meaning for meaning in phrase.meanings if meaning.is_value)
        return phrase.meanings

    def _say_piece(self, piece: Found) -> None:
        """Takes a piece as it is written; what is glued to the last one stays so, as in 500ml."""
        start = self._wording.words[piece.start].start
        is_glued = start == self._said and not piece.part and bool(self._draft.lookups)
        self._said = -1 if piece.part else self._wording.words[piece.end - 1].end
        if is_glued:
            self._draft.lookups[-1] += piece.written
            self._draft.readable[-1] += piece.written
            self._draft.own[-1] += piece.written
        else:
            self._say(piece.part or piece.written, self._own(piece))
        self._keep_whole(piece)

    def _keep_whole(self, piece: Found) -> None:
        """Keeps a word of which a part is unknown: a product to come may be called so."""
        if piece.part and not self._known.holds(piece.written):
            self._draft.taken_apart.append(piece.written)

    def _say(self, text: str, own: str = "") -> None:
        self._draft.lookups.append(text)
        self._draft.readable.append(text)
        self._draft.own.append(own or text)

    def _own(self, piece: Found) -> str:
        """Returns a piece as the shopper said it, the whole word where it was taken apart."""
        spelled = self._wording.written(piece)
        return spelled if self._known.same(spelled, piece.written) else piece.written

    def _look_up(self, piece: Found, meanings: Sequence[Meaning]) -> bool:
        """Adds the words under which products are found; tells whether they are of others."""
        spelled = piece.part or self._wording.written(piece)
        texts, readable, is_other = lookups(self._known, piece, meanings, spelled)
        if is_other and self._ignored.has_effect("widen"):
            self._say_piece(piece)
            return False
        self._draft.lookups += texts
        self._draft.readable += readable
        self._draft.own.append(self._own(piece))
        self._draft.named |= {meaning.field for meaning in meanings}
        return is_other

    def _is_strange(self, piece: Found, meanings: Sequence[Meaning]) -> bool:
        """Whether no product holds a word for a quality, and others stand for it."""
        is_held = piece.is_kind or self._known.holds(piece.written)
        return not is_held and any(meaning.instead for meaning in meanings)

    def _tell(self, piece: Found, effect: str, meanings: Sequence[Meaning]) -> None:
        self._draft.tell(piece, self._wording.written(piece), effect, meanings)

    def _tell_unknown(self, piece: Found, meanings: Sequence[Meaning], is_lifted: bool) -> None:
        """Tells of a garment that no product is, and that none is like."""
        if not is_lifted and piece.is_kind and not self._known.holds(piece.written):
            self._tell(piece, "unknown", meanings[:1])

    def _tell_wider(self, piece: Found, meanings: Sequence[Meaning]) -> None:
        """Tells what stands for something that no product of the catalogue is."""
        written = self._wording.written(piece)
        for meaning in meanings:
            for value in meaning.instead[:_MOST_TOLD]:
                self._draft.say(Understood(meaning.field, value, written, "widen"))

    def _boost(self, piece: Found, meanings: Sequence[Meaning]) -> bool:
        """Lifts what the catalogue has of a piece; False where that is nothing."""
        before = len(self._draft.boosts)
        for meaning in meanings:
            if piece.is_modifier and meaning.field == _KIND:
                continue
            weight = _WEIGHTS.get(meaning.field, _WEIGHT)
            self._lift(meaning.exact, weight)
            self._lift(meaning.near, _NEAR * weight if meaning.exact else weight)
            self._lift(meaning.wider, (_WIDER_KIND if meaning.field == _KIND else _WIDER) * weight)
        if not any(meaning.is_value for meaning in meanings):
            self._boost_within(piece, meanings)
        return len(self._draft.boosts) > before

    def _boost_within(self, piece: Found, meanings: Sequence[Meaning]) -> None:
        """Lifts what a phrase of several words holds: of leather, for a leather jacket.

        Of a garment that has a wider one the other names in it say nothing: a shirt dress is no
        shirt, and a sport coat, which is a blazer, is of no sport.
        """
        has_kind = any(meaning.field == _KIND and meaning.wider for meaning in meanings)
        names = {word for meaning in meanings for word in meaning.name.split()}
        for inner in self._known.mentions.within(self._wording.words, piece):
            if inner.phrase is None or self._ignored.refuses(inner):
                continue
            if has_kind and (inner.is_kind or inner.written not in names):
                continue
            for meaning in inner.phrase.meanings:
                self._lift(meaning.exact, _WEIGHTS.get(meaning.field, _WEIGHT))

    def _lift(self, values: Values, weight: float) -> None:
        for home, held in values:
            values_held = held[:_MOST_VALUES]
            lifted = self._draft.boosts.get((home, values_held), 0.0)
            self._draft.boosts[home, values_held] = max(lifted, weight)
