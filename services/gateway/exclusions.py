"""Tells what a query does not want from what it wants."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.gateway.governing import continued, governed, is_loose, stands_apart
from services.gateway.pieces import WORDS, Found

_MOST_STRANGE = 2


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Something not wanted: what all of the mentions say at once, or a word that is no phrase.

    ``start`` and ``end`` are places in the query as it was found.
    """

    mentions: tuple[Found, ...]
    word: str
    start: int
    end: int


class Exclusions:
    """Reads the exclusions of one query.

    A marker governs one thing: the mention behind it, with what is told of it, and those that
    "or", "and" or a comma bind to it. What follows of another field is wanted: "shirt not black
    men" is a men's shirt. Behind a marker a garment is wanted where no other was named before:
    "not black dress women" is a dress for women; "sandals, no leather shoes" are sandals. What is
    said exactly, such as a size, is a thing of its own: "not black size M" is of size M. A minus
    governs the one word that it is written to.

    Args:
        found: The pieces of the query in order; one without text ends what is before it.
        holds: Tells whether a product holds a word.
    """

    def __init__(self, found: Sequence[Found], holds: Callable[[str], bool]) -> None:
        self._found, self._holds = found, holds
        self.dropped: set[int] = set()
        self.exclusions: list[Exclusion] = []
        for place, piece in enumerate(found):
            if place in self.dropped:
                continue
            if piece.is_marker("exclude_before") or self._is_than(place):
                self._after(place)
            elif piece.is_marker("exclude_next"):
                self._next(place)
            elif piece.is_marker("exclude_after") and place:
                self._before(place)

    def _after(self, marker: int) -> None:
        """Reads what stands behind a marker."""
        place, start, last = marker + 1, marker, ""
        if self._is_number(place):
            return  # no. 5
        while True:
            place = self._past_fillers(place, nothing_yet=not last)
            read = self._group(place, is_quality=self._found[marker].is_marker("exclude_quality"))
            if read is None:
                break
            exclusion, place, last = read
            self._drop(exclusion, start, place)
            wants_kind = not self._has_kind(start)
            bound = continued(self._found, place, last, self._past_fillers, wants_kind=wants_kind)
            if bound is None:
                break
            start, place = place, bound
        if last:
            self._drop_rest(place)
        # A marker that governs nothing is a word like others.

    def _is_than(self, place: int) -> bool:
        """Whether it is the "than" of "rather red than black"."""
        said = self._found[:place] if self._found[place].is_marker("exclude_than") else ()
        return any(piece.is_marker("exclude_rather") for piece in said)

    def _is_number(self, place: int) -> bool:
        return place < len(self._found) and self._found[place].written.isdigit()

    def _next(self, marker: int) -> None:
        """Reads the word behind a minus, all parts of it where it was taken apart."""
        place = marker + 1
        if place >= len(self._found):
            return
        piece = self._found[place]
        end = place + 1
        while end < len(self._found) and self._found[end].start == piece.start:
            end += 1
        run = tuple(each for each in self._found[place:end] if each.is_mention)
        if piece.exact is not None:
            self._drop(self._exactly(place), marker, end)
        elif run:
            self._drop(Exclusion(run, "", place, end), marker, end)
        elif piece.is_unknown:
            self._drop(Exclusion((), piece.written, place, end), marker, end)

    def _past_fillers(self, place: int, *, nothing_yet: bool) -> int:
        while place < len(self._found):
            piece = self._found[place]
            is_end = piece.is_marker("exclude_end") and not nothing_yet
            if piece.is_mention or piece.phrase is None or is_end:
                break
            if not (piece.phrase.is_filler or piece.is_marker("exclude_before")):
                break
            place += 1
        return place

    def _group(self, place: int, *, is_quality: bool) -> tuple[Exclusion, int, str] | None:
        """Reads one thing that is not wanted: returns it, the place behind, and its field."""
        strange: list[int] = []
        while place < len(self._found) and len(strange) <= _MOST_STRANGE:
            piece = self._found[place]
            if piece.exact is not None and not strange and piece.written:
                return self._exactly(place), place + 1, piece.field
            if is_loose(piece):
                # "No nonsense pencil skirt": the skirt is all that is wanted.
                if strange and (stands_apart(piece) or self._leads_to_wanted(place)):
                    break
                has_kind = self._has_kind(place)
                end = governed(self._found, place, has_kind=has_kind, is_quality=is_quality)
                run = tuple(self._found[place:end])
                return Exclusion(run, "", place, end), end, run[-1].field
            if not piece.is_unknown:
                break
            strange.append(place)
            place += 1
        if not strange:
            return None
        # Of words that no phrase knows the last one is the thing, those before tell of it.
        head = strange[min(len(strange), _MOST_STRANGE) - 1]
        word = self._found[head].part or self._found[head].written
        return Exclusion((), word, head, head + 1), head + 1, "words"

    def _exactly(self, place: int) -> Exclusion:
        """What is said exactly and not wanted; a text in quotes is what it says, if it is known."""
        piece = self._found[place].unquoted
        if piece.exact is not None and piece.exact.field == WORDS:
            return Exclusion((), piece.written, place, place + 1)
        return Exclusion((piece,), "", place, place + 1)

    def _leads_to_wanted(self, place: int) -> bool:
        """Whether a garment stands in the phrases from here on, and none is wanted before."""
        end = place
        while end < len(self._found) and is_loose(self._found[end]):
            end += 1
        return any(each.is_kind for each in self._found[place:end]) and not self._has_kind(place)

    def _has_kind(self, place: int) -> bool:
        return any(
            piece.is_kind and at not in self.dropped for at, piece in enumerate(self._found[:place])
        )

    def _drop_rest(self, place: int) -> None:
        """Drops words behind an exclusion that no product holds, where something is wanted."""
        if not any(
            is_loose(piece) and at not in self.dropped for at, piece in enumerate(self._found)
        ):
            return
        while place < len(self._found) and self._is_nothing(self._found[place]):
            self.dropped.add(place)
            place += 1

    def _is_nothing(self, piece: Found) -> bool:
        return piece.is_unknown and not self._holds(piece.written)

    def _before(self, marker: int) -> None:
        """Reads what stands before a marker, as Korean says it, or "sleeve-free"."""
        end = marker
        while True:
            place = end - 1
            # "검정뿐만 아니라": not only black.
            if self._found[place].is_marker("exclude_never"):
                return
            while place > 0 and self._is_filler(place):
                place -= 1
            piece = self._found[place]
            if place in self.dropped or not piece.written:
                return
            # In Latin script such a marker is too often a word of its own: "cruelty free".
            is_word = piece.is_unknown and not piece.written.isascii()
            if not (piece.is_mention or piece.exact or is_word):
                return
            self._drop(self._single(place), place, marker + 1)
            bound = self._bound_before(place)
            if bound is None:
                return
            end = bound

    def _single(self, place: int) -> Exclusion:
        piece = self._found[place]
        if piece.exact is not None:
            return self._exactly(place)
        if piece.is_mention:
            return Exclusion((piece,), "", place, place + 1)
        return Exclusion((), piece.part or piece.written, place, place + 1)

    def _is_filler(self, place: int) -> bool:
        phrase = self._found[place].phrase
        return phrase is not None and phrase.is_filler and not phrase.is_mention

    def _bound_before(self, place: int) -> int | None:
        """Where the thing ends that stands before one and is bound to it: "빨강 파랑 제외"."""
        if place < 1 or place - 1 in self.dropped:
            return None
        after, between = self._found[place], self._found[place - 1]
        # Of two garments side by side one is wanted.
        if _is_same(between, after) and is_loose(between) and not after.is_kind:
            return place
        if place < 2 or place - 2 in self.dropped:
            return None
        is_joint = between.written == "" or between.is_marker("exclude_and")
        is_listed = is_joint and _is_same(self._found[place - 2], after)
        return place - 1 if between.is_marker("exclude_or") or is_listed else None

    def _drop(self, exclusion: Exclusion, start: int, end: int) -> None:
        self.exclusions.append(exclusion)
        self.dropped.update(range(start, end))


def _is_same(before: Found, after: Found) -> bool:
    """Whether both say something of one field."""
    return before.is_mention and after.is_mention and before.field == after.field
