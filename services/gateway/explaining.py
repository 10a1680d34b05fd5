"""Says of each product why it stands where it does: its ranks, and the terms of its score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.gateway.answer import Explanation, Move, RetrieverRank, Term
from services.gateway.fusion import Frame, terms
from services.gateway.query import Fusion
from services.gateway.stages import Ranking


@dataclass(frozen=True, slots=True)
class Reasons:
    """What one result was made from: rankings, fused scores, frame, mode of taste."""

    fusion: Fusion
    rankings: Mapping[str, Ranking]
    fused: Mapping[str, float]
    frame: Frame
    mode: str

    def of(
        self, product_ids: Sequence[str], moves: Mapping[str, Sequence[Move]]
    ) -> list[Explanation]:
        """The explanation of each product, in order."""
        places = {
            name: {product_id: place for place, product_id in enumerate(ranking.ids)}
            for name, ranking in self.rankings.items()
        }
        candidates = {product_id: place for place, product_id in enumerate(self.fused)}
        return [
            self._of(product_id, places, candidates[product_id], moves.get(product_id, ()))
            for product_id in product_ids
        ]

    def _of(
        self,
        product_id: str,
        places: Mapping[str, Mapping[str, int]],
        candidate: int,
        moves: Sequence[Move],
    ) -> Explanation:
        found = {
            name: RetrieverRank(
                by_id[product_id] + 1, self.rankings[name].scores[by_id[product_id]]
            )
            for name, by_id in places.items()
            if product_id in by_id
        }
        ranks = {name: place.rank for name, place in found.items()}
        parts = terms(ranks, self.fusion, list(self.rankings), self.frame)
        if self.mode:
            taste = self.frame.taste[candidate] if self.frame.taste else 0.0
            parts.append(Term("taste", taste, self.mode))
        return Explanation(found, parts, moves)
