"""Tells the garment that a query names from what only says more of it."""

from collections.abc import Sequence
from dataclasses import replace

from services.gateway.pieces import Found
from services.gateway.scanning import Word

_DETAIL = "detail"
_BINDING = ("exclude_or", "exclude_and")


def with_heads(words: Sequence[Word], found: Sequence[Found]) -> list[Found]:
    """Returns the pieces of a query, those that say more of another garment read so.

    Of two garments without anything between them the last one is meant: a jumper dress is a dress,
    and a "Jeanshemd" is a shirt, of denim. "Shoes bags" are two, for the first stands in the
    plural. "Taschen" are bags, and pockets where a garment has them: "Hemd mit Taschen".

    Args:
        words: The pieces of the text.
        found: What they say, in order.
    """
    settled = list(found)
    for place, piece in enumerate(found):
        if not piece.is_kind or piece.exact is not None:
            continue
        following = found[place + 1] if place + 1 < len(found) else None
        if following is not None and _is_head(words, piece, following):
            settled[place] = _beside(piece) or replace(piece, is_modifier=True)
        elif (detail := _beside(piece)) and detail.field == _DETAIL and _has(found, place):
            settled[place] = detail
    return settled


def _is_head(words: Sequence[Word], piece: Found, following: Found) -> bool:
    """Whether a garment is named right behind another one, which then says more of it."""
    if not following.is_kind or following.exact is not None:
        return False
    if following.start == piece.start:
        return True
    if any(word.is_sign for word in words[piece.end : following.start + 1]):
        return False
    is_english = all(
        each.phrase is not None and each.phrase.is_english for each in (piece, following)
    )
    is_single = not piece.written.endswith("s") or piece.written.endswith("ss")
    return is_english and (is_single or _beside(piece) is not None)


def _has(found: Sequence[Found], place: int) -> bool:
    """Whether a garment stands before a piece, which it is not only listed with."""
    is_listed = place > 0 and any(map(found[place - 1].is_marker, _BINDING))
    return not is_listed and any(piece.is_kind for piece in found[:place])


def _beside(piece: Found) -> Found | None:
    if piece.phrase is None or not piece.phrase.beside:
        return None
    return replace(piece, phrase=replace(piece.phrase, meanings=piece.phrase.beside))
