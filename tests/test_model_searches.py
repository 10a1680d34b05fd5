"""Promises of what chooses for itself: options and weights come from a validation, and are told."""

import numpy as np
import pytest
from scipy import sparse

from offline.models.als_search import AlsSearch
from offline.models.blend import Blend, BlendModel
from offline.models.contract import Training, Validation
from offline.models.held_out import HeldOutOne, checked, hold_out_one, ndcg, without
from offline.models.recipes import recipe_of
from runtime.errors import SetupError
from tests.test_models import USERS, Silent, camps

SEARCH = AlsSearch(alpha=("1", "20"), regularization=("0.1", "1000"), factors=("2", "8"))


def split_of(seed: int = 3) -> HeldOutOne:
    return hold_out_one(camps(seed), seed=seed)


def test_the_search_tells_what_it_tried_and_trains_with_the_best() -> None:
    training, shown = camps(), Silent()
    found = SEARCH.fit(training, None, shown)
    best = max(found.curve, key=lambda line: line["ndcg@10"])
    assert [line["step"] for line in found.curve] == list(range(1, len(found.curve) + 1))
    tried = {(line["alpha"], line["regularization"], line["factors"]) for line in found.curve}
    assert len(tried) == len(found.curve)
    assert {alpha for alpha, _, _ in tried} == {1.0, 20.0}
    assert {factors for _, _, factors in tried} == {2, 8}
    assert best["regularization"] == 0.1, "a thousand leaves nothing of a taste"
    spec = f"als:factors={best['factors']:.0f}:alpha={best['alpha']}:regularization=0.1"
    expected = recipe_of(spec).fit(training, None, Silent())
    everyone = np.arange(USERS)
    np.testing.assert_array_equal(found.scores(everyone), expected.scores(everyone))


def test_the_search_takes_the_validation_that_it_is_given_out_of_what_it_learns_from() -> None:
    training = camps()
    split = hold_out_one(training, seed=9)
    inside = SEARCH.fit(training, split.validation, Silent())
    outside = SEARCH.fit(split.training, split.validation, Silent())
    assert inside.curve == outside.curve


def test_what_to_try_must_be_numbers() -> None:
    with pytest.raises(SetupError, match="numbers"):
        AlsSearch(alpha=("much",)).fit(camps(), None, Silent())


@pytest.mark.parametrize("way", ["zscore", "rank"])
def test_a_blend_of_a_model_and_chance_leaves_chance_aside(way: str) -> None:
    split = split_of()
    blend = Blend(first="random", second="item-knn", way=way)
    found = blend.fit(split.training, split.validation, Silent())
    assert found.weight > 0.5
    assert len(found.curve) == 21
    lone = {line["weight"]: line["ndcg@10"] for line in found.curve}
    for weight, name in ((0.0, "random"), (1.0, "item-knn")):
        part = recipe_of(name).fit(split.training, None, Silent())
        assert lone[weight] == pytest.approx(ndcg(part, split.training, split.validation), abs=1e-6)
    assert max(lone.values()) == pytest.approx(ndcg(found, split.training, split.validation))


def test_a_weight_may_be_chosen_among_drawn_products() -> None:
    training = camps()
    few = Blend(first="random", second="item-knn", negatives=5).fit(training, None, Silent())
    every = Blend(first="random", second="item-knn", negatives=500).fit(training, None, Silent())
    whole = Blend(first="random", second="item-knn").fit(training, None, Silent())
    assert every.curve == whole.curve, "more than there are is all"
    for line, other in zip(few.curve, whole.curve, strict=True):
        assert line["ndcg@10"] >= other["ndcg@10"], "fewer rivals, better ranks"
    assert few.weight > 0.5


def test_a_given_weight_is_not_searched_for() -> None:
    found = Blend(first="popularity", second="item-knn/shrink=3", weight=0.25).fit(
        camps(), None, Silent()
    )
    assert (found.weight, found.curve) == (0.25, ())


def test_scales_are_worked_out_by_hand() -> None:
    class Fixed:
        def scores(self, users: object) -> np.ndarray:
            return np.array([[1.0, 3.0, 3.0, 5.0]], np.float32)

    row = np.array([0])
    first, _ = BlendModel((Fixed(), Fixed()), 0.5, "zscore").scaled(row)
    np.testing.assert_allclose(first, [[-(2**0.5), 0, 0, 2**0.5]], rtol=1e-6)
    first, _ = BlendModel((Fixed(), Fixed()), 0.5, "rank").scaled(row)
    np.testing.assert_allclose(first, [[61 / 64, 61 / 62.5, 61 / 62.5, 1.0]], rtol=1e-6)


def test_a_model_with_nothing_to_say_changes_no_order() -> None:
    training = camps()
    silent = Training(sparse.csr_matrix(training.confidences.shape, dtype=np.float32))
    popular = recipe_of("popularity").fit(silent, None, Silent())
    near = recipe_of("item-knn").fit(training, None, Silent())
    scores = BlendModel((popular, near), 0.3, "zscore").scores(np.arange(USERS))
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(
        np.argsort(-scores, kind="stable"),
        np.argsort(-near.scores(np.arange(USERS)), kind="stable"),
    )


@pytest.mark.parametrize(
    "spec",
    [
        "blend:way=loud",
        "blend:weight=2",
        "blend:negatives=-1",
        "blend:first=nothing",
        "blend:first=als/width=1",
    ],
)
def test_a_blend_without_sense_is_refused(spec: str) -> None:
    with pytest.raises(SetupError):
        recipe_of(spec).fit(camps(), None, Silent())


def test_what_is_looked_for_is_never_learned_from() -> None:
    last = np.arange(camps().confidences.nnz, dtype=np.float64)
    training = Training(camps().confidences, last)
    users = np.array([0, 5, 9])
    products = np.array([training.confidences[user].indices[1] for user in users])
    rest = without(training, Validation(users, products))
    assert rest.confidences.nnz == training.confidences.nnz - 3
    assert not rest.confidences[users, products].any()
    assert rest.last is not None
    gone = np.setdiff1d(last, rest.last).astype(int)
    np.testing.assert_array_equal(training.confidences.indices[gone], products)
    few = checked(training, Validation(users, products), users=2)
    assert len(few.validation.users) == 2
    assert few.training.confidences.nnz == training.confidences.nnz - 2
