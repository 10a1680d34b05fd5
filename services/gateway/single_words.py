"""Lists the single words that can be said, none of which is misspelt."""

from catalog.lexicon import MARKERS
from services.gateway.scanning import words_of
from services.gateway.vocabulary import Vocabulary


def single_words(vocabulary: Vocabulary) -> tuple[dict[str, str], set[str]]:
    """Returns the single words of all that can be said, and those that are of another language.

    None of them is misspelt; each leads to that which it is looked up by.
    """
    lexicon = vocabulary.lexicon
    english = [form for concept in lexicon.concepts for form in concept.forms.get("en", ())]
    english += [name for concept in lexicon.concepts for name in (concept.name,)]
    english += vocabulary.values.get("brand", {})
    said = [form for concept in lexicon.concepts for form in concept.written]
    said += [word for role in MARKERS for word in lexicon.markers(role)]
    said += [word for language in lexicon.languages for word in lexicon.fillers(language)]
    said += [word for words in lexicon.field_words.values() for word in words]
    forms = vocabulary.table.forms
    known = {word.text: word.key for text in english for word in words_of(text, forms) if word.key}
    every = {word.text: word.key for text in said for word in words_of(text, forms) if word.key}
    return {**every, **known}, every.keys() - known.keys()
