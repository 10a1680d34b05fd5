"""Reads what something may cost from the words of a query."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from catalog.lexicon import Lexicon
from catalog.money import minor_digits
from services.gateway.scanning import Word
from services.gateway.spoken_numbers import Amount, SpokenNumbers, Term, longest, term_key

_Roles = frozenset[str]
_Bounds = tuple[Amount | None, Amount | None]


@dataclass(frozen=True, slots=True)
class PriceRange:
    """What something may cost, in minor units of the catalogue's currency, both ends included.

    ``start`` and ``end`` say which pieces of the query said so. ``foreign`` is the currency in
    which the price is told where it is not the catalogue's: then nothing is known of it.
    ``is_known`` is False then, and where the catalogue has no prices.
    """

    start: int
    end: int
    least: int | None = None
    most: int | None = None
    is_known: bool = True
    foreign: str = ""


class SpokenPrices:
    """The words for prices of all languages.

    Args:
        lexicon: The dictionaries.
        currency: ISO code of the catalogue's prices; empty where it has none.
        dearest: The highest price, in minor units.
    """

    def __init__(self, lexicon: Lexicon, currency: str, dearest: int) -> None:
        self._currency, self._dearest = currency, dearest
        self._unit = Decimal(10) ** minor_digits(currency)
        self._numbers = SpokenNumbers(lexicon)
        roles: dict[str, _Roles] = {}
        for role in ("under", "over", "under_after", "over_after", "span_after", "strict"):
            for form in lexicon.markers(role):
                key = term_key(form)
                roles[key] = roles.get(key, frozenset()) | {role}
        self._roles = roles
        self._between: dict[str, dict[str, bool]] = {}
        for grammar in lexicon.grammars.values():
            for first, second in grammar.between:
                self._between.setdefault(term_key(first), {})[term_key(second)] = True
        seconds = {key for held in self._between.values() for key in held}
        self._markers = {**self._roles, **dict.fromkeys(seconds, frozenset[str]())}

    def find(self, words: Sequence[Word]) -> list[PriceRange]:
        """Returns the prices that are told, in order; no piece belongs to two."""
        if not any(word.is_number or not word.text.isascii() for word in words) and not any(
            longest([Term(word.text, 0, False, False)], 0, self._roles) for word in words
        ):
            return []
        terms = self._numbers.split(words, self._markers)
        found: list[PriceRange] = []
        place = 0
        while place < len(terms):
            read = self._range(terms, place)
            if read is None:
                place += 1
                continue
            (least, most, strict), end = read
            start, last = terms[place].place, terms[end - 1].place + 1
            place = end
            if (price := self._price(start, last, (least, most), strict)) is not None:
                found.append(price)
        return found

    def _range(
        self, terms: Sequence[Term], place: int
    ) -> tuple[tuple[Amount | None, Amount | None, bool], int] | None:
        if (both := self._both(terms, place)) is not None:
            least, most, end = both
            return (least, most, False), end
        marked = longest(terms, place, self._roles)
        if marked and marked[0] & {"under", "over"}:
            amount = self._numbers.at(terms, marked[1])
            if amount is not None:
                is_under = "under" in marked[0]
                pair = (None, amount) if is_under else (amount, None)
                return (*pair, "strict" in marked[0]), amount.end
        amount = self._numbers.at(terms, place)
        if amount is None:
            return None
        marked = longest(terms, amount.end, self._roles)
        if marked and marked[0] & {"under_after", "over_after"}:
            pair = (None, amount) if "under_after" in marked[0] else (amount, None)
            return (*pair, "strict" in marked[0]), marked[1]
        if marked and "span_after" in marked[0] and amount.is_money and amount.value:
            return (amount, self._last_of(amount), False), marked[1]
        return None

    def _last_of(self, amount: Amount) -> Amount:
        """The last price of those that begin like an amount: of 3만원대 (30,000s) 39,999."""
        digits = amount.value.normalize().as_tuple()
        span = Decimal(10) ** max(int(digits.exponent), 0)
        return replace(amount, value=amount.value + span - 1 / self._unit)

    def _both(self, terms: Sequence[Term], place: int) -> tuple[Amount, Amount, int] | None:
        """Reads two ends: between 20 and 40, 20-40 euros, 2만원에서 4만원."""
        for first, seconds in self._between.items():
            start = place
            if first:
                found = longest(terms, place, {first: True})
                if found is None:
                    continue
                start = found[1]
            least = self._numbers.at(terms, start)
            if least is None or (between := longest(terms, least.end, seconds)) is None:
                continue
            most = self._numbers.at(terms, between[1])
            if most is None or not (first or least.is_money or most.is_money):
                continue
            end = most.end
            closing = longest(terms, end, self._roles)
            if closing and closing[0] & {"under_after", "over_after"}:
                end = closing[1]
            return least, most, end
        return None

    def _price(self, start: int, end: int, bounds: _Bounds, strict: bool) -> PriceRange | None:
        told = {amount.currency for amount in bounds if amount is not None} - {""}
        foreign = sorted(told - {self._currency})
        if not self._currency or foreign:
            return PriceRange(start, end, is_known=False, foreign="".join(foreign[:1]))
        least, most = (None if amount is None else self._minor(amount) for amount in bounds)
        if least is not None and most is not None and least > most:
            least, most = most, least
        # "from 1990" says a year where nothing costs as much, unless money is told.
        is_money = any(amount is not None and amount.is_money for amount in bounds)
        if least is not None and least > self._dearest and not is_money:
            return None
        if strict:
            least = None if least is None else least + 1
            most = None if most is None else max(most - 1, 0)
        return PriceRange(start, end, least, most)

    def _minor(self, amount: Amount) -> int:
        return int((amount.value * self._unit).to_integral_value(ROUND_HALF_UP))
