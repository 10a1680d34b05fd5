"""Promises of the models that know products by photo and words: a new product finds its camp."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from offline.models.als import Als
from offline.models.contract import Factorised, Sided, Training
from offline.models.folding import folded_in
from offline.models.hybrid import Hybrid
from offline.models.image import Image, even
from runtime.errors import SetupError
from services.reranker.factors import Factors, FactorTables
from tests.two_camps import NEW, PRODUCTS, USERS, Quiet, prefers_own_camp, side, two_camps

EVERYBODY = np.arange(USERS)
NEW_ONES = range(PRODUCTS - NEW, PRODUCTS - 1)
HYBRID = Hybrid(factors=4, regularization=1.0, lean=5.0, ridge=1.0)


def test_many_are_folded_in_as_the_ranking_stage_folds_one_in() -> None:
    draw = np.random.default_rng(3)
    training = two_camps(dislikes=True)
    items = draw.normal(size=(PRODUCTS, 5)).astype(np.float32)
    users = folded_in(items, training.confidences, regularization=0.7, alpha=3.0)
    names = [f"p-{row}" for row in range(PRODUCTS)]
    factors = Factors(FactorTables(names, ["u"], items, items[:1], 0.7, 3.0))
    for row in range(0, USERS, 7):
        own = training.confidences[row]
        history = [names[column] for column in own.indices]
        expected = factors.fold_in(history, own.data.tolist())
        assert expected is not None
        np.testing.assert_allclose(users[row], expected, rtol=1e-4, atol=1e-5)


def test_who_did_nothing_is_folded_into_zeros() -> None:
    met = two_camps().confidences.toarray()
    met[0] = 0.0
    items = np.eye(PRODUCTS, dtype=np.float32)
    users = folded_in(items, sparse.csr_matrix(met), regularization=1.0, alpha=1.0)
    assert not users[0].any()
    assert users[1].any()


@pytest.mark.parametrize("recipe", [Image(), HYBRID], ids=lambda recipe: recipe.name)
def test_a_product_that_nobody_met_finds_the_camp_that_would_like_it(
    recipe: Image | Hybrid,
) -> None:
    model = recipe.fit(two_camps(), None, Quiet())
    assert isinstance(model, Factorised)
    assert isinstance(recipe, Sided)
    assert recipe.sided
    assert prefers_own_camp(model.scores(EVERYBODY), NEW_ONES) == 1.0


def test_factors_alone_know_nothing_of_a_product_that_nobody_met() -> None:
    model = Als(factors=4).fit(two_camps(), None, Quiet())
    assert not model.item_factors[-NEW:].any()


def test_a_product_without_a_photo_is_unknown_to_the_photos() -> None:
    model = Image().fit(two_camps(), None, Quiet())
    assert not model.item_factors[-1].any()
    assert model.item_factors[:-1].any(axis=1).all()


def test_words_alone_are_enough_for_a_hybrid() -> None:
    blind = replace(side(), vectors=np.zeros((PRODUCTS, 0), np.float32))
    model = HYBRID.fit(replace(two_camps(), side=blind), None, Quiet())
    assert prefers_own_camp(model.scores(EVERYBODY), NEW_ONES) == 1.0


def test_photos_alone_are_enough_for_a_hybrid() -> None:
    model = replace(HYBRID, topics=0).fit(two_camps(), None, Quiet())
    assert prefers_own_camp(model.scores(EVERYBODY), NEW_ONES) == 1.0
    assert not model.item_factors[-1].any(), "without photo and words nothing is known"


def test_what_many_like_keeps_its_own_factors() -> None:
    training = two_camps()
    own = Als(factors=4, regularization=1.0, alpha=10.0).fit(training, None, Quiet()).item_factors
    free = replace(HYBRID, lean=0.0).fit(training, None, Quiet()).item_factors
    leaning = replace(HYBRID, lean=1e9).fit(training, None, Quiet()).item_factors
    np.testing.assert_allclose(free[:-NEW], own[:-NEW], atol=1e-6)
    assert np.abs(leaning[:-NEW] - own[:-NEW]).max() > 0.01
    np.testing.assert_allclose(free[-NEW:], leaning[-NEW:], atol=1e-6)


def test_equal_trainings_give_equal_models() -> None:
    for recipe in (HYBRID, Image()):
        first, again = (recipe.fit(two_camps(), None, Quiet()) for _ in range(2))
        assert first.item_factors.tobytes() == again.item_factors.tobytes()
        assert first.user_factors.tobytes() == again.user_factors.tobytes()


def test_all_directions_of_photos_spread_alike() -> None:
    draw = np.random.default_rng(0)
    vectors = (draw.normal(size=(200, 5)) * [5, 3, 1, 1, 0.1] + 2).astype(np.float32)
    vectors[0] = 0.0
    turned = even(vectors, 4)
    assert turned.shape == (200, 4)
    assert not turned[0].any()
    rest = turned[1:].astype(np.float64)
    np.testing.assert_allclose(rest.T @ rest / 199, np.eye(4) / 4, atol=1e-5)
    np.testing.assert_allclose(rest.mean(axis=0), 0, atol=1e-5)


@pytest.mark.parametrize("recipe", [Image(), Hybrid()], ids=lambda recipe: recipe.name)
def test_nothing_known_of_the_products_is_told_in_a_sentence(recipe: Image | Hybrid) -> None:
    training = Training(two_camps().confidences)
    with pytest.raises(SetupError, match=r"photo|nothing is known"):
        recipe.fit(training, None, Quiet())


@pytest.mark.parametrize(
    "recipe",
    [Image(factors=0), Image(alpha=0.0), Hybrid(ridge=0.0), Hybrid(lean=-1.0), Hybrid(factors=0)],
)
def test_options_without_sense_are_refused(recipe: Image | Hybrid) -> None:
    with pytest.raises(SetupError):
        recipe.fit(two_camps(), None, Quiet())


def test_factors_can_be_kept(tmp_path: Path) -> None:
    model = Image().fit(two_camps(), None, Quiet())
    model.save(tmp_path)
    kept = np.load(tmp_path / "items.npy", allow_pickle=False)
    np.testing.assert_array_equal(kept, model.item_factors)
