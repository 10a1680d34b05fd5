"""Says which past queries may be shown to others: words, and nothing that could be somebody's."""

import re
import unicodedata

from catalog.normalize import clean

MAX_CHARS = 48
MAX_WORDS = 7
MAX_DIGITS = 4  # a size, a model or two prices; a telephone number has more
_LEAST_LETTERS = 2
_BETWEEN = frozenset(" '’&+%,./\"-")
_SPACES = re.compile(r"\s+")
_ADDRESS = re.compile(r"[^\s.]\.[^\W\d_]{2,}(?:\b|/)|\bwww\b|\bhttps?\b|\bat\b.*\bdot\b")


def folded(text: str) -> str:
    """The text as past queries are compared: cleaned, in lower case, with single spaces."""
    return _SPACES.sub(" ", clean(text).casefold()).strip()


def suggestable(text: str) -> str:
    """The text as others may see it; empty where they may not.

    Refused are digits alone and more than four of them, what looks like an address of a person or
    of the web, signs that no garment is described with, and what is too short or too long.
    """
    told = folded(text)
    letters = sum(character.isalpha() for character in told)
    if len(told) > MAX_CHARS or letters < _LEAST_LETTERS or told.count(" ") >= MAX_WORDS:
        return ""
    if sum(character.isnumeric() for character in told) > MAX_DIGITS:
        return ""
    if any(not _is_plain(character) for character in told) or _ADDRESS.search(told):
        return ""
    return told


def _is_plain(character: str) -> bool:
    """Whether a garment may be described with it; marks of other scripts are parts of letters."""
    return (
        character.isalnum()
        or character in _BETWEEN
        or unicodedata.category(character) in ("Mn", "Mc", "Sc")
    )
