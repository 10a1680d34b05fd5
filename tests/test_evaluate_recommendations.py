"""Models of shoppers are measured on what they cannot know, beside popularity and chance."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from offline.cli import main
from offline.evaluate_recommendations import Asked, evaluate
from offline.models.contract import Floats, Rows, Training
from offline.progress import progress
from offline.recommendations import tables
from offline.recommendations.bands import COLD, HEAD, by_history, by_popularity
from offline.recommendations.bootstrap import estimates
from offline.recommendations.charts import drawn
from offline.recommendations.event_log import sequences
from offline.recommendations.negatives import with_negatives
from offline.recommendations.scoring import Scored, score
from offline.recommendations.shown import Chart, Series, number
from offline.recommendations.splits import Split, cold_items, leave_last_out
from offline.relevance import Estimate
from runtime.errors import SetupError

USERS, PRODUCTS, GROUPS, EACH = 60, 40, 4, 6


def two_tastes(seed: int = 0) -> Split:
    """Users take products of one of four groups alone; the last one is left out."""
    rng = np.random.default_rng(seed)
    users = np.repeat(np.arange(USERS), EACH)
    width = PRODUCTS // GROUPS
    own = [rng.permutation(width)[:EACH] * GROUPS + user % GROUPS for user in range(USERS)]
    log = sequences(users, np.concatenate(own), user_count=USERS, product_count=PRODUCTS)
    return leave_last_out(log)


@dataclass(frozen=True)
class Fixed:
    """A model whose scores are given, [users, products]."""

    table: Floats

    def scores(self, users: Rows) -> Floats:
        return self.table[users]


def scored(split: Split, table: Floats, *, depths: tuple[int, ...] = (5, 10)) -> Scored:
    """What a model with these scores comes to."""
    with progress("Scoring") as shown:
        return score("model", Fixed(table), split, depths=depths, shown=shown)


def held_out(split: Split) -> Floats:
    """Scores that know the answers."""
    table = np.zeros(split.training.confidences.shape, np.float32)
    table[split.users] = split.relevant.toarray()
    return table


def test_who_knows_the_answers_finds_them_first() -> None:
    split = two_tastes()
    found = scored(split, held_out(split))
    assert found.figures["NDCG@5"].tolist() == [1.0] * USERS
    assert found.found.tolist() == [1.0] * split.relevant.nnz


def test_who_gives_everything_one_score_gets_chance() -> None:
    split = two_tastes()
    found = scored(split, np.ones(split.training.confidences.shape, np.float32))
    new_to_each = PRODUCTS - (EACH - 1)
    assert found.figures["HR@10"] == pytest.approx(np.full(USERS, 10 / new_to_each))


def test_what_a_user_has_learned_from_takes_no_place() -> None:
    split = two_tastes()
    table = held_out(split) + 5 * (split.training.confidences.toarray() > 0)
    assert scored(split, table.astype(np.float32)).figures["HR@5"].min() == 1.0


def test_scoring_in_parts_is_scoring_at_once() -> None:
    split = two_tastes()
    table = np.random.default_rng(1).random(split.training.confidences.shape, np.float32)
    whole = scored(split, table)
    with progress("Scoring") as shown:
        parts = score(
            "model", Fixed(table), split, depths=(5, 10), shown=shown, at_once=7 * PRODUCTS
        )
    assert np.array_equal(whole.figures["MAP@10"], parts.figures["MAP@10"])
    assert np.array_equal(whole.found, parts.found)
    assert np.array_equal(whole.shown, parts.shown)


def test_given_negatives_are_counted_beside_the_full_ranking() -> None:
    matrix = sparse.csr_matrix(np.eye(2, 6, dtype=np.float32))
    relevant = sparse.csr_matrix(np.array([[0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]], bool))
    negatives = np.array([[3, 4], [1, 2]])
    split = Split(
        "given", Training(matrix), np.array([0, 1]), relevant, np.ones(6, bool), negatives
    )
    # The first user's product stands third of all, and before both of its negatives.
    table = np.array([[0, 9, 5, 1, 2, 8], [0, 7, 8, 5, 6, 9]], np.float32)
    found = scored(split, table, depths=(1, 2))
    assert found.sampled["HR@1"].tolist() == [1.0, 0.0]
    assert found.figures["HR@2"].tolist() == [0.0, 0.0]


def test_drawn_negatives_are_new_to_the_user_and_stand_beside_the_full_ranking() -> None:
    split = with_negatives(two_tastes(), count=12, seed=4)
    assert split.negatives is not None
    for row, user in enumerate(split.users):
        drawn = set(split.negatives[row].tolist())
        assert len(drawn) == 12
        assert not drawn & set(split.training.confidences[user].indices.tolist())
        assert not drawn & set(split.relevant[row].indices.tolist())
    asked = Asked(("item-knn",), "leave-last-out", (5,), negatives=12)
    report = evaluate(two_tastes(), asked, name="tiny")
    assert "SAMPLED" in report.table(tables.SAMPLED).title
    for name in ("random", "popularity"):
        full, few = (
            report.table(table).cell(name, "HR@5") for table in (tables.FULL, tables.SAMPLED)
        )
        assert isinstance(full, Estimate)
        assert isinstance(few, Estimate)
        assert few.mean > full.mean, "which is why they are labelled"
    with pytest.raises(SetupError, match="no 50 products"):
        with_negatives(two_tastes(), count=50)


def test_any_model_can_be_compared_with_any_other() -> None:
    asked = Asked(("item-knn",), "leave-last-out", (5,), against=("random",))
    found = evaluate(two_tastes(), asked, name="tiny").table(tables.DIFFERENCES)
    one, other = (
        found.cell("item-knn", "HR@5 over random"),
        found.cell("random", "HR@5 over item-knn"),
    )
    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    assert (one.mean, one.low) == pytest.approx((-other.mean, -other.high))
    with pytest.raises(SetupError, match="was not measured"):
        evaluate(two_tastes(), Asked((), "x", (5,), against=("als",)), name="tiny")


def test_popularity_and_chance_stand_in_every_table() -> None:
    report = evaluate(two_tastes(), Asked(("item-knn",), "leave-last-out", (5, 10)), name="tiny")
    assert len(report.tables) == 6
    for table in report.tables:
        names = {*table.columns, *(name for name, _ in table.rows)}
        assert {"random", "popularity", "item-knn"} <= names, table.name


def test_a_model_that_learns_is_above_popularity_by_a_sure_difference() -> None:
    report = evaluate(two_tastes(), Asked(("item-knn",), "leave-last-out", (5,)), name="tiny")
    gained = report.table(tables.DIFFERENCES).cell("item-knn", "NDCG@5 over popularity")
    assert isinstance(gained, Estimate)
    assert gained.low > 0
    assert report.table(tables.DIFFERENCES).cell("popularity", "NDCG@5 over popularity") is None


def test_cold_products_rank_among_themselves_where_factors_know_nothing() -> None:
    rng = np.random.default_rng(3)
    users, products = rng.integers(0, 30, 400), rng.integers(0, 20, 400)
    log = sequences(users, products, user_count=30, product_count=20)
    report = evaluate(
        cold_items(log, share=0.5), Asked(("item-knn",), "cold-items", (5,)), name="tiny"
    )
    # Who never saw the products gives them all one score: chance, to the last digit.
    cell = report.table(tables.FULL).cell("item-knn", "Recall@5")
    assert isinstance(cell, Estimate)
    assert cell.mean == pytest.approx(0.5)
    (row,) = report.table(tables.POPULARITY).rows
    assert row[0] == COLD


def test_a_user_with_many_held_out_products_counts_once_in_each_band() -> None:
    liked = sparse.csr_matrix(np.tile(np.arange(6) < 5, (4, 1)).astype(np.float32))
    relevant = sparse.csr_matrix(np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]], bool))
    training = Training(sparse.vstack([sparse.csr_matrix((2, 6), dtype=np.float32), liked]).tocsr())
    split = Split("x", training, np.array([0, 1]), relevant, np.ones(6, bool))
    # The one of the second user is found, and none of the three of the first.
    found = scored(split, np.tile(np.eye(6, dtype=np.float32)[3], (6, 1)), depths=(1,))
    rows = tables.by_product_popularity(split, [found], 1).rows
    assert [cells[0] for _, cells in rows] == [2, 2]
    means = [cells[1].mean for _, cells in rows if isinstance(cells[1], Estimate)]
    assert means == [0.0, 0.5]


def test_users_are_sorted_by_history_and_cold_ones_stand_alone() -> None:
    matrix = sparse.csr_matrix(np.array([[0] * 6, [1] * 2 + [0] * 4, [1] * 5 + [0]], np.float32))
    relevant = sparse.csr_matrix(np.eye(3, 6, 5 - 2, dtype=bool))
    split = Split("x", Training(matrix), np.array([0, 1, 2]), relevant, np.ones(6, bool))
    found = {band.name: np.flatnonzero(band.rows).tolist() for band in by_history(split)}
    assert found == {"0 (cold)": [0], "1 to 2": [1], "5 to 9": [2]}


def test_products_are_sorted_by_popularity_once_each() -> None:
    counts = [0, 9, 1, 1, 2, 3, 3, 4, 5, 6, 7]
    rows = [row for row, count in enumerate(counts) for _ in range(count)]
    users = [user for count in counts for user in range(count)]
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (users, rows)), (9, 11))
    split = Split("x", Training(matrix), np.array([0]), matrix[:1] > 9, np.ones(11, bool))
    bands = {band.name: band.rows for band in by_popularity(split)}
    assert np.flatnonzero(bands[COLD]).tolist() == [0]
    assert np.flatnonzero(bands[HEAD]).tolist() == [1]
    assert np.sum(list(bands.values()), axis=0).tolist() == [1] * 11


def test_the_interval_of_a_paired_difference_is_tighter_than_those_of_its_sides() -> None:
    rng = np.random.default_rng(2)
    hard = rng.random(300)
    one, other = hard + 0.03, hard + 0.01 * rng.random(300)
    sides = estimates(np.column_stack([one, other, one - other]))
    assert sides[2].low > 0
    assert sides[2].high - sides[2].low < 0.1 * (sides[0].high - sides[0].low)
    assert sides[0].low < sides[1].high, "apart from each other the two would not be told apart"


def test_the_command_reads_a_set_and_writes_a_page_that_stands_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "tiny", tmp_path / "report"
    folder.mkdir()
    split = two_tastes()
    lines = [
        f"{user} {' '.join(map(str, split.training.confidences[user].indices))}"
        for user in range(USERS)
    ]
    last = split.relevant.indices
    (folder / "train.txt").write_text("\n".join(lines))
    (folder / "test.txt").write_text(
        "\n".join(f"{line} {more}" for line, more in zip(lines, last, strict=True))
    )
    words = ["evaluate", "recommendations", "--dataset", str(folder), "--report", str(out)]
    assert main([*words, "--model", "als:iterations=3:factors=8,item-knn", "--at", "5"]) == 0
    told = json.loads((out / "tiny-leave-last-out.json").read_text())
    assert told["run"]["als:iterations=3:factors=8"]["options"]["factors"] == 8
    assert (out / "tiny-leave-last-out.md").read_text() == capsys.readouterr().out
    page = (out / "tiny-leave-last-out.html").read_text()
    assert page.count("<svg") == 3
    assert not re.search(r"<script|src=|href=|@import|url\(", page)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "nothing"], "no model of that name"),
        (["--at", "ten"], "--at takes numbers"),
        (["--at", "0"], "1 to 1000"),
        (["--split", "p10"], "split by leave-last-out"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    (tmp_path / "train.txt").write_text("0 1 2\n1 2\n")
    (tmp_path / "test.txt").write_text("0 1 2 3\n1 2 0\n")
    assert main(["evaluate", "recommendations", "--dataset", str(tmp_path), *words]) == 2
    assert told in capsys.readouterr().err


def test_names_on_the_page_are_text_and_never_markup() -> None:
    chart = Chart("a < b", ("x",), (Series("<script>", (0.5,)),))
    assert "<script>" not in drawn(chart)


def test_numbers_show_four_places_and_their_sign_where_asked() -> None:
    assert (number(0.25), number(-0.25, signed=True), number(1.5)) == (".2500", "-.2500", "1.5000")
    with pytest.raises(SetupError):
        Asked((), "leave-last-out", ())
