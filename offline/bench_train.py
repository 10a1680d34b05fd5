"""Measures how fast ALS trains beside the library that it stands on, and what memory it takes."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from offline.model_run import Stopwatch
from offline.models.als import Als
from offline.models.contract import Training
from offline.progress import progress
from runtime.errors import SetupError

LEAST = 100_000
_PER_USER, _PER_PRODUCT = 50, 200
_SKEW = 0.8


@dataclass(frozen=True, slots=True)
class TrainingBench:
    """What was measured.

    Attributes:
        interactions: Pairs of a shopper and a product.
        users: Shoppers.
        products: Products.
        factors: Width of a vector.
        iterations: Passes.
        implicit_s: Seconds of the library alone in its best round: other work on the machine only
            ever adds to them.
        ours_s: Seconds of the recipe in its best round.
        share: The former by the latter.
        peak_mib: Most memory that the process held, the drawn interactions among it.
    """

    interactions: int
    users: int
    products: int
    factors: int
    iterations: int
    implicit_s: float
    ours_s: float
    share: float
    peak_mib: float


def bench_train(
    interactions: int, *, recipe: Als | None = None, rounds: int = 3, as_json: bool = False
) -> TrainingBench:
    """Trains both in turn, ``rounds`` times on one matrix in one process, and prints a table.

    Args:
        interactions: About how many pairs to draw, 100,000 or more.
        recipe: What to train; None: ALS of 64 factors in 10 passes.
        rounds: 1 or more.
        as_json: Print JSON instead.

    Raises:
        SetupError: There is too little to measure.
    """
    if interactions < LEAST or rounds < 1:
        raise SetupError(f"a training can be measured from {LEAST} interactions on")
    chosen = recipe or Als(factors=64, iterations=10)
    watch, matrix = Stopwatch(), drawn(interactions)
    raw, ours = [], []
    with progress("Training in turn", 2 * rounds) as shown:
        for _ in range(rounds):
            raw.append(_seconds(lambda: _implicit(chosen, matrix)))
            shown.advance()
            ours.append(_seconds(lambda: chosen.fit(Training(matrix), None, _Silent())))
            shown.advance()
    found = TrainingBench(
        int(matrix.nnz),
        matrix.shape[0],
        matrix.shape[1],
        chosen.factors,
        chosen.iterations,
        round(min(raw), 2),
        round(min(ours), 2),
        round(min(raw) / min(ours), 3),
        watch.spent().peak_mib,
    )
    print(json.dumps(asdict(found), indent=1) if as_json else _table(found))
    return found


def drawn(interactions: int, seed: int = 1) -> sparse.csr_matrix:
    """Draws confidences 1 to 4, CSR float32 [interactions / 50, interactions / 200].

    Product r is taken ``r ^ -.8`` as often as the first one; a pair that is drawn twice is one.
    """
    draw = np.random.default_rng(seed)
    users, products = interactions // _PER_USER, interactions // _PER_PRODUCT
    weights = np.arange(1, products + 1) ** -_SKEW
    bounds = np.cumsum(weights / weights.sum())
    columns = np.searchsorted(bounds, draw.random(interactions)).clip(0, products - 1)
    pairs = np.unique(draw.integers(users, size=interactions) * products + columns)
    values = draw.integers(1, 5, len(pairs)).astype(np.float32)
    rows, places = (pairs // products).astype(np.int32), (pairs % products).astype(np.int32)
    return sparse.csr_matrix((values, (rows, places)), shape=(users, products))


class _Silent:
    def advance(self, count: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def _implicit(recipe: Als, matrix: sparse.csr_matrix) -> None:
    from implicit.cpu.als import AlternatingLeastSquares

    with threadpool_limits(1, "blas"):
        AlternatingLeastSquares(
            factors=recipe.factors,
            regularization=recipe.regularization,
            alpha=recipe.alpha,
            iterations=recipe.iterations,
            random_state=recipe.seed,
        ).fit(matrix, show_progress=False)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _table(found: TrainingBench) -> str:
    size = f"{found.interactions:,} pairs of {found.users:,} shoppers, {found.products:,} products"
    return "\n".join(
        (
            f"ALS, {found.factors} factors, {found.iterations} passes, {size}",
            "",
            "| program | best s | share of the library's speed |",
            "|---|---|---|",
            f"| implicit alone | {found.implicit_s:.2f} | 1 |",
            f"| hemline train als | {found.ours_s:.2f} | {found.share:.3f} |",
            "",
            f"The process held {found.peak_mib:,.0f} MiB at most.",
        )
    )
