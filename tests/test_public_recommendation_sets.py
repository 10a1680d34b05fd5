"""The public sets are read as they were published, and popularity scores what others measured."""

import os
from pathlib import Path

import numpy as np
import pytest

from offline.evaluate_recommendations import Asked, evaluate
from offline.recommendations import tables
from offline.recommendations.readers import read_sequences, read_split
from offline.relevance import Estimate


def folder(name: str) -> Path:
    """One of the sets; the test is passed over, and says so, where it is not there."""
    root = os.environ.get("HEMLINE_TEST_DATA", "")
    path = Path(root) / name
    if not root or not path.is_dir():
        pytest.skip(f"no {name}: set HEMLINE_TEST_DATA to the folder that holds it")
    return path


def test_popularity_on_citeulike_is_what_was_published() -> None:
    split = read_split(folder("citeulike/cmn_loo"), "given")
    assert split.training.confidences.shape == (5551, 16980)
    assert split.training.confidences.nnz == 199_435
    assert split.negatives is not None
    assert split.negatives.shape == (5551, 100)
    report = evaluate(split, Asked((), "given", (10, 5)), name="cmn_loo")
    # TopPop in the tables of Ferrari Dacrema, Boglio, Cremonesi, Jannach (TOIS 2021).
    published = {"HR@5": 0.1810, "NDCG@5": 0.1226, "HR@10": 0.2774, "NDCG@10": 0.1537}
    for figure, value in published.items():
        cell = report.table(tables.SAMPLED).cell("popularity", figure)
        assert isinstance(cell, Estimate)
        assert cell.mean == pytest.approx(value, abs=0.003)


def test_lists_of_citeulike_are_read_with_ten_products_a_user() -> None:
    split = read_split(folder("citeulike/citeulike-a"), "p10")
    assert np.diff(split.training.confidences.indptr).tolist() == [10] * 5551
    assert split.training.confidences.nnz + split.relevant.nnz == 204_986


def test_the_sequences_of_amazon_are_read_whole() -> None:
    root = folder("amazon_clothing_5core")
    log = read_sequences(root)
    assert (len(log.user_ids), len(log.product_ids), len(log.users)) == (39_387, 23_033, 278_677)
    split = read_split(root, "leave-last-out")
    assert len(split.users) == 39_387
    assert split.training.confidences.nnz == 239_290
