"""Promises of tuning: chosen by some queries and scored by others, and nothing that loses."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from catalog.interaction import Interaction
from offline.fusion_runs import Labelled, Run
from offline.fusion_trials import (
    LEAST_QUERIES,
    at_worst,
    grid,
    held_out,
    merged,
    ndcg_of,
    same,
    tried,
)
from offline.grammar_fusion import CLASSES as NAMED
from offline.labelled_queries import from_clicks, read_labelled
from offline.photo_bias import half_of, photo_bias
from offline.tune_fusion import by_class
from runtime.artifacts import ArtifactRefused
from runtime.errors import SetupError
from services.gateway.parts import Example, Part, words
from services.gateway.query import Fusion, Query
from services.gateway.stages import Ranking
from services.gateway.tuned_fusion import CLASSES, TunedFusion, class_of, default_fusion

IDS = [f"p-{place:02}" for place in range(40)]


def ranking(right: Sequence[str], draw: np.random.Generator, *, skill: float) -> Ranking:
    """A ranking that knows the right products by so many standard deviations."""
    scores = draw.normal(size=len(IDS)) + skill * np.array([name in right for name in IDS])
    order = np.argsort(-scores)
    return Ranking([IDS[row] for row in order], (10 + scores[order]).tolist())


def runs(count: int, *, text: float, image: float, seed: int) -> list[Run]:
    """Queries whose two retrievers err on their own."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        right = draw.choice(IDS, 3, replace=False).tolist()
        rankings = {
            "text": ranking(right, draw, skill=text),
            "image": ranking(right, draw, skill=image),
        }
        found.append(Run("words_long", rankings, dict.fromkeys(right, 1.0)))
    return found


def test_two_inputs_that_err_on_their_own_win_together() -> None:
    trials = tried(
        "words_long",
        runs(150, text=1.5, image=1.5, seed=1),
        runs(150, text=1.5, image=1.5, seed=2),
    )
    assert trials.tuned.gained.low > 0
    assert not trials.loses
    assert trials.tuned.ndcg.mean > max(each.mean for each in trials.inputs.values())


def test_an_input_that_knows_nothing_is_given_no_say() -> None:
    trials = tried(
        "words_long",
        runs(150, text=4.0, image=0.0, seed=1),
        runs(150, text=4.0, image=0.0, seed=2),
    )
    assert trials.best_input == "text"
    assert trials.chosen.weight("image") <= 0.05
    assert trials.tuned.gained.mean == pytest.approx(0.0, abs=0.01)
    assert trials.plain.gained.high < 0


def test_a_choice_that_loses_where_it_is_scored_is_told() -> None:
    # What chose is all that the picture knew; where it is scored it knows nothing.
    trials = tried(
        "words_long",
        runs(100, text=0.5, image=4.0, seed=1),
        runs(100, text=4.0, image=0.0, seed=2),
    )
    assert trials.loses
    assert trials.best_input == "text"


def test_a_choice_of_few_queries_departs_from_the_best_input_only_for_good_reason() -> None:
    lucky = runs(1, text=4.0, image=0.0, seed=5)
    many = runs(30, text=4.0, image=0.0, seed=6)
    trials = tried("words_long", [*lucky, *many], runs(200, text=4.0, image=0.0, seed=7))
    assert trials.tuned.gained.low > -0.02


def test_what_chooses_is_never_what_scores() -> None:
    queries = [Labelled(f"query {number}", "", {"p": 1.0}) for number in range(1000)]
    sides = held_out(queries)
    assert sum(sides) == 500, "the halves of a class are even"
    assert held_out(queries[::-1]) == sides[::-1]
    shouted, said, other = (Labelled(text, "", {}) for text in ("Red DRESS", "red dress", "coat"))
    first, second, third = held_out([shouted, said, other])
    assert first is second is not third


def test_a_class_that_is_a_hair_worse_than_an_input_loses() -> None:
    some = runs(60, text=4.0, image=0.0, seed=8)
    found = tried("words_long", some, runs(60, text=4.0, image=0.0, seed=9))
    gained = replace(found.tuned.gained, mean=-1e-4, low=-0.003, high=0.002)
    fusion, trial = found.methods[found.chosen.method]
    slight = {**found.methods, found.chosen.method: (fusion, replace(trial, gained=gained))}
    assert replace(found, methods=slight).loses


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nowhere\.tsv cannot be read"):
        read_labelled(tmp_path / "nowhere.tsv")
    (tmp_path / "qrels.txt").write_text("q1 0 p-1 3\n")
    with pytest.raises(SetupError, match=r"queries\.jsonl cannot be read"):
        read_labelled(tmp_path)


def test_equal_scores_count_as_the_worst_order() -> None:
    run = Run(
        "words_long",
        {"text": Ranking(["a", "b", "c"], [1.0, 1.0, 1.0]), "image": Ranking([], [])},
        {"a": 1.0},
    )
    assert at_worst(run).rankings["text"].ids == ["b", "c", "a"]
    assert ndcg_of({"a": 1.0, "b": 1.0, "c": 1.0}, run.gains) == pytest.approx(0.5)
    assert merged(same(Fusion()), [at_worst(run)]) == [pytest.approx(0.5)]


def test_graded_gains_by_hand() -> None:
    gains = {"a": 3.0, "b": 1.0}
    ideal = 3.0 + 1.0 / np.log2(3)
    assert ndcg_of({"b": 2.0, "a": 1.0}, gains) == pytest.approx((1 + 3 / np.log2(3)) / ideal)
    assert ndcg_of({}, gains) == 0.0


def test_every_fusion_that_is_tried_asks_both_retrievers() -> None:
    for method in ("rrf", "dbsf", "relative", "convex"):
        assert all(min(each.weights.values()) > 0 for each in grid(method))


def test_queries_are_read_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "judged.tsv"
    path.write_text(
        "query\tproduct_id\tgain\tlike\nred dress\tp-1\t2\t\nred dress\tp-2\t0\t\n\tp-3\t\tp-9\n"
    )
    assert read_labelled(path) == [
        Labelled("", "p-9", {"p-3": 1.0}),
        Labelled("red dress", "", {"p-1": 2.0}),
    ]


@pytest.mark.parametrize(
    ("name", "qrels"),
    [
        ("qrels.txt", "q1 0 p-1 3\nq1 0 p-2 0\n"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tp-1\t3\n"),
    ],
)
def test_queries_are_read_from_trec_and_beir(tmp_path: Path, name: str, qrels: str) -> None:
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "red dress"}) + "\n")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(qrels)
    assert read_labelled(tmp_path) == [Labelled("red dress", "", {"p-1": 3.0})]


@pytest.mark.parametrize(
    "table",
    ["text\tid\nx\ty\n", "query\tproduct_id\tgain\nx\ty\tmuch\n", "query\tproduct_id\n\tp\n"],
)
def test_a_table_that_tells_nothing_is_refused_by_name(tmp_path: Path, table: str) -> None:
    path = tmp_path / "judged.tsv"
    path.write_text(table)
    with pytest.raises(SetupError, match=r"judged\.tsv"):
        read_labelled(path)


def test_what_shoppers_took_after_a_search_was_right_for_it() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def event(number: int, user: str, kind: str, what: str, minutes: float) -> Interaction:
        at = start + timedelta(minutes=minutes)
        is_search = kind == "search"
        return Interaction(
            f"e-{number}", user, "" if is_search else what, kind, at, text=what if is_search else ""
        )

    events = [
        event(1, "u-1", "view", "p-0", 0),  # before any search
        event(2, "u-1", "search", "red dress", 1),
        event(3, "u-1", "view", "p-1", 2),
        event(4, "u-2", "search", "red dress", 3),
        event(5, "u-1", "purchase", "p-1", 4),
        event(6, "u-2", "view", "p-1", 5),
        event(7, "u-1", "search", "blue coat", 6),
        event(8, "u-1", "cart", "p-2", 7),
        event(9, "u-1", "view", "p-3", 60),  # too late
    ]
    assert from_clicks(events) == [
        Labelled("blue coat", "", {"p-2": 2.0}),
        Labelled("red dress", "", {"p-1": 4.0}),
    ]


def test_a_product_without_a_photo_falls_behind_and_the_imputed_vote_brings_it_back() -> None:
    asked = runs(200, text=2.0, image=2.0, seed=3)
    dark = half_of(IDS)

    def ahead(*, hidden: bool, imputed: bool) -> float:
        bias = photo_bias(asked, dark, lambda kind: Fusion(), hidden=hidden, imputed=imputed)
        return bias.ahead.mean

    assert ahead(hidden=False, imputed=False) == pytest.approx(0.5, abs=0.08)
    assert ahead(hidden=True, imputed=False) < 0.25
    assert ahead(hidden=True, imputed=True) > ahead(hidden=True, imputed=False) + 0.1


def test_the_help_names_every_class() -> None:
    assert NAMED == CLASSES


def test_classes_go_by_words_and_picture() -> None:
    red, long = words("red", "text"), words("long red summer dress", "text")
    like = Part(Example("p-1"), "parts[0]")
    away = Part(Example("p-1"), "parts[0]", -1.0)
    kinds: dict[tuple[Part, ...], str] = {
        (red,): "words_short",
        (long,): "words_long",
        (like,): "photo",
        (red, like): "both_short",
        (long, like): "both_long",
        (red, away): "words_short",
    }
    assert {parts: class_of(Query(parts)) for parts in kinds} == kinds


def test_what_the_request_says_is_done_and_else_what_was_tuned() -> None:
    tuned = TunedFusion({"words_short": Fusion("convex", weights={"text": 0.7, "image": 0.3})})
    query = Query((words("red", "text"),))
    assert tuned.of(query).method == "convex"
    assert tuned.of(Query((words("red", "text"),), fusion=Fusion())) == Fusion()
    long = Query((words("long red summer dress", "text"),))
    assert tuned.of(long) == default_fusion("words_long")
    # A list without words has no scores.
    assert tuned.of(Query((), fusion=Fusion("convex"))).method == "rrf"


def test_a_tuned_fusion_comes_back_as_it_was_written(tmp_path: Path) -> None:
    chosen = {
        name: Fusion("dbsf", 10, {"text": 0.25, "image": 0.75}) for name in CLASSES if "b" in name
    }
    TunedFusion.write(chosen, tmp_path)
    assert TunedFusion.open(tmp_path).by_class == chosen


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff",
        b"[]",
        b'{"words_short": 1}',
        b'{"elsewhere": {"method": "rrf", "k": 60, "weights": {"text": 1, "image": 1}}}',
        b'{"words_short": {"method": "sum", "k": 60, "weights": {"text": 1, "image": 1}}}',
        b'{"words_short": {"method": "rrf", "k": 60, "weights": {"text": 1, "image": 0}}}',
        b'{"words_short": {"method": "rrf", "k": 60, "weights": {"text": 1, "image": NaN}}}',
        b'{"words_short": {"method": "rrf", "k": true, "weights": {"text": 1, "image": 1}}}',
    ],
)
def test_what_is_no_tuned_fusion_is_refused(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "fusion.json").write_bytes(garbage)
    with pytest.raises(ArtifactRefused):
        TunedFusion.open(tmp_path)


def test_a_class_with_few_queries_is_left_alone() -> None:
    asked = runs(60, text=2.0, image=2.0, seed=4)
    queries = [
        Labelled(f"query number {number}", "", run.gains) for number, run in enumerate(asked)
    ]
    assert [trials.kind for trials in by_class(queries, asked, CLASSES)] == ["words_long"]
    assert by_class(queries[:LEAST_QUERIES], asked[:LEAST_QUERIES], CLASSES) == []
    # A picture alone has one retriever: there is nothing to merge.
    alone = [replace(run, rankings={"image": run.rankings["image"]}) for run in asked]
    assert by_class(queries, alone, CLASSES) == []
