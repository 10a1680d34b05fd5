"""Finds out of what kind the pictures of a query are."""

from collections.abc import Sequence

import numpy as np

from services.image_retriever.exact import Vectors
from services.image_retriever.live import LiveView
from services.image_retriever.question import Kinds

_FIELD = "kind"


def kinds_of(view: LiveView, pictures: Vectors, product_ids: Sequence[str] = ()) -> Kinds:
    """Returns what tells the kinds of pictures and products.

    Args:
        view: The catalogue.
        pictures: Unit rows of pictures, float32 ``[k, dim]``.
        product_ids: Products: the kind that the catalogue has counts; where it has none, what the
            product looks like tells it too.
    """
    places, columns = view.rows.places, view.columns
    rows = columns.rows_of(product_ids)
    known = np.zeros(len(rows), np.int32)
    known[rows >= 0] = columns.numbers(_FIELD, rows[rows >= 0])
    unknown = [each for each, kind in zip(product_ids, known, strict=True) if kind <= 0]
    looks = view.vectors_of(unknown)
    return Kinds(
        np.concatenate([pictures, looks[looks.any(axis=1)]]),
        lambda rows: columns.numbers(_FIELD, places[rows]),
        known[known > 0].tolist(),
    )
