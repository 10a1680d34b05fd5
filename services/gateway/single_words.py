"""Lists the single words that can be said, none of which is misspelt."""

from catalog.lexicon import MARKERS
from services.gateway.scanning import words_of
from services.gateway.vocabulary import Vocabulary

_KIND = "kind"


def single_words(vocabulary: Vocabulary) -> dict[str, str]:
    """Returns the single words of all that can be said.

    None of them is misspelt; each leads to that which it is looked up by.
    """
    lexicon = vocabulary.lexicon
    english = [form for concept in lexicon.concepts for form in concept.forms.get("en", ())]
    english += [name for concept in lexicon.concepts for name in (concept.name,)]
    english += vocabulary.values.get("brand", {})
    english += [name for names in vocabulary.table.brands.values() for name in names]
    said = [form for concept in lexicon.concepts for form in concept.written]
    said += [word for role in MARKERS for word in lexicon.markers(role)]
    said += [word for language in lexicon.languages for word in lexicon.fillers(language)]
    said += [word for words in lexicon.field_words.values() for word in words]
    forms = vocabulary.table.forms
    known = {word.text: word.key for text in english for word in words_of(text, forms) if word.key}
    every = {word.text: word.key for text in said for word in words_of(text, forms) if word.key}
    return {**every, **known}


def garments_of(vocabulary: Vocabulary) -> frozenset[str]:
    """Returns the single words of the catalogue that name a kind of garment."""
    forms, held = vocabulary.table.forms, vocabulary.frequencies
    kinds = [concept for concept in vocabulary.lexicon.concepts if concept.field == _KIND]
    # German "short" names a garment too, but what is mended there are words of the catalogue.
    language = vocabulary.table.language
    named = [form for concept in kinds for form in concept.forms.get(language, ())]
    named += vocabulary.values.get(_KIND, {})
    said = (words_of(text, forms) for text in named)
    single = (found[0] for found in said if len(found) == 1)
    known = [word for word in single if word.key in held]
    return frozenset(text for word in known for text in (word.text, word.key))
