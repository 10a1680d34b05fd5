"""Measures how products without a photo fare beside those that have one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from offline.fusion_runs import Run
from offline.fusion_trials import ndcg_of
from offline.relevance import Estimate, estimate
from services.gateway.fusion import fuse
from services.gateway.query import Fusion
from services.gateway.stages import Ranking


@dataclass(frozen=True, slots=True)
class PhotoBias:
    """How the right products without a photo stand to the right ones that have one.

    Attributes:
        ahead: How often one without stands before one with, .5 where a photo is no matter.
        ndcg: NDCG@10 of the same rankings.
    """

    ahead: Estimate
    ndcg: Estimate


def half_of(product_ids: Collection[str], *, seed: int = 0) -> frozenset[str]:
    """Returns half of the products, drawn."""
    ids = np.array(sorted(product_ids))
    return frozenset(np.random.default_rng(seed).permutation(ids)[: len(ids) // 2].tolist())


def photo_bias(
    runs: Sequence[Run],
    dark: frozenset[str],
    fusion_of: Callable[[str], Fusion],
    *,
    hidden: bool,
    imputed: bool,
) -> PhotoBias:
    """Takes the photos of some products away, and sees where these come to stand.

    Which ones was drawn, so that no difference but the photo is between them and the others.

    Args:
        runs: What the retrievers found while all had a photo.
        dark: The products whose photo is taken away.
        fusion_of: How rankings are merged for a class of queries.
        hidden: Whether photos are taken away at all.
        imputed: Whether a vote is imputed for the photos that are missing.
    """
    ahead, gained = [], []
    for run in runs:
        shown = darkened(run, dark, imputed=imputed) if hidden else run
        scores = fuse(shown.rankings, fusion_of(run.kind)).scores
        gained.append(ndcg_of(scores, run.gains))
        if (share := _ahead(scores, run.gains, dark)) is not None:
            ahead.append(share)
    return PhotoBias(estimate(ahead), estimate(gained))


def darkened(run: Run, dark: frozenset[str], *, imputed: bool) -> Run:
    """Returns a run as it would be if some products had no photo."""
    text, image = run.rankings["text"], run.rankings["image"]
    seen = [hit for hit in zip(image.ids, image.scores, strict=True) if hit[0] not in dark]
    rankings = {
        "text": Ranking(
            text.ids, text.scores, without_photo=dark & set(text.ids) if imputed else frozenset()
        ),
        "image": Ranking([name for name, _ in seen], [score for _, score in seen]),
    }
    return replace(run, rankings=rankings)


def _ahead(
    scores: Mapping[str, float], gains: Mapping[str, float], dark: Collection[str]
) -> float | None:
    """How often a right product of those stands before another right one; equal is a half."""
    without = [scores.get(name, -1.0) for name in gains if name in dark]
    others = [scores.get(name, -1.0) for name in gains if name not in dark]
    if not without or not others:
        return None
    differences = np.subtract.outer(without, others)
    return float(np.mean((differences > 0) + 0.5 * (differences == 0)))
