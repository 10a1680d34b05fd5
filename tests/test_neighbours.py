"""Promises of the neighbours and the popularity of products, and of the seasons."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from catalog.seasons import SEASONS, season_of
from runtime.artifacts import ArtifactRefused
from services.reranker.neighbours import MOST, Neighbours
from services.reranker.popularity import Popularity


def written(matrix: np.ndarray, folder: Path) -> Neighbours:
    ids = [f"p{row}" for row in range(len(matrix))]
    Neighbours.write(ids, sparse.csr_matrix(matrix.astype(np.float32)), folder)
    return Neighbours.open(folder)


def test_neighbours_are_the_greatest_positive_entries_best_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    matrix = rng.standard_normal((300, 300)) * (rng.random((300, 300)) < 0.7)
    found = written(matrix, tmp_path)
    for row in range(300):
        wanted = sorted(
            (-np.float32(score), at)
            for at, score in enumerate(matrix[row])
            if score > 0 and at != row
        )[:MOST]
        columns, scores = found.of(row)
        assert list(zip((-scores).tolist(), columns.tolist(), strict=True)) == wanted


def test_a_history_speaks_for_the_sum_of_what_its_products_say(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    matrix = rng.random((40, 40)) * (rng.random((40, 40)) < 0.3)
    np.fill_diagonal(matrix, 0)
    found = written(matrix, tmp_path)
    history, weights = ["p3", "nobody", "p9", "p20", "p4"], [1.0, 5.0, 0.5, -2.0, 2.0]
    spoken = found.spoken_for(history, weights)
    said = {place: weights[place] * matrix[int(history[place][1:])] for place in (0, 2, 4)}
    total = sum(said.values())
    assert spoken.rows.tolist() == np.flatnonzero(total).tolist()
    assert np.allclose(spoken.scores, total[spoken.rows], rtol=1e-5)
    most = [max(said, key=lambda place: said[place][row]) for row in spoken.rows]
    assert spoken.because.tolist() == most


def test_nothing_is_said_by_strangers_and_dislikes(tmp_path: Path) -> None:
    found = written(np.ones((3, 3)), tmp_path)
    assert not len(found.spoken_for([], []).rows)
    assert not len(found.spoken_for(["other", "p1"], [1.0, -1.0]).rows)


def test_a_product_without_neighbours_speaks_for_none(tmp_path: Path) -> None:
    found = written(np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]]), tmp_path)
    assert not len(found.spoken_for(["p2"], [1.0]).rows)
    assert found.spoken_for(["p2", "p0"], [1.0, 1.0]).rows.tolist() == [1]


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), np.full((2, 2), np.nan), np.zeros((0, 0))])
def test_what_is_no_matrix_of_the_products_is_not_written(
    matrix: np.ndarray, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"products|finite"):
        Neighbours.write(["a", "b"][: len(matrix)], sparse.csr_matrix(matrix), tmp_path)


@pytest.mark.parametrize("name", ["starts", "columns", "scores"])
def test_damaged_neighbours_are_refused(name: str, tmp_path: Path) -> None:
    written(np.ones((5, 5)), tmp_path)
    held = np.load(tmp_path / f"{name}.npy")
    for bad in (held[:-1], held.astype(np.float64), np.full_like(held, -1)):
        np.save(tmp_path / f"{name}.npy", bad)
        with pytest.raises(ArtifactRefused):
            Neighbours.open(tmp_path)
    (tmp_path / f"{name}.npy").unlink()
    with pytest.raises(ArtifactRefused):
        Neighbours.open(tmp_path)


def test_popular_is_what_is_taken_lately_and_in_the_season(tmp_path: Path) -> None:
    ids = ["ever", "lately", "winter", "never"]
    overall = np.array([10, 1, 1, 0], np.float32)
    recent = np.array([0, 5, 1, 0], np.float32)
    seasons = np.zeros((4, 4), np.float32)
    seasons[0] = 1
    seasons[2, SEASONS.index("winter")] = 9
    Popularity.write(ids, overall, recent, seasons, tmp_path)
    found = Popularity.open(tmp_path)
    assert found.product_ids == tuple(ids)
    winter, summer = found.scores("winter"), found.scores("summer")
    assert ids[int(winter.argmax())] == "winter"
    assert summer[2] < summer[1] < summer[0]
    assert winter[3] == summer[3] == 0


def test_popularity_counts_the_same_in_any_unit(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    columns = rng.random(9, np.float32), rng.random(9, np.float32)
    seasons = rng.random((9, 4), np.float32)
    ids = [str(row) for row in range(9)]
    plain = Popularity(ids, *columns, seasons)
    scaled = Popularity(ids, 7 * columns[0], columns[1] / np.float32(9), 100 * seasons)
    assert np.allclose(plain.scores("spring"), scaled.scores("spring"), rtol=1e-5)


@pytest.mark.parametrize("bad", [np.array([1, -1]), np.array([1, np.inf]), np.array([1])])
def test_what_is_no_popularity_is_neither_written_nor_opened(
    bad: np.ndarray, tmp_path: Path
) -> None:
    good, seasons = np.ones(2, np.float32), np.ones((2, 4), np.float32)
    with pytest.raises(ValueError, match=r"popularity|number"):
        Popularity.write(["a", "b"], bad.astype(np.float32), good, seasons, tmp_path)
    Popularity.write(["a", "b"], good, good, seasons, tmp_path)
    np.save(tmp_path / "recent.npy", bad.astype(np.float32))
    with pytest.raises(ArtifactRefused):
        Popularity.open(tmp_path)


def test_seasons_turn_with_the_quarters_of_meteorologists() -> None:
    told = [season_of(date(2026, month, 1)) for month in range(1, 13)]
    assert told == [*["winter"] * 2, *(name for name in SEASONS for _ in range(3))][:12]
