"""Folds texts, so that what is spelt alike is equal."""

import re
import unicodedata

# Letters and digits of any script, with the marks that are no letters of their own.
WORD = re.compile(
    r"[^\W_](?:[^\W_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f"
    r"\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e4e])*"
)
"""A word of a folded text."""
CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ud800-\udfff]+"
)
"""Characters that say nothing: controls, marks of direction, lone surrogates."""
APOSTROPHE = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9`\u00b4\uff07", "'"))
"""Makes one apostrophe of all that look like it."""
LONE_LETTER = frozenset("abcdefghijklmnopqrstuvwxyz")
"""Words that are not indexed: one Latin letter says too little."""
GAP = re.compile(r"[\s\-\u2010-\u2015_'&+/]*|\.")
"""What stands between the words of a phrase: spaces, a hyphen, an "and", a dot, but no comma."""

_POSSESSIVE = re.compile(r"(?<=\w)'s\b")
_INNER_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
# h&m and u.s. are one word each; their letters alone would be dropped.
_LETTERS = re.compile(r"\b[a-z](?:\s?&\s?[a-z]\b|\.[a-z]\b)+\.?")
_BETWEEN_LETTERS = re.compile(r"[\s&.]+")


def fold(text: str) -> str:
    """Returns the text with compatibility forms unified (NFKC), in one case, without apostrophes.

    Initials that belong together become one word: "h & m", "u.s.".
    """
    text = CONTROL.sub(" ", text).translate(APOSTROPHE)
    if text.isascii():
        text = text.lower()
    else:
        # Folding may leave letters and marks apart again, hence twice.
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if "'" in text:
        text = _INNER_APOSTROPHE.sub("", _POSSESSIVE.sub("", text))
    if "&" in text or "." in text:
        text = _LETTERS.sub(lambda match: _BETWEEN_LETTERS.sub("", match[0]) + " ", text)
    return text
