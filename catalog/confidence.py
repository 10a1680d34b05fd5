"""Says how sure we are that a shopper likes, or dislikes, a product."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from catalog.interaction import Interaction

DAY_S = 86_400.0
YEAR_DAYS = 365.25
_VERDICTS = ("like", "dislike", "return", "rating")
_POSITIVE = ("ceiling", "season_days")
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
    half_life_days: float = 90.0
    remembered: float = 0.3
    season_echo: float = 0.9
    season_ahead_days: float = 45.0
    season_days: float = 45.0

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
        age = max((now - at).total_seconds() / DAY_S, 0.0)
        fresh = 2.0 ** (-age / self.half_life_days) if self.half_life_days else 1.0
        years = max(round((age + self.season_ahead_days) / YEAR_DAYS), 1)
        away = (age + self.season_ahead_days - years * YEAR_DAYS) / self.season_days
        kept = max(fresh, self.season_echo * math.exp(-0.5 * away * away))
        return self.remembered + (1.0 - self.remembered) * kept


DEFAULT_RULES = ConfidenceRules()


class Confidence:
    """Adds up what one shopper did with one product, oldest event first.

    A verdict (a rating, a like, a dislike, a return) speaks for itself, the last one wins, at the
    weight that its day leaves it; without one, views, carts and purchases add up. Ratings are
    merged (mean stars, any verified, all helpful votes) and weighed as ``clip(stars, 1, 5) * (1.2
    if verified) * (1 + 0.1 ln(1 + helpful))``; one star is a dislike of that weight. Nothing
    weighs more than 20. The figures are those of :data:`DEFAULT_RULES`.

    Args:
        rules: What weighs how much.
        now: The day to judge from; None leaves time out of account.
    """

    __slots__ = (
        "_helpful",
        "_judged",
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
        weight = self._rules.weight(event.at, self._now)
        if event.kind == "view":
            self._views += weight
        elif event.kind == "cart":
            self._taken += self._rules.cart * weight
        elif event.kind == "purchase":
            self._taken += self._rules.purchase * weight
        elif event.kind in _VERDICTS and (event.kind != "rating" or event.value is not None):
            self._verdict, self._judged = event.kind, weight
            self._rate(event)

    @property
    def value(self) -> float:
        """The confidence, -20 to 20; negative is dislike, 0 says nothing."""
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
