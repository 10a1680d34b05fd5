"""Promises of a search: what is ordered anew, left out for its look, lifted for its kind."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.image_retriever.exact import ExactRows
from services.image_retriever.gpu_index import FirstRows, GpuRows
from services.image_retriever.index import VectorIndex
from services.image_retriever.nearest import EXACT_BELOW, InvertedLists, train_lists, unit
from services.image_retriever.question import KIND_SHARE, VOTERS, Kinds, Likeness, Reorder
from services.image_retriever.small import in_small
from services.image_retriever.view import VectorView

Vectors = NDArray[np.float32]
IDS = [f"p-{(row * 7919) % 1_000_003:07d}" for row in range(25_000)]
WAYS = ["exact", "lists", "gpu"]


def clusters(count: int, dim: int = 24, seed: int = 0) -> Vectors:
    """Vectors in clumps, as photos of garments lie."""
    centres = np.random.default_rng(0).standard_normal((200, dim))
    rng = np.random.default_rng((1, seed))
    rows = centres[rng.integers(200, size=count)] + 0.6 * rng.standard_normal((count, dim))
    return unit(rows.astype(np.float32))


@pytest.fixture(scope="module")
def views() -> dict[str, VectorView]:
    """The same rows behind each way of searching; the GPU's path on the processor."""
    vectors = clusters(EXACT_BELOW + 1000)
    total = len(vectors)
    ids = IDS[:total]
    lists = InvertedLists(train_lists(vectors), 64)
    return {
        "exact": VectorView(ids, vectors, ExactRows(vectors)),
        "lists": VectorView(ids, vectors, lists),
        "gpu": VectorView(ids, vectors, FirstRows(GpuRows(vectors, "cpu"), total)),
    }


def best(view: VectorView, query: Vectors, count: int) -> list[int]:
    """Rows by exact cosine, then id, without any index."""
    scores = (view.vectors.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
    return sorted(range(len(scores)), key=lambda row: (-scores[row], IDS[row]))[:count]


@pytest.mark.parametrize("way", WAYS)
def test_the_first_vector_finds_and_the_second_orders(
    views: dict[str, VectorView], way: str
) -> None:
    view = views[way]
    first, second = clusters(2, seed=5)
    candidates = best(view, first, 3000)
    scores = (view.vectors[candidates].astype(np.float64) @ second).astype(np.float32)
    wanted = sorted(zip(-scores, (IDS[row] for row in candidates), strict=True))[:40]
    (found,) = view.search(first[None], 40, reorder=[Reorder(second, 3000)])
    if way == "lists":  # approximate in what it finds, never in how it orders
        assert len(set(found.ids) & {name for _, name in wanted}) >= 39
    else:
        assert found.ids == [name for _, name in wanted]
        assert np.allclose(found.scores, [-score for score, _ in wanted], atol=1e-6)
    assert list(found.scores) == sorted(found.scores, reverse=True)


@pytest.mark.parametrize("way", WAYS)
def test_a_query_in_company_is_ordered_as_alone(views: dict[str, VectorView], way: str) -> None:
    queries = clusters(4, seed=6)
    orders = [None, Reorder(queries[3], 2000), None, Reorder(queries[0], 500)]
    together = views[way].search(queries, 50, reorder=orders, floor=[None, 0.1, 0.5, None])
    for place, found in enumerate(together):
        (alone,) = views[way].search(
            queries[place][None],
            50,
            reorder=[orders[place]],
            floor=[[None, 0.1, 0.5, None][place]],
        )
        assert alone.ids == found.ids
        assert np.array_equal(alone.scores, found.scores)


def test_the_floor_is_that_of_the_first_vector(views: dict[str, VectorView]) -> None:
    first, second = clusters(2, seed=7)
    (found,) = views["exact"].search(
        first[None], 1000, floor=[0.5], reorder=[Reorder(second, 5000)]
    )
    rows = [IDS.index(name) for name in found.ids]
    assert 0 < len(rows) < 1000
    assert (views["exact"].vectors[rows] @ first).min() >= 0.5 - 1e-6
    assert found.scores.min() < 0.5


@pytest.mark.parametrize("way", WAYS)
def test_whatever_looks_like_an_example_is_left_out_and_others_take_its_place(
    views: dict[str, VectorView], way: str
) -> None:
    view = views[way]
    example = view.vectors[17]
    cosines = view.vectors @ example
    least = float(np.sort(cosines)[-400])  # more look-alikes than hits are asked for
    (found,) = view.search(
        example[None], 100, excluded=[[IDS[17]]], unlike=[Likeness(example[None], least)]
    )
    expected = [row for row in best(view, example, 600) if cosines[row] < least][:100]
    assert len(found.ids) == 100
    if way != "lists":
        assert found.ids == [IDS[row] for row in expected]
    assert all(cosines[IDS.index(name)] < least + 1e-6 for name in found.ids)
    assert {IDS[row] for row in best(view, example, 5)} <= set(found.look_alikes)


def test_the_kind_is_that_of_the_nearest_to_the_picture(views: dict[str, VectorView]) -> None:
    view = views["exact"]
    picture, words = clusters(2, seed=9)
    kinds = np.random.default_rng(3).integers(0, 4, len(view.vectors)).astype(np.int32)
    voters = best(view, picture, VOTERS)
    mixture = unit((picture + words)[None])[0]
    asked = Reorder(mixture, 2000, Kinds(picture[None], lambda rows: kinds[rows]))
    (found,) = view.search(mixture[None], 200, reorder=[asked])
    shares = {kind: float(np.mean(kinds[voters] == kind)) for kind in (1, 2, 3)}
    lifted = {
        IDS[row]: float(view.vectors[row] @ mixture) + KIND_SHARE * shares.get(int(kinds[row]), 0)
        for row in best(view, mixture, 2000)
    }
    assert found.ids == sorted(lifted, key=lambda name: (-np.float32(lifted[name]), name))[:200]
    assert np.allclose(found.scores, [lifted[name] for name in found.ids], atol=1e-5)


def test_vectors_in_small_keep_their_directions() -> None:
    vectors = clusters(50, dim=256)
    vectors[7] = 0
    small = in_small(vectors)
    assert small.dtype == np.int8
    assert (np.abs(small).max(axis=1)[np.arange(50) != 7] == 127).all()
    assert not small[7].any()
    rows = small[np.arange(50) != 7].astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = vectors[np.arange(50) != 7] @ vectors[np.arange(50) != 7].T
    assert np.abs(rows @ rows.T - cosines).max() < 0.01


def test_the_artifact_keeps_from_when_on_products_look_alike(tmp_path: Path) -> None:
    vectors = clusters(30)
    for name, value in (("told", 0.97), ("untold", None)):
        (tmp_path / name).mkdir()
        VectorIndex.write(
            IDS[:30], vectors, tmp_path / name, fingerprint="f", floors={}, look_alike=value
        )
    told, untold = (VectorIndex.open(tmp_path / name) for name in ("told", "untold"))
    likeness = told.likeness_of([IDS[3], "p-unknown"])
    assert likeness is not None
    assert likeness.least == 0.97
    assert np.allclose(likeness.vectors, vectors[3][None], atol=1e-6)
    assert told.likeness_of(["p-unknown"]) is None
    assert untold.likeness_of([IDS[3]]) is None
