"""Says how sure we are that a shopper likes, or dislikes, a product."""

import math
from collections.abc import Iterable
from datetime import datetime

from catalog.confidence_rules import DEFAULT_RULES, ConfidenceRules
from catalog.interaction import Interaction

__all__ = ["DEFAULT_RULES", "Confidence", "ConfidenceRules", "confidences"]

_TELLING = frozenset({"view", "cart", "purchase", "like", "dislike", "return", "rating"})


class Confidence:
    """Adds up what one shopper did with one product, oldest event first.

    A verdict (a rating, a like, a dislike, a return) speaks for itself, the last one wins, at the
    weight that its day leaves it; without one, views, carts and purchases add up. Ratings are
    merged (mean stars, any verified, all helpful votes) and weighed as ``clip(stars, 1, 5) * (1.2
    if verified) * (1 + 0.1 ln(1 + helpful))``; one star is a dislike of that weight. Nothing
    weighs more than 20, before the boost of what was done just now. The figures are those of
    :data:`DEFAULT_RULES`.

    Args:
        rules: What weighs how much.
        now: The day to judge from; None leaves time out of account.
    """

    __slots__ = (
        "_helpful",
        "_judged",
        "_last",
        "_now",
        "_ratings",
        "_rules",
        "_stars",
        "_taken",
        "_verdict",
        "_verified",
        "_views",
    )

    def __init__(self, rules: ConfidenceRules = DEFAULT_RULES, now: datetime | None = None) -> None:
        self._rules = rules
        self._now = now
        self._last: datetime | None = None
        self._views = 0.0
        self._taken = 0.0
        self._verdict = ""
        self._judged = 1.0
        self._stars = 0.0
        self._ratings = 0
        self._helpful = 0
        self._verified = False

    def add(self, event: Interaction) -> None:
        """Takes one more event into account; impressions and searches say nothing."""
        if event.kind not in _TELLING or (event.kind == "rating" and event.value is None):
            return
        self._last = event.at
        weight = self._rules.weight(event.at, self._now)
        if event.kind == "view":
            self._views += weight
        elif event.kind == "cart":
            self._taken += self._rules.cart * weight
        elif event.kind == "purchase":
            self._taken += self._rules.purchase * weight
        else:
            self._verdict, self._judged = event.kind, weight
            self._rate(event)

    @property
    def value(self) -> float:
        """The confidence; negative is dislike, 0 says nothing.

        Its size is at most the ceiling, times the boost of what was done just now.
        """
        if self._last is None:
            return 0.0
        return self._faded() * self._rules.boost(self._last, self._now)

    def _faded(self) -> float:
        rules = self._rules
        if self._verdict == "rating":
            whole = self._of_ratings()
        elif self._verdict:
            whole = {"like": rules.like, "dislike": -rules.dislike, "return": -rules.sent_back}[
                self._verdict
            ]
        else:
            return min(rules.view * self._viewed() + self._taken, rules.ceiling)
        return min(max(whole, -rules.ceiling), rules.ceiling) * self._judged

    def _rate(self, event: Interaction) -> None:
        if event.value is not None and event.kind == "rating":
            self._stars += min(max(event.value, 1.0), 5.0)
            self._ratings += 1
            self._helpful += event.helpful_votes
            self._verified = self._verified or event.verified

    def _viewed(self) -> float:
        """Returns how many first views the views are worth."""
        saturation = self._rules.view_saturation
        if not saturation:
            return self._views
        return math.log1p(saturation * self._views) / math.log1p(saturation)

    def _of_ratings(self) -> float:
        rules = self._rules
        stars = self._stars / self._ratings
        weight = stars * (rules.verified if self._verified else 1.0)
        weight *= 1.0 + rules.helpful * math.log1p(self._helpful)
        return -weight if stars < rules.disliked_stars else weight


def confidences(
    history: Iterable[Interaction],
    rules: ConfidenceRules = DEFAULT_RULES,
    *,
    now: datetime | None = None,
) -> dict[str, float]:
    """Returns the confidence of one shopper in each product of a history, oldest event first.

    Products of which the history says nothing are left out.

    Args:
        history: What the shopper did.
        rules: What weighs how much.
        now: The day to judge from; None leaves time out of account.
    """
    tallies: dict[str, Confidence] = {}
    for event in history:
        if event.product_id:
            tallies.setdefault(event.product_id, Confidence(rules, now)).add(event)
    return {product: tally.value for product, tally in tallies.items() if tally.value}
