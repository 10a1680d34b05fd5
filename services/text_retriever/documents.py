"""Says how a product stands in the text index."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

import tantivy

from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.product_filter import ATTRIBUTES, values_of
from catalog.searched import searched_texts

WEIGHTS: Mapping[str, int] = {
    "title": 3,
    "brand": 2,
    "category": 2,
    "attributes": 2,
    "description": 1,
}
"""How often the words of a field count."""

WORDS = "words"
"""The one field that is searched."""
WORDS_OPTION = "freq"
"""What it keeps beside the documents of a word: how often, not where."""
KEPT = "kept"
"""The values by which a document is filtered, of the fields that change with the text."""
KEPT_OPTION = "basic"
ROW = "row"
"""The product's row in the columns."""
TITLE = "title"
"""The title as it is, in UTF-8, to be shown; it is not searched."""
KEPT_FIELDS = frozenset(("brand", "category", "kind", "gender", "colour", "season"))

_TEXTS_KEPT = 10_000


def schema() -> tantivy.Schema:
    """Returns the schema of the index."""
    builder = tantivy.SchemaBuilder()
    # The words come from our normaliser and are set apart by spaces: they are the index terms.
    builder.add_text_field(
        WORDS, stored=False, tokenizer_name="whitespace", index_option=WORDS_OPTION
    )
    builder.add_text_field(KEPT, stored=False, tokenizer_name="raw", index_option=KEPT_OPTION)
    builder.add_unsigned_field(ROW, fast=True, indexed=True)
    builder.add_bytes_field(TITLE, stored=True)
    return builder.build()


def is_kept(field: str) -> bool:
    """Tells whether the index keeps the values of a field; the columns keep those of all."""
    return field in KEPT_FIELDS or field.startswith(ATTRIBUTES)


def kept_term(field: str, value: str) -> str:
    """Returns the term under which a value of a field is kept."""
    return f"{field}={value}"


class DocumentMaker:
    """Makes the documents of products.

    Args:
        normalizer: Whose words are indexed.
    """

    def __init__(self, normalizer: Normalizer) -> None:
        # Brands, categories and attributes are the same few texts again and again.
        self._words_of = lru_cache(_TEXTS_KEPT)(normalizer.document_tokens)

    def document(self, product: Product, row: int) -> tantivy.Document:
        """Returns the document of a product that has a row in the columns."""
        made = tantivy.Document()
        # add_unsigned and nothing else: Document(row=5) panics in the writer's thread.
        made.add_unsigned(ROW, row)
        made.add_bytes(TITLE, product.title.encode("utf-8", "replace"))
        made.add_text(WORDS, " ".join(_weighted(product, self._words_of)))
        for field in (*KEPT_FIELDS, *(ATTRIBUTES + name for name in product.attributes)):
            for value in values_of(product, field):
                made.add_text(KEPT, kept_term(field, value))
        return made

    def words(self, product: Product) -> set[str]:
        """Returns the words that the document of a product holds."""
        return {*_weighted(product, self._words_of)}


def write_documents(
    products: Iterable[Product], writer: tantivy.IndexWriter, maker: DocumentMaker
) -> Iterator[Product]:
    """Writes a document for each product, and yields the products; their rows count from 0.

    Raises:
        ValueError: The ids do not ascend.
    """
    before = ""
    for row, product in enumerate(products):
        if product.id <= before:
            raise ValueError("products must come in ascending order of id")
        writer.add_document(maker.document(product, row))
        yield product
        before = product.id


def _weighted(product: Product, words_of: Callable[[str], list[str]]) -> Iterator[str]:
    for name, texts in searched_texts(product).items():
        for text in filter(None, texts):
            for _ in range(WEIGHTS[name]):
                yield from words_of(text)
