"""Writes down what a proof of finding saw, and what did not hold."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

from offline.finding_filters import BANDS
from offline.progress import say

LEAST_RECALL = 0.95
_SAID = 40


@dataclass(slots=True)
class Record:
    """What was seen.

    Attributes:
        counts: How often what was looked at.
        recalls: Recall at 50 by (kind of search, retriever, band).
        deviation: Greatest difference of a score from its exact one, by retriever.
        wrong: How often each promise was broken.
    """

    counts: Counter[str] = field(default_factory=Counter)
    recalls: dict[tuple[str, str, int], list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    deviation: dict[str, float] = field(default_factory=dict)
    wrong: Counter[str] = field(default_factory=Counter)

    def check(self, holds: bool, promise: str, otherwise: str) -> None:
        """Writes down a promise that was looked at, and says so where it was not kept."""
        self.counts[promise] += 1
        if not holds:
            self.wrong[promise] += 1
            if self.wrong.total() <= _SAID:
                say(f"WRONG: {promise}: {otherwise}")

    def deviates(self, retriever: str, difference: float) -> None:
        """Writes down by how much a score differs from the exact one."""
        self.deviation[retriever] = max(self.deviation.get(retriever, 0.0), difference)

    def judge(self) -> None:
        """Adds the promise that holds over many searches: recall, overall and in each band."""
        for (kind, retriever, band), found in sorted(self.recalls.items()):
            self.check(
                float(np.mean(found)) >= LEAST_RECALL,
                "recall@50 of each kind, retriever and band is .95 or more",
                f"{kind}, {retriever}, {_share(band)}: {np.mean(found):.4f}",
            )
        if not self.recalls:
            self.check(False, "something was found", "nothing was compared")

    def table(self) -> str:
        """The figures and the verdict, in markdown."""
        kinds = sorted({key[:2] for key in self.recalls})
        head = " | ".join(_share(band) for band in range(len(BANDS)))
        lines = [f"| recall@50 | searches | mean | least | {head} |"]
        lines.append("|---" * (4 + len(BANDS)) + "|")
        for kind, retriever in kinds:
            bands = [self.recalls.get((kind, retriever, band), []) for band in range(len(BANDS))]
            found = [each for band in bands for each in band]
            means = " | ".join(f"{np.mean(band):.4f}" if band else "" for band in bands)
            lines.append(
                f"| {kind}, {retriever} | {len(found)} | {np.mean(found):.4f} "
                f"| {min(found):.2f} | {means} |"
            )
        lines += ["", "| promise | looked at | broken |", "|---|---|---|"]
        lines += [f"| {what} | {n} | {self.wrong[what]} |" for what, n in self.counts.items()]
        told = ", ".join(f"{name} {most:.1e}" for name, most in sorted(self.deviation.items()))
        verdict = "All of it held." if not self.wrong else f"BROKEN: {self.wrong.total()} times."
        return "\n".join(
            [*lines, "", f"Scores differ from exact ones by at most: {told}.", verdict]
        )


def _share(band: int) -> str:
    low, high = BANDS[band]
    return f"{100 * low:g} to {100 * high:g} %"
