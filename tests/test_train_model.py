"""Promises of the training: tastes are found, dislikes count, and nothing is made twice."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from catalog.interaction import Interaction
from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.models.als import Als
from offline.taste_matrix import hold_out, taste_matrix
from offline.train_model import Trained, train_model
from offline.train_options import NoInteractions, TrainOptions
from runtime.artifacts import Artifact, ArtifactStore
from runtime.errors import SetupError
from services.reranker.factors import Factors
from tests.shop import shop

START = datetime(2025, 1, 1, tzinfo=UTC)
RECIPE = Als(factors=8, iterations=10, alpha=5.0)


def event(
    place: int, user: str, product: str, kind: str, stars: float | None = None
) -> Interaction:
    return Interaction(f"e-{place:06d}", user, product, kind, START + timedelta(hours=place), stars)


def two_camps(shoppers: int = 40) -> list[Interaction]:
    """Half of the shoppers buy the even products, half the odd ones, and each rates one badly."""
    draw = np.random.default_rng(2)
    events: list[Interaction] = []
    for visit in range(12):
        for shopper in range(shoppers):
            product = f"p-{2 * int(draw.integers(15)) + shopper % 2:04d}"
            kind = "purchase" if visit % 3 else "view"
            events.append(event(len(events), f"u-{shopper:03d}", product, kind))
    for shopper in range(shoppers):
        events.append(
            event(len(events), f"u-{shopper:03d}", f"p-{30 + shopper % 4:04d}", "rating", 1)
        )
    return events


def world(folder: Path, events: list[Interaction]) -> DataDir:
    data = DataDir(folder).create()
    store = CatalogStore.open(data.database_url, create=True)
    store.upsert(shop(60))
    store.add_interactions(events)
    store.close()
    return data


def ranking(trained: Trained) -> Artifact:
    return trained.artifacts["ranking"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[DataDir, Artifact]:
    data = world(tmp_path_factory.mktemp("als"), two_camps())
    return data, ranking(train_model(data, RECIPE))


def test_factors_tell_the_camps_apart(trained: tuple[DataDir, Artifact]) -> None:
    factors = Factors.open(trained[1].folder)
    products = [f"p-{number:04d}" for number in range(30)]
    for shopper in range(40):
        vector = factors.user(f"u-{shopper:03d}")
        assert vector is not None
        tastes = factors.tastes(vector, products).tastes
        own, other = tastes[shopper % 2 :: 2].mean(), tastes[1 - shopper % 2 :: 2].mean()
        assert own > other + 0.2


def test_one_star_is_a_dislike(trained: tuple[DataDir, Artifact]) -> None:
    artifact = trained[1]
    assert artifact.facts["dislikes"] == 40
    factors = Factors.open(artifact.folder)
    vector = factors.user("u-000")
    assert vector is not None
    rated, bought = factors.tastes(vector, ["p-0030", "p-0000"]).dots
    assert rated < 0.1 < bought


def test_the_report_says_what_was_found_in_time(trained: tuple[DataDir, Artifact]) -> None:
    report = trained[1].facts["held_out"]
    assert isinstance(report, Mapping)
    assert START < datetime.fromisoformat(report["cut"]) < START + timedelta(hours=520)
    for name in ("model", "popularity"):
        for figure in ("recall@10", "ndcg@10"):
            estimate = report[name][figure]
            assert 0 <= estimate["low"] <= estimate["mean"] <= estimate["high"] <= 1
            assert estimate["count"] == report["shoppers"] > 0
    assert report["model"]["recall@10"]["mean"] > report["popularity"]["recall@10"]["mean"]


def test_the_same_interactions_give_the_same_bytes(
    trained: tuple[DataDir, Artifact], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ranking(train_model(world(tmp_path, two_camps()), RECIPE))
    assert "40 shoppers" in capsys.readouterr().err
    for name in ("items.npy", "users.npy", "items.json", "users.json", "model.json"):
        assert (again.folder / name).read_bytes() == (trained[1].folder / name).read_bytes()


def test_nothing_is_trained_again_until_something_changed(tmp_path: Path) -> None:
    data = world(tmp_path, two_camps())
    first = ranking(train_model(data, RECIPE))
    again = train_model(data, RECIPE)
    assert (again.run, ranking(again).generation) == (None, first.generation)
    other = ranking(train_model(data, replace(RECIPE, factors=4)))
    assert other.generation != first.generation
    store = CatalogStore.open(data.database_url)
    store.add_interactions([event(9999, "u-000", "p-0001", "purchase")])
    store.close()
    changed = ranking(train_model(data, RECIPE))
    assert changed.generation not in (first.generation, other.generation)


@pytest.mark.parametrize("events", [[], [event(0, "u-1", "p-0001", "view")]])
def test_too_few_interactions_are_told_in_a_sentence(
    events: list[Interaction], tmp_path: Path
) -> None:
    data = world(tmp_path, events)
    with pytest.raises(NoInteractions, match="search works without them"):
        train_model(data, RECIPE)
    assert not ArtifactStore(data.artifacts).generations("ranking")


@pytest.mark.parametrize("options", [{"held_out": 1.0}, {"held_out": -0.1}, {"minimum": 0}])
def test_options_without_sense_are_refused(options: Mapping[str, float]) -> None:
    with pytest.raises(SetupError):
        TrainOptions(**options)  # type: ignore[arg-type]


def test_no_catalogue_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no catalogue"):
        train_model(DataDir(tmp_path), RECIPE)


def test_nothing_of_the_future_is_learnt_from() -> None:
    events = two_camps()
    split = hold_out(lambda: iter(events), share=0.3, minimum=1)
    assert split is not None
    before = [each for each in events if each.at <= split.cut]
    known = taste_matrix(before, minimum=1)
    assert split.before.user_ids == known.user_ids
    assert (split.before.confidences != known.confidences).nnz == 0
    met = {(each.user_id, each.product_id) for each in before}
    after = {(each.user_id, each.product_id) for each in events if each.at > split.cut}
    taken = {(user, product) for user, products in split.taken.items() for product in products}
    assert taken
    assert taken <= after - met


def test_a_dislike_is_nothing_that_was_taken() -> None:
    judged = [
        event(600, "u-000", "p-0001", "rating", 1.0),
        event(601, "u-002", "p-0001", "rating", 5.0),
    ]
    split = hold_out(lambda: iter([*two_camps(), *judged]), share=0.3, minimum=1)
    assert split is not None
    assert "p-0001" not in split.taken.get("u-000", set())
    assert "p-0001" in split.taken["u-002"]


def test_rare_shoppers_and_products_are_left_out_to_the_end() -> None:
    """Leaving one out makes the next one rare: a chain must fall as a whole."""
    chain = [
        event(number, f"u-{number // 2}", f"p-{(number + 1) // 2}", "view") for number in range(20)
    ]
    assert taste_matrix(chain, minimum=1).confidences.nnz == 20
    assert taste_matrix(chain, minimum=2).confidences.nnz == 0
    full = [event(n, f"full-{n // 3}", f"q-{n % 3}", "view") for n in range(9)]
    kept = taste_matrix([*chain, *full], minimum=2)
    assert kept.user_ids == ("full-0", "full-1", "full-2")


def test_the_manifest_is_plain_json(trained: tuple[DataDir, Artifact]) -> None:
    facts = dict(trained[1].facts)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["users"] == 40
