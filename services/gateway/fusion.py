"""Merges the rankings of the retrievers and the taste of the shopper into one order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.gateway.answer import Term
from services.gateway.query import Fusion

FLAT_RANGE = 1e-6  # a min-max over less than this is all zeros


@dataclass(frozen=True, slots=True)
class Frame:
    """How a fused score becomes a final one: ``scale * fused + offset + taste[i]``.

    ``taste`` has one value for each candidate in its order; where taste has no say it is empty, and
    fused scores are final.
    """

    scale: float = 1.0
    offset: float = 0.0
    taste: Sequence[float] = ()


def fuse(rankings: Mapping[str, Sequence[str]], fusion: Fusion) -> dict[str, float]:
    """Weighted reciprocal rank fusion (Cormack et al., SIGIR 2009), made to reach from 0 to 1.

    The score of a product is ``sum_r w_r (k + 1) / (k + rank_r) / sum_r w_r``. Both sums run over
    the retrievers that answered, so that an answer without one of them equals the answer of a
    request that asked only the others. A product that a retriever did not find gets no vote of it.

    Args:
        rankings: Product ids of each retriever that answered, best first.
        fusion: Rank constant and weights; the weight of each retriever in ``rankings`` is above 0.

    Returns:
        Score of each candidate, in the order of the first appearance.
    """
    unit = rrf_unit(list(rankings), fusion)
    scores: dict[str, float] = {}
    for name, ids in rankings.items():
        share = fusion.weight(name) * unit
        for place, product_id in enumerate(ids, fusion.k + 1):
            scores[product_id] = scores.get(product_id, 0.0) + share / place
    return scores


def taste_frame(tastes: Sequence[float], share: float) -> Frame:
    """Blends by ``(1 - p) * fused + p * T`` with tastes of 0 to 1."""
    return Frame(scale=1 - share, taste=[share * taste for taste in tastes])


def minmax_frame(
    fused: Mapping[str, float], dots: Sequence[float], share: float, *, unit: float
) -> Frame:
    """Blends by ``(1 - p) * minmax(fused) + p * minmax(dots)``, both over the candidates.

    Args:
        fused: Fused score of each candidate.
        dots: Dot product of user and item factors for each candidate, 0 for an unknown one.
        share: The share p of taste.
        unit: What one unit of plain RRF (``w / (k + rank)``) is in ``fused``; by it the range
            below which a list counts as flat is the same as for plain RRF.
    """
    low, spread = _spread(list(fused.values()), FLAT_RANGE * unit)
    scale = (1 - share) / spread if spread else 0.0
    lowest, reach = _spread(dots, FLAT_RANGE)
    slope = share / reach if reach else 0.0
    taste = [slope * (dot - lowest) for dot in dots]
    return Frame(scale=scale, offset=-scale * low, taste=taste)


def rrf_unit(answered: Sequence[str], fusion: Fusion) -> float:
    """What one unit of plain RRF is in the scores of :func:`fuse`."""
    return (fusion.k + 1) / sum(fusion.weight(name) for name in answered)


def final_scores(fused: Mapping[str, float], frame: Frame) -> Mapping[str, float]:
    """The final score of each candidate, in the order of ``fused``."""
    if not frame.taste:
        return fused
    return {
        name: frame.scale * score + frame.offset + taste
        for (name, score), taste in zip(fused.items(), frame.taste, strict=True)
    }


def order(scores: Mapping[str, float]) -> list[str]:
    """The candidates by score, best first; equal ones by id, so that the order is total."""
    return sorted(sorted(scores), key=scores.__getitem__, reverse=True)


def terms(
    ranks: Mapping[str, int], fusion: Fusion, answered: Sequence[str], frame: Frame
) -> list[Term]:
    """The terms of one product's fusion, which add up to its final score less its taste.

    Args:
        ranks: Rank of the product, from 1, in each retriever that found it.
        fusion: Rank constant and weights.
        answered: The retrievers that answered.
        frame: The frame of the final scores.
    """
    share = frame.scale * rrf_unit(answered, fusion)
    found = [
        Term(f"fusion.{name}", share * fusion.weight(name) / (fusion.k + rank))
        for name, rank in ranks.items()
    ]
    return [*found, Term("fusion.minmax", frame.offset)] if frame.offset else found


def _spread(values: Sequence[float], flat: float) -> tuple[float, float]:
    """The least value and the range; a range below ``flat`` is 0."""
    low, high = min(values), max(values)
    return low, high - low if high - low >= flat else 0.0
