"""Promises of the fusion: figures worked out by hand, and laws that hold for any rankings."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.fusion import (
    Frame,
    final_scores,
    fuse,
    minmax_frame,
    order,
    rrf_unit,
    taste_frame,
    terms,
)
from services.gateway.query import Fusion

PLAIN = Fusion()


def test_first_everywhere_scores_one() -> None:
    assert fuse({"text": ["a"], "image": ["a"]}, PLAIN)["a"] == pytest.approx(1.0)


def test_golden_rrf_frame_with_equal_weights() -> None:
    scores = fuse({"text": ["a", "b"], "image": ["b", "c"]}, PLAIN)
    # By hand, half a vote a retriever: (b) gets 61/62 and 61/61.
    assert scores == pytest.approx({"a": 0.5, "b": 0.9919354838709677, "c": 0.49193548387096775})


def test_golden_rrf_frame_with_weights_and_k() -> None:
    fusion = Fusion(k=1, weights={"text": 3.0, "image": 1.0})
    scores = fuse({"text": ["a", "b"], "image": ["c", "b"]}, fusion)
    # By hand: rank 1 is worth 2/2, rank 2 is worth 2/3, and the weights add up to 4.
    assert scores == pytest.approx({"a": 0.75, "b": 2 / 3, "c": 0.25})


def test_no_vote_from_a_retriever_that_did_not_find_the_product() -> None:
    scores = fuse({"text": [], "image": ["a"]}, PLAIN)
    assert scores == pytest.approx({"a": 0.5})


def test_one_answering_retriever_alone_sets_the_frame() -> None:
    weighted = Fusion(weights={"text": 5.0, "image": 0.5})
    assert fuse({"image": ["a", "b"]}, weighted) == pytest.approx({"a": 1.0, "b": 61 / 62})


def test_golden_taste_blend() -> None:
    fused = {"a": 0.5, "b": 1.0}
    scores = final_scores(fused, taste_frame([0.9, 0.1], 0.3))
    # By hand: .35 and .27 for (a), .70 and .03 for (b).
    assert scores == pytest.approx({"a": 0.62, "b": 0.73})


def test_golden_minmax_blend() -> None:
    # plain RRF with k 60: a 1/61, b 1/62, c 1/63
    rankings = {"text": ["a", "b", "c"]}
    fused = fuse(rankings, PLAIN)
    frame = minmax_frame(fused, [0.0, 2.0, -2.0], 0.3, unit=rrf_unit(list(rankings), PLAIN))
    scores = final_scores(fused, frame)
    middle = (1 / 62 - 1 / 63) / (1 / 61 - 1 / 63)
    assert scores == pytest.approx({"a": 0.7 + 0.15, "b": 0.7 * middle + 0.3, "c": 0.0})


def test_minmax_of_equal_values_is_all_zeros() -> None:
    fused = fuse({"text": ["a"], "image": ["b"]}, PLAIN)
    frame = minmax_frame(fused, [1.0, 1.0 + 1e-7], 0.3, unit=rrf_unit(["text", "image"], PLAIN))
    assert final_scores(fused, frame) == {"a": 0.0, "b": 0.0}


def test_minmax_calls_a_list_flat_by_plain_rrf_units() -> None:
    # 1/1001 - 1/1002 is .997e-6: flat; 1/991 - 1/992 is 1.017e-6: not
    for k, flat in ((1000, True), (990, False)):
        fusion = Fusion(k=k)
        fused = fuse({"text": ["a", "b"]}, fusion)
        frame = minmax_frame(fused, [0.0, 0.0], 0.3, unit=rrf_unit(["text"], fusion))
        assert (frame.scale == 0.0) is flat


def test_equal_scores_stand_by_id() -> None:
    assert order({"p-2": 0.5, "p-10": 0.5, "p-1": 0.5, "z": 0.9}) == ["z", "p-1", "p-10", "p-2"]


def test_a_taste_missing_for_a_candidate_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        final_scores({"a": 0.5, "b": 0.5}, taste_frame([0.5], 0.3))


_ids = st.lists(st.integers(0, 40).map(str), unique=True, max_size=30)
_fusions = st.builds(
    Fusion,
    k=st.integers(1, 1000),
    weights=st.fixed_dictionaries({"text": st.floats(0.01, 10.0), "image": st.floats(0.01, 10.0)}),
)


@given(_ids, _ids, _fusions, st.floats(0.0, 1.0), st.booleans(), st.randoms())
def test_terms_add_up_to_the_score(
    text: list[str], image: list[str], fusion: Fusion, share: float, minmax: bool, random: Random
) -> None:
    rankings = {"text": text, "image": image}
    fused = fuse(rankings, fusion)
    if not fused:
        return
    tastes = [random.random() for _ in fused]
    if minmax:
        unit = rrf_unit(list(rankings), fusion)
        frame = minmax_frame(fused, [8 * taste - 4 for taste in tastes], share, unit=unit)
    else:
        frame = taste_frame(tastes, share)
    scores = final_scores(fused, frame)
    for taste, (product_id, score) in zip(frame.taste, scores.items(), strict=True):
        ranks = {
            name: ids.index(product_id) + 1 for name, ids in rankings.items() if product_id in ids
        }
        found = terms(ranks, fusion, list(rankings), frame)
        assert math.fsum([*(term.value for term in found), taste]) == pytest.approx(score, abs=1e-9)
        assert -1e-9 <= score <= 1 + 1e-9


@given(_ids, _ids, _fusions)
def test_the_order_is_total_and_ignores_who_came_first(
    text: list[str], image: list[str], fusion: Fusion
) -> None:
    one = order(fuse({"text": text, "image": image}, fusion))
    assert sorted(one) == sorted({*text, *image})
    scores = fuse({"text": text, "image": image}, fusion)
    assert one == sorted(scores, key=lambda name: (-scores[name], name))


@given(_ids, _fusions)
def test_share_zero_keeps_the_fused_order(text: list[str], fusion: Fusion) -> None:
    fused = fuse({"text": text}, fusion)
    tastes = [1 / (2 + place) for place in range(len(fused))]
    assert order(final_scores(fused, taste_frame(tastes, 0.0))) == order(
        final_scores(fused, Frame())
    )
