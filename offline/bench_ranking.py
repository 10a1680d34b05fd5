"""Measures the ranking stage's own work, in one process and without a network."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from catalog.columns import Columns
from catalog.product import Product
from runtime.errors import SetupError
from services.reranker.admission import Allowed, CatalogView, Shelf
from services.reranker.factors import Factors, FactorTables
from services.reranker.neighbours import Neighbours
from services.reranker.recommenders import Shelved, Wanted, neighbours_of, recommend, top

FACTORS = 64
HISTORY = 100
CANDIDATES = 200
TOP = 50
RUNS = 500
LEAST = 600
_NEAR = 50


@dataclass(frozen=True, slots=True)
class Measured:
    """Microseconds of one piece of work: the median and the 99th percentile of its runs."""

    work: str
    p50_us: float
    p99_us: float


def measure(products: int, runs: int, seed: int = 1) -> list[Measured]:
    """Measures on drawn factors, one thread.

    Args:
        products: How many the model and the catalogue have.
        runs: How often each piece of work is done.
        seed: Of everything that is drawn.
    """
    world = _World(products, seed)
    works: dict[str, Callable[[], object]] = {
        f"fold in {HISTORY} products, {FACTORS} factors": world.fold_in,
        f"score {CANDIDATES} candidates": world.score,
        f"top {TOP} of {products:,} products by factors": world.top,
        f"top {TOP} in stock, with reasons, all sources": world.recommend,
        f"{TOP} neighbours by taste, in stock": world.neighbours,
    }
    with threadpool_limits(limits=1):
        return [_timed(name, work, runs) for name, work in works.items()]


def bench_ranking(products: int, *, runs: int = RUNS, as_json: bool = False) -> None:
    """Measures and prints the table.

    Raises:
        SetupError: There are too few products to draw from.
    """
    if products < LEAST:
        raise SetupError(f"--ranking takes a number of {LEAST} products or more, such as 50000")
    rows = measure(products, runs)
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        print(table(rows))


def table(rows: Sequence[Measured]) -> str:
    """The rows as a markdown table."""
    lines = ["| work | p50 µs | p99 µs |", "|---|---|---|"]
    return "\n".join(lines + [f"| {r.work} | {r.p50_us:.0f} | {r.p99_us:.0f} |" for r in rows])


class _World:
    """Drawn factors, neighbours and columns."""

    def __init__(self, products: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.ids = [f"p-{number:07d}" for number in range(products)]
        items = draw.standard_normal((products, FACTORS)).astype(np.float32) / np.float32(8)
        tables = FactorTables(self.ids, [], items, np.zeros((0, FACTORS), np.float32), 1.0, 5.0)
        self.factors = Factors(tables)
        self.history = [self.ids[at] for at in draw.choice(products, HISTORY, replace=False)]
        self.weights = draw.uniform(0.3, 4.0, HISTORY).tolist()
        self.vector = draw.standard_normal(FACTORS).astype(np.float32)
        self.candidates = [self.ids[at] for at in draw.choice(products, CANDIDATES, replace=False)]
        columns = Columns.build(
            Product(id=name, style_id=f"s-{at // 3}", title="x", added_seq=at + 1)
            for at, name in enumerate(self.ids)
        )
        self.catalog = CatalogView(columns.view(), 1, products)
        near = draw.integers(0, products, products * _NEAR).astype(np.int32)
        scores = draw.random(products * _NEAR, np.float32) + np.float32(0.01)
        starts = np.arange(0, products * _NEAR + 1, _NEAR, dtype=np.int64)
        neighbours = Neighbours(self.ids, starts, near, scores)
        self.models = Shelved((self.factors, Shelf(self.ids)), (neighbours, Shelf(self.ids)), None)
        self.everything = np.ones(products, np.bool_)

    def fold_in(self) -> object:
        return self.factors.fold_in(self.history, self.weights)

    def score(self) -> object:
        return self.factors.tastes(self.vector, self.candidates)

    def top(self) -> object:
        return top(self.factors, self.vector, self.everything, TOP)

    def recommend(self) -> object:
        allowed = Allowed(excluded_ids=self.history)
        wanted = Wanted(self.vector, self.history, self.weights, allowed, TOP, "winter")
        return recommend(self.models, self.catalog, wanted)

    def neighbours(self) -> object:
        return neighbours_of(self.models, self.catalog, self.ids[7], "taste", Allowed(), TOP)


def _timed(name: str, work: Callable[[], object], runs: int) -> Measured:
    for _ in range(max(runs // 10, 1)):  # caches, and what is worked out once
        work()
    took = np.empty(runs)
    for run in range(runs):
        started = time.perf_counter_ns()
        work()
        took[run] = (time.perf_counter_ns() - started) / 1000
    return Measured(name, float(np.median(took)), float(np.percentile(took, 99)))
