"""Orders the best of a result so that neighbours differ: maximal marginal relevance."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from catalog.product import Product

WINDOW = 100  # products that are ordered anew; those after them stay where they are
_LEAST_PAIRS = 10  # of products with vectors, to tell how cosines compare with overlaps
Likeness = npt.NDArray[np.float64]
"""How alike each two products are, at most 1, of shape [products, products], symmetric."""


def diversified(scores: Sequence[float], likeness: Likeness, diversity: float) -> list[int]:
    """Maximal marginal relevance (Carbonell, Goldstein, SIGIR 1998).

    Takes again and again the product of the greatest ``(1 - d) * relevance - d * likeness`` to the
    one that is most like it among those taken. Relevance is the score on a scale of 0, the least
    here, to 1, the best, so that ``d`` means the same whatever the scores are made of. The best
    product stays the first; of equal ones the better stands before.

    Args:
        scores: Final scores of the products, best first.
        likeness: How alike they are.
        diversity: ``d``, 0 (the order stays) to 1 (scores choose the first product only).

    Returns:
        The places of the products, from 0, in their new order: each once.
    """
    if not scores:
        return []
    relevance = (1 - diversity) * _unit(np.array(scores, np.float64))
    weighted = diversity * likeness
    order = [0]
    nearest = weighted[0].copy()
    relevance[0] = -np.inf
    for _ in range(len(scores) - 1):
        best = int(np.argmax(relevance - nearest))
        order.append(best)
        relevance[best] = -np.inf
        np.maximum(nearest, weighted[best], out=nearest)
    return order


def _unit(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    reach = scores[0] - scores.min()
    return (scores - scores.min()) / reach if reach > 0 else np.zeros_like(scores)


def likeness(vectors: npt.NDArray[np.int8], products: Sequence[Product | None]) -> Likeness:
    """How alike products are: two with vectors by their cosine, others by what they share.

    Where there are pairs of both kinds, overlaps are told in the mean and the spread that cosines
    have here: pictures of clothes are all rather alike, and a product without one must not win
    for that.

    Args:
        vectors: Of shape [products, dimension]; all zeros, or of dimension 0, for a product
            without a vector.
        products: The documents, None for one that is gone.
    """
    alike = cosines(vectors)
    seen = vectors.any(axis=1)
    if seen.all():
        return alike
    shared = overlaps(products)
    pairs = np.triu(np.outer(seen, seen), 1)
    if np.count_nonzero(pairs) >= _LEAST_PAIRS:
        shared = _as_spread(shared, shared[pairs], alike[pairs])
    return np.where(np.outer(seen, seen), alike, shared)


def _as_spread(values: Likeness, here: Likeness, there: Likeness) -> Likeness:
    """The values, moved so that those ``here`` have the mean and the deviation of ``there``."""
    deviation = float(here.std())
    scale = float(there.std()) / deviation if deviation else 0.0
    moved = float(there.mean()) + scale * (values - float(here.mean()))
    return moved.clip(-1.0, 1.0)


def cosines(vectors: npt.NDArray[np.int8]) -> Likeness:
    """The cosine of each two vectors; 0 with one that is all zeros."""
    rows = vectors.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    units = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    found: Likeness = (units @ units.T).astype(np.float64)
    return found


def overlaps(products: Sequence[Product | None]) -> Likeness:
    """The Jaccard index of what each two products are: shared values over all values of both.

    0 for a product of which nothing is known.
    """
    values = [set(_values(product)) if product else set() for product in products]
    places = {value: at for at, value in enumerate(sorted(set().union(*values)))}
    holds = np.zeros((len(products), len(places)), np.float32)
    for row, held in enumerate(values):
        holds[row, [places[value] for value in held]] = 1.0
    shared = (holds @ holds.T).astype(np.float64)
    counts = shared.diagonal()
    union = counts[:, None] + counts[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _values(product: Product) -> Iterator[tuple[str, str]]:
    """What a product is, as (field, value); where two are alike, they share many of these."""
    told = {
        "style": product.style_id,
        "brand": product.brand,
        "kind": product.kind,
        "gender": product.gender,
        "colour": product.colour,
        "season": product.season,
    }
    yield from ((name, value) for name, value in told.items() if value)
    yield from (("category", value) for value in product.category)
    yield from ((f"attributes.{name}", value) for name, value in product.attributes.items())
