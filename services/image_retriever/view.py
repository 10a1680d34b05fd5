"""Finds the products nearest to a vector among rows that stand still."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from runtime.errors import InvalidArgument
from services.image_retriever.exact import ExactRows, Mask, Rows, Vectors, exact_scores
from services.image_retriever.gpu_index import FirstRows
from services.image_retriever.nearest import Nearest
from services.image_retriever.question import VOTERS, Likeness, Question, Reorder

# Up to so many rows, or below this share of all, comparing just these is quickest.
FEW_ROWS, SMALL_SHARE = 20_000, 0.2
_DEEPER = 4


@dataclass(frozen=True, slots=True)
class Found:
    """The products that one vector found: ids best first, and their cosines float32 ``[n]``.

    ``look_alikes`` came near and were left out for their look.
    """

    ids: list[str]
    scores: Vectors
    look_alikes: Sequence[str] = ()

    def first(self, count: int) -> "Found":
        """Returns the first ``count`` of them."""
        if len(self.ids) <= count:
            return self
        return Found(self.ids[:count], self.scores[:count], self.look_alikes)


@dataclass(frozen=True, slots=True)
class _Pick:
    """What a query found among some candidates.

    ``is_short``: fewer than asked for. ``is_cut``: beyond the candidates there may be more that
    come, for look-alikes took the places of others.
    """

    found: Found
    is_short: bool
    is_cut: bool


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
        unlike: Sequence[Likeness | None] | None = None,
        reorder: Sequence[Reorder | None] | None = None,
    ) -> list[Found]:
        """Finds the nearest products of each vector.

        Args:
            vectors: Unit rows float32 ``[b, dim]``, finite.
            count: Most hits of each, 1 or more.
            floor: For each vector the least cosine of a hit.
            excluded: For each vector the products that must not come.
            allowed: For each vector the rows that may come, bool ``[n]``; None: all that are
                alive. Vectors that share a mask share the work.
            unlike: For each vector what no hit may look like; None: any look may come.
            reorder: For each vector how its nearest products are ordered anew, and how many; None:
                they stay as they are. The floor is that of the first vector.

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
        nothing: Sequence[None] = [None] * len(queries)
        masks = allowed or nothing
        asks = [
            Question(query, count, least, barred, looks, order)
            for query, least, barred, looks, order in zip(
                queries,
                floor or nothing,
                excluded or [()] * len(queries),
                unlike or nothing,
                reorder or nothing,
                strict=True,
            )
        ]
        found: dict[int, Found] = {}
        for places in _together(masks, asks):
            mask = self.alive if masks[places[0]] is None else masks[places[0]]
            found.update(
                zip(places, self._answer([asks[place] for place in places], mask), strict=True)
            )
        return [found[place] for place in range(len(queries))]

    def _answer(self, asks: Sequence[Question], mask: Mask | None) -> list[Found]:
        """Returns what each query finds among the rows of one mask.

        A query that comes back short is asked again of all rows if not all were compared, and
        deeper if look-alikes took the places of what it wants.
        """
        depth = max(ask.depth + len(ask.barred) for ask in asks)
        queries = np.stack([ask.query for ask in asks])
        candidates, is_whole = self._candidates(queries, depth, mask)
        picks = [self._pick(rows, ask, depth) for rows, ask in zip(candidates, asks, strict=True)]
        while again := [
            place
            for place, pick in enumerate(picks)
            if pick.is_short and (pick.is_cut or not is_whole)
        ]:
            depth *= _DEEPER if is_whole else 1
            candidates, is_whole = self._compared(queries[again], depth, mask), True
            for place, rows in zip(again, candidates, strict=True):
                picks[place] = self._pick(rows, asks[place], depth)
        return [pick.found for pick in picks]

    def _compared(self, queries: Vectors, count: int, mask: Mask | None) -> list[Rows]:
        """Returns the nearest rows of each query, after all were compared."""
        whole = self._nearest if isinstance(self._nearest, FirstRows) else ExactRows(self.vectors)
        return whole.candidates(queries, count, mask)[0]

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

    def _pick(self, rows: Rows, ask: Question, asked: int) -> _Pick:
        """Scores candidates exactly and returns the best of them.

        Args:
            rows: The candidates, int64 ``[m]``.
            ask: The query.
            asked: How many candidates were asked for; fewer are all there are.
        """
        reaches_floor = False
        look_alikes: list[str] = []
        scores = exact_scores(self.vectors, rows, ask.query)
        if ask.floor is not None:
            keep = scores >= np.float32(ask.floor)
            reaches_floor = not keep.all()
            rows, scores = rows[keep], scores[keep]
        is_all = len(rows) < asked or reaches_floor
        if ask.unlike is not None:
            alike = ask.unlike.of(self.vectors[rows])
            look_alikes = [self._ids[row] for row in rows[alike].tolist()]
            rows, scores = rows[~alike], scores[~alike]
        ids = [self._ids[row] for row in rows.tolist()]
        places = _ranked(ids, scores)
        if ask.barred:
            places = [place for place in places if ids[place] not in ask.barred]
        is_short = len(places) < ask.depth
        places = places[: ask.depth]
        found = Found([ids[place] for place in places], scores[places], look_alikes)
        if ask.reorder is not None:
            found = self._reordered(found, rows[places], ask.reorder)
        return _Pick(found.first(ask.count), is_short, bool(look_alikes) and not is_all)

    def _reordered(self, found: Found, rows: Rows, reorder: Reorder) -> Found:
        """Returns what was found in these rows by its cosine with another vector."""
        scores = exact_scores(self.vectors, rows, reorder.vector)
        if reorder.kinds is not None:
            nearest = [self._nearest_to(vector) for vector in reorder.kinds.vectors]
            scores = scores + reorder.kinds.lift(rows, nearest)
        places = _ranked(found.ids, scores)
        return Found([found.ids[place] for place in places], scores[places], found.look_alikes)

    def _nearest_to(self, vector: Vectors) -> Rows:
        """Returns the rows nearest to a vector, at most as many as tell a kind."""
        (rows,), _ = self._candidates(np.array(vector[None]), VOTERS, self.alive)
        scores = exact_scores(self.vectors, rows, vector)
        return rows[np.lexsort((rows, -scores))[:VOTERS]]


def _together(masks: Sequence[Mask | None], asks: Sequence[Question]) -> list[list[int]]:
    """Returns the places that share a mask and a depth; more depth could change what is found."""
    together: dict[tuple[int, int], list[int]] = {}
    for place, (mask, ask) in enumerate(zip(masks, asks, strict=True)):
        together.setdefault((id(mask), ask.depth), []).append(place)
    return list(together.values())


def _ranked(ids: Sequence[str], scores: Vectors) -> list[int]:
    """Returns the places of all, best first; ties by id."""
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    if len(np.unique(scores)) < len(scores):
        order.sort(key=lambda place: (-float(scores[place]), ids[place]))
    return order
