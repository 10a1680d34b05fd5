"""Says of each product why it stands where it does: ranks, terms of the score, and moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.gateway.answer import Explanation, Move, RetrieverRank, Term
from services.gateway.arrangement import Arrangement
from services.gateway.fusion import Frame, Fused
from services.gateway.query import RELEVANCE, Query
from services.gateway.stages import Ranking

_WHY_SORTED = {
    "price_asc": "by price, the cheapest first",
    "price_desc": "by price, the dearest first",
    "newest": "by the time it came in, the newest first",
}
_WHY_COLLAPSED = "each style stands where its best product does"
_WHY_DIVERSE = "products that stand together should differ"
_WHY_GONE = "products before it are no longer there"


@dataclass(frozen=True, slots=True)
class Reasons:
    """What explanations are made from, in columns of the products of a result.

    Attributes:
        ranks: For each retriever that answered, the rank of each product, 0 where it did not
            find it.
        scores: For each retriever, the score of each product, 0 where it did not find it.
        votes: What each retriever adds to the fused score of each product, 0 where it did not
            find it; and what is imputed to products without a photo, 0 for all others.
        scale: What a fused score is multiplied by in the final one.
        offset: What is added to it.
        mode: Whose taste it is; empty where taste was not asked for.
        tastes: What taste adds to each product's score; empty where it has no say.
        by_score: Place of each product by score, from 1.
        ungrouped: Place of each product before styles were gathered, from 1.
        gathered: Place of each product's group before diversity and quotas, from 1; empty where
            neither was asked for.
        diverse: The same between the two.
    """

    ranks: Mapping[str, Sequence[int]] = field(default_factory=dict)
    scores: Mapping[str, Sequence[float]] = field(default_factory=dict)
    votes: Mapping[str, Sequence[float]] = field(default_factory=dict)
    scale: float = 1.0
    offset: float = 0.0
    mode: str = ""
    tastes: Sequence[float] = ()
    by_score: Sequence[int] = ()
    ungrouped: Sequence[int] = ()
    gathered: Sequence[int] = ()
    diverse: Sequence[int] = ()

    def of(self, at: int, query: Query, place: int, rank: int) -> Explanation:
        """The explanation of the product at a place of the columns.

        Args:
            at: The place, from 0.
            query: What was asked.
            place: Place of its group in the result, from 1.
            rank: Its rank in the answer, smaller where groups before it are gone.
        """
        found = {
            name: RetrieverRank(ranks[at], self.scores[name][at])
            for name, ranks in self.ranks.items()
            if ranks[at]
        }
        parts = [
            Term(f"fusion.{name}", self.scale * votes[at])
            for name, votes in self.votes.items()
            if name in found or votes[at]
        ]
        if self.offset:
            parts.append(Term("fusion.minmax", self.offset))
        if self.mode:
            parts.append(Term("taste", self.tastes[at] if self.tastes else 0.0, self.mode))
        return Explanation(found, parts, self._moves(at, query, place, rank))

    def _moves(self, at: int, query: Query, place: int, rank: int) -> list[Move]:
        by_score, ungrouped = self.by_score[at], self.ungrouped[at]
        gathered = self.gathered[at] if self.gathered else place
        diverse = self.diverse[at] if self.diverse else place
        limits = " or ".join(f"{most} of one {name}" for name, most in sorted(query.quotas.items()))
        steps = [
            ("sort", by_score, ungrouped, _WHY_SORTED.get(query.sort, RELEVANCE)),
            ("collapse", ungrouped, gathered, _WHY_COLLAPSED),
            ("diversity", gathered, diverse, _WHY_DIVERSE),
            ("quotas", diverse, place, f"a page holds at most {limits}"),
            ("gone", place, rank, _WHY_GONE),
        ]
        return [Move(*step) for step in steps if step[1] != step[2]]


def reasons_of(
    ranked: Sequence[str],
    arranged: Arrangement,
    rankings: Mapping[str, Ranking],
    fused: Fused,
    frame: Frame,
    mode: str,
) -> Reasons:
    """The reasons of a result.

    Args:
        ranked: The products by score, best first.
        arranged: The same as they are shown.
        rankings: The answer of each retriever.
        fused: The votes of the retrievers.
        frame: The frame of the final scores, with what taste adds to each.
        mode: Whose taste it is.
    """
    ids = arranged.ids
    ranks: dict[str, list[int]] = {}
    scores: dict[str, list[float]] = {}
    for name, ranking in rankings.items():
        places = _places(ranking.ids)
        ranks[name] = [places.get(product_id, 0) for product_id in ids]
        scores[name] = [ranking.scores[rank - 1] if rank else 0.0 for rank in ranks[name]]
    votes = {
        name: [given.get(product_id, 0.0) for product_id in ids]
        for name, given in fused.votes.items()
    }
    by_score, ungrouped = _places(ranked), _places(arranged.ungrouped)
    tastes = dict(zip(fused.scores, frame.taste, strict=True)) if frame.taste else {}
    return Reasons(
        ranks,
        scores,
        votes,
        frame.scale,
        frame.offset,
        mode,
        [tastes[product_id] for product_id in ids] if tastes else [],
        [by_score[product_id] for product_id in ids],
        [ungrouped[product_id] for product_id in ids],
        _of_each(arranged.gathered, arranged.sizes),
        _of_each(arranged.diverse, arranged.sizes),
    )


def _of_each(places: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """The place of each product's group, where there are places."""
    if not places:
        return []
    return [place for place, size in zip(places, sizes, strict=True) for _ in range(size)]


def _places(product_ids: Sequence[str]) -> dict[str, int]:
    return {product_id: place for place, product_id in enumerate(product_ids, 1)}
