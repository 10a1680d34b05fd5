"""Makes labelled queries of a catalogue's own labels, in words and with a picture."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from catalog.product import Product
from offline.fusion_runs import Labelled

MOST = 300
"""Queries of one form."""
LEAST_RIGHT = 3
_DETAILS = ("pattern", "usage")
_Key = tuple[str, ...]


def catalogue_queries(products: Sequence[Product], *, seed: int = 0) -> list[Labelled]:
    """Returns queries of four lengths; right are the products that have all that is asked for.

    In words: a kind ("dress"), a colour and a kind, a colour, a gender and a kind, and these with
    a pattern or a usage. With the picture of a product of another colour: the colour alone ("like
    this but red"), where right are the products of the same kind in that colour, and the colour,
    the gender and the kind. At most 300 of a form are drawn.

    Args:
        products: What is searched.
        seed: Another one draws others.
    """
    draw = np.random.default_rng(seed)
    found: list[Labelled] = []
    for columns in (("kind",), ("colour", "kind"), ("colour", "gender", "kind")):
        found += _drawn(list(_in_words(products, columns)), draw)
    for detail in _DETAILS:
        found += _drawn(list(_in_words(products, (detail, "colour", "gender", "kind"))), draw)
    for columns in (("colour", "kind"), ("colour", "gender", "kind")):
        found += list(_like_this_but(products, columns, draw))
    return found


def _in_words(products: Sequence[Product], columns: Sequence[str]) -> Iterator[Labelled]:
    for key, right in sorted(_groups(products, columns).items()):
        yield Labelled(" ".join(key), "", right)


def _like_this_but(
    products: Sequence[Product], columns: Sequence[str], draw: np.random.Generator
) -> Iterator[Labelled]:
    """Yields queries of a picture and words that ask for another colour of the same."""
    groups = {
        key: right for key, right in _groups(products, columns).items() if len(right) >= LEAST_RIGHT
    }
    colours = sorted({key[0] for key in groups})
    made = 0
    for row in draw.permutation(len(products)).tolist():
        product = products[row]
        same = _key(product, columns)[1:]
        others = [
            colour for colour in colours if colour != product.colour and (colour, *same) in groups
        ]
        if not others or made == MOST:
            continue
        made += 1
        colour = others[int(draw.integers(len(others)))]
        # Of two columns, the picture alone says what kind is meant.
        words = (colour,) if len(columns) == 2 else (colour, *same)
        yield Labelled(" ".join(words), product.id, groups[(colour, *same)])


def _drawn(queries: Sequence[Labelled], draw: np.random.Generator) -> list[Labelled]:
    rows = np.sort(draw.permutation(len(queries))[:MOST])
    return [queries[row] for row in rows.tolist()]


def _groups(products: Sequence[Product], columns: Sequence[str]) -> dict[_Key, dict[str, float]]:
    groups: defaultdict[_Key, dict[str, float]] = defaultdict(dict)
    for product in products:
        key = _key(product, columns)
        if all(key):
            groups[key][product.id] = 1.0
    return dict(groups)


def _key(product: Product, columns: Sequence[str]) -> _Key:
    return tuple(
        product.attributes.get(column, "") if column in _DETAILS else str(getattr(product, column))
        for column in columns
    )
