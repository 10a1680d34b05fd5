"""Reads words that two languages write alike by what else a query says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from services.gateway.pieces import Found
from services.gateway.vocabulary import Vocabulary


class Homographs:
    """The words of other languages that English has too: a "rock" is a skirt in German.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
        key: Returns by what a word is looked up.
    """

    def __init__(self, vocabulary: Vocabulary, key: Callable[[str], str]) -> None:
        lexicon = vocabulary.lexicon
        self._held: Mapping[str, int] = vocabulary.frequencies
        self._is_english = vocabulary.table.language == "en"
        self._alike = frozenset(map(key, lexicon.markers("homographs")))
        english = set(map(key, lexicon.fillers("en")))
        others = (name for name in lexicon.languages if name != "en")
        fillers = {key(word) for name in others for word in lexicon.fillers(name)}
        self._fillers = fillers - english - self._alike

    def settled(self, found: Sequence[Found]) -> list[Found]:
        """Returns the pieces of a query, those that English has too read as English.

        They are, where nothing else is surely of another language. A word that no product holds
        is not, and neither is one that is the whole query: it is read both ways.
        """
        said = [piece for piece in found if piece.written and piece.exact is None]
        if not self._is_english or len(said) < 2 or any(map(self._is_foreign, said)):
            return list(found)
        return [
            replace(piece, phrase=None, part="") if self._is_misread(piece) else piece
            for piece in found
        ]

    def _is_foreign(self, piece: Found) -> bool:
        phrase, word = piece.phrase, piece.written
        if phrase is None or word.removesuffix("s") in self._alike or word in self._alike:
            return False
        if phrase.is_filler and word in self._fillers:
            return True
        # Declined as English never is, "roter" is German where "rot" may not be.
        return phrase.is_mention and not phrase.is_english

    def _is_misread(self, piece: Found) -> bool:
        phrase, word = piece.phrase, piece.part or piece.written
        if phrase is None or phrase.is_english or word not in self._alike:
            return False
        return piece.written in self._held
