"""Scores an encoder on held-out products: does a text find its photo?"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.product import Product
from services.image_retriever.encoder import Encoder

DEPTH = 10
Scores = dict[str, float]


def score(
    encoder: Encoder, products: Sequence[Product], pixels: Sequence[NDArray[np.uint8]]
) -> Scores:
    """Returns the figures of an encoder over ``n`` products and their decoded photos.

    ``title_*``: each title asks for its own photo among all; ties count against it.
    ``title_kind_p10``, ``title_colour_p10``: how many of its first ten photos have its kind or
    colour. ``word_*``: the same for the word alone, the mean over words that ten photos have.
    ``photo_*``: the same for a photo that asks for others.
    """
    photos = encoder.encode_photos(pixels)
    titles, _ = encoder.encode_texts([product.title for product in products])
    kinds, colours = [p.kind for p in products], [p.colour for p in products]
    by_title = titles @ photos.T
    by_photo = photos @ photos.T
    np.fill_diagonal(by_photo, -np.inf)
    found: Scores = {"products": float(len(products)), **own_ranks(by_title)}
    for name, words in (("kind", kinds), ("colour", colours)):
        found[f"title_{name}_p10"] = precision(by_title, words, words)
        found[f"photo_{name}_p10"] = precision(by_photo, words, words)
        asked = sorted(word for word, count in Counter(words).items() if word and count >= DEPTH)
        rows, known = encoder.encode_texts(asked)
        vocal = [word for word, is_known in zip(asked, known, strict=True) if is_known]
        found[f"word_{name}_p10"] = precision(rows[known] @ photos.T, vocal, words)
        found[f"word_{name}s"] = float(len(asked))
    return found


def own_ranks(similarities: NDArray[np.float32]) -> Scores:
    """Returns recall at 1 and 10 and the mean reciprocal rank of the diagonal in its row."""
    if not len(similarities):
        return {"title_r1": 0.0, "title_r10": 0.0, "title_mrr": 0.0}
    ranks = (similarities >= np.diagonal(similarities)[:, None]).sum(axis=1)
    return {
        "title_r1": float((ranks <= 1).mean()),
        "title_r10": float((ranks <= DEPTH).mean()),
        "title_mrr": float((1 / ranks).mean()),
    }


def precision(
    similarities: NDArray[np.float32], wanted: Sequence[str], words: Sequence[str]
) -> float:
    """Returns the mean share of the ten most similar columns whose word is the row's.

    Rows that want nothing are passed over; without any, the figure is 0.
    """
    rows = [row for row, word in enumerate(wanted) if word]
    if not rows:
        return 0.0
    table = np.array(words)
    best = np.argsort(-similarities[rows], axis=1, kind="stable")[:, :DEPTH]
    asked = np.array(wanted)[rows]
    return float((table[best] == asked[:, None]).mean())
