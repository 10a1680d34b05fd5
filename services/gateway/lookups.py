"""Chooses the words by which what a query says is looked up, and how it is said to an encoder."""

from collections.abc import Sequence

from services.gateway.known import Known
from services.gateway.meanings import Meaning
from services.gateway.pieces import Found

_MOST_VALUES = 6
_VALUES = 2


def lookups(
    known: Known, piece: Found, meanings: Sequence[Meaning], spelled: str
) -> tuple[list[str], list[str], bool]:
    """Returns the words under which products are found, and those for an encoder of English.

    These are what was written and what it says in the catalogue's words. Of a concept that no
    product is called by, it is the values of narrower ones, else of wider ones: where there are no
    sandals, shoes are found.

    Args:
        known: What is known of the catalogue.
        piece: What was written.
        meanings: What it says, one at least.
        spelled: How it is spelt in the query.

    Returns:
        The words, those for the encoder, and whether they are of other concepts.
    """
    written = piece.part or piece.written
    if not known.same(spelled, written):
        spelled = written  # it was mended
    english = piece.phrase is not None and piece.phrase.is_english
    said = [word for meaning in meanings for word in meaning.words]
    texts = [spelled] if known.holds(spelled) or known.holds(written) else []
    if not english and known.is_rare(spelled, said):
        texts = []  # It is a word of another language here: German "rock" is a skirt.
    for meaning in meanings:
        for _, values in meaning.exact[:1]:
            texts += [v for v in values[:_VALUES] if not known.same(v, spelled)]
        # All synonyms together would drown what else was asked for.
        words = known.commonest(meaning.words, spelled) if english else meaning.words
        texts += [word for word in words if not known.same(word, spelled)]
    readable = [spelled if english else meanings[0].english]
    if texts:
        return list(dict.fromkeys(texts)), readable, False
    others = (value for meaning in meanings for value in meaning.near or meaning.wider)
    named = [value for _, held in others for value in held]
    instead = list(dict.fromkeys(named))[:_MOST_VALUES]
    return [written, *instead], [*readable, *instead], bool(instead)
