"""Builds the queries of the text index from words and filters, never from a query language."""

from collections.abc import Sequence
from typing import TypeAlias

from tantivy import Occur, Query, Schema

from catalog.product_filter import AllOf, AnyOf, Condition, Not, ProductFilter
from services.text_retriever.documents import (
    KEPT,
    KEPT_OPTION,
    ROW,
    WORDS,
    WORDS_OPTION,
    is_kept,
    kept_term,
)

Clauses: TypeAlias = list[tuple[Occur, Query]]


def any_of(schema: Schema, tokens: Sequence[str]) -> Query:
    """Returns the query for documents with any of the tokens, scored by the sum over those they
    hold: a token that no document has changes nothing, one more that a document has lifts it.

    Args:
        schema: Schema of the index.
        tokens: Tokens of the normaliser; repetitions count once.
    """
    return Query.boolean_query(
        [
            (Occur.Should, Query.term_query(schema, WORDS, token, WORDS_OPTION))
            for token in dict.fromkeys(tokens)
        ]
    )


def holding(schema: Schema, field: str, values: Sequence[str]) -> Query:
    """Returns the query for documents that have one of the values of a field that is kept."""
    terms = [kept_term(field, value) for value in values]
    if len(terms) == 1:
        return Query.term_query(schema, KEPT, terms[0], KEPT_OPTION)
    return Query.term_set_query(schema, KEPT, terms)


def all_of(schema: Schema, tokens: Sequence[str]) -> Query:
    """Returns the query for documents with all of the tokens, which scores nothing."""
    words = [Query.term_query(schema, WORDS, token, WORDS_OPTION) for token in tokens]
    if not words:
        return Query.const_score_query(Query.all_query(), 0.0)
    return Query.boolean_query([(Occur.Must, Query.const_score_query(each, 0.0)) for each in words])


def none_of(schema: Schema, groups: Sequence[Sequence[str]]) -> Clauses:
    """Returns the clauses that leave out the documents with all tokens of one of the groups."""
    return [(Occur.MustNot, all_of(schema, group)) for group in groups if group]


def rows_query(schema: Schema, rows: Sequence[int]) -> Query:
    """Returns the query for the documents of rows of the columns."""
    return Query.term_set_query(schema, ROW, rows)


def with_clauses(query: Query, clauses: Clauses) -> Query:
    """Returns the query for those of its documents that the clauses admit.

    What must be there adds nothing to the scores; what should be adds its own.
    """
    if not clauses:
        return query
    unscored = [
        (occur, Query.const_score_query(clause, 0.0) if occur == Occur.Must else clause)
        for occur, clause in clauses
    ]
    return Query.boolean_query([(Occur.Must, query), *unscored])


def clauses_of(schema: Schema, found: ProductFilter) -> tuple[Clauses, bool]:
    """Returns what the index can tell of a filter, and whether that is all of it.

    The clauses admit every product that the filter admits; where the index keeps the values of
    all its fields, no others. None at all admit everything.
    """
    match found:
        case Condition(field, values) if is_kept(field):
            return [(Occur.Must, holding(schema, field, values))], True
        case Condition():
            return [], False
        case Not(inner):
            clauses, is_exact = clauses_of(schema, inner)
            return ([(Occur.MustNot, _all_of(clauses))], True) if is_exact else ([], False)
        case AllOf(filters):
            parts = [clauses_of(schema, each) for each in filters]
            return [clause for part, _ in parts for clause in part], all(e for _, e in parts)
        case AnyOf(filters):
            parts = [clauses_of(schema, each) for each in filters]
            if not all(part for part, _ in parts):
                return [], False
            some = Query.boolean_query([(Occur.Should, _all_of(part)) for part, _ in parts])
            return [(Occur.Must, some)], all(e for _, e in parts)


def _all_of(clauses: Clauses) -> Query:
    if len(clauses) == 1 and clauses[0][0] == Occur.Must:
        return clauses[0][1]
    return Query.boolean_query([(Occur.Must, Query.all_query()), *clauses])
