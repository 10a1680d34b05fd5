"""Measures what each rule of confidence is good for, by taking it away."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from catalog.confidence import DEFAULT_RULES, ConfidenceRules
from offline.models.als import Als
from offline.pair_tallies import Moments
from offline.progress import Progress, progress
from offline.recommendations.bootstrap import estimates
from offline.recommendations.event_log import EventLog
from offline.recommendations.scoring import score
from offline.recommendations.shop_log import ShopEvents
from offline.recommendations.splits import Split, leave_last_out
from offline.suite_report import Row, SuiteReport
from runtime.errors import SetupError

DAY_S = 86_400.0
ALL = "all rules"
_FIGURES = ("HR@10", "NDCG@10")
# The options of ALS that suit the drawn shoppers; the same for every row.
_RECIPE = Als(factors=24, regularization=60.0, alpha=10.0)


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """At which moments, and over how many days, the future is foretold.

    Attributes:
        moments: How many, spread evenly over the second half of the time; 1 or more.
        days: What is taken within so many days after a moment is to be found, more than 0.
    """

    moments: int = 4
    days: float = 60.0


DEFAULTS = RuleTrial()


def without_rules() -> Mapping[str, ConfidenceRules]:
    """Returns all rules, and what is left when one of them is taken away, by name."""
    rules = DEFAULT_RULES
    return {
        ALL: rules,
        "nothing fades": replace(rules, half_life_days=0.0),
        "no season comes back": replace(rules, season_echo=0.0),
        "just now is as any day": replace(rules, lately=0.0),
        "every view says as much": replace(rules, view_saturation=0.0),
        "nothing is disliked": replace(rules, disliked_stars=0.0, dislike=0.0, sent_back=0.0),
        "a purchase says what a view says": replace(rules, view=1.0, cart=1.0, purchase=1.0),
        "no time, no saturation": replace(
            rules, half_life_days=0.0, lately=0.0, view_saturation=0.0
        ),
    }


def evaluate_rules(shop: ShopEvents, *, name: str, trial: RuleTrial = DEFAULTS) -> SuiteReport:
    """Foretells what shoppers take with all rules, and without each.

    Twice: from some moments on, everybody at once and judged from that moment; and each shopper's
    last product, judged from what they did just before it.

    Args:
        shop: What was done.
        name: Of the shop, for the title.
        trial: When, and how far ahead.

    Raises:
        SetupError: There is too little to foretell, or the trial makes no sense.
    """
    if trial.moments < 1 or trial.days <= 0:
        raise SetupError("moments must be 1 or more, days more than 0")
    found: dict[str, dict[str, Moments]] = {}
    variants = without_rules()
    with progress("Weighing by other rules", len(variants) * (trial.moments + 1)) as shown:
        for label, rules in variants.items():
            found[label] = _figures(shop.log(rules), trial, shown)
    rows = tuple(row for part in ("time", "last") for row in _rows(found, part))
    return SuiteReport(
        name="rules",
        title=f"What each rule of confidence is good for, ALS on {name}",
        rows=rows,
        notes=(
            f"time: what was taken in the {trial.days:.0f} days after each of {trial.moments} "
            "moments, new to the shopper, judged from that moment; last: leave-last-out",
            "less: how much the figure falls without the rule, paired by shopper (bootstrap, 95 %)",
        ),
    )


def _figures(log: EventLog, trial: RuleTrial, shown: Progress) -> dict[str, Moments]:
    """Returns figures by part and name, such as ``time NDCG@10``, one value a shopper asked."""
    first, last = log.at[0], log.at[-1] - trial.days * DAY_S
    moments = np.linspace((first + last) / 2, last, trial.moments)
    parts = {"time": [_from(log, moment, trial.days) for moment in moments.tolist()]}
    parts["last"] = [leave_last_out(log)]
    found: dict[str, Moments] = {}
    for part, splits in parts.items():
        scored = []
        for split in splits:
            model = _RECIPE.fit(split.training, None, _Silent())
            scored.append(score("als", model, split, depths=(10,), shown=_Silent()).figures)
            shown.advance()
        for figure in _FIGURES:
            found[f"{part} {figure}"] = np.concatenate([each[figure] for each in scored])
    return found


def _from(log: EventLog, moment: float, days: float) -> Split:
    """Returns the split that knows what was done up to a moment and asks for what came next."""
    known = log.at <= moment
    later = ~known & (log.at <= moment + days * DAY_S) & log.taken
    count = len(log.product_ids)
    pairs = np.unique(log.pairs[later])
    pairs = pairs[~np.isin(pairs, log.pairs[known])]
    pairs = pairs[np.isin(pairs // count, np.unique(log.users[known]))]
    if not len(pairs):
        raise SetupError("nothing new was taken after a moment: choose more days")
    users, rows = np.unique(pairs // count, return_inverse=True)
    relevant = sparse.csr_matrix(
        (np.ones(len(pairs), bool), (rows, pairs % count)), (len(users), count)
    )
    return Split(
        "moment",
        log.training(known, now=moment),
        users.astype(np.intp),
        relevant,
        np.ones(count, bool),
    )


def _rows(found: Mapping[str, Mapping[str, Moments]], part: str) -> list[Row]:
    rows = []
    for label, figures in found.items():
        for figure in _FIGURES:
            key = f"{part} {figure}"
            own, whole = figures[key], found[ALL][key]
            each = estimates(np.column_stack([own, whole - own]))
            rows.append(Row(label, key, each[0]))
            if label != ALL and figure == _FIGURES[-1]:
                rows.append(Row(label, f"{key} less", each[1]))
    return rows


class _Silent:
    """Shows nothing: the trials are counted as a whole."""

    def advance(self, count: int = 1) -> None:
        del count

    def note(self, text: str) -> None:
        del text
