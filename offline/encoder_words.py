"""Says in which words an encoder is asked: in the shopper's own, or translated into English."""

from offline.layout import DataDir
from offline.word_table import word_table
from runtime.artifacts import Artifact
from services.image_retriever.languages import reads_many_languages

_ENGLISH = "en"


def gets_own_words(data: DataDir, encoder: Artifact | str, *, multilingual: bool) -> bool:
    """Tells whether an encoder is given words as the shopper says them.

    So is one that reads many languages, and one that was trained on a catalogue in another
    language than English, which knows the words of that and no others.

    Args:
        data: The data folder.
        encoder: The ``encoder`` artifact, or the name of an encoder.
        multilingual: Whether the shop says that it reads many languages.

    Raises:
        SetupError: The shop's words cannot be read.
    """
    if multilingual:
        return True
    if isinstance(encoder, str):
        return reads_many_languages(encoder)
    return word_table(data).language != _ENGLISH
