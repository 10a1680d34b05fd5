"""Keeps pictures of what a query excludes by its words out of the answer."""

from collections.abc import Mapping
from dataclasses import replace

from services.gateway.query import Query
from services.gateway.stages import Ranking


def agreed(query: Query, rankings: Mapping[str, Ranking]) -> dict[str, Ranking]:
    """Returns the rankings of one filter, the pictures less what only words can tell to be wrong.

    What is excluded by its words no field knows, and no picture: then a picture counts only where
    the words found it too. Who is among the pictures otherwise depends on nothing but the query
    and its filter, so that a facet counts what a click on it lists.

    Args:
        query: What was asked.
        rankings: What the retrievers found, by name.
    """
    words, pictures = rankings.get("text"), rankings.get("image")
    if words is None or pictures is None or not query.words or not query.excluded_words:
        return dict(rankings)
    found = frozenset(words.ids)
    return {**rankings, "image": _only(pictures, found)}


def _only(ranking: Ranking, found: frozenset[str]) -> Ranking:
    places = [place for place, name in enumerate(ranking.ids) if name in found]
    ids = [ranking.ids[place] for place in places]
    scores = [ranking.scores[place] for place in places]
    dark = ranking.without_photo.intersection(ids)
    return replace(ranking, ids=ids, scores=scores, without_photo=dark)
