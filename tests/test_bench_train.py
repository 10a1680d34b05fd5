"""Promises of the measured training: what is trained is said, and nothing too small is measured."""

import json

import numpy as np
import pytest

from offline.bench_train import LEAST, bench_train, drawn
from offline.models.als import Als
from runtime.errors import SetupError


def test_both_are_trained_on_the_same_interactions_and_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = bench_train(LEAST, recipe=Als(factors=4, iterations=1), rounds=1, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["users"] == 2000
    assert told["products"] == 500
    assert told["interactions"] == drawn(LEAST).nnz
    assert min(found.implicit_s, found.ours_s, found.share, found.peak_mib) > 0


def test_drawn_interactions_are_skewed_and_the_same_each_time() -> None:
    first, second = drawn(LEAST), drawn(LEAST)
    assert (first != second).nnz == 0
    counts = np.sort(first.getnnz(axis=0))[::-1]
    assert counts[0] > 10 * np.median(counts)
    assert set(np.unique(first.data)) == {1.0, 2.0, 3.0, 4.0}


def test_too_little_is_not_measured() -> None:
    with pytest.raises(SetupError):
        bench_train(LEAST - 1)
