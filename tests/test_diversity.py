"""Promises of diversity: maximal marginal relevance, over vectors or what products share."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.product import Product
from services.gateway.diversity import cosines, diversified, likeness, overlaps
from tests.gateway_fakes import product

Vectors = npt.NDArray[np.int8]


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[float], Vectors]:
    """Scores, best first, and small vectors, some of them zeros."""
    count = draw(st.integers(0, 12))
    scores = draw(st.lists(st.floats(0, 1, width=32), min_size=count, max_size=count))
    seed = draw(st.integers(0, 2**31))
    vectors = np.random.default_rng(seed).integers(-127, 128, (count, 5)).astype(np.int8)
    vectors[draw(st.lists(st.integers(0, count - 1), max_size=3)) if count else []] = 0
    return sorted(scores, reverse=True), vectors


def naive(scores: Sequence[float], alike: npt.NDArray[np.float64], diversity: float) -> list[int]:
    """The formula of Carbonell and Goldstein, word for word."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    relevance = [(score - low) / (high - low) if high > low else 0.0 for score in scores]
    left, taken = list(range(len(scores))), list[int]()
    while left:
        marginal = {
            at: (1 - diversity) * relevance[at]
            - max((diversity * alike[at, other] for other in taken), default=0.0)
            for at in left
        }
        # What is most relevant comes first, also where relevance has no say.
        best = max(left, key=lambda at: (marginal[at], -at)) if taken else 0
        taken.append(best)
        left.remove(best)
    return taken


@settings(deadline=None)
@given(windows(), st.floats(0, 1, width=32))
def test_it_is_maximal_marginal_relevance(
    drawn: tuple[list[float], Vectors], diversity: float
) -> None:
    scores, vectors = drawn
    alike = cosines(vectors)
    assert diversified(scores, alike, diversity) == naive(scores, alike, diversity)


@settings(deadline=None)
@given(windows(), st.floats(0, 1, width=32))
def test_nothing_is_lost_and_the_best_stays_the_first(
    drawn: tuple[list[float], Vectors], diversity: float
) -> None:
    scores, vectors = drawn
    order = diversified(scores, cosines(vectors), diversity)
    assert sorted(order) == list(range(len(scores)))
    assert order[:1] == [0][: len(scores)]


@settings(deadline=None)
@given(windows())
def test_no_diversity_leaves_the_order_as_it_is(drawn: tuple[list[float], Vectors]) -> None:
    scores, vectors = drawn
    assert diversified(scores, cosines(vectors), 0.0) == list(range(len(scores)))


EIGHTHS = st.integers(0, 8).map(lambda eighths: eighths / 8)  # their sums and products are exact


@settings(deadline=None)
@given(windows(), st.lists(EIGHTHS, min_size=12, max_size=12), EIGHTHS, EIGHTHS)
def test_likeness_that_all_have_in_common_moves_nothing(
    drawn: tuple[list[float], Vectors], scores: list[float], diversity: float, common: float
) -> None:
    alike = np.rint(cosines(drawn[1]) * 8) / 8
    told = [*sorted([1.0, *scores], reverse=True)[: len(alike) - 1], 0.0][: len(alike)]
    before = diversified(told, alike, diversity)
    assert diversified(told, alike - common, diversity) == before


def test_twins_are_parted() -> None:
    twins = np.array([[9, 0], [9, 0], [9, 0], [0, 9]], np.int8)
    scores = [1.0, 0.9, 0.8, 0.7]
    assert diversified(scores, cosines(twins), 0.6) == [0, 3, 1, 2]


def test_more_diversity_is_never_more_alike_at_the_top() -> None:
    draw = np.random.default_rng(3)
    vectors = (draw.normal(size=(6, 16))[draw.integers(6, size=100)] * 40).astype(np.int8)
    alike = cosines(vectors)
    scores = sorted(draw.random(100).tolist(), reverse=True)

    def at_the_top(diversity: float) -> float:
        first = diversified(scores, alike, diversity)[:6]
        return float(np.triu(alike[np.ix_(first, first)], 1).sum())

    told = [at_the_top(diversity) for diversity in (0.0, 0.3, 0.6, 1.0)]
    assert told == sorted(told, reverse=True)
    assert told[-1] < told[0] / 2


def test_cosines_by_hand() -> None:
    found = cosines(np.array([[3, 4], [4, 3], [0, 0], [-3, -4]], np.int8))
    assert found[0, 1] == pytest.approx(24 / 25)
    assert found[0, 3] == pytest.approx(-1)
    assert not found[2].any()


def shared(first: Product, second: Product) -> float:
    return float(overlaps([first, second])[0, 1])


def test_overlaps_by_hand() -> None:
    # Brand, kind, gender, colour, two categories and a pattern are equal; the styles are not.
    first, second = product("a"), product("b")
    assert shared(first, second) == pytest.approx(7 / 9)
    assert shared(first, replace(second, colour="red")) == pytest.approx(6 / 10)
    assert shared(first, replace(second, style_id=first.style_id)) == 1.0


def test_a_product_of_which_nothing_is_known_is_like_none() -> None:
    bare = Product(id="x", style_id="", title="A thing")
    assert not overlaps([bare, bare, None])[0, 1:].any()


def test_without_any_vector_products_are_told_by_what_they_share() -> None:
    products = [product("a"), product("b"), replace(product("c"), colour="red", brand="Acme")]
    for vectors in (np.zeros((3, 0), np.int8), np.zeros((3, 8), np.int8)):
        assert np.array_equal(likeness(vectors, products), overlaps(products))


def test_a_product_without_a_photo_is_on_the_scale_of_those_with_one() -> None:
    draw = np.random.default_rng(5)
    kinds, colours = ["dress", "shirt", "coat"], ["red", "navy"]
    products = [
        replace(product(f"p{at}"), kind=kinds[at % 3], colour=colours[at % 2]) for at in range(60)
    ]
    # Pictures that are all alike, and a little more so within a kind.
    centres = draw.normal(size=(3, 32)) + 3
    vectors = np.stack([12 * (centres[at % 3] + 0.3 * draw.normal(size=32)) for at in range(60)])
    packed = vectors.astype(np.int8)
    whole = cosines(packed)
    packed[50:] = 0
    mixed = likeness(packed, products)
    assert np.array_equal(mixed[:50, :50], whole[:50, :50])
    known = mixed[:50, :50][np.triu_indices(50, 1)].mean()
    unseen = mixed[50:, :50].mean()
    plain = overlaps(products)[50:, :50].mean()
    assert abs(unseen - known) < 0.05 < abs(plain - known)
