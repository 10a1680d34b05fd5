"""Finds the names that hold a marker of exclusions inside, such as "T-bar"."""

import re
from collections.abc import Callable, Iterable, Iterator

from services.gateway.vocabulary import Vocabulary

_BETWEEN = re.compile(r"[\s\-/&.]+")


def inner_markers(vocabulary: Vocabulary, key: Callable[[str], str]) -> frozenset[str]:
    """Returns the keys of all names of which a word but the first is a marker.

    A key has no spaces: that of "knot" is that of "k not", which is no such name.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
        key: Returns by what a phrase is looked up.
    """
    markers = vocabulary.lexicon.markers("exclude_before")
    return frozenset(
        key(name)
        for name in _names(vocabulary)
        if not markers.isdisjoint(_BETWEEN.split(name.casefold())[1:])
    )


def _names(vocabulary: Vocabulary) -> Iterator[str]:
    for concept in vocabulary.lexicon.concepts:
        yield from concept.written
    held: Iterable[str]
    for held in vocabulary.values.values():
        yield from held
    for held in vocabulary.table.brands.values():
        yield from held
