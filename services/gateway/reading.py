"""Turns a query into what its words were read as, before any stage is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.product_filter import (
    MAX_VALUES,
    AllOf,
    AnyOf,
    Condition,
    Not,
    ProductFilter,
    check_filter,
)
from runtime.errors import InvalidArgument
from services.gateway.answer import Understood
from services.gateway.parts import MAX_TEXT_CHARS, Part, Words
from services.gateway.query import MAX_PARTS, Fusion, Query
from services.gateway.understanding import KIND, Reading, Understanding

_AWAY = -1.0
# What no word of the catalogue tells apart the pictures must: their vote counts so much more.
_TELLING = 2.0
_KINDS = (KIND, "category")


@dataclass(frozen=True, slots=True)
class Read:
    """A query as it is asked of the stages, and what the caller is told of the reading."""

    query: Query
    understood: tuple[Understood, ...] = ()
    did_you_mean: str = ""


def no_understanding() -> Understanding | None:
    """What reads the words of queries where nothing does."""
    return None


def read(understanding: Understanding | None, query: Query) -> Read:
    """Returns the query with its words understood; as it is where nothing is to be.

    Each part of words is read for itself. Where the query says in no words what it excludes, that
    is read alone; where nothing is understood, it is words that no hit may hold.

    Raises:
        InvalidArgument: What is to be ignored is nothing that is read.
    """
    if understanding is None or not query.understand.enabled:
        excluded = " ".join(query.exclude)
        literal = Reading("", "", excluded_words=excluded, negative=excluded)
        return Read(apply(query, literal) if excluded else query)
    ignore = query.understand.ignore
    understanding.ignored(ignore)  # also where there is nothing to read
    exclude = query.exclude
    understood: list[Understood] = []
    did_you_mean: list[str] = []
    result = query
    for part in query.parts:
        if not isinstance(part.source, Words) or part.weight < 0:
            continue
        reading = understanding.read(part.source.text, exclude=exclude, ignore=ignore)
        result, exclude = apply(result, reading, part), ()
        understood += reading.understood
        did_you_mean.append(reading.did_you_mean or part.source.text)
    if exclude:
        reading = understanding.read("", exclude=exclude, ignore=ignore)
        result = apply(result, reading)
        understood += reading.understood
    kinds = {value for boost in result.boosts if boost.field == KIND for value in boost.values}
    if kinds:
        result = replace(result, other_kinds=understanding.kinds_beside(kinds))
    said = [part.source.text for part in query.parts if isinstance(part.source, Words)]
    meant = " ".join(did_you_mean)
    is_misspelt = bool(did_you_mean) and any(text not in said for text in did_you_mean)
    return Read(result, tuple(dict.fromkeys(understood)), meant if is_misspelt else "")


def apply(query: Query, reading: Reading, part: Part | None = None) -> Query:
    """Returns the query with a reading in force: parts rewritten, filters added, boosts set.

    Args:
        query: The query.
        reading: What its words were read as.
        part: The part of words that was read; None where what is excluded was read alone.
    """
    parts = tuple(
        _rewritten(query, each, reading) if each is part else each for each in query.parts
    )
    kept = tuple(each for each in parts if each is not None)
    if reading.negative and any(each.weight > 0 for each in kept) and len(kept) < MAX_PARTS:
        field = part.field if part else "exclude"
        left = MAX_TEXT_CHARS - sum(
            len(each.source.text) for each in kept if isinstance(each.source, Words)
        )
        if 0 < len(reading.negative) <= left:
            kept = (*kept, Part(Words(reading.negative), field, _AWAY))
            if query.fusion is None and not query.has_picture:
                query = replace(query, fusion=Fusion(weights={"image": _TELLING}))
    boosts = dict.fromkeys((*query.boosts, *reading.boosts))
    excluded = " ".join(filter(None, (query.excluded_words, reading.excluded_words)))
    return replace(
        query,
        parts=kept,
        filter=_both(query.filter, reading.filter),
        boosts=tuple(boosts),
        excluded_words=excluded[:MAX_TEXT_CHARS],
        labelled=min(query.labelled, reading.labelled),
        said=query.said or part is None or None in parts,
    )


def pictured(query: Query, found: ProductFilter | None) -> ProductFilter | None:
    """Returns the filter that the picture side is asked with, for a query of words alone.

    Words name a kind exactly, and pictures know it roughly: where the words name one that the
    catalogue keeps, the picture side has no vote on other kinds. Without this a filter that leaves
    few products lets through all that lie above a low floor. Of a product whose kind nobody wrote
    down the picture alone can tell.
    """
    if query.has_picture or not query.words:
        return found
    named: dict[str, dict[str, None]] = {}
    for boost in query.boosts:
        if boost.field in _KINDS:
            named.setdefault(boost.field, {}).update(dict.fromkeys(boost.values))
    if not named:
        return found
    kinds = tuple(_of_kind(query, field, tuple(values)) for field, values in named.items())
    return _both(found, kinds[0] if len(kinds) == 1 else AnyOf(kinds))


def _of_kind(query: Query, field: str, values: tuple[str, ...]) -> ProductFilter:
    """Admits the named kinds, and products of none; of a path each product has some category."""
    if field == KIND and 0 < len(query.other_kinds) <= MAX_VALUES:
        return Not(Condition(field, query.other_kinds))
    return Condition(field, values)


def _rewritten(query: Query, part: Part, reading: Reading) -> Part | None:
    """The part with the words for each side; None where a filter says all that they said."""
    if reading.words:
        text = reading.readable[:MAX_TEXT_CHARS].strip() or reading.words
        own = reading.own[:MAX_TEXT_CHARS].strip()
        return replace(part, source=Words(text, reading.words, own if own != text else ""))
    is_needed = query.rerank is not None or not (reading.filter or len(query.parts) > 1)
    return part if is_needed else None


def _both(one: ProductFilter | None, other: ProductFilter | None) -> ProductFilter | None:
    """Both filters at once, at one level; the first alone where together they are too large."""
    if one is None or other is None:
        return one or other
    members: Sequence[ProductFilter] = [
        each
        for found in (one, other)
        for each in (found.filters if isinstance(found, AllOf) else (found,))
    ]
    both = AllOf(tuple(dict.fromkeys(members)))
    try:
        check_filter(both)
    except InvalidArgument:
        return one
    return both
