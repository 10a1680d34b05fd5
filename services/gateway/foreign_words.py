"""Lists the words of other languages than English that may have been misspelt."""

from collections.abc import Callable, Iterator

from services.gateway.meaning import Meaning
from services.gateway.pieces import Phrase
from services.gateway.vocabulary import Vocabulary

# Fields of which German forms are adjectives, and how these are declined.
_DECLINED = frozenset(("colour", "material", "pattern", "fit", "length"))
_ENDINGS = ("e", "er", "es", "en", "em")
_SHORTEST = 3


def foreign_words(
    vocabulary: Vocabulary,
    by_key: Callable[[str], Phrase | None],
    key: Callable[[str], str],
) -> dict[str, int]:
    """Returns the single words of other languages, with how many products are what they say.

    German adjectives come in all cases, which count half: where both are as near, the plain form
    is meant.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
        by_key: Returns the phrase of a key.
        key: Returns by what a word is looked up.
    """
    found: dict[str, int] = {}
    for concept in vocabulary.lexicon.concepts:
        for language, forms in concept.forms.items():
            for form in forms if language != "en" else ():
                phrase = by_key(key(form)) if form.isalpha() else None
                if phrase is None or phrase.is_english or len(form) < _SHORTEST:
                    continue
                count = max((held(each, vocabulary, key) for each in phrase.meanings), default=0)
                found[form] = max(found.get(form, 0), count)
                if language == "de" and concept.field in _DECLINED:
                    for word in _declined(form):
                        found.setdefault(word, count // 2)
    return found


def held(meaning: Meaning, vocabulary: Vocabulary, key: Callable[[str], str]) -> int:
    """How many products are what a phrase means, or hold a word for it."""
    counts = vocabulary.values
    values = meaning.exact or meaning.near
    if not values:
        keys = map(key, meaning.words)
        return max((vocabulary.frequencies.get(word, 0) for word in keys), default=0)
    return sum(counts[home].get(value, 0) for home, every in values for value in every)


def _declined(form: str) -> Iterator[str]:
    stem = form.removesuffix("e")
    for ending in _ENDINGS:
        if (word := stem + ending) != form:
            yield word
