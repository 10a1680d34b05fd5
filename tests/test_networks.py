"""Promises of the networks: they learn taste, the same each time, and stop in time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from scipy import sparse

from offline.models.contract import Curved, Factorised, Sided, Training
from offline.models.folding import folded_in
from offline.models.gmf import Gmf
from offline.models.image_mlp import ImageMlp
from offline.models.mlp import Mlp
from offline.models.network_training import NetworkModel
from offline.models.networks import Network, Product, Tower
from offline.models.neumf import NeuMf
from offline.models.pairs import Pairs
from runtime.errors import SetupError
from tests.two_camps import NEW, PRODUCTS, USERS, Quiet, prefers_own_camp, two_camps

EVERYBODY = np.arange(USERS)
OLD_ONES, NEW_ONES = range(PRODUCTS - NEW), range(PRODUCTS - NEW, PRODUCTS - 1)
SMALL = ("8", "8")
GMF = Gmf(factors=4, batch=256, epochs=25, learning_rate=0.02, patience=0)
AnyNetwork = Gmf | Mlp | NeuMf | ImageMlp
RECIPES: dict[str, AnyNetwork] = {
    "gmf": GMF,
    "mlp": Mlp(layers=SMALL, batch=256, epochs=20, learning_rate=0.02, patience=0),
    "neumf": NeuMf(factors=4, layers=SMALL, batch=256, epochs=20, learning_rate=0.02, patience=0),
    "image-mlp": ImageMlp(layers=SMALL, batch=256, epochs=20, learning_rate=0.02, patience=0),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_network_learns_what_each_camp_likes(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    model = recipe.fit(two_camps(), None, Quiet())
    scores = model.scores(EVERYBODY)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert prefers_own_camp(scores, OLD_ONES) > 0.95


@pytest.mark.parametrize("name", RECIPES)
def test_the_same_seed_learns_the_same(name: str) -> None:
    recipe = replace(RECIPES[name], epochs=2)
    first, again = (recipe.fit(two_camps(), None, Quiet()).scores(EVERYBODY) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    other = replace(recipe, seed=7).fit(two_camps(), None, Quiet()).scores(EVERYBODY)
    assert first.tobytes() != other.tobytes()


def test_a_picture_places_a_product_that_nobody_met() -> None:
    recipe = RECIPES["image-mlp"]
    assert isinstance(recipe, Sided)
    assert recipe.sided
    scores = RECIPES["image-mlp"].fit(two_camps(), None, Quiet()).scores(EVERYBODY)
    assert prefers_own_camp(scores, NEW_ONES) > 0.95
    assert (scores[:, -1] < scores[:, :-1].min(axis=1)).all(), "without a picture it stands last"


@pytest.mark.parametrize("name", ["mlp", "neumf"])
def test_what_nobody_met_stands_last_where_there_are_no_pictures(name: str) -> None:
    scores = RECIPES[name].fit(two_camps(), None, Quiet()).scores(EVERYBODY)
    assert (scores[:, -NEW:].max(axis=1) < scores[:, :-NEW].min(axis=1)).all()


def test_the_score_of_a_factorisation_is_a_dot_product_that_can_be_served() -> None:
    training = two_camps()
    model = GMF.fit(training, None, Quiet())
    assert isinstance(model, Factorised)
    by_hand = model.user_factors @ model.item_factors.T
    np.testing.assert_allclose(model.scores(EVERYBODY), by_hand, rtol=1e-5)
    assert not model.item_factors[-NEW:].any(), "what nobody met is unknown"
    folded = folded_in(
        model.item_factors,
        training.confidences,
        regularization=GMF.regularization,
        alpha=GMF.alpha,
    )
    assert prefers_own_camp(folded @ model.item_factors.T, OLD_ONES) > 0.95


def test_training_ends_when_nothing_gets_better_and_starts_anew_with_everything() -> None:
    recipe = Gmf(factors=4, batch=256, epochs=200, learning_rate=0.05, patience=2)
    shown = Quiet()
    model = recipe.fit(two_camps(), None, shown)
    assert isinstance(model, Curved)
    figures = [line["ndcg@10"] for line in model.curve]
    best = int(np.argmax(figures))
    assert len(figures) == best + 1 + recipe.patience < 200
    assert shown.steps == len(figures) + best + 1
    whole = replace(recipe, epochs=best + 1, patience=0).fit(two_camps(), None, Quiet())
    assert whole.scores(EVERYBODY).tobytes() == model.scores(EVERYBODY).tobytes()


def test_dislikes_push_away() -> None:
    met = np.zeros((40, 6), np.float32)
    met[:, :3] = 1.0
    met[:20, 3], met[20:, 4] = 1.0, 1.0
    met[:20, 4], met[20:, 3] = -1.0, -1.0
    training = Training(sparse.csr_matrix(met))
    recipe = Gmf(factors=4, batch=64, epochs=80, learning_rate=0.02, decay=0.0, patience=0)
    scores = recipe.fit(training, None, Quiet()).scores(np.arange(40))
    assert (scores[:20, 3] > scores[:20, 4]).all()
    assert (scores[20:, 4] > scores[20:, 3]).all()


@pytest.mark.parametrize("blind", [0.0, 0.5])
def test_all_products_at_once_score_as_pair_by_pair(blind: float) -> None:
    draw = torch.Generator().manual_seed(1)
    pictures = torch.randn(7, 3, generator=draw)
    network = Network(
        Product(5, 7, 4, draw), Tower(5, 7, (4, 6, 3), draw, pictures=pictures, blind=blind)
    )
    network.eval()
    users, products = torch.arange(5).repeat_interleave(7), torch.arange(7).repeat(5)
    pairs = network(users, products).detach().numpy().reshape(5, 7)
    found = network.against_all(torch.arange(5)).detach().numpy()
    np.testing.assert_allclose(found, pairs, rtol=1e-5, atol=1e-6)


def test_each_known_pair_is_learned_once_an_epoch_with_products_that_were_passed_over() -> None:
    training = two_camps(dislikes=True)
    matrix = training.confidences
    pairs = Pairs(matrix, negatives=3, size=100, seed=1)
    batches = list(pairs.epoch())
    users, products, liked = (
        np.concatenate([getattr(batch, part) for batch in batches])
        for part in ("users", "products", "liked")
    )
    known = np.asarray(matrix[users, products]).ravel()
    assert len(users) == 4 * matrix.nnz
    assert np.count_nonzero(known) == matrix.nnz
    np.testing.assert_array_equal(liked, known > 0)
    assert products.max() < PRODUCTS - NEW, "nobody was ever shown what nobody met"
    again = np.concatenate([batch.products for batch in pairs.epoch()])
    assert (again != products).any()


@pytest.mark.parametrize("name", ["mlp", "neumf", "image-mlp"])
def test_a_network_is_kept_without_pickle(name: str, tmp_path: Path) -> None:
    model = replace(RECIPES[name], epochs=1).fit(two_camps(), None, Quiet())
    assert isinstance(model, NetworkModel)
    model.save(tmp_path)
    kept = load_file(tmp_path / "network.safetensors")
    state = model.network.state_dict()
    assert set(kept) == set(state)
    assert all((kept[each] == state[each].numpy()).all() for each in kept)


@pytest.mark.parametrize(
    "recipe",
    [
        Gmf(factors=0),
        Gmf(alpha=0.0),
        Gmf(epochs=0),
        Mlp(layers=("8",)),
        Mlp(layers=("8", "wide")),
        Mlp(layers=("8", "0")),
        Mlp(learning_rate=0.0),
        NeuMf(factors=0),
        NeuMf(negatives=0),
        ImageMlp(blind=2.0),
        ImageMlp(patience=-1),
    ],
)
def test_options_without_sense_are_refused(recipe: AnyNetwork) -> None:
    with pytest.raises(SetupError):
        recipe.fit(two_camps(), None, Quiet())


def test_a_network_without_anything_to_learn_says_so() -> None:
    empty = Training(sparse.csr_matrix((3, 4), dtype=np.float32))
    with pytest.raises(SetupError, match="no interactions"):
        Mlp().fit(empty, None, Quiet())
    with pytest.raises(SetupError, match="photo"):
        ImageMlp().fit(Training(two_camps().confidences), None, Quiet())
