"""Finds the products nearest to a vector among rows that stand still."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from runtime.errors import InvalidArgument
from services.image_retriever.exact import ExactRows, Mask, Rows, Vectors, exact_scores
from services.image_retriever.gpu_index import FirstRows
from services.image_retriever.nearest import Nearest

# Up to so many rows, or below this share of all, comparing just these is quickest.
FEW_ROWS, SMALL_SHARE = 20_000, 0.2


@dataclass(frozen=True, slots=True)
class Found:
    """The products that one vector found: ids best first, and their cosines float32 ``[n]``."""

    ids: list[str]
    scores: Vectors


@dataclass(frozen=True, slots=True)
class _Ask:
    """A query float32 ``[dim]``: most hits, least cosine, products that must not come."""

    query: Vectors
    count: int
    floor: float | None
    barred: Collection[str]


class VectorView:
    """Unit vectors by product as they are at one moment; safe to search from many threads.

    Every candidate is scored exactly, so the order of the hits is total: by cosine, then by id.
    Fewer hits than asked for means that there are no more: where an approximate search comes back
    short, every row that may come is compared.

    Args:
        ids: Product of each row; more may stand behind those of this view.
        vectors: Unit rows float32 ``[n, dim]``.
        nearest: Finds candidates among the rows.
        alive: Rows that are not superseded, bool ``[n]``; None: all.
    """

    def __init__(
        self, ids: Sequence[str], vectors: Vectors, nearest: Nearest, alive: Mask | None = None
    ) -> None:
        self._ids = ids
        self.vectors = vectors
        self._nearest = nearest
        self.alive = alive
        self.count = len(vectors) if alive is None else int(np.count_nonzero(alive))

    def rows_read(self, queries: int) -> int:
        """Returns how many rows a search of some vectors may compare, a measure of its time."""
        if isinstance(self._nearest, FirstRows):
            return 0 if not queries else sys.maxsize
        return queries * len(self.vectors)

    def search(
        self,
        vectors: Vectors,
        count: int,
        *,
        floor: Sequence[float | None] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
        allowed: Sequence[Mask | None] | None = None,
    ) -> list[Found]:
        """Finds the nearest products of each vector.

        Args:
            vectors: Unit rows float32 ``[b, dim]``, finite.
            count: Most hits of each, 1 or more.
            floor: For each vector the least cosine of a hit.
            excluded: For each vector the products that must not come.
            allowed: For each vector the rows that may come, bool ``[n]``; None: all that are
                alive. Vectors that share a mask share the work.

        Returns:
            For each vector its hits: by cosine, then by id. Fewer than ``count`` are all.

        Raises:
            InvalidArgument: A vector has another length or is not finite.
            Overloaded: The GPU is out of memory.
        """
        dim = self.vectors.shape[1]
        if vectors.ndim != 2 or vectors.shape[1] != dim:
            raise InvalidArgument(f"vector must have {dim} numbers", field="vector")
        if not np.isfinite(vectors).all():
            raise InvalidArgument("vector must be finite", field="vector")
        queries = np.ascontiguousarray(vectors, np.float32)
        floors = floor or [None] * len(queries)
        barred = excluded or [()] * len(queries)
        masks = allowed or [None] * len(queries)
        asks = [
            _Ask(query, count, least, ids)
            for query, least, ids in zip(queries, floors, barred, strict=True)
        ]
        found: dict[int, Found] = {}
        for places in _sharing(masks):
            mask = self.alive if masks[places[0]] is None else masks[places[0]]
            found.update(
                zip(places, self._answer([asks[place] for place in places], mask), strict=True)
            )
        return [found[place] for place in range(len(queries))]

    def _answer(self, asks: Sequence[_Ask], mask: Mask | None) -> list[Found]:
        """Returns what each query finds among the rows of one mask."""
        most = max(ask.count + len(ask.barred) for ask in asks)
        queries = np.stack([ask.query for ask in asks])
        candidates, is_whole = self._candidates(queries, most, mask)
        found = [self._best(rows, ask) for rows, ask in zip(candidates, asks, strict=True)]
        short = [place for place, each in enumerate(found) if len(each.ids) < asks[place].count]
        if short and not is_whole:
            candidates, _ = ExactRows(self.vectors).candidates(queries[short], most, mask)
            for place, rows in zip(short, candidates, strict=True):
                found[place] = self._best(rows, asks[place])
        return found

    def _candidates(
        self, queries: Vectors, count: int, mask: Mask | None
    ) -> tuple[list[Rows], bool]:
        """Returns rows that may be the nearest, and whether all were compared."""
        total = len(self.vectors) if mask is None else int(np.count_nonzero(mask))
        if not total:
            return [np.zeros(0, np.int64)] * len(queries), True
        if mask is not None and self._compares_few(total):
            return ExactRows(self.vectors).candidates(queries, count, mask)
        return self._nearest.candidates(queries, count, mask)

    def _compares_few(self, allowed: int) -> bool:
        if isinstance(self._nearest, FirstRows):
            return False  # The GPU compares them all in less time than picking takes.
        return allowed <= FEW_ROWS or allowed < SMALL_SHARE * self.count

    def _best(self, rows: Rows, ask: _Ask) -> Found:
        """Scores rows exactly and returns the best of them."""
        scores = exact_scores(self.vectors, rows, ask.query)
        if ask.floor is not None:
            keep = scores >= np.float32(ask.floor)
            rows, scores = rows[keep], scores[keep]
        ids = [self._ids[row] for row in rows.tolist()]
        places = _ranked(ids, scores)
        if ask.barred:
            places = [place for place in places if ids[place] not in ask.barred]
        places = places[: ask.count]
        return Found([ids[place] for place in places], scores[places])


def _sharing(masks: Sequence[Mask | None]) -> list[list[int]]:
    """Returns the places of each mask together."""
    together: dict[int, list[int]] = {}
    for place, mask in enumerate(masks):
        together.setdefault(id(mask), []).append(place)
    return list(together.values())


def _ranked(ids: Sequence[str], scores: Vectors) -> list[int]:
    """Returns the places of all, best first; ties by id."""
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    if len(np.unique(scores)) < len(scores):
        order.sort(key=lambda place: (-float(scores[place]), ids[place]))
    return order
