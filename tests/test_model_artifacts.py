"""Promises of a trained model: its run is kept, and what it knows is served as it was learned."""

import csv
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from catalog.confidence_rules import DEFAULT_RULES, ConfidenceRules
from offline.cli import main
from offline.layout import DataDir
from offline.lessons import Lessons
from offline.model_artifacts import RULES_FACT, parts_of, season_counts
from offline.models.als import Als
from offline.models.blend import Blend
from offline.models.contract import Training
from offline.models.factors import FactorModel
from offline.models.item_knn import ItemKnn
from offline.models.popularity import Popularity
from offline.models.random import Random
from offline.train_model import Trained, train_model
from offline.train_options import TrainOptions
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError
from services.reranker.factors import Factors
from services.reranker.neighbours import Neighbours
from services.reranker.popularity import Popularity as ServedPopularity
from tests.test_train_model import two_camps, world

KNN = ItemKnn(neighbours=5, shrink=1.0)
RUN = ("config.json", "curve.json", "environment.json", "metrics.csv", "result.json")
QUICK = TrainOptions(held_out=0.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    return world(tmp_path_factory.mktemp("models"), two_camps())


def of(trained: Trained, name: str) -> object:
    assert trained.run is not None
    return json.loads((trained.run / name).read_text())


def test_a_run_says_what_was_done_on_what_and_what_came_of_it(data: DataDir) -> None:
    trained = train_model(data, Als(factors=4, iterations=6, patience=1))
    assert trained.run is not None
    assert re.fullmatch(r"als-\d{8}T\d{6}Z-[0-9a-f]{8}", trained.run.name)
    assert trained.run.parent == data.runs
    assert {path.name for path in trained.run.iterdir()} == {*RUN, "model"}
    config, result = of(trained, "config.json"), of(trained, "result.json")
    assert isinstance(config, dict)
    assert isinstance(result, dict)
    assert config["recipe"]["factors"] == 4
    assert config["inputs"]["interactions"]
    assert min(result["wall_s"], result["cpu_s"], result["peak_mib"]) > 0
    assert result["artifacts"] == {"ranking": trained.artifacts["ranking"].generation}
    assert result["held_out"]["shoppers"] > 0
    assert "numpy" in str(of(trained, "environment.json"))
    with (trained.run / "metrics.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    curve = of(trained, "curve.json")
    assert isinstance(curve, list)
    assert [int(line["step"]) for line in lines] == [line["step"] for line in curve]
    assert [float(line["ndcg@10"]) for line in lines] == [line["ndcg@10"] for line in curve]
    items = np.load(trained.run / "model" / "items.npy", allow_pickle=False)
    assert items.shape[1] == 4


def test_neighbours_are_served_as_they_were_learned(data: DataDir) -> None:
    trained = train_model(data, KNN, QUICK)
    served = Neighbours.open(trained.artifacts["neighbours"].folder)
    spoken = served.spoken_for(["p-0004"], [1.0])
    assert len(spoken.rows)
    assert {int(served.product_ids[row][-1]) % 2 for row in spoken.rows} == {0}, "its own camp"
    assert trained.run is not None
    assert of(trained, "result.json")["held_out"] is None  # type: ignore[index]  # JSON of a known shape


def test_popularity_is_served_with_seasons(data: DataDir) -> None:
    trained = train_model(data, Popularity(), QUICK)
    served = ServedPopularity.open(trained.artifacts["popularity"].folder)
    winter, summer = served.scores("winter"), served.scores("summer")
    assert winter.sum() > summer.sum(), "all of it happened in January"
    assert winter.max() > winter.min()


def test_seasons_are_those_of_the_last_events() -> None:
    matrix = sparse.csr_matrix(np.array([[1, 1], [-1, 2], [0, 1]], np.float32))
    days = [(2025, 1, 5), (2025, 6, 1), (2025, 7, 1), (2024, 11, 30), (2025, 2, 28)]
    last = np.array([datetime(*day, tzinfo=UTC).timestamp() for day in days])
    counts = season_counts(Training(matrix, last))
    np.testing.assert_array_equal(counts, [[0, 0, 0, 1], [0, 1, 1, 1]])
    assert not season_counts(Training(matrix)).any()


def test_a_blend_publishes_both_of_its_parts(data: DataDir) -> None:
    recipe = Blend(first="als/factors=4/iterations=3", second="item-knn", weight=0.5)
    trained = train_model(data, recipe, QUICK)
    assert set(trained.artifacts) == {"ranking", "neighbours"}
    again = train_model(data, recipe, QUICK)
    assert again.run is None
    assert {kind: each.generation for kind, each in again.artifacts.items()} == {
        kind: each.generation for kind, each in trained.artifacts.items()
    }


def test_a_blend_of_which_one_part_would_hide_the_other_is_not_published(data: DataDir) -> None:
    recipe = Blend(first="rp3beta", second="item-knn", weight=0.5)
    before = ArtifactStore(data.artifacts).generations("neighbours")
    with pytest.raises(SetupError, match="no-publish"):
        train_model(data, recipe, QUICK)
    assert ArtifactStore(data.artifacts).generations("neighbours") == before
    kept = train_model(data, recipe, replace(QUICK, publish=False))
    assert kept.run is not None
    assert not kept.artifacts


def test_what_cannot_be_served_is_kept_as_a_run(data: DataDir, tmp_path: Path) -> None:
    folder = tmp_path / "chance"
    trained = train_model(data, Random(), replace(QUICK, run=folder))
    assert (trained.run, dict(trained.artifacts)) == (folder, {})
    assert {path.name for path in folder.iterdir()} == set(RUN)


def test_other_rules_of_confidence_make_another_model_and_are_told(data: DataDir) -> None:
    recipe, rules = Als(factors=4, iterations=3), ConfidenceRules(view=2.0)
    plain = train_model(data, recipe, QUICK).artifacts["ranking"]
    other = train_model(data, recipe, replace(QUICK, rules=rules)).artifacts["ranking"]
    assert plain.generation != other.generation
    assert ConfidenceRules.of_facts(plain.facts[RULES_FACT]) == DEFAULT_RULES
    assert ConfidenceRules.of_facts(other.facts[RULES_FACT]) == rules


def test_who_is_not_known_to_the_factors_is_not_published(tmp_path: Path) -> None:
    items = np.array([[1, 2], [0, 0], [3, 4]], np.float32)
    users = np.array([[0, 0], [1, 1]], np.float32)
    model = FactorModel(users, items, 0.5, 7.0)
    training = Training(sparse.csr_matrix((2, 3), dtype=np.float32))
    lessons = Lessons(("u-1", "u-2"), ("p-1", "p-2", "p-3"), training)
    [part] = parts_of(Als(), model, lessons, DEFAULT_RULES)
    part.write(tmp_path)
    factors = Factors.open(tmp_path)
    vector = factors.user("u-2")
    assert vector is not None
    assert factors.user("u-1") is None
    known = factors.tastes(vector, ["p-1", "p-2", "p-3"]).known
    np.testing.assert_array_equal(known, [True, False, True])
    assert json.loads((tmp_path / "model.json").read_text()) == {
        "regularization": 0.5,
        "alpha": 7.0,
    }


def test_a_recipe_that_asks_for_the_products_is_given_all_of_them(data: DataDir) -> None:
    trained = train_model(data, Popularity(rule="kind"), QUICK)
    served = ServedPopularity.open(trained.artifacts["popularity"].folder)
    assert len(served.product_ids) == 60, "every product of the catalogue"
    warm = train_model(data, Als(factors=4, iterations=3, warm=True), QUICK)
    result = of(warm, "result.json")
    assert isinstance(result, dict)
    assert result["learned_products"] == 60
    assert warm.artifacts["ranking"].facts["products"] == 34, "those that somebody met"


def test_the_command_line_takes_the_options_of_the_model(data: DataDir, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["train", "rp3beta", "--data", str(data.root), "--run", str(folder), "--no-publish"]
    assert main([*words, "--alpha", "0.5", "--neighbours", "7", "--held-out", "0"]) == 0
    config = json.loads((folder / "config.json").read_text())
    assert (config["recipe"]["alpha"], config["recipe"]["neighbours"]) == (0.5, 7)
    assert config["recipe"]["beta"] != 0
    assert json.loads((folder / "result.json").read_text())["artifacts"] == {}
    assert main([*words, "--alpha", "much"]) == 2
