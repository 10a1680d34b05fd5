"""Promises of the vector index: exact scores, a total order, and nothing that was not asked for."""

import json
from pathlib import Path

import faiss
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from runtime.artifacts import ArtifactRefused
from runtime.errors import InvalidArgument, Overloaded, SetupError
from services.image_retriever.exact import ExactRows, Mask, Rows, Vectors
from services.image_retriever.gpu_index import FirstRows, GpuRows
from services.image_retriever.index import VectorIndex
from services.image_retriever.nearest import EXACT_BELOW, InvertedLists

FLOORS = {"text": 0.2, "photo": 0.3, "mixed": 0.2}


def unit(rows: NDArray[np.floating]) -> Vectors:
    made: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return made


def clusters(count: int, dim: int = 32, seed: int = 0) -> Vectors:
    """Vectors in clumps, as photos of garments lie."""
    centres = np.random.default_rng(0).standard_normal((200, dim))
    rng = np.random.default_rng((1, seed))
    return unit(centres[rng.integers(200, size=count)] + 0.6 * rng.standard_normal((count, dim)))


def names(count: int) -> list[str]:
    """Ids whose order is not that of the rows."""
    return [f"p-{(row * 7919) % 1_000_003:07d}" for row in range(count)]


def built(folder: Path, vectors: Vectors, ids: list[str] | None = None) -> VectorIndex:
    VectorIndex.write(ids or names(len(vectors)), vectors, folder, fingerprint="f1", floors=FLOORS)
    return VectorIndex.open(folder)


def naive(ids: list[str], vectors: Vectors, query: Vectors, count: int) -> list[str]:
    scores = (vectors.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
    return [ids[row] for row in sorted(range(len(ids)), key=lambda r: (-scores[r], ids[r]))][:count]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[VectorIndex, list[str], Vectors]:
    vectors = clusters(3000)
    return built(tmp_path_factory.mktemp("small"), vectors), names(3000), vectors


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[VectorIndex, Path, Vectors]:
    vectors = clusters(EXACT_BELOW + 500)
    folder = tmp_path_factory.mktemp("large")
    return built(folder, vectors), folder, vectors


def test_a_small_catalogue_is_searched_exactly(
    small: tuple[VectorIndex, list[str], Vectors],
) -> None:
    index, ids, vectors = small
    queries = clusters(40, seed=1)
    for query, found in zip(queries, index.search(queries, 50), strict=True):
        assert found.ids == naive(ids, vectors, query, 50)
        assert found.scores.dtype == np.float32
        assert list(found.scores) == sorted(found.scores, reverse=True)


def test_the_facts_tell_what_was_chosen(tmp_path: Path) -> None:
    facts = VectorIndex.write(names(100), clusters(100), tmp_path, fingerprint="f1", floors=FLOORS)
    assert facts == {
        "fingerprint": "f1",
        "n": 100,
        "dim": 32,
        "choice": "exact",
        "nlist": 0,
        "nprobe": 0,
        "recall_at_50": 1.0,
        "floors": FLOORS,
        "look_alike": None,
    }
    assert json.loads(json.dumps(facts)) == facts


def test_a_large_catalogue_gets_an_inverted_file_with_measured_recall(
    large: tuple[VectorIndex, Path, Vectors],
) -> None:
    index, folder, vectors = large
    facts = json.loads((folder / "index.json").read_text())
    assert facts["choice"] == f"IVF{facts['nlist']},SQ8"
    assert facts["nlist"] == 512
    assert 0 < facts["nprobe"] < facts["nlist"]
    assert facts["recall_at_50"] >= 0.99
    queries = unit(clusters(100, seed=5) + 0.3 * clusters(100, seed=6))
    ids = names(len(vectors))
    hits = sum(
        len(set(found.ids) & set(naive(ids, vectors, query, 50)))
        for query, found in zip(queries, index.search(queries, 50), strict=True)
    )
    assert hits / (100 * 50) >= 0.985


def test_scores_are_cosines_whatever_the_index(large: tuple[VectorIndex, Path, Vectors]) -> None:
    index, _, vectors = large
    rows = {product_id: row for row, product_id in enumerate(names(len(vectors)))}
    (query,) = clusters(1, seed=3)
    (found,) = index.search(query[None], 200)
    assert len(found.ids) == 200
    exact = [float(vectors[rows[product_id]] @ query) for product_id in found.ids]
    assert np.allclose(found.scores, exact, atol=5e-4)  # the rows are kept in half precision


def test_company_changes_nothing(
    small: tuple[VectorIndex, list[str], Vectors], large: tuple[VectorIndex, Path, Vectors]
) -> None:
    """A query finds the same ids and the same scores, bit for bit, alone and in any batch."""
    queries = clusters(32, seed=9)
    for index in (small[0], large[0]):
        together = index.search(queries, 60)
        for query, found in zip(queries, together, strict=True):
            (alone,) = index.search(query[None], 60)
            assert alone.ids == found.ids
            assert np.array_equal(alone.scores, found.scores)


def test_ties_are_broken_by_id_even_at_the_cut(tmp_path: Path) -> None:
    vectors = np.repeat(clusters(10), 300, axis=0)
    index = built(tmp_path, vectors)
    for row in range(10):
        (found,) = index.search(vectors[row * 300][None], 50)
        assert found.ids == sorted(names(3000)[row * 300 : row * 300 + 300])[:50]
        assert len(set(found.scores.tolist())) == 1


@given(count=st.integers(1, 70), seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_any_count_gives_a_prefix_of_the_same_order(
    small: tuple[VectorIndex, list[str], Vectors], count: int, seed: int
) -> None:
    index, _, _ = small
    query = clusters(1, seed=seed)
    (all_of_them,) = index.search(query, 70)
    (some,) = index.search(query, count)
    assert some.ids == all_of_them.ids[:count]


def test_nothing_below_the_floor_is_found(
    small: tuple[VectorIndex, list[str], Vectors], large: tuple[VectorIndex, Path, Vectors]
) -> None:
    queries = clusters(3, seed=2)
    for index in (small[0], large[0]):
        free, cut, none = index.search(queries, 100, floor=[None, 0.7, 1.01])
        assert len(free.ids) == 100
        assert free.scores.min() < 0.7
        assert 0 < len(cut.ids) < 100
        assert cut.scores.min() >= 0.7
        assert none.ids == []
        (unbound,) = index.search(queries[1:2], 100)
        assert cut.ids == [i for i, s in zip(unbound.ids, unbound.scores, strict=True) if s >= 0.7]


def test_excluded_products_leave_their_place_to_the_next(
    small: tuple[VectorIndex, list[str], Vectors], large: tuple[VectorIndex, Path, Vectors]
) -> None:
    queries = clusters(2, seed=4)
    for index in (small[0], large[0]):
        whole, other = index.search(queries, 80)
        barred = {*whole.ids[:10], whole.ids[20], "no such product"}
        found, same = index.search(queries, 69, excluded=[barred, set()])
        assert found.ids == [i for i in whole.ids if i not in barred]
        assert same.ids == other.ids[:69]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_not_finite_is_refused(
    small: tuple[VectorIndex, list[str], Vectors], value: float
) -> None:
    queries = clusters(2)
    queries[1, 3] = value
    with pytest.raises(InvalidArgument, match="finite"):
        small[0].search(queries, 10)


def test_a_vector_of_another_length_is_refused(
    small: tuple[VectorIndex, list[str], Vectors],
) -> None:
    with pytest.raises(InvalidArgument, match="32 numbers"):
        small[0].search(np.zeros((1, 31), np.float32), 10)


def test_more_is_asked_than_there_is(tmp_path: Path) -> None:
    index = built(tmp_path, clusters(5))
    (found,) = index.search(clusters(1), 1000)
    assert sorted(found.ids) == sorted(names(5))


def test_an_empty_catalogue_finds_nothing(tmp_path: Path) -> None:
    index = built(tmp_path, np.zeros((0, 32), np.float32), [])
    (found,) = index.search(clusters(1), 10)
    assert found.ids == []
    assert found.scores.shape == (0,)
    assert len(index) == 0
    assert index.vector_of("p-1") is None


def test_a_product_has_its_unit_vector(tmp_path: Path) -> None:
    index = built(tmp_path, 3 * clusters(50))
    vector = index.vector_of(names(50)[7])
    assert vector is not None
    assert np.allclose(vector, clusters(50)[7], atol=1e-6)
    assert index.vector_of("p-unknown") is None
    assert index.fingerprint == "f1"
    assert index.floors == FLOORS


def test_ids_are_kept_as_they_are(tmp_path: Path) -> None:
    ids = ["007", "7", "ä\n\N{DRESS}", "a b", "x" * 128]
    index = built(tmp_path, clusters(5), ids)
    for row, product_id in enumerate(ids):
        (found,) = index.search(clusters(5)[row][None], 1)
        assert found.ids == [product_id]


def test_a_product_that_stands_twice_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="a, b stand more than once"):
        VectorIndex.write(
            ["b", "a", "c", "a", "b"], clusters(5), tmp_path, fingerprint="f", floors={}
        )


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_vector_without_direction_fails_the_build(tmp_path: Path, value: float) -> None:
    vectors = clusters(30)
    vectors[:12] = value
    ids = [f"p{row:02d}" for row in range(30)]
    with pytest.raises(SetupError, match=r"p00, p01, .*, p09 and 2 more"):
        VectorIndex.write(ids, vectors, tmp_path, fingerprint="f", floors={})


def test_writing_twice_writes_the_same(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        VectorIndex.write(
            names(500), clusters(500), tmp_path / name, fingerprint="f", floors=FLOORS
        )
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_the_order_of_the_input_changes_nothing(tmp_path: Path) -> None:
    ids, vectors = names(500), clusters(500)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    VectorIndex.write(ids, vectors, tmp_path / "a", fingerprint="f", floors=FLOORS)
    VectorIndex.write(ids[::-1], vectors[::-1], tmp_path / "b", fingerprint="f", floors=FLOORS)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


@pytest.mark.parametrize("damage", ["dim", "count", "ids", "nan", "pickle", "format", "missing"])
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, damage: str) -> None:
    built(tmp_path, clusters(20))
    vectors = clusters(20)
    if damage == "dim":
        np.save(tmp_path / "vectors.npy", vectors[:, :16])
    elif damage == "count":
        np.save(tmp_path / "vectors.npy", vectors[:10])
    elif damage == "ids":
        np.save(tmp_path / "id_ends.npy", np.arange(20)[::-1])
    elif damage == "nan":
        vectors[3, 3] = np.nan
        np.save(tmp_path / "vectors.npy", vectors)
    elif damage == "pickle":
        np.save(tmp_path / "vectors.npy", np.array([{"a": 1}], object), allow_pickle=True)
    elif damage == "format":
        body = json.loads((tmp_path / "index.json").read_text())
        (tmp_path / "index.json").write_text(json.dumps({**body, "format": 99}))
    else:
        (tmp_path / "ids.npy").unlink()
    with pytest.raises(ArtifactRefused):
        VectorIndex.open(tmp_path)


def test_an_inverted_file_of_other_vectors_is_refused(
    large: tuple[VectorIndex, Path, Vectors], tmp_path: Path
) -> None:
    for file in large[1].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    other = faiss.IndexFlatIP(32)
    faiss.write_index(other, str(tmp_path / "lists.faiss"))
    with pytest.raises(ArtifactRefused):
        VectorIndex.open(tmp_path)


def test_an_open_index_outlives_its_files(tmp_path: Path) -> None:
    index = built(tmp_path, clusters(100))
    (before,) = index.search(clusters(1), 10)
    for file in tmp_path.iterdir():
        file.write_bytes(b"")
    (after,) = index.search(clusters(1), 10)
    assert after.ids == before.ids


def test_the_gpu_path_finds_what_the_processor_finds(
    small: tuple[VectorIndex, list[str], Vectors], tmp_path: Path
) -> None:
    """The tensor path on the processor: half precision, scored again exactly."""
    VectorIndex.write(small[1], small[2], tmp_path, fingerprint="f1", floors=FLOORS)
    on_tensor = VectorIndex.open(tmp_path, device="cpu:0")
    assert isinstance(on_tensor._view._nearest, FirstRows)
    queries = clusters(40, seed=8)
    pairs = zip(small[0].search(queries, 50), on_tensor.search(queries, 50), strict=True)
    for exact, found in pairs:
        assert found.ids == exact.ids
        assert np.array_equal(found.scores, exact.scores)


def test_more_lists_read_find_no_less() -> None:
    """The recall that the build measures is a property of the probes, not luck."""
    vectors = clusters(5000)
    index = faiss.index_factory(32, "IVF64,SQ8", faiss.METRIC_INNER_PRODUCT)
    assert isinstance(index, faiss.IndexIVF)
    index.train(vectors)
    index.add(vectors)
    queries = clusters(30, seed=7)
    exact, is_whole = ExactRows(vectors).candidates(queries, 50, None)
    assert is_whole
    recalls = []
    for probes in (1, 8, 64):
        found, _ = InvertedLists(index, probes).candidates(queries, 50, None)
        recalls.append(sum(len(np.intersect1d(a, b)) for a, b in zip(exact, found, strict=True)))
    assert recalls == sorted(recalls)
    assert recalls[0] < recalls[2]


class Cramped(GpuRows):
    """A GPU with room for two queries at a time."""

    def _search(self, queries: Vectors, count: int, allowed: Mask | None, total: int) -> list[Rows]:
        if len(queries) > 2:
            raise torch.OutOfMemoryError
        return super()._search(queries, count, allowed, total)


def test_a_gpu_without_memory_halves_the_batch_once_then_refuses() -> None:
    vectors = clusters(200)
    roomy, cramped = (
        FirstRows(GpuRows(vectors, "cpu"), 200),
        FirstRows(Cramped(vectors, "cpu"), 200),
    )
    queries = clusters(5, seed=3)
    here, _ = cramped.candidates(queries[:4], 9, None)
    there, _ = roomy.candidates(queries[:4], 9, None)
    assert all(set(a.tolist()) == set(b.tolist()) for a, b in zip(here, there, strict=True))
    with pytest.raises(Overloaded):
        cramped.candidates(queries, 9, None)
    assert len(cramped.candidates(queries[:1], 9, None)[0]) == 1
