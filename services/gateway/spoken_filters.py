"""Finds what a query says exactly: sizes, prices, and brands and other texts in quotes."""

from collections.abc import Iterator, Sequence

from catalog.product_filter import Condition
from services.gateway.answer import Understood
from services.gateway.ignoring import Ignored
from services.gateway.phrases import Phrases
from services.gateway.pieces import WORDS, Exact
from services.gateway.scanning import Word, quoted
from services.gateway.spoken_prices import SpokenPrices
from services.gateway.spoken_sizes import SpokenSizes
from services.gateway.vocabulary import Vocabulary

PRICE, SIZE = "price_minor", "size"
OTHER_CURRENCY, NO_PRICES, NO_SUCH_SIZE = "other_currency", "no_prices", "no_such_size"
"""Why something that was read is not used."""


class SpokenFilters:
    """What is said exactly, in the words of one catalogue.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
        phrases: What can be said of its products.
    """

    def __init__(self, vocabulary: Vocabulary, phrases: Phrases) -> None:
        self._phrases = phrases
        self._sizes = SpokenSizes(vocabulary)
        self._prices = SpokenPrices(vocabulary.lexicon, vocabulary.currency, vocabulary.dearest)

    def find(self, text: str, words: Sequence[Word], ignored: Ignored) -> list[Exact]:
        """Returns what is said exactly, in order; no piece of the query belongs to two.

        Args:
            text: The query.
            words: Its pieces.
            ignored: What is not to be understood: it is no size and no price then, and a brand in
                quotes is words.
        """
        found = [*self._quoted(text, words, ignored)]
        if not ignored.has_effect("filter"):
            taken = {place for each in found for place in range(each.start, each.end)}
            for kind in (self._sized(text, words, ignored), self._priced(text, words, ignored)):
                for each in kind:
                    places = range(each.start, each.end)
                    if taken.isdisjoint(places):
                        found.append(each)
                        taken.update(places)
        return sorted(found, key=lambda each: each.start)

    def _quoted(self, text: str, words: Sequence[Word], ignored: Ignored) -> Iterator[Exact]:
        """A brand in quotes is meant exactly; other quoted words are looked up as they stand."""
        for start, end in quoted(words):
            written = text[words[start].start : words[end - 1].end]
            brand = self._phrases.brands.get("".join(word.key for word in words[start:end]))
            if brand is not None and not _is_refused(brand.name, ignored):
                condition = Condition("brand", brand.exact[0][1])
                yield Exact(start - 1, end + 1, written, "brand", (brand.name,), condition)
                continue
            said = None if words[start].is_sign else self._phrases.longest(words, start, end)
            phrase = said.phrase if said is not None and said.end == end else None
            yield Exact(start - 1, end + 1, written, WORDS, (written,), phrase=phrase)

    def _sized(self, text: str, words: Sequence[Word], ignored: Ignored) -> Iterator[Exact]:
        for size in self._sizes.find(words):
            written = text[words[size.start].start : words[size.end - 1].end]
            values = tuple(v for v in size.values if not ignored.has(SIZE, v))
            unknown = [name.upper() for name in size.unknown]
            unused = tuple(
                Understood(SIZE, name, written, NO_SUCH_SIZE)
                for name in unknown
                if not ignored.has(SIZE, name)
            )
            condition = Condition(SIZE, values) if values else None
            if values or unused:
                yield Exact(size.start, size.end, written, SIZE, values, condition, unused)

    def _priced(self, text: str, words: Sequence[Word], ignored: Ignored) -> Iterator[Exact]:
        for price in self._prices.find(words):
            written = text[words[price.start].start : words[price.end - 1].end]
            if not price.is_known:
                why = OTHER_CURRENCY if price.foreign else NO_PRICES
                unused = (Understood(PRICE, price.foreign, written, why),)
                yield Exact(price.start, price.end, written, PRICE, unused=unused)
                continue
            condition = Condition(PRICE, gte=price.least, lte=price.most)
            value = told(condition)
            if not ignored.has(PRICE, value):
                yield Exact(price.start, price.end, written, PRICE, (value,), condition)


def _is_refused(brand: str, ignored: Ignored) -> bool:
    return ignored.has_effect("filter") or ignored.has("brand", brand)


def told(condition: Condition) -> str:
    """A range of prices as the shopper is told, in minor units: ``2000..4999``, ``..7999``."""
    least = "" if condition.gte is None else str(condition.gte)
    most = "" if condition.lte is None else str(condition.lte)
    return f"{least}..{most}"


def beside(condition: Condition) -> Condition | None:
    """The prices that are left where those of a range are not wanted.

    Returns:
        None where they are no range: beside those from 20 to 40 there are cheaper and dearer ones.
    """
    if condition.field != PRICE or (condition.gte is None) == (condition.lte is None):
        return None
    if condition.gte is not None:
        return Condition(PRICE, lte=condition.gte - 1) if condition.gte > 0 else None
    return Condition(PRICE, gte=(condition.lte or 0) + 1)
