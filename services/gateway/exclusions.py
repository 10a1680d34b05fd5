"""Tells what a query does not want from what it wants."""

from collections.abc import Sequence
from dataclasses import dataclass

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

    What a marker governs is the mention behind it, and those that ``or`` binds to it. Behind
    "not", a garment at the end is still wanted where no other was named before: "not black dress"
    is a dress; "sandals, no leather shoes" are sandals. What is said exactly, such as a size, is
    a thing of its own: "not black size M" is of size M. A minus governs the one word that it is
    written to.

    Args:
        found: The pieces of the query in order; one without text ends what is before it.
    """

    def __init__(self, found: Sequence[Found]) -> None:
        self._found = found
        self.dropped: set[int] = set()
        self.exclusions: list[Exclusion] = []
        for place, piece in enumerate(found):
            if place in self.dropped:
                continue
            if piece.is_marker("exclude_before"):
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
            read = self._group(place)
            if read is None:
                break
            exclusion, place, last = read
            self._drop(exclusion, start, place)
            bound = self._bound(place, last)
            if bound is None:
                break
            start, place = place, bound
        if last:
            self._drop_rest(place)
        # A marker that governs nothing is a word like others.

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

    def _group(self, place: int) -> tuple[Exclusion, int, str] | None:
        """Reads one thing that is not wanted: returns it, the place behind, and its field."""
        strange: list[int] = []
        while place < len(self._found) and len(strange) <= _MOST_STRANGE:
            piece = self._found[place]
            if piece.exact is not None and not strange and piece.written:
                return self._exactly(place), place + 1, piece.field
            if piece.is_mention and piece.exact is None:
                end = self._run_end(place)
                # "No nonsense pencil skirt": the skirt is all that is wanted.
                run = self._found[place:end]
                if strange and any(each.is_kind for each in run) and not self._has_kind(place):
                    break
                return self._mentioned(place, end)
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

    def _run_end(self, place: int) -> int:
        while place < len(self._found) and _is_loose(self._found[place]):
            place += 1
        return place

    def _mentioned(self, place: int, end: int) -> tuple[Exclusion, int, str]:
        run = self._found[place:end]
        if len(run) > 1 and run[-1].is_kind and not self._has_kind(place):
            run = run[:1]
        return Exclusion(tuple(run), "", place, place + len(run)), place + len(run), run[0].field

    def _has_kind(self, place: int) -> bool:
        return any(piece.is_kind for piece in self._found[:place])

    def _bound(self, place: int, field: str) -> int | None:
        """Where another thing begins that the same marker governs."""
        if place >= len(self._found):
            return None
        piece = self._found[place]
        after = self._past_fillers(place + 1, nothing_yet=False)
        if after >= len(self._found):
            return None
        following = self._found[after]
        if following.is_marker("exclude_end"):
            return None
        if piece.is_marker("exclude_or"):
            return after
        is_same = following.is_mention and following.field == field
        is_list = piece.written == "" and after + 1 < len(self._found)
        if piece.is_marker("exclude_and") and is_same:
            return after
        # "no black, white or red": the comma binds where a binding word follows.
        if is_list and is_same and self._found[after + 1].is_marker("exclude_or"):
            return after
        return None

    def _drop_rest(self, place: int) -> None:
        """Drops words right behind an exclusion that tell of it, where something is wanted."""
        if not any(
            _is_loose(piece) and at not in self.dropped for at, piece in enumerate(self._found)
        ):
            return
        while place < len(self._found) and self._found[place].is_unknown:
            self.dropped.add(place)
            place += 1

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
            if place < 2 or not self._binds(place - 1, piece, self._found[place - 2]):
                return
            end = place - 1

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

    def _binds(self, place: int, after: Found, before: Found) -> bool:
        piece = self._found[place]
        if piece.is_marker("exclude_or"):
            return True
        is_same = before.is_mention and after.is_mention and before.field == after.field
        return piece.is_marker("exclude_and") and is_same

    def _drop(self, exclusion: Exclusion, start: int, end: int) -> None:
        self.exclusions.append(exclusion)
        self.dropped.update(range(start, end))


def _is_loose(piece: Found) -> bool:
    return piece.is_mention and piece.exact is None
