"""Tells how far a marker of exclusions reaches into the phrases that stand behind it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from services.gateway.pieces import Found

# What an adjective tells of nothing but a garment: "no fringes women" has no women's fringes.
_APART = frozenset(("gender", "season", "occasion", "brand"))
_COMMA = ""


class Reader(Protocol):
    """Reads on behind fillers."""

    def __call__(self, place: int, *, nothing_yet: bool) -> int:
        """The next place that is no filler."""
        ...


def governed(found: Sequence[Found], place: int, *, has_kind: bool, is_quality: bool) -> int:
    """Returns where the one thing ends that begins at a phrase.

    It is that phrase, with all parts of a word that was taken apart; and where a noun follows,
    what tells of it up to the noun: "no black buttons", "no red stripes", and "no black jeans"
    where another garment is wanted. Where none is, the garment is: "no black jeans" are jeans.

    Args:
        found: The pieces of the query.
        place: Where the thing begins; that piece is a mention.
        has_kind: Whether a garment is wanted before.
        is_quality: Whether the marker denies a quality, as "not" does, and no noun.
    """
    whole = place + 1
    while whole < len(found) and is_loose(found[whole]) and _is_one(found, place, whole):
        whole += 1
    if not has_kind and any(piece.is_kind for piece in found[place + 1 : whole]):
        whole = place + 1
    # "Flower motif" is one pattern.
    while whole < len(found) and _names_field(found[whole], found[place].field):
        whole += 1
    if _is_noun(found[whole - 1]) and not found[whole - 1].is_marker("exclude_telling"):
        return whole
    for at in range(whole, len(found)):
        piece, before = found[at], found[place:at]
        if not is_loose(piece):
            break
        if piece.is_kind:
            return at + 1 if has_kind else whole
        if piece.field == "material" and before[-1].is_marker("exclude_telling"):
            return at + 1
        if _is_noun(piece):
            is_told = all(each.field not in _APART for each in before)
            return at + 1 if is_told and not is_quality else whole
    return whole


def is_loose(piece: Found) -> bool:
    """Whether it says something of a product, and nothing exactly."""
    return piece.is_mention and piece.exact is None


def stands_apart(piece: Found) -> bool:
    """Whether no word before it tells of it: "no frobs women" are no women's frobs."""
    return is_loose(piece) and piece.field in _APART


def continued(
    found: Sequence[Found], place: int, field: str, past: Reader, *, wants_kind: bool
) -> int | None:
    """Returns where another thing begins that the same marker governs; None where none does.

    Any is that follows a binding word ("or"). One of the same field is that follows "and", a
    comma or nothing at all; but where no garment is wanted yet, a garment behind a comma is.

    Args:
        found: The pieces of the query.
        place: Where the thing before ends.
        field: Its field.
        past: Reads on behind fillers.
        wants_kind: Whether no garment is wanted yet.
    """
    if place >= len(found):
        return None
    piece = found[place]
    is_shy = wants_kind and field == "kind"
    if is_loose(piece) and piece.field == field:
        return None if is_shy else place
    after = past(place + 1, nothing_yet=False)
    if after >= len(found) or found[after].is_marker("exclude_end"):
        return None
    if piece.is_marker("exclude_or"):
        return after
    if not (found[after].is_mention and found[after].field == field):
        return None
    if piece.is_marker("exclude_and"):
        return after
    if piece.written == _COMMA and (not is_shy or _is_bound(found, after)):
        return after
    return None


def _is_noun(piece: Found) -> bool:
    """Whether it is a thing of which adjectives tell: a detail, "sleeves", "stripes"."""
    is_field = _names_field(piece, piece.field)
    return is_field or piece.field in ("detail", "kind") or piece.is_marker("exclude_thing")


def _names_field(piece: Found, field: str) -> bool:
    """Whether it is what a field itself is called."""
    phrase = piece.phrase
    return phrase is not None and bool(phrase.field) and phrase.field == field


def _is_one(found: Sequence[Found], place: int, other: int) -> bool:
    """Whether two pieces are parts of one written word."""
    return bool(found[place].part) and found[place].start == found[other].start


def opened(found: Sequence[Found], within: Callable[[Found], Sequence[Found]]) -> list[Found]:
    """Returns the pieces, a name behind a marker taken apart where it is the only garment.

    "No leather jacket" is a jacket, as "no leather bag" is a bag; but what the catalogue itself
    calls a leather jacket is one thing.

    Args:
        found: The pieces of the query.
        within: Returns the mentions inside of a phrase.
    """
    pieces: list[Found] = []
    is_governed, has_kind = False, False
    for piece in found:
        if piece.is_kind and piece.exact is None:
            inner = within(piece) if is_governed and not has_kind and not _is_value(piece) else ()
            is_told = len(inner) > 1 and inner[-1].is_kind and not inner[0].is_kind
            pieces += inner if is_told and inner[-1].end == piece.end else [piece]
            has_kind = True
            continue
        pieces.append(piece)
        is_filler = piece.phrase is not None and piece.phrase.is_filler
        is_marker = piece.is_marker("exclude_before") or piece.is_marker("exclude_or")
        is_governed = is_marker or (is_governed and (is_filler or is_loose(piece)))
    return pieces


def _is_value(piece: Found) -> bool:
    """Whether the catalogue itself calls a kind so."""
    meanings = piece.phrase.meanings if piece.phrase else ()
    held = {value.casefold() for meaning in meanings for _, each in meaning.exact for value in each}
    return piece.written in held


def _is_bound(found: Sequence[Found], place: int) -> bool:
    """Whether a list goes on behind a piece, and a binding word stands in it."""
    at = place + 1
    while at < len(found) and found[at].written == _COMMA and at + 1 < len(found):
        at += 2
    return at < len(found) and found[at].is_marker("exclude_or")
