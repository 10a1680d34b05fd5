"""Proposes products to shoppers who did not ask for anything, as one list for each source."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.reranker.admission import Allowed, CatalogView, Flags, Shelf, best, mask_of
from services.reranker.factors import Factors, Vector
from services.reranker.neighbours import Neighbours
from services.reranker.popularity import Popularity

TASTE, BOUGHT_TOGETHER, POPULAR, NEW = "taste", "bought_together", "popular", "new"

Places = npt.NDArray[np.int32]
_NO_SCORES = np.empty(0, np.float32)
MOST_ARRIVALS = 1000
"""Most new arrivals, the newest, among which those are sought that fit a shopper."""

# Below this share of admitted products, their dot products alone are cheaper than all.
_FEW = 0.25


def _none() -> Places:
    return np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to propose to, and what.

    Attributes:
        vector: The shopper's factors, float32 [k]; None for a stranger.
        recent: Products with which the shopper had to do lately, newest first.
        confidences: One a recent product.
        allowed: What may be proposed.
        count: Most products wanted of each source, 1 or more.
        season: The season to which the popular ones lean.
    """

    vector: Vector | None
    recent: Sequence[str]
    confidences: Sequence[float]
    allowed: Allowed
    count: int
    season: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """The proposals of one source.

    Attributes:
        source: ``taste``, ``bought_together``, ``popular`` or ``new``.
        product_ids: Products, the best first.
        scores: Score of each in the source's own units, float32 [products].
        because: Place of the recent product that says most for each, -1 for none, int32
            [products]; empty where the source knows none.
    """

    source: str
    product_ids: Sequence[str]
    scores: Vector
    because: Places = field(default_factory=_none)


@dataclass(frozen=True, slots=True)
class Shelved:
    """The models of one release, each with its products; what the release lacks is None."""

    factors: tuple[Factors, Shelf] | None = None
    neighbours: tuple[Neighbours, Shelf] | None = None
    popularity: tuple[Popularity, Shelf] | None = None


def recommend(models: Shelved, catalog: CatalogView | None, wanted: Wanted) -> list[Proposed]:
    """Returns the lists of the sources that have something to propose.

    Raises:
        PreconditionFailed: There is a filter, and no catalogue to hold it against.
    """
    mask = mask_of(wanted.allowed, catalog)
    lists = [
        _by_taste(models, catalog, mask, wanted),
        _bought_together(models, catalog, mask, wanted),
        _popular(models, catalog, mask, wanted),
        _new(models, catalog, mask, wanted),
    ]
    return [found for found in lists if found is not None and len(found.product_ids)]


def neighbours_of(
    models: Shelved,
    catalog: CatalogView | None,
    product_id: str,
    by: str,
    allowed: Allowed,
    count: int,
) -> tuple[list[str], Vector]:
    """Returns the nearest products to one, best first, with their scores, which are positive.

    Args:
        models: The models; without the one that is needed there are no neighbours.
        catalog: The catalogue, None where nobody follows one.
        product_id: The product; one that the model does not know has no neighbours.
        by: ``taste``: the cosine of the factors; ``bought_together``: the neighbours' own score.
        allowed: What may be returned, besides the product itself, which never is.
        count: Most products wanted, 1 or more.

    Raises:
        PreconditionFailed: There is a filter, and no catalogue to hold it against.
    """
    mask = mask_of(allowed, catalog)
    if by == TASTE and models.factors is not None:
        factors, shelf = models.factors
        cosines = factors.alike(product_id)
        if cosines is not None:
            admitted = shelf.admitted(allowed, catalog, mask) & (cosines > 0)
            admitted[factors.row_of(product_id)] = False
            rows = np.flatnonzero(admitted)
            return _named(factors.product_ids, rows, cosines[rows], count)
    if by == BOUGHT_TOGETHER and models.neighbours is not None:
        neighbours, shelf = models.neighbours
        row = neighbours.row_of(product_id)
        if row is not None:
            columns, scores = neighbours.of(row)
            kept = shelf.admitted(allowed, catalog, mask)[columns]
            return _named(neighbours.product_ids, columns[kept], scores[kept], count)
    return [], _NO_SCORES


def _named(
    product_ids: Sequence[str], rows: npt.NDArray[np.integer], scores: Vector, count: int
) -> tuple[list[str], Vector]:
    order = best(scores, count)
    return [product_ids[row] for row in rows[order].tolist()], scores[order]


def _by_taste(
    models: Shelved, catalog: CatalogView | None, mask: Flags | None, wanted: Wanted
) -> Proposed | None:
    if models.factors is None or wanted.vector is None or not wanted.vector.any():
        return None
    factors, shelf = models.factors
    admitted = shelf.admitted(wanted.allowed, catalog, mask)
    rows, dots = top(factors, wanted.vector, admitted, wanted.count)
    because = factors.because(wanted.recent, wanted.confidences, rows)
    ids = [factors.product_ids[row] for row in rows.tolist()]
    return Proposed(TASTE, ids, dots, because)


def top(
    factors: Factors, vector: Vector, admitted: Flags, count: int
) -> tuple[npt.NDArray[np.intp], Vector]:
    """Returns the products that fit a shopper best, best first, and their dot products.

    Args:
        factors: The model.
        vector: The shopper's factors, float32 [k].
        admitted: Which products may be returned, bool [products].
        count: Most products wanted, 1 or more.
    """
    rows = np.flatnonzero(admitted)
    if len(rows) < _FEW * len(admitted):
        dots = factors.dots(vector, rows)
    elif len(rows) == len(admitted):
        dots = factors.dots(vector)
    else:
        dots = factors.dots(vector)[rows]
    order = best(dots, count)
    return rows[order], dots[order]


def _bought_together(
    models: Shelved, catalog: CatalogView | None, mask: Flags | None, wanted: Wanted
) -> Proposed | None:
    if models.neighbours is None or not wanted.recent:
        return None
    neighbours, shelf = models.neighbours
    spoken = neighbours.spoken_for(wanted.recent, wanted.confidences)
    kept = shelf.admitted(wanted.allowed, catalog, mask)[spoken.rows]
    rows, scores, because = spoken.rows[kept], spoken.scores[kept], spoken.because[kept]
    order = best(scores, wanted.count)
    ids = [neighbours.product_ids[row] for row in rows[order].tolist()]
    return Proposed(BOUGHT_TOGETHER, ids, scores[order], because[order])


def _popular(
    models: Shelved, catalog: CatalogView | None, mask: Flags | None, wanted: Wanted
) -> Proposed | None:
    if models.popularity is None:
        return None
    popularity, shelf = models.popularity
    scores = popularity.scores(wanted.season)
    rows = np.flatnonzero(shelf.admitted(wanted.allowed, catalog, mask) & (scores > 0))
    return Proposed(POPULAR, *_named(popularity.product_ids, rows, scores[rows], wanted.count))


def _new(
    models: Shelved, catalog: CatalogView | None, mask: Flags | None, wanted: Wanted
) -> Proposed | None:
    """The new arrivals that may be proposed, those that fit the shopper first.

    The score is the dot product where there is a vector (of products that the model does not know
    yet, the mean of the others), else the number of the change that brought the product in.
    """
    if catalog is None or mask is None:
        return None
    columns = catalog.columns
    rows = np.flatnonzero(mask & columns.alive & (columns.added >= catalog.new_since))
    rows = rows[np.argsort(-columns.added[rows], kind="stable")][:MOST_ARRIVALS]
    scores = columns.added[rows].astype(np.float32)
    names = columns.ids
    ids = [names[row] for row in rows.tolist()]
    if models.factors is not None and wanted.vector is not None and wanted.vector.any():
        scores = models.factors[0].fits(wanted.vector, ids)
    order = best(scores, wanted.count)
    return Proposed(NEW, [ids[at] for at in order.tolist()], scores[order])
