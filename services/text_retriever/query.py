"""Builds the queries of the text index from words, never from a query language."""

from collections.abc import Sequence

from tantivy import Occur, Query, Schema

FIELD = "words"
"""The one field that is searched."""

INDEX_OPTION = "freq"
"""What the field keeps beside the documents of a word: how often, not where."""


def any_of(schema: Schema, tokens: Sequence[str]) -> Query:
    """Returns the query for documents with any of the tokens, scored by the sum over those they
    hold: a token that no document has changes nothing, one more that a document has lifts it.

    Args:
        schema: Schema of the index.
        tokens: Tokens of the normaliser; repetitions count once.
    """
    return Query.boolean_query(
        [
            (Occur.Should, Query.term_query(schema, FIELD, token, INDEX_OPTION))
            for token in dict.fromkeys(tokens)
        ]
    )
