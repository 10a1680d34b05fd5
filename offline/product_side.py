"""Says what is known of the products of a catalogue without anybody's doing."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy import sparse

from catalog.normalize import tokens
from catalog.product import Product
from offline.layout import DataDir
from offline.models.contract import Floats, ProductSide, Rows
from runtime.artifacts import ArtifactRefused, ArtifactStore
from runtime.errors import SetupError
from services.image_retriever.index import VectorIndex

VectorOf = Callable[[str], Floats | None]
_KIND = "image"


def product_side(data: DataDir, products: Sequence[Product]) -> ProductSide:
    """Reads the side of products, with the vectors of the released image index if there is one.

    Raises:
        SetupError: The released index cannot be opened.
    """
    index = _released_index(data)
    return side_of(products, index.vector_of if index else None)


def side_of(products: Sequence[Product], vector_of: VectorOf | None = None) -> ProductSide:
    """Returns the side of products, a row each in their order.

    Args:
        products: The catalogue, or a part of it.
        vector_of: Returns the unit vector of a product's photo, float32 [d], or None where it has
            none; None: no product has one, and d is 0.
    """
    return ProductSide(
        vectors=_vectors(products, vector_of),
        words=_weighed([list(_words(product)) for product in products]),
        kinds=_codes([product.kind for product in products]),
        styles=_styles(products),
    )


def _released_index(data: DataDir) -> VectorIndex | None:
    artifacts = ArtifactStore(data.artifacts)
    try:
        release = artifacts.current()
        generation = release.generations.get(_KIND, "") if release else ""
        if not generation:
            return None
        return VectorIndex.open(artifacts.open(_KIND, generation, format=VectorIndex.FORMAT).folder)
    except ArtifactRefused as refused:
        raise SetupError(f"the image index cannot be opened: {refused.message}") from refused


def _vectors(products: Sequence[Product], vector_of: VectorOf | None) -> Floats:
    found = [vector_of(product.id) if vector_of else None for product in products]
    width = next((len(vector) for vector in found if vector is not None), 0)
    rows = np.zeros((len(products), width), np.float32)
    for row, vector in enumerate(found):
        if vector is not None:
            rows[row] = vector
    return rows


def _words(product: Product) -> Iterator[str]:
    """Yields the terms of a product: the words of its title, and each attribute as one term."""
    yield from tokens(product.title)
    named = {
        "brand": product.brand,
        "kind": product.kind,
        "gender": product.gender,
        "colour": product.colour,
        "season": product.season,
        **product.attributes,
    }
    for name, value in named.items():
        if value:
            yield f"{name}={value.lower()}"
    for place, category in enumerate(product.category):
        yield f"category{place}={category.lower()}"


def _weighed(texts: Sequence[Sequence[str]]) -> sparse.csr_matrix:
    """Returns TF-IDF with ``idf = 1 + ln((1 + n) / (1 + df))``, terms sorted, rows of length 1.

    Terms of a single product are left out: they say nothing about another one.
    """
    terms = sorted({term for text in texts for term in text})
    columns = {term: column for column, term in enumerate(terms)}
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    places = np.fromiter((columns[term] for text in texts for term in text), np.intp, len(rows))
    shape = (len(texts), len(terms))
    counts = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, places)), shape=shape)
    products = counts.getnnz(axis=0)
    idf = 1.0 + np.log((1.0 + len(texts)) / (1.0 + products))
    whole = (counts[:, products > 1] @ sparse.diags(idf[products > 1])).tocsr()
    norms = np.sqrt(np.asarray(whole.multiply(whole).sum(axis=1)).ravel())
    unit = sparse.diags(1.0 / np.where(norms > 0, norms, 1.0)) @ whole
    return sparse.csr_matrix(unit, dtype=np.float32)


def _codes(words: Sequence[str]) -> Rows:
    places = {word: place for place, word in enumerate(sorted({each for each in words if each}))}
    return np.fromiter((places.get(word, -1) for word in words), np.intp, len(words))


def _styles(products: Sequence[Product]) -> Rows:
    """Returns codes of the styles; a product without one is a style of its own."""
    names = [product.style_id or f"\x00{product.id}" for product in products]
    return _codes(names)
