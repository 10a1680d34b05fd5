"""Merges the rankings of the retrievers and the taste of the shopper into one order."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from services.gateway.query import Fusion
from services.gateway.stages import Ranking

FLAT_RANGE = 1e-6  # a min-max over less than this is all zeros
LEAST: Mapping[str, float] = MappingProxyType({"text": 0.0, "image": -1.0})
"""The least score that each retriever can give: BM25 is never below 0, a cosine never below -1."""
IMPUTED = "image_imputed"
_DEVIATIONS = 3.0
_KERNEL = 0.01
"""Width of the kernel that tells which text scores are alike, as a share of their range."""


@dataclass(frozen=True, slots=True)
class Fused:
    """Merged rankings.

    Attributes:
        scores: Score of each candidate, 0 to 1, in the order of the first appearance.
        votes: What each retriever adds to the score of each product that it found, and under
            ``image_imputed`` what products without a photo are given; they add up to the scores.
    """

    scores: Mapping[str, float]
    votes: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Frame:
    """How a fused score becomes a final one: ``scale * fused + offset + taste[i]``.

    ``taste`` has one value for each candidate in its order; where taste has no say it is empty, and
    fused scores are final.
    """

    scale: float = 1.0
    offset: float = 0.0
    taste: Sequence[float] = ()


def fuse(rankings: Mapping[str, Ranking], fusion: Fusion) -> Fused:
    """Merges rankings by the mean of what each retriever says of a product, from 0 to 1.

    The score of a product is ``sum_r w_r s_r / sum_r w_r``. Both sums run over the retrievers that
    answered, so that an answer without one of them equals the answer of a request that asked only
    the others. A product that a retriever did not find gets no vote of it. What a retriever says,
    ``s_r``, depends on the method; see :func:`standings`.

    A product of which the text retriever tells that it has no photo could win one vote only. It
    gets the median image vote of the products with a photo that are as good by their words: each
    counts the less the further its text score is from the product's, by a Laplace kernel of a
    hundredth of the range of the scores (the conditional median of Nadaraya and Watson's kind), and
    as 0 where the image retriever did not find it. That vote is named ``image_imputed``. (The
    median of the whole list is a vote for the middle, too low for whatever stands first: see
    docs/evaluation.md.)

    Args:
        rankings: The answer of each retriever that answered, best first.
        fusion: Method, rank constant and weights; the weight of each retriever in ``rankings`` is
            above 0.

    Returns:
        Scores in the order of the first appearance, and the votes that they are the sums of.
    """
    total = sum(fusion.weight(name) for name in rankings)
    votes: dict[str, Mapping[str, float]] = {}
    for name, ranking in rankings.items():
        share = fusion.weight(name) / total
        values = standings(ranking, fusion, least=LEAST[name])
        votes[name] = dict(zip(ranking.ids, [share * value for value in values], strict=True))
    if imputed := _imputed(rankings, votes):
        votes[IMPUTED] = imputed
    scores: dict[str, float] = {}
    for given in votes.values():
        for product_id, vote in given.items():
            scores[product_id] = scores.get(product_id, 0.0) + vote
    return Fused(scores, votes)


def standings(ranking: Ranking, fusion: Fusion, *, least: float) -> list[float]:
    """What one retriever says of each product that it found, from 0 to 1, best first.

    - ``rrf``: ``(k + 1) / (k + rank)``, reciprocal rank fusion (Cormack, Clarke, Buettcher, SIGIR
      2009) made to begin at 1; the scores play no part.
    - ``dbsf``: ``(x - low) / (high - low)`` between three standard deviations below and above the
      mean of the list (distribution-based score fusion). A score further out moves the bound out
      to itself: cut off at the bound, the best hits of a query would all be equal.
    - ``relative``: the same between the least and the best score of the list.
    - ``convex``: the same between ``least``, the least score that is possible, and the best of the
      list: the theoretical minimum-maximum scaling of Bruch, Gai and Ingber (TOIS 2023). A score
      so depends on the best hit alone, not on how deep the list is.

    A list in which all scores are equal says 1 of each product.
    """
    if fusion.method == "rrf":
        first = fusion.k + 1
        return [first / place for place in range(first, first + len(ranking.ids))]
    if not ranking.scores:
        return []
    low, high = _bounds(ranking.scores, fusion.method, least)
    if high - low <= 0.0:
        return [1.0] * len(ranking.scores)
    # Rounding may leave the bounds by a bit.
    return [min(max((score - low) / (high - low), 0.0), 1.0) for score in ranking.scores]


def _bounds(scores: Sequence[float], method: str, least: float) -> tuple[float, float]:
    """The scores that stand for 0 and for 1."""
    low, high = min(scores), max(scores)
    if method == "relative" or high <= low:
        return low, high
    if method == "convex":
        return min(low, least), high
    mean = math.fsum(scores) / len(scores)
    reach = _DEVIATIONS * math.sqrt(math.fsum((each - mean) ** 2 for each in scores) / len(scores))
    return min(low, mean - reach), max(high, mean + reach)


def _imputed(
    rankings: Mapping[str, Ranking], votes: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """The vote of the image retriever that each product without a photo is given."""
    if "text" not in rankings or "image" not in rankings or not rankings["text"].without_photo:
        return {}
    text, seen = rankings["text"], votes["image"]
    # Where the stages are of different moments, one may have a photo after all: it has its vote.
    is_blind = [name in text.without_photo and name not in seen for name in text.ids]
    blind = np.array(is_blind, np.bool_)
    pictured = np.array([name not in text.without_photo for name in text.ids], np.bool_)
    if not blind.any() or not pictured.any():
        return {}
    standing = np.asarray(text.scores, np.float64)
    spread = float(np.ptp(standing)) or 1.0
    given = np.array([seen.get(name, 0.0) for name in text.ids])[pictured]
    order = np.argsort(given, kind="stable")
    apart = np.abs(standing[blind][:, None] - standing[pictured][order][None, :]) / spread
    weights = np.exp(-apart / _KERNEL).cumsum(axis=1)
    medians = given[order][(weights >= weights[:, -1:] / 2).argmax(axis=1)]
    names = [name for name, is_one in zip(text.ids, is_blind, strict=True) if is_one]
    return {name: vote for name, vote in zip(names, medians.tolist(), strict=True) if vote}


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


def fused_unit(answered: Sequence[str], fusion: Fusion) -> float:
    """What one unit of plain RRF is in the scores of :func:`fuse`; 1 for the other methods."""
    if fusion.method != "rrf":
        return 1.0
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


def _spread(values: Sequence[float], flat: float) -> tuple[float, float]:
    """The least value and the range; a range below ``flat`` is 0."""
    low, high = min(values), max(values)
    return low, high - low if high - low >= flat else 0.0
