"""Promises of the side of products, and of a factorisation that starts from it."""

from pathlib import Path

import numpy as np
import pytest

from catalog.product import Product
from catalog.store import CatalogStore
from offline.layout import DataDir
from offline.models.warm_start import warm_start
from offline.product_side import product_side, side_of

RED = Product("a", "s1", "Red dress", brand="Corvo", kind="dress", colour="red")
NAVY = Product("b", "s1", "Navy dress", brand="Corvo", kind="dress", colour="navy")
COAT = Product("c", "s2", "Navy coat", brand="Nord", kind="coat", colour="navy")
ODD = Product("d", "", "Thing")
SHELF = [RED, NAVY, COAT, ODD]


def vector_of(product_id: str) -> np.ndarray | None:
    angle = {"a": 0.0, "b": 0.1, "c": 1.5}.get(product_id)
    if angle is None:
        return None
    return np.array([np.cos(angle), np.sin(angle), 0.0], np.float32)


def test_rows_stand_in_the_order_of_the_products() -> None:
    side = side_of(SHELF, vector_of)
    assert side.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(side.vectors, axis=1), [1, 1, 1, 0], atol=1e-6)
    assert side.kinds[0] == side.kinds[1] != side.kinds[2]
    assert side.kinds[3] == -1
    assert side.styles[0] == side.styles[1]
    assert len(set(side.styles)) == 3
    turned = side_of(SHELF[::-1], vector_of)
    np.testing.assert_array_equal(turned.vectors, side.vectors[::-1])


def test_words_of_unit_length_tell_how_much_two_products_share() -> None:
    words = side_of(SHELF, vector_of).words.toarray()
    alike = words @ words.T
    np.testing.assert_allclose(np.diag(alike), [1, 1, 1, 0], atol=1e-6)
    assert alike[0, 1] > alike[1, 2] > alike[0, 2] == 0


def test_a_term_of_one_product_is_left_out_and_a_rare_one_weighs_more() -> None:
    common = [Product(f"x{place}", "", "dress", kind="dress") for place in range(8)]
    rare = [Product(f"y{place}", "", "dress linen", kind="dress") for place in range(2)]
    words = side_of([*common, *rare]).words
    assert words.shape == (10, 3)
    row = words[9].toarray().ravel()
    assert sorted(row.tolist())[-1] > sorted(row.tolist())[0] > 0
    # By hand: idf 1 for what all ten have, 1 + ln(11 / 3) for what two have.
    assert max(row) / min(row) == pytest.approx(1 + np.log(11 / 3))


def test_a_catalogue_without_photos_has_vectors_of_no_width() -> None:
    assert side_of(SHELF).vectors.shape == (4, 0)
    assert side_of([]).vectors.shape == (0, 0)


def test_the_released_index_gives_the_vectors(world: DataDir) -> None:
    store = CatalogStore.open(world.database_url)
    try:
        pictured = [product for product in store.scan() if product.images][:5]
    finally:
        store.close()
    side = product_side(world, [*pictured, Product("unknown", "", "Thing")])
    lengths = np.linalg.norm(side.vectors, axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 1, 1, 0], atol=1e-5)


def test_a_folder_without_release_has_no_vectors(tmp_path: Path) -> None:
    assert product_side(DataDir(tmp_path), SHELF).vectors.shape == (4, 0)


def test_a_warm_start_keeps_what_looks_alike_close_together() -> None:
    side = side_of(SHELF, vector_of)
    first = warm_start(side, 64, seed=1).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 0.01, rtol=1e-5)
    alike = first @ first.T / 1e-4
    assert alike[0, 1] > 0.9
    assert abs(alike[0, 2]) < 0.5


def test_a_warm_start_without_photos_is_random_and_of_the_same_length() -> None:
    first = warm_start(side_of(SHELF), 8, seed=1)
    assert first.shape == (4, 8)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 0.01, rtol=1e-5)
    assert len({row.tobytes() for row in first}) == 4


def test_equal_seeds_start_equally() -> None:
    side = side_of(SHELF, vector_of)
    assert warm_start(side, 8, 3).tobytes() == warm_start(side, 8, 3).tobytes()
    assert warm_start(side, 8, 3).tobytes() != warm_start(side, 8, 4).tobytes()
