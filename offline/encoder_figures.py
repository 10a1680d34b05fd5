"""Scores an encoder on products it has not learned from: words to photos, photos to photos."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.product import Product
from offline import relevance
from offline.relevance import Estimate
from services.image_retriever.encoder import Encoder

DEPTH = 10
Vectors = NDArray[np.float32]
Figures = dict[str, Estimate]


def encoder_figures(encoder: Encoder, products: Sequence[Product], photos: Vectors) -> Figures:
    """Returns the figures of an encoder over ``n`` products.

    Each title asks for its own photo among all; each kind and each colour that ten products or
    more have asks, alone, for photos of its own; each photo asks for others of its kind and
    colour. Words that the encoder does not know find nothing.

    Args:
        encoder: What is scored.
        products: Held-out products.
        photos: Their photos' unit rows float32 ``[n, dim]``.
    """
    titles, _ = encoder.encode_texts([product.title for product in products])
    figures = _instances(titles @ photos.T)
    among = photos @ photos.T
    for column in ("kind", "colour"):
        labels = np.array([str(getattr(product, column)) for product in products])
        figures[f"word to photo: {column} P@{DEPTH}"] = _words(encoder, labels, photos)
        figures[f"photo to photo: {column} P@{DEPTH}"] = _neighbours(among, labels)
    return figures


def _instances(similarities: NDArray[np.float32]) -> Figures:
    ranks = np.array([relevance.worst_rank(row, place) for place, row in enumerate(similarities)])
    return {
        "title to photo: R@1": relevance.estimate((ranks <= 1).astype(float)),
        f"title to photo: R@{DEPTH}": relevance.estimate((ranks <= DEPTH).astype(float)),
        "title to photo: MRR": relevance.estimate(1.0 / ranks if len(ranks) else ()),
    }


def _words(encoder: Encoder, labels: NDArray[np.str_], photos: Vectors) -> Estimate:
    counts = Counter(labels.tolist())
    asked = sorted(word for word, count in counts.items() if word and count >= DEPTH)
    if not asked:
        return relevance.estimate(())
    rows, known = encoder.encode_texts(asked)
    values = [
        relevance.precision(relevance.ranked(row @ photos.T, labels == word), DEPTH)
        if is_known
        else 0.0
        for word, row, is_known in zip(asked, rows, known, strict=True)
    ]
    return relevance.estimate(values)


def _neighbours(among: NDArray[np.float32], labels: NDArray[np.str_]) -> Estimate:
    values = []
    for place, row in enumerate(among):
        if labels[place]:
            others = np.arange(len(row)) != place
            flags = relevance.ranked(row[others], labels[others] == labels[place])
            values.append(relevance.precision(flags, DEPTH))
    return relevance.estimate(values)
