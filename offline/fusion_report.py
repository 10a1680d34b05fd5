"""Writes down what the trials of fusions came to."""

from collections.abc import Sequence

from offline.fusion_trials import Trial, Trials
from offline.suite_report import Row
from services.gateway.query import Fusion

NDCG, GAINED = "NDCG@10", "over the best input"


def rows_of(trials: Trials, *, prefix: str = "") -> list[Row]:
    """Returns the figures of one class of queries, inputs first.

    Args:
        trials: What was tried.
        prefix: Stands before the class, such as the name of the catalogue and a comma.
    """
    name = f"{prefix}{trials.kind}"
    rows = [
        Row(f"{name}: {each} alone", NDCG, estimate) for each, estimate in trials.inputs.items()
    ]
    for method, (fusion, trial) in trials.methods.items():
        rows += _pair(f"{name}: {method} ({told(fusion)})", trial)
    rows += _pair(f"{name}: rrf, equal weights", trials.plain)
    rows += _pair(f"{name}: **tuned** ({trials.chosen.method})", trials.tuned)
    return rows


def told(fusion: Fusion) -> str:
    """Returns the parameters of a fusion in words."""
    share = fusion.weight("image") / (fusion.weight("text") + fusion.weight("image"))
    constant = f"k {fusion.k}, " if fusion.method == "rrf" else ""
    return f"{constant}image {share:.2f}"


def verdicts(found: Sequence[Trials]) -> list[str]:
    """Returns a sentence for each class: what was chosen, and how it stands to its best input."""
    return [
        f"{trials.kind}: {trials.chosen.method} ({told(trials.chosen)}), chosen by "
        f"{trials.tuned_on} queries; on {trials.tuned.ndcg.count} others {trials.tuned.gained} "
        f"over {trials.best_input} alone{': it loses' if trials.loses else ''}."
        for trials in found
    ]


def _pair(system: str, trial: Trial) -> list[Row]:
    return [Row(system, NDCG, trial.ndcg), Row(system, GAINED, trial.gained)]
