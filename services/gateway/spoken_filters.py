"""Takes what a query says exactly into its draft: sizes, prices, and brands in quotes."""

from collections.abc import Mapping, Sequence

from catalog.product_filter import Condition
from services.gateway.answer import Understood
from services.gateway.composing import Composer
from services.gateway.meanings import Meaning
from services.gateway.scanning import Word, quoted
from services.gateway.spoken_prices import PriceRange, SpokenPrices
from services.gateway.spoken_sizes import SpokenSizes
from services.gateway.vocabulary import Vocabulary

PRICE, SIZE = "price_minor", "size"
OTHER_CURRENCY, NO_PRICES, NO_SUCH_SIZE = "other_currency", "no_prices", "no_such_size"
"""Why something that was read is not used."""


class SpokenFilters:
    """What is said exactly, in the words of one catalogue.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
        brands: What the brands mean, by their keys.
    """

    def __init__(self, vocabulary: Vocabulary, brands: Mapping[str, Meaning]) -> None:
        self._brands = brands
        self._sizes = SpokenSizes(vocabulary)
        self._prices = SpokenPrices(vocabulary.lexicon, vocabulary.currency, vocabulary.dearest)

    def take(self, words: Sequence[Word], taken: set[int], composer: Composer) -> None:
        """Writes the filters of a query into its draft.

        What is read but cannot be used is told with the reason as its effect.

        Args:
            words: The pieces of the query.
            taken: Places of what is read already; those that are read here join them.
            composer: Writes the draft.
        """
        self._take_quoted(words, composer)
        self._take_sizes(words, taken, composer)
        self._take_prices(words, taken, composer)

    def _take_quoted(self, words: Sequence[Word], composer: Composer) -> None:
        """A brand in quotes is meant exactly; other quoted words are looked up as they stand."""
        for start, end in quoted(words):
            written = composer.written(start, end)
            brand = self._brands.get("".join(word.key for word in words[start:end]))
            if brand is not None:
                condition = Condition("brand", brand.exact[0][1])
                told = Understood("brand", brand.name, written, "filter")
                if not composer.refuses("brand", brand.name):
                    composer.filter(condition, told)
                    continue
            composer.say(written)

    def _take_sizes(self, words: Sequence[Word], taken: set[int], composer: Composer) -> None:
        for size in self._sizes.find(words):
            places = range(size.start, size.end)
            if taken.intersection(places):
                continue
            written = composer.written(size.start, size.end)
            values = tuple(v for v in size.values if not composer.refuses(SIZE, v))
            unknown = [name.upper() for name in size.unknown]
            unknown = [name for name in unknown if not composer.refuses(SIZE, name)]
            if values:
                told = [Understood(SIZE, value, written, "filter") for value in values]
                composer.filter(Condition(SIZE, values), *told)
            for name in unknown:
                composer.tell(Understood(SIZE, name, written, NO_SUCH_SIZE))
            if values or unknown:
                taken.update(places)

    def _take_prices(self, words: Sequence[Word], taken: set[int], composer: Composer) -> None:
        for price in self._prices.find(words):
            places = range(price.start, price.end)
            if taken.intersection(places):
                continue
            written = composer.written(price.start, price.end)
            value = _told(price)
            if not price.is_known:
                taken.update(places)
                why = OTHER_CURRENCY if price.foreign else NO_PRICES
                composer.tell(Understood(PRICE, price.foreign, written, why))
            elif not composer.refuses(PRICE, value):
                taken.update(places)
                told = Understood(PRICE, value, written, "filter")
                composer.filter(Condition(PRICE, gte=price.least, lte=price.most), told)


def _told(price: PriceRange) -> str:
    least = "" if price.least is None else str(price.least)
    most = "" if price.most is None else str(price.most)
    return f"{least}..{most}"
