"""Promises of the measurement of the ranking stage's own work."""

import json

import numpy as np
import pytest

from offline.bench_ranking import FACTORS, LEAST, TOP, bench_ranking
from offline.cli import main
from runtime.errors import SetupError
from services.reranker.factors import Factors, FactorTables
from services.reranker.recommenders import top


def test_each_work_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--ranking", str(LEAST), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["work"].split()[0] for row in rows] == ["fold", "score", "top", "top", "50"]
    assert all(0 < row["p50_us"] <= row["p99_us"] for row in rows)
    bench_ranking(LEAST, runs=3)
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 2 + len(rows)


def test_too_few_products_are_refused() -> None:
    with pytest.raises(SetupError, match=str(LEAST)):
        bench_ranking(LEAST - 1)


@pytest.mark.parametrize("share", [1.0, 0.9, 0.1, 0.0])
def test_the_top_is_that_of_a_sort_however_many_are_admitted(share: float) -> None:
    draw = np.random.default_rng(2)
    items = draw.standard_normal((500, FACTORS)).astype(np.float32)
    items[40:60] = items[7]  # ties
    ids = [f"p-{number}" for number in range(500)]
    factors = Factors(FactorTables(ids, [], items, items[:0], 1.0, 1.0))
    admitted = draw.random(500) < share
    vector = draw.standard_normal(FACTORS).astype(np.float32)
    rows, dots = top(factors, vector, admitted, TOP)
    exact = items.astype(np.float64) @ vector
    assert np.allclose(dots, exact[rows], atol=1e-4)
    wanted = sorted(exact[admitted], reverse=True)[:TOP]
    assert np.allclose(dots, wanted, atol=1e-4)
    assert len(set(rows.tolist())) == len(rows) == min(TOP, int(admitted.sum()))
