"""Reads sizes from the words of a query."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.scanning import Word, words_of
from services.gateway.vocabulary import Vocabulary

_LONGEST = 5
_OR = frozenset(("/", ",", "-"))
# 2XL is XXL, and W32 L32 is written 32/32 and W32/L32 as well.
_LETTERS = re.compile(r"([2-6])x([sl])")
_JEANS = re.compile(r"w?(\d\d)(?:/|(?=l))l?(\d\d)")
# What nobody writes but as a size, even without saying "size", as it is compared.
_PLAIN = re.compile(r"x{1,6}[sl]|w\d\dl\d\d|w\d\d")
_WAIST, _LENGTH = re.compile(r"w\d\d"), re.compile(r"l\d\d")
_LETTER = re.compile(r"x*[sl]|m")
_SHOES = "shoes"
_NUMBER = re.compile(r"\d{1,3}")


@dataclass(frozen=True, slots=True)
class SizeRange:
    """Sizes that are asked for; ``start`` and ``end`` say which pieces of the query said so.

    ``values`` are the catalogue's; ``unknown`` are as they were written, and no product has them.
    """

    start: int
    end: int
    values: tuple[str, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Size:
    """One size that is told: its values in the catalogue, none where no product has it."""

    values: tuple[str, ...]
    end: int
    key: str


class SpokenSizes:
    """The sizes of a catalogue, and how they are asked for.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        lexicon = vocabulary.lexicon
        self._sizes: dict[str, tuple[str, ...]] = {}
        plain: set[str] = set()
        for size in sorted(vocabulary.values.get("size", {})):
            key = _key(size)
            if key:
                self._sizes[key] = (*self._sizes.get(key, ()), size)
        for grammar in lexicon.grammars.values():
            for written, size in grammar.names["sizes"].items():
                if (values := self._sizes.get(_key(size))) is not None:
                    self._sizes.setdefault(_key(written), values)
                    if len(words_of(written, {})) > 1:  # "large" may be a print, "x-large" not
                        plain.add(_key(written))
        self._plain = frozenset(plain)
        self._shoes = _names_of(vocabulary, _SHOES)
        self._before = frozenset(map(_spaced, lexicon.markers("size_before")))
        self._after = frozenset(map(_spaced, lexicon.markers("size_after")))
        fillers = {word for name in lexicon.languages for word in lexicon.fillers(name)}
        # "In a 40" is a size only where it is one of the catalogue's.
        self._telling = frozenset(
            marker for marker in self._before if not fillers.issuperset(marker.split())
        )
        binding = (*lexicon.markers("exclude_or"), *lexicon.markers("exclude_and"))
        self._or = _OR | frozenset(map(_joined, binding))

    def find(self, words: Sequence[Word]) -> list[SizeRange]:
        """Returns the sizes that are asked for, in order; no piece belongs to two."""
        found: list[SizeRange] = []
        place = 0 if self._sizes else len(words)
        while place < len(words):
            size = self._at(words, place)
            if size is not None:
                found.append(size)
            place = size.end if size else place + 1
        return found

    def _at(self, words: Sequence[Word], place: int) -> SizeRange | None:
        if marked := self._marker(words, place, self._before):
            is_telling = self._marker(words, place, self._telling) == marked
            if (listed := self._list(words, place, marked, is_telling)) is not None:
                return listed
        if place and words[place - 1].is_number and words[place - 1].end == words[place].start:
            return None  # 10XL is no XL
        read = self._size(words, place)
        if read is not None and (after := self._marker(words, read.end, self._after)) is not None:
            return SizeRange(place, after, read.values)
        if (bare := self._bare(words, place)) is not None:
            return bare
        if read is None or not (_PLAIN.fullmatch(read.key) or read.key in self._plain):
            read = self._unknown(words, place, is_told=False)
        return None if read is None else self._list(words, place, place, is_told=False)

    def _bare(self, words: Sequence[Word], place: int) -> SizeRange | None:
        """Reads what is a size by what stands beside it: m or l, 32/32, shoes 42, m사이즈."""
        word = words[place]
        for marker in self._after:
            size = word.text.removesuffix(marker)
            if size != word.text and (values := self._sizes.get(_canonical(size))) is not None:
                return SizeRange(place, place + 1, values)
        if not word.is_number:
            listed = self._list(words, place, place, is_told=False)
            is_sure = listed is not None and not listed.unknown and len(listed.values) > 1
            return listed if is_sure and _LETTER.fullmatch(_canonical(word.text)) else None
        if (waist := self._waist(words, place)) is not None:
            return waist
        values = self._sizes.get(word.text, ())
        is_last = place + 1 == len(words)
        if (
            values
            and is_last
            and place
            and {words[place - 1].text, words[place - 1].key} & self._shoes
        ):
            return SizeRange(place, place + 1, values)
        return None

    def _waist(self, words: Sequence[Word], place: int) -> SizeRange | None:
        """Reads a waist and a length where the catalogue has waists alone."""
        text = _written(words, place, place + 3)
        jeans = _JEANS.fullmatch(text)
        if jeans is None or f"w{jeans[1]}l{jeans[2]}" in self._sizes:
            return None
        values = self._sizes.get(f"w{jeans[1]}")
        return SizeRange(place, place + 3, values, (f"L{jeans[2]}",)) if values else None

    def _list(
        self, words: Sequence[Word], start: int, place: int, is_told: bool
    ) -> SizeRange | None:
        """Reads one or more sizes: m, m/l, 38 or 40, w32 l34."""
        found: list[str] = []
        unknown: list[str] = []
        end = start
        while True:
            read = self._size(words, place) or self._unknown(words, place, is_told)
            if read is None:
                break
            found += read.values
            if not read.values:
                unknown.append(_written(words, place, read.end))
            end = read.end
            if _WAIST.fullmatch(read.key) and (length := self._length(words, end)) is not None:
                unknown.append(words[length - 1].text)
                end = length
            if (
                end < len(words)
                and _LETTER.fullmatch(read.key)
                and _LETTER.fullmatch(words[end].key)
            ):
                place = end  # "XS S"
                continue
            if end >= len(words) or (words[end].key or words[end].text) not in self._or:
                break
            place = end + 1
        if end == start:
            return None
        return SizeRange(start, end, tuple(dict.fromkeys(found)), tuple(dict.fromkeys(unknown)))

    def _size(self, words: Sequence[Word], place: int) -> _Size | None:
        """Reads a size of the catalogue, the longest that is written there."""
        text, best = "", None
        for end in range(place, min(place + _LONGEST, len(words))):
            text += words[end].text
            key = _canonical(text)
            if (values := self._sizes.get(key)) is not None:
                best = _Size(values, end + 1, key)
        glued = best is not None and best.end < len(words) and words[best.end]
        # "38er", "4x": a number with letters behind it is another thing.
        if best and glued and words[best.end - 1].is_number and not glued.is_sign:
            return None if glued.start == words[best.end - 1].end else best
        return best

    def _unknown(self, words: Sequence[Word], place: int, is_told: bool) -> _Size | None:
        """Reads what is surely a size, though no product has it."""
        text, best = "", None
        if place >= len(words) or not (words[place].is_number or words[place].text[0] in "xw"):
            return None
        for end in range(place, min(place + 2, len(words))):
            if end > place and words[end].start != words[end - 1].end:
                break
            text += words[end].text
            key = _canonical(text)
            if _PLAIN.fullmatch(key) or (is_told and _NUMBER.fullmatch(key)):
                best = _Size((), end + 1, key)
        return best

    def _length(self, words: Sequence[Word], place: int) -> int | None:
        """Where the length of jeans ends that stands behind their waist, with or without a sign."""
        at = place + (place < len(words) and words[place].text in ("/", "x"))
        return at + 1 if at < len(words) and _LENGTH.fullmatch(words[at].text) else None

    def _marker(self, words: Sequence[Word], place: int, markers: frozenset[str]) -> int | None:
        best = None
        for end in range(place, min(place + _LONGEST, len(words))):
            if " ".join(word.text for word in words[place : end + 1]) in markers:
                best = end + 1
        if best is not None and best < len(words) and words[best].text == ":":
            return best + 1
        return best


def _canonical(text: str) -> str:
    """A size as it is compared: 2xl as xxl, and a waist with a length as w32l32."""
    if not (text[:1].isdigit() or text[:1] == "w"):
        return text
    if letters := _LETTERS.fullmatch(text):
        return "x" * int(letters[1]) + letters[2]
    if jeans := _JEANS.fullmatch(text):
        return f"w{jeans[1]}l{jeans[2]}"
    return text


def _names_of(vocabulary: Vocabulary, name: str) -> frozenset[str]:
    """The single words of all languages for a concept and its narrower ones, as written."""
    lexicon, forms = vocabulary.lexicon, vocabulary.table.forms
    names = {name, *lexicon.narrower.get(name, ())}
    said = (
        form for concept in lexicon.concepts if concept.name in names for form in concept.written
    )
    cut = (words_of(form, forms) for form in said)
    return frozenset(text for word in cut if len(word) == 1 for text in (word[0].text, word[0].key))


def _written(words: Sequence[Word], start: int, end: int) -> str:
    return "".join(word.text for word in words[start:end])


def _spaced(text: str) -> str:
    return " ".join(word.text for word in words_of(text, {}))


def _joined(text: str) -> str:
    return "".join(word.text for word in words_of(text, {}))


def _key(text: str) -> str:
    return _canonical(_joined(text))
