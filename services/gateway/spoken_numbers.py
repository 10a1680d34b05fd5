"""Reads amounts of money from the pieces of a query: digits, number words, currencies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from catalog.lexicon import Lexicon
from services.gateway.scanning import Word, words_of

_T = TypeVar("_T")
_LONGEST = 4
_MOST = Decimal(10) ** 15
_LONGEST_PRICE = 40  # letters of a price in one word; to read more takes longer and longer
_SEPARATORS = frozenset(".,'")
_LEFT_OVER = 2  # letters, such as a particle, behind a currency


@dataclass(frozen=True, slots=True)
class Term:
    """A piece that may speak of a price; ``place`` is that of the piece in the query.

    ``is_glued`` tells whether it stands right behind the one before, without a space.
    """

    text: str
    place: int
    is_number: bool
    is_glued: bool


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount, and the term behind it; ``currency`` is empty where none is told.

    ``is_money`` tells whether more than a bare number says that it is one.
    """

    value: Decimal
    currency: str
    end: int
    is_money: bool


class SpokenNumbers:
    """The words for numbers and currencies of all languages.

    Args:
        lexicon: The dictionaries.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        grammars = lexicon.grammars.values()
        self.currencies = {
            term_key(name): code
            for grammar in grammars
            for name, code in grammar.names["currencies"].items()
        }
        self._numbers, self._multipliers, self._cents = (
            {
                term_key(word): number
                for grammar in grammars
                for word, number in grammar.numbers[name].items()
            }
            for name in ("numbers", "multipliers", "cents")
        )
        self._units = frozenset(map(term_key, lexicon.markers("units")))

    def at(self, terms: Sequence[Term], place: int) -> Amount | None:
        """Returns the amount that begins at a term."""
        currency, start = longest(terms, place, self.currencies) or ("", place)
        read = self._number(terms, start)
        if read is None:
            return None
        value, end, is_multiplied = read
        if found := longest(terms, end, self.currencies):
            currency, end = currency or found[0], found[1]
        elif found_cents := longest(terms, end, self._cents):
            value, end, is_multiplied = value / found_cents[0], found_cents[1], True
        elif not currency and not is_multiplied and self._is_other(terms, end):
            return None
        if value > _MOST:
            return None
        return Amount(value, currency, end, bool(currency) or is_multiplied)

    def _number(self, terms: Sequence[Term], place: int) -> tuple[Decimal, int, bool] | None:
        """Adds up numbers and their multipliers: 3만 5천, two hundred, twenty five."""
        total, end, is_multiplied, least = Decimal(0), place, False, _MOST
        while end < len(terms) and (read := self._addend(terms, end)) is not None:
            value, after, factor = read
            # A second addend is part of the number only where it is smaller than the first one.
            if end > place and ((terms[end].is_number and not is_multiplied) or value >= least):
                break
            total, end, is_multiplied = total + value, after, is_multiplied or factor > 1
            least = Decimal(factor if factor > 1 else 10 if value >= 20 else 0)
        return (total, end, is_multiplied) if end > place else None

    def _addend(self, terms: Sequence[Term], place: int) -> tuple[Decimal, int, int] | None:
        value, end = Decimal(1), place
        if terms[place].is_number:
            value, end = number_of(terms[place].text), place + 1
        elif found := longest(terms, place, self._numbers):
            value, end = Decimal(found[0]), found[1]
        factor = 1
        while found := longest(terms, end, self._multipliers):
            factor, end = factor * found[0], found[1]
        return (value * factor, end, factor) if end > place else None

    def _is_other(self, terms: Sequence[Term], end: int) -> bool:
        """Whether a bare number is no amount of money: 100%, 5 cm, the 90s, 3/4, 1e9, 1.2345."""
        if end == len(terms):
            return False
        after = terms[end]
        if after.text in self._units or after.text in ("/", "%", "*"):
            return True
        if not after.is_glued:
            return False
        if after.text in _SEPARATORS and end + 1 < len(terms):
            return terms[end + 1].is_glued and terms[end + 1].is_number
        return after.text[0].isascii() and after.text.isalnum()

    def split(self, words: Sequence[Word], known: Mapping[str, object]) -> list[Term]:
        """Returns the terms of a query: words of other scripts are taken apart where they hold
        nothing but numbers, currencies and markers of prices, as in 만원이하.

        Args:
            words: The pieces of the query.
            known: Markers of prices.
        """
        terms: list[Term] = []
        for place, word in enumerate(words):
            is_glued = place > 0 and words[place - 1].end == word.start
            parts = [word.text]
            if not word.is_number and not word.text.isascii():
                after_number = is_glued and words[place - 1].is_number
                parts = self._parts(word.text, known, after_number) or parts
            for number, part in enumerate(parts):
                is_number = word.is_number or part.isdecimal()
                terms.append(Term(part, place, is_number, is_glued or number > 0))
        return terms

    def _parts(
        self, text: str, markers: Mapping[str, object], after_number: bool
    ) -> list[str] | None:
        if len(text) > _LONGEST_PRICE:
            return None
        parts: list[str] = []
        place, is_money = 0, False
        while place < len(text):
            end = place
            while end < len(text) and text[end].isdecimal():
                end += 1
            if end == place:
                end = self._longest_part(text, place, markers)
            if end == place:
                break
            part = text[place:end]
            is_money = is_money or part in self.currencies or part in self._multipliers
            parts.append(part)
            place = end
        left = len(text) - place
        if not is_money or not (left == 0 or (after_number and left <= _LEFT_OVER)):
            return None
        # One syllable that happens to be a number word is no price.
        return parts if after_number or len(parts) > 1 else None

    def _longest_part(self, text: str, place: int, markers: Mapping[str, object]) -> int:
        for end in range(len(text), place, -1):
            part = text[place:end]
            tables = (self.currencies, self._numbers, self._multipliers, self._cents, markers)
            if any(part in table for table in tables):
                return end
        return place


def term_key(form: str) -> str:
    """Returns that by which a marker or a currency is looked up: no spaces, no full stops."""
    return "".join(word.text for word in words_of(form, {})).replace(".", "")


def longest(terms: Sequence[Term], place: int, table: Mapping[str, _T]) -> tuple[_T, int] | None:
    """Returns what the longest run of terms from a place leads to, and where it ends."""
    key, best = "", None
    for end in range(place, min(place + _LONGEST, len(terms))):
        if terms[end].text != ".":
            key += terms[end].text
        if key in table:
            best = (table[key], end + 1)
    return best


def number_of(text: str) -> Decimal:
    """Returns a number with its separators: the last one is decimal before one or two digits."""
    digits = text.replace("'", "").replace(",", ".")
    whole, dot, rest = digits.rpartition(".")
    if dot and len(rest) <= 2:
        return Decimal(f"{whole.replace('.', '')}.{rest}")
    return Decimal(digits.replace(".", ""))
