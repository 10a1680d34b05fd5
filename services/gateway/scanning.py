"""Takes the text of a query apart into words, numbers and signs."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_CHARS = 512
MAX_WORDS = 96

# A number with its separators, a word with its inner apostrophes, or one sign.
_PIECE = re.compile(
    r"(?P<number>\d+(?:[.,']\d{3})*(?:[.,]\d{1,2})?(?!\d))"
    r"|(?P<word>[^\W\d_](?:[^\W_]|[\u0300-\u036f\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e4e]"
    r"|(?<=\w)['\u2019\u02bc](?=\w))*)"
    r"|(?P<digits>\d+)"
    r"|(?P<sign>[^\s\w])"
)
_POSSESSIVE = re.compile(r"['\u2019\u02bc]s$")
_APOSTROPHES = str.maketrans("", "", "'\u2019\u02bc")
_QUOTES = {
    '"': '"',
    "\u201c": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u00ab": "\u00bb",
    "\u300c": "\u300d",
}
MINUSES = "-\u2212"
"""Signs that, written to the beginning of a word, say that it is not wanted."""

# What a minus may stand behind, beside a space.
_ENDS = ",;(\uff0c\u3001"
# What may stand between the words of one name or phrase.
_BINDERS = frozenset("-\u2010\u2011\u2012\u2013&./'\u2019_+")


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a query.

    ``text`` is folded; ``key`` is the word as meant, by the table of words, without spaces; it is
    empty for a sign. ``start`` and ``end`` say where it stands in the text. ``is_bound`` tells
    whether nothing stands between it and the piece before that would end a phrase.
    """

    text: str
    key: str
    start: int
    end: int
    is_number: bool = False
    is_bound: bool = False

    @property
    def is_sign(self) -> bool:
        """Whether it is neither a word nor a number."""
        return not self.key


def words_of(text: str, forms: Mapping[str, str]) -> list[Word]:
    """Returns the pieces of a text, at most 96 of its first 512 characters.

    Args:
        text: Any text.
        forms: Leads from a written word to the one that is meant.
    """
    found: list[Word] = []
    for match in _PIECE.finditer(text[:MAX_CHARS]):
        if len(found) == MAX_WORDS:
            break
        start, end = match.span()
        if match.lastgroup == "sign":
            sign = match[0]
            is_bound = sign in _BINDERS and not _is_minus(text, start, end)
            found.append(Word(sign, "", start, end, is_bound=is_bound))
            continue
        folded = fold(match[0])
        if not folded:
            continue
        is_number = match.lastgroup != "word"
        key = folded if is_number else forms.get(folded, folded)
        found.append(Word(folded, key, start, end, is_number, True))
    return found


def _is_minus(text: str, start: int, end: int) -> bool:
    """Whether a sign is a minus: behind a space or comma, and written to a word or quoted text."""
    is_first = start == 0 or text[start - 1].isspace() or text[start - 1] in _ENDS
    if text[start:end] not in MINUSES or not is_first:
        return False
    following = text[end : end + 1]
    return following.isalpha() or (following != "" and following in _QUOTES)


def keys_of(text: str, forms: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the keys of the words of a form, signs left away."""
    return tuple(word.key for word in words_of(text, forms) if word.key)


def fold(text: str) -> str:
    """Returns a word as it is compared: in NFKC and lower case, without apostrophes."""
    if "'" in text or not text.isascii():
        text = _POSSESSIVE.sub("", text).translate(_APOSTROPHES)
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def quoted(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Returns where the quoted pieces stand, as half-open ranges without the quotes."""
    spans, opened, closing = [], -1, ""
    for place, word in enumerate(words):
        if opened >= 0 and word.text in closing:
            if place > opened + 1:
                spans.append((opened + 1, place))
            opened, closing = -1, ""
        elif opened < 0 and word.text in _QUOTES:
            opened, closing = place, _QUOTES[word.text]
    return spans
