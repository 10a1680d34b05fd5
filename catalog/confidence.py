"""Says how sure we are that a shopper likes, or dislikes, a product."""

import math
from collections.abc import Iterable

from catalog.interaction import Interaction

CEILING = 20.0
VERIFIED = 1.2
HELPFUL = 0.1
DISLIKED_STARS = 1.5
BEHAVIOUR = {"view": 0.3, "cart": 1.5, "purchase": 3.0}
VERDICT = {"like": 4.0, "dislike": -4.0, "return": -2.0}


class Confidence:
    """Adds up what one shopper did with one product, oldest event first.

    A verdict (a rating, a like, a dislike, a return) speaks for itself, the last one wins;
    without one, views, carts and purchases add up. Ratings are merged (mean stars, any verified,
    all helpful votes) and weighed as ``clip(stars, 1, 5) * (1.2 if verified) * (1 + 0.1 ln(1 +
    helpful))``; one star is a dislike of that weight. Nothing weighs more than 20.
    """

    __slots__ = ("_behaviour", "_helpful", "_ratings", "_stars", "_verdict", "_verified")

    def __init__(self) -> None:
        self._behaviour = 0.0
        self._verdict = ""
        self._stars = 0.0
        self._ratings = 0
        self._helpful = 0
        self._verified = False

    def add(self, event: Interaction) -> None:
        """Takes one more event into account; impressions and searches say nothing."""
        self._behaviour += BEHAVIOUR.get(event.kind, 0.0)
        if event.kind in VERDICT:
            self._verdict = event.kind
        elif event.kind == "rating" and event.value is not None:
            self._verdict = event.kind
            self._stars += min(max(event.value, 1.0), 5.0)
            self._ratings += 1
            self._helpful += event.helpful_votes
            self._verified = self._verified or event.verified

    @property
    def value(self) -> float:
        """The confidence, -20 to 20; negative is dislike, 0 says nothing."""
        if self._verdict == "rating":
            return self._of_ratings()
        if self._verdict:
            return VERDICT[self._verdict]
        return min(self._behaviour, CEILING)

    def _of_ratings(self) -> float:
        stars = self._stars / self._ratings
        weight = stars * (VERIFIED if self._verified else 1.0)
        weight = min(weight * (1.0 + HELPFUL * math.log1p(self._helpful)), CEILING)
        return -weight if stars < DISLIKED_STARS else weight


def confidences(history: Iterable[Interaction]) -> dict[str, float]:
    """Returns the confidence of one shopper in each product of a history, oldest event first.

    Products of which the history says nothing are left out.
    """
    tallies: dict[str, Confidence] = {}
    for event in history:
        if event.product_id:
            tallies.setdefault(event.product_id, Confidence()).add(event)
    return {product: tally.value for product, tally in tallies.items() if tally.value}
