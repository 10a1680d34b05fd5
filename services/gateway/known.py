"""Says what is known of a catalogue while a query is read."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from catalog.hangul import has_hangul, is_part
from catalog.normalize import Normalizer
from services.gateway.meanings import Values
from services.gateway.mentions import Mentions

_RARE = 0.1
_CACHED = 50_000


class Known:
    """What is known of a catalogue, as the words of queries are looked up in it.

    Args:
        mentions: What can be said of its products.
        normalizer: Its normaliser.
        frequencies: How many products hold each token.
        coverages: The share of the products that have a field, by field.
    """

    def __init__(
        self,
        mentions: Mentions,
        normalizer: Normalizer,
        frequencies: Mapping[str, int],
        coverages: Mapping[str, float],
    ) -> None:
        self.mentions = mentions
        self._tokens = lru_cache(_CACHED)(lambda text: tuple(normalizer.tokens(text)))
        self._frequencies = frequencies
        self._coverages = coverages

    def holds(self, text: str) -> bool:
        """Whether a product holds any word of a text, or all parts of a Korean one."""
        tokens = self._tokens(text)
        if any(token in self._frequencies for token in tokens if not is_part(token)):
            return True
        parts = [token for token in tokens if is_part(token)]
        return bool(parts) and all(part in self._frequencies for part in parts)

    def same(self, text: str, other: str) -> bool:
        """Whether the words of a text are all among those of another."""
        return set(self._tokens(text)) <= set(self._tokens(other))

    def is_rare(self, text: str, others: Sequence[str]) -> bool:
        """Whether far fewer products hold a text than hold one of the others.

        A Korean word never is: no other language has words that look like it.
        """
        if has_hangul(text):
            return False
        most = max(map(self._count, others), default=0)
        return self._count(text) < _RARE * most

    def _count(self, text: str) -> int:
        held = self._frequencies
        return min((held.get(token, 0) for token in self._tokens(text)), default=0)

    def commonest(self, words: Sequence[str], said: str) -> tuple[str, ...]:
        """The word that most products hold, where more do than hold what was said.

        All synonyms together would drown what else was asked for.
        """
        best = max(words, key=self._count, default="")
        return (best,) if best and self._count(best) > self._count(said) else ()

    def rarest(self, text: str) -> str:
        """The token of a text that the fewest products hold, or "" where none is held."""
        known = self._frequencies
        held = [token for token in self._tokens(text) if token in known and not is_part(token)]
        return min(held, key=lambda token: (self._frequencies[token], token), default="")

    def whole(self, field: str) -> Values:
        """All values of a field but for those that say that it has nothing."""
        return self.mentions.phrases.whole.get(field, ())

    def coverage(self, field: str) -> float:
        """The share of the products that have a field."""
        return self._coverages.get(field, 0.0)
