"""Ranks by what most shoppers liked: overall, lately, or among products of one's own kinds."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from offline.models.contract import Floats, Rows, Training, Validation
from offline.progress import Progress
from runtime.errors import SetupError

DAY_S = 86_400.0
RULES = ("all", "kind", "recent")


@dataclass(frozen=True, slots=True)
class Popularity:
    """Counts the shoppers who liked a product.

    Attributes:
        rule: ``all`` counts all alike; ``recent`` halves what is old; ``kind`` multiplies
            the count by the share of a shopper's likings that fell to the kind of the product.
        half_life_days: After how many days a liking counts half in ``recent``, more than 0.
    """

    name: ClassVar[str] = "popularity"
    rule: str = "all"
    half_life_days: float = 30.0

    @property
    def sided(self) -> bool:
        """Whether the kinds of the products are asked for."""
        return self.rule == "kind"

    def fit(
        self, training: Training, validation: Validation | None, shown: Progress
    ) -> "PopularityModel":
        """Counts.

        Raises:
            SetupError: An option makes no sense, or asks for what the training does not have.
        """
        if self.rule not in RULES or self.half_life_days <= 0:
            raise SetupError(f"rule is one of {', '.join(RULES)}, half_life_days more than 0")
        shown.advance()
        if self.rule == "recent":
            if training.last is None:
                raise SetupError("nobody knows when anything happened: recent has no meaning here")
            counts = recent_counts(
                training.confidences, training.last, half_life_days=self.half_life_days
            )
            return PopularityModel(counts)
        counts = overall_counts(training.confidences)
        if self.rule == "all":
            return PopularityModel(counts)
        if training.side is None:
            raise SetupError("nothing is known of the products: kind has no meaning here")
        return PopularityModel(counts, shares_of(training.confidences, training.side.kinds))


@dataclass(frozen=True, slots=True)
class PopularityModel:
    """Float32 counts [products], and which share of each user's likings each kind has, or None.

    A product of a kind that the user has never liked keeps a hundredth of its count, so that
    those products stand in order as well.
    """

    counts: Floats
    shares: "KindShares | None" = None

    def scores(self, users: Rows) -> Floats:
        """Float32 [len(users), products]."""
        if self.shares is None:
            return np.tile(self.counts, (len(users), 1))
        return self.counts * (self.shares.of(users) + np.float32(0.01))


@dataclass(frozen=True, slots=True)
class KindShares:
    """Which share of a user's likings fell to each kind.

    Attributes:
        table: Float32 [users, kinds + 1]; the last column, for products of no kind, is 0.
        kinds: Int [products], columns of the table; -1 is the last one.
    """

    table: Floats
    kinds: Rows

    def of(self, users: Rows) -> Floats:
        """Float32 [len(users), products], the share of each product's kind."""
        return self.table[users][:, self.kinds]


def overall_counts(confidences: sparse.csr_matrix) -> Floats:
    """Counts the users with a positive confidence, float32 [products]."""
    liked = confidences.data > 0
    return np.bincount(confidences.indices[liked], minlength=confidences.shape[1]).astype(
        np.float32
    )


def recent_counts(
    confidences: sparse.csr_matrix, last: npt.NDArray[np.float64], *, half_life_days: float
) -> Floats:
    """Counts likings, each weighing ``2^(-age / half-life)`` at the newest moment of ``last``.

    Args:
        confidences: CSR [users, products].
        last: Seconds since 1970 of each entry's last event, in the order of its data.
        half_life_days: More than 0.

    Returns:
        Float32 [products].
    """
    liked = confidences.data > 0
    age_s = last.max(initial=0.0) - last[liked]
    return np.bincount(
        confidences.indices[liked],
        weights=2.0 ** (-age_s / (half_life_days * DAY_S)),
        minlength=confidences.shape[1],
    ).astype(np.float32)


def shares_of(confidences: sparse.csr_matrix, kinds: Rows) -> KindShares:
    """Counts each user's likings by kind, int [products], of those whose kind is known (not -1)."""
    count = int(kinds.max(initial=-1)) + 1
    known = np.flatnonzero(kinds >= 0)
    member = sparse.csr_matrix(
        (np.ones(len(known), np.float32), (known, kinds[known])), shape=(len(kinds), count + 1)
    )
    liked = (confidences.maximum(0) @ member).toarray()
    sums = np.maximum(liked.sum(axis=1, keepdims=True), 1e-12)
    return KindShares(np.asarray(liked / sums, np.float32), kinds)
