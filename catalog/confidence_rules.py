"""Says how much each thing that a shopper does says, and how it fades."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime

DAY_S = 86_400.0
YEAR_DAYS = 365.25
_POSITIVE = ("ceiling", "season_days", "lately_days")
_SHARES = ("remembered", "season_echo")


@dataclass(frozen=True, slots=True)
class ConfidenceRules:
    """How much each thing that a shopper does says; the same for training and for serving.

    Attributes:
        view: Weight of the first view of a product; 0 or more, as all weights are.
        view_saturation: How soon more views say less: n views weigh ``view * ln(1 + s n) /
            ln(1 + s)``; 0 lets each say as much as the first.
        cart: Weight of putting it into the cart.
        purchase: Weight of buying it.
        like: Weight of liking it.
        dislike: Weight of disliking it; it counts against the product.
        sent_back: Weight of returning it; it counts against the product.
        verified: What a rating by a buyer is multiplied by.
        helpful: A rating is multiplied by ``1 + helpful * ln(1 + helpful votes)``.
        disliked_stars: Ratings below this many stars count against the product.
        ceiling: Most that anything weighs, more than 0.
        half_life_days: After so many days what fades has half its weight; 0: nothing fades.
        remembered: Share of each weight that never fades, 0 to 1.
        season_echo: What an event a year, or years, before the days that come weighs at least, as
            a share of a fresh one, 0 to 1; 0 leaves seasons out of account.
        season_ahead_days: How far ahead of the season shoppers shop: the echo is strongest for
            what was done a year before this many days from now.
        season_days: How far from there the echo has dropped to 61 % (one standard deviation).
        lately: How much more a product weighs with which the shopper had to do just now: its
            whole confidence is multiplied by ``1 + lately * 2^(-age / lately_days)``, where the
            age is that of the last event; 0 leaves visits out of account.
        lately_days: Days after which half of that is gone, more than 0.
    """

    view: float = 0.3
    view_saturation: float = 1.0
    cart: float = 1.5
    purchase: float = 3.0
    like: float = 4.0
    dislike: float = 4.0
    sent_back: float = 2.0
    verified: float = 1.2
    helpful: float = 0.1
    disliked_stars: float = 1.5
    ceiling: float = 20.0
    half_life_days: float = 30.0
    remembered: float = 0.3
    season_echo: float = 0.8
    season_ahead_days: float = 45.0
    season_days: float = 45.0
    lately: float = 10.0
    lately_days: float = 0.25

    def __post_init__(self) -> None:
        """Refuses what makes no sense.

        Raises:
            ValueError: A rule is out of its range; the message names it.
        """
        for name, value in asdict(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a number of 0 or more")
            if name in _POSITIVE and not value:
                raise ValueError(f"{name} must be more than 0")
            if name in _SHARES and value > 1:
                raise ValueError(f"{name} must lie between 0 and 1")

    def facts(self) -> dict[str, float]:
        """Returns the rules as JSON values, for the manifest of what was trained by them."""
        return asdict(self)

    @classmethod
    def of_facts(cls, facts: object) -> "ConfidenceRules":
        """Reads what :meth:`facts` wrote; None, where nothing was written, gives the defaults.

        Raises:
            ValueError: The facts hold no rules, or a rule that this build does not know.
        """
        if facts is None:
            return DEFAULT_RULES
        if not isinstance(facts, Mapping):
            raise ValueError("the rules of confidence are not a table")
        known = {each.name for each in fields(cls)}
        rules: dict[str, float] = {}
        for name, value in facts.items():
            if name not in known:
                raise ValueError("a rule of confidence is unknown to this build")
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{name} must be a number of 0 or more")
            rules[name] = float(value)
        return cls(**rules)

    def weight(self, at: datetime, now: datetime | None) -> float:
        """Returns how much an event still weighs, 0 to 1.

        ``r + (1 - r) max(2^(-age / h), e exp(-d^2 / 2 w^2))`` with r ``remembered``, h the
        half-life, e the echo, w ``season_days`` and d the days between the event and the nearest
        anniversary, at least one year back, of the day ``season_ahead_days`` from now.

        Args:
            at: When it happened.
            now: The day to judge from; None leaves time out of account. What happened after it
                counts as fresh.
        """
        if now is None:
            return 1.0
        age = _age_days(at, now)
        fresh = math.exp2(-age / self.half_life_days) if self.half_life_days else 1.0
        years = max(round((age + self.season_ahead_days) / YEAR_DAYS), 1)
        away = (age + self.season_ahead_days - years * YEAR_DAYS) / self.season_days
        kept = max(fresh, self.season_echo * math.exp(-0.5 * away * away))
        return self.remembered + (1.0 - self.remembered) * kept

    def boost(self, at: datetime, now: datetime | None) -> float:
        """Returns what a confidence is multiplied by whose last event was ``at``, 1 or more."""
        if now is None:
            return 1.0
        return 1.0 + self.lately * math.exp2(-_age_days(at, now) / self.lately_days)


DEFAULT_RULES = ConfidenceRules()


def _age_days(at: datetime, now: datetime) -> float:
    return max((now - at).total_seconds() / DAY_S, 0.0)
