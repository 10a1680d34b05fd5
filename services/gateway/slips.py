"""Tells slips of the keyboard and of the ear from words that only look alike."""

from catalog.hangul import has_hangul

_ROWS = ("qwertzuiop", "asdfghjkl", "yxcvbnm", "qwertyuiop", "zxcvbnm")
_VOWELS = frozenset("aeiouyäöü")
# Letters that sound alike at some place of some word.
_SOUNDS = frozenset(
    map(frozenset, ("ck", "kq", "sz", "sc", "dt", "fv", "fp", "bp", "gk", "vw", "mn", "ij", "cz"))
)


def is_slip(written: str, meant: str) -> bool:
    """Whether a word is likely a mistyped one of another, its first letter being right.

    A slip swaps two letters, leaves one out or writes one too many, or takes one for its neighbour
    on the keyboard, a vowel for another vowel, or a letter that sounds alike. A word of two
    mistakes has eight letters or more, of which the others tell enough; so does a Korean one.

    Args:
        written: What was written, in lower case.
        meant: A word one or two edits from it.
    """
    if has_hangul(written):
        return True
    if sorted(written) == sorted(meant):
        return True
    if written[:1] != meant[:1]:
        return False
    if len(written) != len(meant):
        return True
    apart = [{one, other} for one, other in zip(written, meant, strict=True) if one != other]
    return len(apart) > 1 or all(map(_is_near, apart))


def _is_near(letters: set[str]) -> bool:
    if letters <= _VOWELS or frozenset(letters) in _SOUNDS:
        return True
    one, other = sorted(letters)
    return any(one + other in row or other + one in row for row in _ROWS) or _is_above(one, other)


def _is_above(one: str, other: str) -> bool:
    """Whether one key lies right above the other."""
    for upper, lower in (
        (_ROWS[0], _ROWS[1]),
        (_ROWS[1], _ROWS[2]),
        (_ROWS[3], _ROWS[1]),
        (_ROWS[1], _ROWS[4]),
    ):
        for high, low in ((one, other), (other, one)):
            if high in upper and low in lower and upper.index(high) - lower.index(low) in (0, 1):
                return True
    return False
