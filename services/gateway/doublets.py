"""Tells English words apart that are looked up alike, such as lace and laces."""

from collections.abc import Callable, Mapping

from catalog.lexicon import Lexicon
from services.gateway.meaning import Meaning
from services.gateway.scanning import keys_of


def doublets(
    lexicon: Lexicon,
    meanings: Mapping[tuple[str, str], Meaning],
    key: Callable[[str], str],
) -> dict[str, tuple[Meaning, ...]]:
    """Returns the meanings of words that share their key with a word of other meanings.

    Args:
        lexicon: The dictionaries.
        meanings: Of each concept, by its field and name.
        key: Returns by what a word is looked up.

    Returns:
        The meanings by the word as it is written, without spaces and hyphens.
    """
    written: dict[str, dict[str, dict[tuple[str, str], None]]] = {}
    for concept in lexicon.concepts:
        for form in concept.forms.get("en", ()):
            text = "".join(keys_of(form, {}))
            alike = written.setdefault(key(form), {})
            alike.setdefault(text, {})[concept.field, concept.name] = None
    found: dict[str, tuple[Meaning, ...]] = {}
    for alike in written.values():
        if len({frozenset(concepts) for concepts in alike.values()}) == 1:
            continue
        for text, concepts in alike.items():
            meant = tuple(meanings[concept] for concept in concepts)
            found[text] = tuple(each for each in meant if each.is_value) or meant
    return found
