"""Cuts the page from the order, and says of each product why it stands there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.product import Product
from services.gateway.answer import Explanation, RankedProduct, RetrieverRank, Term
from services.gateway.fusion import Frame, terms
from services.gateway.query import Query
from services.gateway.stages import Documents, Ranking

_LEAST_READ = 50  # many deleted products at the top must not mean many small reads


@dataclass(frozen=True, slots=True)
class Page:
    """What the hits of one query are made from: rankings, fused scores, frame, mode of taste."""

    query: Query
    rankings: Mapping[str, Ranking]
    fused: Mapping[str, float]
    frame: Frame
    mode: str

    async def dress(
        self, ranked: Sequence[str], scores: Mapping[str, float], documents: Documents
    ) -> tuple[list[RankedProduct], int]:
        """Reads the winners; a product that is gone is dropped, and the next one moves up.

        Returns:
            At most ``page_size`` hits, and how many products on the way were gone.
        """
        winners, gone = await self._winners(ranked, documents)
        reasons = self._reasons(winners) if self.query.explain else {}
        hits = [
            RankedProduct(rank, scores[product.id], product, reasons.get(product.id))
            for rank, product in enumerate(winners, 1)
        ]
        return hits, gone

    async def _winners(
        self, ranked: Sequence[str], documents: Documents
    ) -> tuple[list[Product], int]:
        winners: list[Product] = []
        gone = start = 0
        while len(winners) < self.query.page_size and start < len(ranked):
            wanted = self.query.page_size - len(winners)
            batch = ranked[start : start + (max(wanted, _LEAST_READ) if start else wanted)]
            found = await documents.read(batch)
            for product_id in batch:
                product = found.get(product_id)
                if product is None:
                    gone += 1
                else:
                    winners.append(product)
                if len(winners) == self.query.page_size:
                    break
            start += len(batch)
        return winners, gone

    def _reasons(self, winners: Sequence[Product]) -> dict[str, Explanation]:
        places = {
            name: {product_id: place for place, product_id in enumerate(ranking.ids)}
            for name, ranking in self.rankings.items()
        }
        candidates = {product_id: place for place, product_id in enumerate(self.fused)}
        return {
            product.id: self._reason(product.id, places, candidates[product.id])
            for product in winners
        }

    def _reason(
        self, product_id: str, places: Mapping[str, Mapping[str, int]], candidate: int
    ) -> Explanation:
        found = {
            name: RetrieverRank(
                by_id[product_id] + 1, self.rankings[name].scores[by_id[product_id]]
            )
            for name, by_id in places.items()
            if product_id in by_id
        }
        ranks = {name: place.rank for name, place in found.items()}
        parts = terms(ranks, self.query.fusion, list(self.rankings), self.frame)
        if self.mode:
            taste = self.frame.taste[candidate] if self.frame.taste else 0.0
            parts.append(Term("taste", taste, self.mode))
        return Explanation(found, parts)
