"""Keeps the pictures that a search by words alone finds to what its words found."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from services.gateway.query import Query
from services.gateway.stages import Ranking

_GOOD = 0.5
_LOW = 0.1
_FEWEST = 5


def agreed(query: Query, rankings: Mapping[str, Ranking]) -> dict[str, Ranking]:
    """Returns the rankings of one filter, the pictures less what the words speak against.

    A text encoder puts every photo somewhere, so its floor of similarity is low. Where a filter
    leaves few products all of them may lie above it: a search for a dress among what is red would
    list all that is red. The pictures that the words found too tell how near a right one is: those
    further away than nine tenths of the good ones go, where five or more tell. A word match is
    good if its score is at least half of the best. Where the words found nothing the pictures
    speak alone.

    What is excluded by its words only the words can tell: then a picture counts only where they
    found it. A query with a photo or an example is left as it is but for that.

    Args:
        query: What was asked.
        rankings: What the retrievers found, by name.
    """
    words, pictures = rankings.get("text"), rankings.get("image")
    if words is None or pictures is None or not pictures.ids or not query.words:
        return dict(rankings)
    found = frozenset(words.ids)
    if query.excluded_words:
        kept = np.array([name in found for name in pictures.ids], bool)
    elif query.has_picture or not words.ids:
        return dict(rankings)
    else:
        kept = _near(words, pictures, found)
    return {**rankings, "image": _only(pictures, kept)}


def _near(words: Ranking, pictures: Ranking, found: frozenset[str]) -> NDArray[np.bool_]:
    """Tells which pictures lie near enough, or were found by the words anyway."""
    least = _GOOD * max(words.scores)
    good = {name for name, score in zip(words.ids, words.scores, strict=True) if score >= least}
    scores = np.asarray(pictures.scores, np.float64)
    telling = scores[[name in good for name in pictures.ids]]
    if len(telling) < _FEWEST:
        return np.ones(len(scores), bool)
    return (scores >= np.quantile(telling, _LOW)) | [name in found for name in pictures.ids]


def _only(ranking: Ranking, kept: NDArray[np.bool_]) -> Ranking:
    places = np.flatnonzero(kept).tolist()
    ids = [ranking.ids[place] for place in places]
    dark = ranking.without_photo.intersection(ids)
    scores = [ranking.scores[place] for place in places]
    return replace(ranking, ids=ids, scores=scores, without_photo=dark)
