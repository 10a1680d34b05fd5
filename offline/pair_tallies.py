"""Adds up what shoppers did with products, all of them at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.confidence import ConfidenceRules
from catalog.confidence_rules import DAY_S, YEAR_DAYS
from catalog.interaction import KINDS

Rows = npt.NDArray[np.intp]
Moments = npt.NDArray[np.float64]

CODES = {kind: code for code, kind in enumerate(KINDS)}
_VERDICTS = ("like", "dislike", "return", "rating")


def weights(at: Moments, now: Moments, rules: ConfidenceRules) -> Moments:
    """Returns :meth:`catalog.confidence.ConfidenceRules.weight` of each moment, float64 [n]."""
    ages = np.maximum((now - at) / DAY_S, 0.0)
    fresh = 2.0 ** (-ages / rules.half_life_days) if rules.half_life_days else np.ones(len(ages))
    ahead = ages + rules.season_ahead_days
    away = (ahead - np.maximum(np.rint(ahead / YEAR_DAYS), 1.0) * YEAR_DAYS) / rules.season_days
    kept = np.maximum(fresh, rules.season_echo * np.exp(-0.5 * away * away))
    return np.asarray(rules.remembered + (1.0 - rules.remembered) * kept, np.float64)


def boosts(last: Moments, now: Moments, rules: ConfidenceRules) -> Moments:
    """Returns :meth:`catalog.confidence.ConfidenceRules.boost` of each pair, float64 [n]."""
    ages = np.maximum((now - last) / DAY_S, 0.0)
    return np.asarray(1.0 + rules.lately * 2.0 ** (-ages / rules.lately_days), np.float64)


@dataclass(frozen=True, slots=True)
class PairEvents:
    """Events of shoppers with products, oldest first.

    Attributes:
        pairs: int [n], number of the shopper and product of each event.
        count: How many pairs there are.
        kinds: int8 [n], places in :data:`catalog.interaction.KINDS`.
        stars: float32 [n], of ratings.
        verified: bool [n].
        helpful: int64 [n], helpful votes.
    """

    pairs: Rows
    count: int
    kinds: npt.NDArray[np.int8]
    stars: npt.NDArray[np.float32]
    verified: npt.NDArray[np.bool_]
    helpful: npt.NDArray[np.int64]

    def confidences(self, faded: Moments, rules: ConfidenceRules) -> Moments:
        """Returns the confidence of each pair before the boost, float64 [count].

        Args:
            faded: float64 [n], what each event still weighs.
            rules: What weighs how much.
        """
        views = self._sum("view", faded)
        if rules.view_saturation:
            views = np.log1p(rules.view_saturation * views) / np.log1p(rules.view_saturation)
        behaved = rules.view * views + rules.cart * self._sum("cart", faded)
        behaved += rules.purchase * self._sum("purchase", faded)
        judging = np.flatnonzero(np.isin(self.kinds, [CODES[kind] for kind in _VERDICTS]))
        last = np.full(self.count, -1)
        np.maximum.at(last, self.pairs[judging], judging)
        judged = np.flatnonzero(last >= 0)
        verdict = self.kinds[last[judged]]
        whole = self._of_ratings(rules)[judged]
        whole[verdict == CODES["like"]] = rules.like
        whole[verdict == CODES["dislike"]] = -rules.dislike
        whole[verdict == CODES["return"]] = -rules.sent_back
        found = np.minimum(behaved, rules.ceiling)
        found[judged] = np.clip(whole, -rules.ceiling, rules.ceiling) * faded[last[judged]]
        return found

    def _sum(self, kind: str, values: Moments) -> Moments:
        chosen = self.kinds == CODES[kind]
        summed = np.bincount(self.pairs[chosen], values[chosen], self.count)
        return np.asarray(summed, np.float64)

    def _of_ratings(self, rules: ConfidenceRules) -> Moments:
        ones = np.ones(len(self.kinds))
        number = np.maximum(self._sum("rating", ones), 1.0)
        stars = np.clip(self.stars.astype(np.float64), 1.0, 5.0)
        mean = self._sum("rating", stars) / number
        helpful = self._sum("rating", self.helpful.astype(np.float64))
        bought = self._sum("rating", self.verified.astype(np.float64)) > 0
        weight = mean * np.where(bought, rules.verified, 1.0)
        weight *= 1.0 + rules.helpful * np.log1p(helpful)
        return np.where(mean < rules.disliked_stars, -weight, weight)
