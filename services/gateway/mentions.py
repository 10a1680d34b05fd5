"""Goes through the words of a query and finds what each of them means, mending what is misspelt."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from catalog.hangul import has_hangul
from services.gateway.heads import with_heads
from services.gateway.homographs import Homographs
from services.gateway.marker_spelling import MarkerSpelling
from services.gateway.phrases import Phrases
from services.gateway.pieces import Exact, Found, Phrase
from services.gateway.scanning import MINUSES, Word
from services.gateway.slips import is_slip
from services.gateway.spelling import Context, Spelling

_MINUS = Phrase(roles=frozenset(("exclude_next",)))
# What mending one query may cost, in comparisons of two words letter by letter.
_MOST_COMPARED = 2_500
_DECLINED = ("", "s", "n")


@dataclass(frozen=True, slots=True)
class Mend:
    """A word that was, or may have been, misspelt; ``is_used`` tells whether it is searched for."""

    written: str
    meant: str
    start: int
    end: int
    is_used: bool


class Mentions:
    """The phrases of a catalogue, and the spelling of its words.

    Args:
        phrases: What can be said of its products.
        spelling: How its words are spelt.
        homographs: Words that two languages write alike.
        markers: How markers of exclusions are spelt.
    """

    def __init__(
        self,
        phrases: Phrases,
        spelling: Spelling,
        homographs: Homographs,
        markers: MarkerSpelling,
    ) -> None:
        self.phrases = phrases
        self._homographs = homographs
        self._spelling = spelling
        self._markers = markers

    def mend(
        self, words: Sequence[Word], taken: Collection[int], ignored: Collection[str]
    ) -> tuple[list[Word], list[Mend]]:
        """Returns the words as they were meant, and what was mended; taken ones stay."""
        mends: list[Mend] = []
        context = Context(
            any(map(self._is_foreign, words)),
            any(map(self._is_english, words)),
            any(map(self._is_garment, words)),
        )
        mended = list(words)
        compared = 0
        for place, word in enumerate(words):
            if place in taken or not word.key.isalpha() or compared > _MOST_COMPARED:
                continue
            if word.key in self.phrases or self._is_compound(word, place):
                continue
            if has_hangul(word.key) and self._is_in_phrase(words, place):
                continue
            is_known = self._spelling.is_known(word.key) or self._spelling.is_known(word.text)
            meant, cost = (
                self._spelling.meant(word.key)
                if is_known
                else self._spelling.mended(word.text, context)
            )
            compared += cost
            marker = (
                "" if is_known else self._markers.mended(word.text, is_foreign=context.is_foreign)
            )
            meant = marker or meant
            if not meant or meant in ignored:
                continue
            is_used = not is_known and (bool(marker) or is_slip(word.text, meant))
            mends.append(Mend(word.text, meant, word.start, word.end, is_used))
            if is_used:
                mended[place] = replace(word, text=meant, key=self.phrases.key(meant))
        return mended, mends

    def find(self, words: Sequence[Word], exacts: Sequence[Exact] = ()) -> list[Found]:
        """Returns the pieces of a query in order, the longest phrases first.

        Signs that end a phrase come without text.

        Args:
            words: The pieces of the query.
            exacts: What is said exactly, in order.
        """
        found: list[Found] = []
        exactly = {exact.start: exact for exact in exacts}
        taken = {place for exact in exacts for place in range(exact.start, exact.end)}
        place = 0
        while place < len(words):
            word = words[place]
            if (exact := exactly.get(place)) is not None:
                found.append(Found(place, exact.end, exact.written, exact=exact))
                place = exact.end
                continue
            if word.is_sign and not word.is_bound:
                is_minus = word.text in MINUSES
                found.append(
                    Found(place, place + 1, word.text, _MINUS)
                    if is_minus
                    else Found(place, place + 1, "")
                )
                place += 1
                continue
            if word.is_sign:
                place += 1
                continue
            pieces = self._pieces(words, place, taken)
            found += pieces
            place = pieces[-1].end
        return with_heads(words, self._homographs.settled(found))

    def within(self, words: Sequence[Word], piece: Found) -> list[Found]:
        """Returns the mentions inside of a phrase of several words."""
        found: list[Found] = []
        place = piece.start
        while place < piece.end and not piece.part:
            end = piece.end - 1 if place == piece.start else piece.end
            inner = None
            if not words[place].is_sign:
                inner = self.phrases.longest(words, place, end)
            if inner is not None and inner.is_mention:
                found.append(inner)
            place = inner.end if inner is not None else place + 1
        return found

    def _pieces(self, words: Sequence[Word], place: int, taken: Collection[int]) -> list[Found]:
        end = place + 1
        while end < len(words) and end not in taken:
            end += 1
        best = self.phrases.longest(words, place, end)
        if best is not None and (best.is_mention or (best.phrase and best.phrase.roles)):
            return [best]
        # "Hi-tops" are no tops: what a hyphen binds to an unknown word is one with it.
        if (bound := _bound(words, place, end)) > place + 1:
            pieces = (word.text for word in words[place:bound] if not word.is_sign)
            return [Found(place, bound, " ".join(pieces))]
        if best is not None:
            return [best]
        word = words[place]
        return self.phrases.apart(word, place) or [Found(place, place + 1, word.text)]

    def _is_foreign(self, word: Word) -> bool:
        """Whether a word is one of another language than English."""
        phrase = self.phrases.by_key(word.key) if word.key else None
        return phrase is not None and phrase.is_mention and not phrase.is_english

    def _is_english(self, word: Word) -> bool:
        """Whether a word is one that English has for something."""
        phrase = self.phrases.by_key(word.key) if word.key else None
        return phrase is not None and phrase.is_mention and phrase.is_english

    def _is_garment(self, word: Word) -> bool:
        return word.key in self.phrases.garments

    def _is_in_phrase(self, words: Sequence[Word], place: int) -> bool:
        """Whether a Korean word belongs to a phrase that is written with spaces here."""
        for start in range(max(place - 2, 0), place + 1):
            phrase = (
                None if words[start].is_sign else self.phrases.longest(words, start, len(words))
            )
            if phrase is not None and phrase.end > place:
                return True
        return False

    def _is_compound(self, word: Word, place: int) -> bool:
        parts = self.phrases.apart(word, place)
        if len(parts) == 1 and parts[0].part in self.phrases.garments:
            # German has "Tops" and "Blazern", but a "shirte" is a shirt with a mistake.
            phrase, ending = parts[0].phrase, word.key.removeprefix(parts[0].part)
            if phrase is not None and phrase.is_english and ending not in _DECLINED:
                return False
        return bool(parts) and all(part.phrase is not None for part in parts)


def _bound(words: Sequence[Word], place: int, end: int) -> int:
    """Returns where the word ends that begins at a place, with what hyphens bind to it."""
    last = place + 1
    while last + 1 < end and words[last].text == "-" and words[last].start == words[last - 1].end:
        if words[last + 1].is_sign or words[last + 1].start != words[last].end:
            break
        last += 2
    return last
