"""Promises of every model of shoppers: equal twice, right by hand, and better than counting."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse

from offline.models.contract import ProductSide, Rows, Saved, Sided, Training
from offline.models.ease import Ease
from offline.models.graph_filter import GraphFilter
from offline.models.held_out import hold_out_one, ndcg, ranks, ranks_of
from offline.models.item_item import ItemItemModel, likings, strongest
from offline.models.item_knn import ItemKnn
from offline.models.places import PLACES
from offline.models.popularity import Popularity
from offline.models.recipes import RECIPES, recipe_of
from offline.models.rp3beta import Rp3Beta
from runtime.errors import SetupError

Floats = npt.NDArray[np.float32]
PLAIN = ("popularity", "random", "item-knn", "rp3beta", "ease", "als", "graph-filter:rank=4")
LEARNING = (
    "item-knn",
    "rp3beta",
    "ease:regularization=5",
    "als:factors=8",
    "graph-filter:rank=8:neighbours=3",
)
USERS, PRODUCTS = 60, 30


@dataclass
class Silent:
    """Counts what it is told."""

    done: int = 0

    def advance(self, count: int = 1) -> None:
        self.done += count

    def note(self, text: str) -> None:
        pass


@dataclass
class Given:
    """Has the scores that it was given."""

    table: Floats

    def scores(self, users: Rows) -> Floats:
        return self.table[users]


def camps(seed: int = 1) -> Training:
    """Even users like even products, odd ones odd products, four to eight each."""
    draw = np.random.default_rng(seed)
    matrix = np.zeros((USERS, PRODUCTS), np.float32)
    for user in range(USERS):
        own = draw.choice(PRODUCTS // 2, draw.integers(4, 9), replace=False) * 2 + user % 2
        matrix[user, own] = draw.integers(1, 5, len(own))
    return Training(sparse.csr_matrix(matrix))


@pytest.mark.parametrize("spec", PLAIN)
def test_equal_trainings_give_equal_scores_in_any_order_of_users(spec: str) -> None:
    everyone = np.arange(USERS)
    first = recipe_of(spec).fit(camps(), None, Silent()).scores(everyone)
    second = recipe_of(spec).fit(camps(), None, Silent()).scores(everyone[::-1])[::-1]
    assert first.dtype == np.float32
    assert first.shape == (USERS, PRODUCTS)
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("spec", PLAIN)
def test_progress_is_told(spec: str) -> None:
    shown = Silent()
    recipe_of(spec).fit(camps(), None, shown)
    assert shown.done > 0


@pytest.mark.parametrize("spec", LEARNING)
def test_a_model_that_learns_finds_the_camp(spec: str) -> None:
    training = camps()
    model = recipe_of(spec).fit(training, None, Silent())
    scores = model.scores(np.arange(USERS))
    scores[training.confidences.toarray() != 0] = np.nan
    for user in range(USERS):
        own, other = scores[user, user % 2 :: 2], scores[user, 1 - user % 2 :: 2]
        assert np.nanmean(own) > np.nanmean(other)


@pytest.mark.parametrize("spec", LEARNING)
def test_a_model_that_learns_beats_popularity_on_what_was_held_out(spec: str) -> None:
    split = hold_out_one(camps())
    figures = {
        name: ndcg(
            recipe_of(name).fit(split.training, None, Silent()), split.training, split.validation
        )
        for name in (spec, "popularity")
    }
    assert figures[spec] > figures["popularity"]


@pytest.mark.parametrize("spec", ["item-knn", "rp3beta", "ease", "graph-filter:rank=4"])
def test_a_dislike_is_no_liking(spec: str) -> None:
    training = camps()
    disliked = training.confidences.copy()
    disliked.data[::3] *= -1
    without = disliked.maximum(0)
    without.eliminate_zeros()
    everyone = np.arange(USERS)
    np.testing.assert_allclose(
        recipe_of(spec).fit(Training(disliked), None, Silent()).scores(everyone),
        recipe_of(spec).fit(Training(without), None, Silent()).scores(everyone),
        rtol=1e-4,
        atol=1e-5,
    )


def test_item_knn_is_the_cosine_of_columns() -> None:
    matrix = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 0]], np.float32)
    recipe = ItemKnn(neighbours=2, shrink=1.0, idf=False)
    model = recipe.fit(Training(sparse.csr_matrix(matrix)), None, Silent())
    # 0 and 1 share two of three and two shoppers, 0 and 2 one of three and one.
    near, far = 2 / (np.sqrt(6) + 1), 1 / (np.sqrt(3) + 1)
    expected = [[0, near, far], [near, 0, 0], [far, 0, 0]]
    assert isinstance(model.weights, sparse.csr_matrix)
    np.testing.assert_allclose(model.weights.toarray(), expected, rtol=1e-6)
    np.testing.assert_allclose(model.scores(np.array([1])), [[far, near, far]], rtol=1e-6)


def test_rp3beta_is_the_probability_to_walk_held_back_by_popularity() -> None:
    matrix = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 0]], np.float32)
    model = Rp3Beta(alpha=1.0, beta=0.5, neighbours=2).fit(
        Training(sparse.csr_matrix(matrix)), None, Silent()
    )
    # From 0: each of three shoppers with 1/3, then half to 0 and half to the other.
    expected = np.array([[0, 1 / 3, 1 / 6], [1 / 2, 0, 0], [1 / 2, 0, 0]])
    expected /= np.sqrt([3, 2, 1])
    assert isinstance(model.weights, sparse.csr_matrix)
    np.testing.assert_allclose(model.weights.toarray(), expected, rtol=1e-6)


def test_ease_is_its_formula() -> None:
    training = camps()
    liked = (training.confidences.toarray() > 0).astype(np.float64)
    inverse = np.linalg.inv(liked.T @ liked + 5.0 * np.eye(PRODUCTS))
    expected = -inverse / np.diagonal(inverse)
    np.fill_diagonal(expected, 0.0)
    model = Ease(regularization=5.0).fit(training, None, Silent())
    np.testing.assert_allclose(model.weights, expected, atol=1e-5)


def test_the_graph_filter_is_its_formula() -> None:
    training = camps()
    liked = (training.confidences.toarray() > 0).astype(np.float64)
    normalised = liked / np.sqrt(liked.sum(axis=1, keepdims=True) * liked.sum(axis=0))
    near = normalised.T @ normalised
    np.fill_diagonal(near, 0.0)
    vectors = np.linalg.svd(normalised)[2][:5].T
    both = near + 0.4 * vectors @ vectors.T
    model = GraphFilter(rank=5, share=0.4, neighbours=PRODUCTS).fit(training, None, Silent())
    np.testing.assert_allclose(model.scores(np.arange(USERS)), liked @ both, atol=1e-4)
    np.fill_diagonal(both, -1.0)
    best = model.neighbours(1)
    np.testing.assert_array_equal(best.indices, both.argmax(axis=1))
    np.testing.assert_allclose(best.data, both.max(axis=1), atol=1e-5)


def test_the_strongest_of_equal_neighbours_is_the_lower_column() -> None:
    rows = sparse.csr_matrix(np.array([[1, 2, 2, 2, -1], [3, 1, 1, 0, 1]], np.float32))
    kept = strongest(rows, 2, first=0).toarray()
    np.testing.assert_array_equal(kept, [[0, 2, 2, 0, 0], [3, 0, 1, 0, 0]])


def test_neighbours_for_the_release_are_the_strongest_of_each_row() -> None:
    weights = np.array([[0, 3, 1], [2, 0, 5], [-1, 0, 0]], np.float32)
    model = ItemItemModel(sparse.csr_matrix((1, 3), dtype=np.float32), weights)
    np.testing.assert_array_equal(model.neighbours(1).toarray(), [[0, 3, 0], [0, 0, 5], [0, 0, 0]])


def test_popularity_counts_shoppers_and_recent_ones_more() -> None:
    matrix = sparse.csr_matrix(np.array([[3, 1, 0], [1, 0, -2], [1, 1, 1]], np.float32))
    overall = Popularity().fit(Training(matrix), None, Silent()).scores(np.array([0, 2]))
    np.testing.assert_array_equal(overall, [[3, 2, 1]] * 2)
    day = 86_400.0
    last = np.array([0, 0, 0, 0, 0, 0, 10]) * day
    recent = Popularity(rule="recent", half_life_days=10.0)
    scores = recent.fit(Training(matrix, last), None, Silent()).scores(np.array([1]))
    np.testing.assert_allclose(scores, [[1.5, 1.0, 1.0]])
    with pytest.raises(SetupError, match="recent"):
        recent.fit(Training(matrix), None, Silent())


def test_popularity_by_kind_puts_the_kinds_of_a_shopper_first() -> None:
    matrix = sparse.csr_matrix(
        np.array([[1, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 1, 0]], np.float32)
    )
    side = ProductSide(
        np.zeros((4, 2), np.float32),
        sparse.csr_matrix((4, 1), dtype=np.float32),
        np.array([0, 0, 1, -1]),
        np.arange(4),
    )
    model = Popularity(rule="kind").fit(Training(matrix, None, side), None, Silent())
    np.testing.assert_allclose(
        model.scores(np.array([0, 1])), [[1.01, 1.01, 0.03, 0.02], [0.01, 0.01, 3.03, 0.02]]
    )
    with pytest.raises(SetupError, match="kind"):
        Popularity(rule="kind").fit(Training(matrix), None, Silent())


def test_chance_is_drawn_for_each_user_and_seed() -> None:
    model = recipe_of("random").fit(camps(), None, Silent())
    first, second = model.scores(np.array([3, 4]))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(model.scores(np.array([4]))[0], second)
    other = recipe_of("random:seed=7").fit(camps(), None, Silent())
    assert not np.array_equal(other.scores(np.array([3]))[0], first)


def test_als_ends_when_the_validation_has_seen_its_best() -> None:
    split = hold_out_one(camps())
    shown = Silent()
    model = recipe_of("als:factors=8:iterations=300:patience=2").fit(
        split.training, split.validation, shown
    )
    curve = model.curve  # type: ignore[attr-defined]  # a model with patience has one
    figures = [line["ndcg@10"] for line in curve]
    best = figures.index(max(figures))
    assert curve[-1]["step"] < 300
    assert len(figures) == best + 3
    assert shown.done == curve[-1]["step"] + curve[best]["step"]
    expected = recipe_of(f"als:factors=8:iterations={curve[best]['step']}").fit(
        split.training, None, Silent()
    )
    everyone = np.arange(USERS)
    np.testing.assert_array_equal(model.scores(everyone), expected.scores(everyone))


def test_one_liking_of_each_user_is_held_out_and_nothing_else_changes() -> None:
    training = camps()
    split = hold_out_one(training)
    before, after = training.confidences.toarray(), split.training.confidences.toarray()
    taken = np.zeros_like(before, bool)
    taken[split.validation.users, split.validation.products] = True
    assert (before[taken] > 0).all()
    assert (after[taken] == 0).all()
    np.testing.assert_array_equal(after[~taken], before[~taken])
    np.testing.assert_array_equal(split.validation.users, np.arange(USERS))
    assert len(hold_out_one(training, users=7).validation.users) == 7


def test_the_last_liking_is_held_out_where_time_is_known() -> None:
    matrix = sparse.csr_matrix(np.array([[1, 2, -1, 1], [0, 1, 1, 0]], np.float32))
    last = np.array([5.0, 9.0, 20.0, 7.0, 1.0, 2.0])
    split = hold_out_one(Training(matrix, last))
    np.testing.assert_array_equal(split.validation.users, [0])
    np.testing.assert_array_equal(split.validation.products, [1])
    assert split.training.last is not None
    np.testing.assert_array_equal(split.training.last, [5.0, 20.0, 7.0, 1.0, 2.0])


def test_users_without_likings_do_not_shift_the_counts_of_others() -> None:
    matrix = np.zeros((5, 6), np.float32)
    matrix[1, :4] = 1
    matrix[3, 2:5] = 1
    matrix[2, :4] = -1
    split = hold_out_one(Training(sparse.csr_matrix(matrix)))
    np.testing.assert_array_equal(split.validation.users, [1, 3])


def test_equal_scores_favour_nobody() -> None:
    met = sparse.csr_matrix(np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.float32))
    scores = np.array([[9, 1, 1, 1, 1], [4, 3, 2, 1, 0]], np.float32)
    np.testing.assert_allclose(ranks_of(scores, met, np.array([2, 1])), [2.5, 2.0])


def test_a_constant_model_gets_chance() -> None:
    split = hold_out_one(camps())
    found = ranks(Given(np.zeros((USERS, PRODUCTS), np.float32)), split.training, split.validation)
    unmet = PRODUCTS - split.training.confidences.getnnz(axis=1)
    np.testing.assert_allclose(found, (unmet + 1) / 2)


def test_every_recipe_that_is_named_is_there() -> None:
    assert set(RECIPES) == set(PLACES)
    for name, recipe in RECIPES.items():
        assert recipe.name == name


@pytest.mark.parametrize(
    "spec",
    ["nothing", "als:width=3", "als:factors=many", "als:factors", "rp3beta:normalised=maybe"],
)
def test_what_is_no_recipe_or_option_is_refused(spec: str) -> None:
    with pytest.raises(SetupError):
        recipe_of(spec)


@pytest.mark.parametrize(
    "spec",
    [
        "als:factors=0",
        "als:alpha=0",
        "item-knn:neighbours=0",
        "rp3beta:alpha=0",
        "ease:regularization=0",
        "graph-filter:rank=30",
        "popularity:rule=loud",
    ],
)
def test_options_without_sense_are_refused(spec: str) -> None:
    with pytest.raises(SetupError):
        recipe_of(spec).fit(camps(), None, Silent())


def test_options_are_read_by_their_types() -> None:
    recipe = recipe_of("rp3beta:alpha=0.5:neighbours=7:normalised=yes")
    assert recipe == Rp3Beta(alpha=0.5, neighbours=7, normalised=True)
    assert likings(camps().confidences, weighted=True).data.max() == 4


def sided(training: Training) -> Training:
    """Gives the products photos that tell the camps apart; the last four have none."""
    draw = np.random.default_rng(8)
    vectors = draw.normal(size=(PRODUCTS, 6)).astype(np.float32) * 0.1
    vectors[::2, 0] += 1
    vectors[1::2, 0] -= 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[-4:] = 0
    side = ProductSide(
        vectors, sparse.csr_matrix((PRODUCTS, 1)), np.arange(PRODUCTS) % 3, np.arange(PRODUCTS)
    )
    return Training(training.confidences, training.last, side)


def test_a_warm_start_knows_the_camps_before_the_shoppers_do() -> None:
    matrix = camps().confidences
    few = sparse.csr_matrix(matrix.multiply(np.random.default_rng(4).random(matrix.shape) < 0.2))
    training = sided(Training(few))
    margins = {}
    for warm in ("no", "yes"):
        spec = f"als:factors=4:iterations=1:regularization=0.01:warm={warm}"
        scores = recipe_of(spec).fit(training, None, Silent()).scores(np.arange(USERS))
        parity = np.arange(USERS)[:, None] % 2 == np.arange(PRODUCTS) % 2
        margins[warm] = scores[parity].mean() - scores[~parity].mean()
    assert margins["yes"] > margins["no"]
    with pytest.raises(SetupError, match="nothing is known of the products"):
        recipe_of("als:warm=yes").fit(camps(), None, Silent())


@pytest.mark.parametrize(
    ("spec", "asks"),
    [
        ("als", False),
        ("als:warm=yes", True),
        ("popularity", False),
        ("popularity:rule=kind", True),
        ("blend", False),
        ("blend:second=als/warm=yes", True),
    ],
)
def test_a_recipe_says_whether_it_needs_the_products_themselves(spec: str, asks: bool) -> None:
    recipe = recipe_of(spec)
    assert isinstance(recipe, Sided)
    assert recipe.sided is asks


@pytest.mark.parametrize("spec", ["als", "item-knn", "ease", "graph-filter:rank=4"])
def test_a_model_is_kept_in_plain_arrays(spec: str, tmp_path: Path) -> None:
    model = recipe_of(spec).fit(camps(), None, Silent())
    assert isinstance(model, Saved)
    model.save(tmp_path)
    kept = [np.load(path, allow_pickle=False) for path in tmp_path.iterdir()]
    assert kept
    assert all(path.suffix == ".npy" for path in tmp_path.iterdir())
