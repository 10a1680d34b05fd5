"""An artifact that no longer answers as it did when it was built is refused."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from runtime import canaries
from runtime.artifacts import ArtifactRefused

SCORES = {"a": 3.0, "b": 2.0, "c": 1.5, "d": 1.0, "e": 0.5, "f": 0.5, "g": 0.1}


def ranked(scores: dict[str, float]) -> canaries.Answer:
    ids = sorted(scores, key=lambda name: (-scores[name], name))
    return ids, [scores[name] for name in ids]


class Shop:
    """Answers every query with its products in the order of their scores."""

    def __init__(self, **scores: float) -> None:
        self.scores = {**SCORES, **scores}
        self.asked: list[str] = []

    def ask(self, query: str, count: int) -> canaries.Answer:
        self.asked.append(query)
        if query == "nothing":
            return [], []
        ids, scores = ranked(self.scores)
        return ids[:count], scores[:count]


def test_what_answers_as_before_is_accepted(tmp_path: Path) -> None:
    facts = canaries.record(["red", "nothing", "red"], Shop().ask, tmp_path)
    assert facts == [
        {"query": "red", "ids": ["a", "b", "c", "d", "e"]},
        {"query": "nothing", "ids": []},
    ]
    shop = Shop()
    assert canaries.check(tmp_path, shop.ask, tolerance=0.0) == 2
    assert shop.asked == ["red", "nothing"]


@pytest.mark.parametrize(
    "changed",
    [{"a": 2.5}, {"b": 3.5}, {"g": 0.6}, {"f": 9.0}, {"a": 2.0, "b": 3.0}],
    ids=str,
)
def test_another_answer_is_refused(tmp_path: Path, changed: dict[str, float]) -> None:
    canaries.record(["red"], Shop().ask, tmp_path)
    with pytest.raises(ArtifactRefused) as caught:
        canaries.check(tmp_path, Shop(**changed).ask, tolerance=0.001)
    assert caught.value.reason == "canary_queries"


@pytest.mark.parametrize(
    "changed", [{"a": 3.001}, {"f": 0.501}, {"c": 1.5004, "b": 1.9996}], ids=str
)
def test_rounding_is_no_difference(tmp_path: Path, changed: dict[str, float]) -> None:
    canaries.record(["red"], Shop().ask, tmp_path)
    assert canaries.check(tmp_path, Shop(**changed).ask, tolerance=0.001) == 1


def test_an_answer_where_there_was_none_is_refused_and_the_reverse(tmp_path: Path) -> None:
    def nothing(query: str, count: int) -> canaries.Answer:
        return [], []

    canaries.record(["nothing"], Shop().ask, tmp_path)
    with pytest.raises(ArtifactRefused, match="instead of nothing"):
        canaries.check(tmp_path, lambda query, count: (["a"], [1.0]), tolerance=0.5)
    canaries.record(["red"], Shop().ask, tmp_path)
    with pytest.raises(ArtifactRefused, match="nothing instead of a, b, c, d, e"):
        canaries.check(tmp_path, nothing, tolerance=0.5)


def test_an_artifact_without_canaries_has_nothing_to_check(tmp_path: Path) -> None:
    assert canaries.check(tmp_path, Shop().ask, tolerance=0.0) == 0


@pytest.mark.parametrize(
    "garbage",
    ["", "{}x", "[3]", '[{"query": "a"}]', '[{"query": "a", "ids": ["b"], "scores": []}]'],
)
def test_damaged_canaries_are_refused(tmp_path: Path, garbage: str) -> None:
    (tmp_path / canaries.FILE).write_text(garbage)
    with pytest.raises(ArtifactRefused) as caught:
        canaries.recorded(tmp_path)
    assert caught.value.reason == "canary_queries"


def test_the_file_can_be_read_by_a_person(tmp_path: Path) -> None:
    def one(query: str, count: int) -> tuple[Sequence[str], Sequence[float]]:
        return ["p-1"], [0.25]

    canaries.record(["red dress"], one, tmp_path)
    assert json.loads((tmp_path / canaries.FILE).read_text()) == [
        {"query": "red dress", "ids": ["p-1"], "scores": [0.25]}
    ]
