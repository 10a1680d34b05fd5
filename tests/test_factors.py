"""Promises of the factors: fold-in as implicit does it, taste as the formula says."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from runtime.artifacts import ArtifactRefused
from services.reranker.factors import Factors, FactorTables, Vector


def small_tables() -> FactorTables:
    """Two products on one axis and two on the other: mean (.5, .5), by hand."""
    return FactorTables(
        product_ids=["0001", "p-2", "p-3", "p-4"],
        user_ids=["u-1", "u-2"],
        item_factors=np.array([[2, 0], [0, 2], [0, 0], [0, 0]], np.float32),
        user_factors=np.array([[1, 0], [0, 0]], np.float32),
        regularization=0.5,
        alpha=2.0,
    )


def as_vector(values: Sequence[float]) -> Vector:
    return np.array(values, np.float32)


def folded(factors: Factors, ids: Sequence[str], weights: Sequence[float] | None = None) -> Vector:
    vector = factors.fold_in(ids, weights)
    assert vector is not None
    return vector


def random_tables(*, products: int = 60, users: int = 20, factors: int = 8) -> FactorTables:
    draw = np.random.default_rng(3)
    return FactorTables(
        product_ids=[f"p-{n:04d}" for n in range(products)],
        user_ids=[f"u-{n:04d}" for n in range(users)],
        item_factors=draw.normal(size=(products, factors)).astype(np.float32),
        user_factors=draw.normal(size=(users, factors)).astype(np.float32),
        regularization=0.05,
        alpha=10.0,
    )


def test_taste_equals_the_values_by_hand() -> None:
    # u = (1, 0); dots 2, 0, 0, 0; u.m = .5; ut C u = (4/4) - .25 = .75; z = 1.5 / sqrt(.75) for
    # the first and -.5 / sqrt(.75) for the others.
    factors = Factors(small_tables())
    vector = factors.user("u-1")
    assert vector is not None
    tastes, known, dots = factors.tastes(vector, ["p-3", "0001", "p-2"])
    assert dots.tolist() == [0.0, 2.0, 0.0]
    assert known.tolist() == [True, True, True]
    # tanh(z / 2) = tanh(.866025) = .699349 and tanh(-.288675) = -.280915.
    assert tastes == pytest.approx([0.359543, 0.849675, 0.359543], abs=1e-6)


def test_the_unknown_get_the_mean_of_the_known() -> None:
    factors = Factors(small_tables())
    tastes, known, dots = factors.tastes(as_vector([1, 0]), ["new", "0001", "p-2"])
    assert known.tolist() == [False, True, True]
    assert tastes[0] == pytest.approx((0.849675 + 0.359543) / 2, abs=1e-6)
    assert dots[0] == 0.0


def test_taste_does_not_depend_on_the_other_candidates() -> None:
    factors = Factors(random_tables())
    vector = factors.user("u-0003")
    assert vector is not None
    alone = [factors.tastes(vector, [f"p-{n:04d}"]).tastes[0] for n in range(30)]
    together = factors.tastes(vector, [f"p-{n:04d}" for n in range(30)]).tastes
    assert together == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("vector", [[0.0, 0.0], [1e-30, 0.0]])
def test_who_likes_all_equally_is_indifferent(vector: list[float]) -> None:
    items = np.ones((4, 2), np.float32)
    factors = Factors(replace(small_tables(), item_factors=items))
    for taster in (Factors(small_tables()), factors):
        tastes = taster.tastes(as_vector(vector), ["0001", "p-2", "new"]).tastes
        assert np.isfinite(tastes).all()
    assert factors.tastes(as_vector([3, 4]), ["0001", "p-2"]).tastes.tolist() == [0.5, 0.5]
    zero = Factors(small_tables()).tastes(np.zeros(2, np.float32), ["0001", "new"])
    assert zero.tastes.tolist() == [0.5, 0.5]
    assert zero.known.tolist() == [True, False]


def test_with_nothing_known_taste_is_indifferent() -> None:
    tastes, known, dots = Factors(small_tables()).tastes(as_vector([1, 0]), ["x", "y"])
    assert tastes.tolist() == [0.5, 0.5]
    assert known.tolist() == [False, False]
    assert dots.tolist() == [0.0, 0.0]


def test_no_candidates_give_no_tastes() -> None:
    tastes, known, dots = Factors(small_tables()).tastes(as_vector([1, 0]), [])
    assert (tastes.size, known.size, dots.size) == (0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=8, max_size=8))
def test_any_vector_gives_tastes_between_0_and_1(vector: list[float]) -> None:
    tastes = Factors(random_tables()).tastes(as_vector(vector), ["p-0001", "p-0002", "no"]).tastes
    assert np.isfinite(tastes).all()
    assert ((tastes >= 0) & (tastes <= 1)).all()


def test_fold_in_equals_implicit() -> None:
    tables = random_tables()
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=8, regularization=tables.regularization, alpha=tables.alpha, num_threads=1
        )
    model.item_factors, model.user_factors = tables.item_factors, tables.user_factors
    factors = Factors(tables)
    draw = np.random.default_rng(11)
    for size in (1, 2, 5, 40):
        rows = draw.choice(60, size=size, replace=False)
        confidences = draw.uniform(-5, 5, size)
        history = csr_matrix(
            (confidences.astype(np.float32), (np.zeros(size, int), rows)), shape=(1, 60)
        )
        ours = folded(factors, [tables.product_ids[row] for row in rows], confidences.tolist())
        assert ours.dtype == np.float32
        assert np.abs(ours - model.recalculate_user(0, history)).max() <= 1e-5


def test_a_dislike_lowers_the_taste() -> None:
    factors = Factors(random_tables())
    both = ["p-0001", "p-0002"]
    liked, disliked = folded(factors, both, [1.0, 1.0]), folded(factors, both, [1.0, -5.0])
    lowered = factors.tastes(disliked, ["p-0002"]).tastes[0]
    assert lowered < factors.tastes(liked, ["p-0002"]).tastes[0]


def test_fold_in_passes_over_the_unknown_and_adds_repeated_products() -> None:
    factors = Factors(random_tables())
    once = folded(factors, ["p-0001", "p-0002"], [2.0, 1.0])
    twice = folded(factors, ["p-0001", "gone", "p-0002", "p-0001"], [1.0, 7.0, 1.0, 1.0])
    assert twice == pytest.approx(once, abs=1e-7)
    assert np.array_equal(folded(factors, ["p-0001"]), folded(factors, ["p-0001"], [1.0]))


def test_fold_in_knows_nothing_of_unknown_products() -> None:
    factors = Factors(random_tables())
    assert factors.fold_in(["gone"], [1.0]) is None
    assert factors.fold_in([]) is None


def test_a_history_of_the_training_gives_back_the_trained_user() -> None:
    # One more half step from converged factors moves nothing.
    liked = np.random.default_rng(5).random((30, 20)) < 0.2
    matrix = csr_matrix(liked.astype(np.float32))
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=4, regularization=1.0, alpha=4.0, iterations=200, random_state=1, num_threads=1
        )
        model.fit(matrix, show_progress=False)
    factors = Factors(
        FactorTables(
            [f"p{n}" for n in range(20)],
            [f"u{n}" for n in range(30)],
            model.item_factors,
            model.user_factors,
            1.0,
            4.0,
        )
    )
    trained = factors.user("u7")
    again = folded(factors, [f"p{n}" for n in np.flatnonzero(liked[7])])
    assert trained is not None
    assert np.abs(trained - again).max() < 2e-2 * np.abs(trained).max()


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    tables = replace(random_tables(users=2), user_ids=["u-1", "사용자 ü"])
    facts = Factors.write(tables, tmp_path)
    assert facts["products"] == 60
    assert facts["factors"] == 8
    again = Factors.open(tmp_path)
    vector = again.user("사용자 ü")
    assert vector is not None
    assert np.array_equal(vector, tables.user_factors[1])
    assert again.user("u-0002") is None
    assert np.array_equal(folded(Factors(tables), ["p-0005"]), folded(again, ["p-0005"]))


def test_a_leading_zero_of_an_id_counts() -> None:
    factors = Factors(small_tables())
    assert factors.tastes(as_vector([1, 0]), ["0001", "1"]).known.tolist() == [True, False]


def broken(tables: FactorTables) -> dict[str, FactorTables]:
    nan = tables.item_factors.copy()
    nan[3, 1] = math.nan
    return {
        "other width": replace(tables, user_factors=np.ones((20, 9), np.float32)),
        "missing id": replace(tables, product_ids=tables.product_ids[:-1]),
        "id twice": replace(tables, user_ids=["u"] * 20),
        "float64": replace(tables, item_factors=tables.item_factors.astype(np.float64)),
        "nan": replace(tables, item_factors=nan),
        "no items": replace(tables, product_ids=[], item_factors=np.zeros((0, 8), np.float32)),
        "alpha": replace(tables, alpha=0.0),
        "regularization": replace(tables, regularization=math.inf),
    }


@pytest.mark.parametrize("fault", sorted(broken(random_tables())))
def test_tables_that_do_not_fit_are_not_written(fault: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        Factors.write(broken(random_tables())[fault], tmp_path)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    Factors.write(random_tables(), tmp_path)
    np.save(tmp_path / "users.npy", np.ones((20, 9), np.float32))
    with pytest.raises(ArtifactRefused, match="different models"):
        Factors.open(tmp_path)


@pytest.mark.parametrize("ids", ['{"a": 1}', "[1, 2]", "nonsense", "[" * 100_000])
def test_ids_that_are_no_ids_are_refused(ids: str, tmp_path: Path) -> None:
    Factors.write(random_tables(), tmp_path)
    (tmp_path / "items.json").write_text(ids, encoding="utf-8")
    with pytest.raises(ArtifactRefused):
        Factors.open(tmp_path)


def test_pickled_factors_are_refused(tmp_path: Path) -> None:
    Factors.write(random_tables(), tmp_path)
    np.save(tmp_path / "items.npy", np.array([{"any": "object"}]), allow_pickle=True)
    with pytest.raises(ArtifactRefused):
        Factors.open(tmp_path)


def test_missing_numbers_of_the_model_are_refused(tmp_path: Path) -> None:
    Factors.write(random_tables(), tmp_path)
    (tmp_path / "model.json").write_text(json.dumps({"alpha": 1.0}), encoding="utf-8")
    with pytest.raises(ArtifactRefused):
        Factors.open(tmp_path)
