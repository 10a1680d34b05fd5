"""Promises of the fusion: figures worked out by hand, and laws that hold for any rankings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.fusion import (
    IMPUTED,
    Frame,
    final_scores,
    fuse,
    fused_unit,
    minmax_frame,
    order,
    taste_frame,
)
from services.gateway.query import Fusion
from services.gateway.stages import Ranking

PLAIN = Fusion()
METHODS = ("rrf", "dbsf", "relative", "convex")


def scores_of(rankings: Mapping[str, Sequence[str]], fusion: Fusion) -> dict[str, float]:
    """The scores of rankings of which only the order counts."""
    return dict(fuse(ranked(rankings), fusion).scores)


def ranked(rankings: Mapping[str, Sequence[str]]) -> dict[str, Ranking]:
    """Rankings with descending scores."""
    return {
        name: Ranking(ids, [9.0 - place for place in range(len(ids))])
        for name, ids in rankings.items()
    }


def test_first_everywhere_scores_one() -> None:
    assert scores_of({"text": ["a"], "image": ["a"]}, PLAIN)["a"] == pytest.approx(1.0)


def test_golden_rrf_frame_with_equal_weights() -> None:
    scores = scores_of({"text": ["a", "b"], "image": ["b", "c"]}, PLAIN)
    # By hand, half a vote a retriever: (b) gets 61/62 and 61/61.
    assert scores == pytest.approx({"a": 0.5, "b": 0.9919354838709677, "c": 0.49193548387096775})


def test_golden_rrf_frame_with_weights_and_k() -> None:
    fusion = Fusion(k=1, weights={"text": 3.0, "image": 1.0})
    scores = scores_of({"text": ["a", "b"], "image": ["c", "b"]}, fusion)
    # By hand: rank 1 is worth 2/2, rank 2 is worth 2/3, and the weights add up to 4.
    assert scores == pytest.approx({"a": 0.75, "b": 2 / 3, "c": 0.25})


def test_no_vote_from_a_retriever_that_did_not_find_the_product() -> None:
    scores = scores_of({"text": [], "image": ["a"]}, PLAIN)
    assert scores == pytest.approx({"a": 0.5})


def test_one_answering_retriever_alone_sets_the_frame() -> None:
    weighted = Fusion(weights={"text": 5.0, "image": 0.5})
    assert scores_of({"image": ["a", "b"]}, weighted) == pytest.approx({"a": 1.0, "b": 61 / 62})


def test_golden_taste_blend() -> None:
    fused = {"a": 0.5, "b": 1.0}
    scores = final_scores(fused, taste_frame([0.9, 0.1], 0.3))
    # By hand: .35 and .27 for (a), .70 and .03 for (b).
    assert scores == pytest.approx({"a": 0.62, "b": 0.73})


def test_golden_minmax_blend() -> None:
    # plain RRF with k 60: a 1/61, b 1/62, c 1/63
    rankings = {"text": ["a", "b", "c"]}
    fused = scores_of(rankings, PLAIN)
    frame = minmax_frame(fused, [0.0, 2.0, -2.0], 0.3, unit=fused_unit(list(rankings), PLAIN))
    scores = final_scores(fused, frame)
    middle = (1 / 62 - 1 / 63) / (1 / 61 - 1 / 63)
    assert scores == pytest.approx({"a": 0.7 + 0.15, "b": 0.7 * middle + 0.3, "c": 0.0})


def test_minmax_of_equal_values_is_all_zeros() -> None:
    fused = scores_of({"text": ["a"], "image": ["b"]}, PLAIN)
    frame = minmax_frame(fused, [1.0, 1.0 + 1e-7], 0.3, unit=fused_unit(["text", "image"], PLAIN))
    assert final_scores(fused, frame) == {"a": 0.0, "b": 0.0}


def test_minmax_calls_a_list_flat_by_plain_rrf_units() -> None:
    # 1/1001 - 1/1002 is .997e-6: flat; 1/991 - 1/992 is 1.017e-6: not
    for k, flat in ((1000, True), (990, False)):
        fusion = Fusion(k=k)
        fused = scores_of({"text": ["a", "b"]}, fusion)
        frame = minmax_frame(fused, [0.0, 0.0], 0.3, unit=fused_unit(["text"], fusion))
        assert (frame.scale == 0.0) is flat


def test_equal_scores_stand_by_id() -> None:
    assert order({"p-2": 0.5, "p-10": 0.5, "p-1": 0.5, "z": 0.9}) == ["z", "p-1", "p-10", "p-2"]


def test_a_taste_missing_for_a_candidate_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        final_scores({"a": 0.5, "b": 0.5}, taste_frame([0.5], 0.3))


TEXT = Ranking(["a", "b", "c"], [8.0, 6.0, 2.0])
IMAGE = Ranking(["b", "d"], [0.6, 0.2])


def test_golden_relative_score_fusion() -> None:
    scores = fuse({"text": TEXT, "image": IMAGE}, Fusion("relative")).scores
    # By hand: (6 - 2) / (8 - 2) is 2/3 for (b), which is the best of the image list.
    assert scores == pytest.approx({"a": 0.5, "b": (2 / 3 + 1) / 2, "c": 0.0, "d": 0.0})


def test_golden_convex_combination() -> None:
    fusion = Fusion("convex", weights={"text": 3.0, "image": 1.0})
    scores = fuse({"text": TEXT, "image": IMAGE}, fusion).scores
    # By hand: text by x / 8, image by (x + 1) / 1.6, three votes to one.
    expected = {"a": 0.75, "b": 0.75 * 0.75 + 0.25, "c": 0.75 * 0.25, "d": 0.25 * 1.2 / 1.6}
    assert scores == pytest.approx(expected)


def test_golden_distribution_based_fusion() -> None:
    scores = fuse({"text": Ranking(["a", "b", "c", "d"], [5.0, 3.0, 3.0, 1.0])}, Fusion("dbsf"))
    reach = 3 * math.sqrt((4 + 0 + 0 + 4) / 4)
    expected = {"a": 0.5 + 2 / (2 * reach), "b": 0.5, "c": 0.5, "d": 0.5 - 2 / (2 * reach)}
    assert scores.scores == pytest.approx(expected)


def test_a_score_beyond_three_deviations_stays_ahead_of_the_next() -> None:
    # The mean is 1 and a bit; both 40 and 39 are further out than three deviations.
    outliers = Ranking([f"p-{place:03}" for place in range(100)], [40.0, 39.0, *[1.0] * 98])
    found = fuse({"text": outliers}, Fusion("dbsf")).scores
    assert found["p-000"] == pytest.approx(1.0)
    assert found["p-000"] > found["p-001"]


@pytest.mark.parametrize("method", ["dbsf", "relative", "convex"])
def test_a_list_of_equal_scores_says_one_of_each(method: str) -> None:
    for score in (0.0, 0.3):
        flat = Ranking(["a", "b"], [score, score])
        assert fuse({"image": flat}, Fusion(method)).scores == {"a": 1.0, "b": 1.0}
    assert fuse({"image": Ranking([], [])}, Fusion(method)).scores == {}


def test_equal_scores_are_equal_votes_where_ranks_would_tell_them_apart() -> None:
    tied = {"text": Ranking(["a", "b"], [2.0, 2.0]), "image": Ranking(["b", "a"], [0.5, 0.4])}
    assert order(fuse(tied, Fusion("convex")).scores)[0] == "b"
    scores = fuse(tied, PLAIN).scores
    assert scores["a"] == pytest.approx(scores["b"])


def test_a_product_without_a_photo_gets_the_median_vote_of_its_peers() -> None:
    text = Ranking(["a", "b", "c", "x"], [4.0] * 4, without_photo=frozenset({"x"}))
    image = Ranking(["c", "b", "d"], [0.9, 0.8, 0.7])
    fused = fuse({"text": text, "image": image}, PLAIN)
    # The peers are a, b and c, with image votes of 0, 61/62 and 61/61, each times a half.
    assert fused.votes[IMPUTED] == pytest.approx({"x": 0.5 * 61 / 62})
    assert fused.scores["x"] == pytest.approx(0.5 * 61 / 64 + 0.5 * 61 / 62)
    assert fused.scores["d"] == pytest.approx(0.5 * 61 / 63)


def test_peers_are_those_that_are_as_good_by_their_words() -> None:
    """Ten products hold all words and ten half of them; rank by rank they would run together."""
    good, fair = [f"a-{place}" for place in range(10)], [f"b-{place}" for place in range(10)]
    dark = frozenset({"a-0", "a-9", "b-0", "b-9"})
    text = Ranking([*good, *fair], [9.0] * 10 + [5.0] * 10, without_photo=dark)
    shown = [name for name in (*good, *fair) if name not in dark]
    image = Ranking(shown, [0.9] * 8 + [0.2] * 8)
    fused = fuse({"text": text, "image": image}, replace(PLAIN, method="convex"))
    votes = {name: fused.votes["image"][name] for name in ("a-1", "b-1")}
    assert votes["a-1"] > votes["b-1"]
    assert fused.votes[IMPUTED] == pytest.approx(
        {"a-0": votes["a-1"], "a-9": votes["a-1"], "b-0": votes["b-1"], "b-9": votes["b-1"]}
    )


def test_nothing_is_imputed_where_the_picture_has_no_say() -> None:
    text = Ranking(["a", "x"], [4.0, 3.0], without_photo=frozenset({"x"}))
    for image in ({}, {"image": Ranking([], [])}, {"image": Ranking(["d"], [0.9])}):
        assert IMPUTED not in fuse({"text": text, **image}, PLAIN).votes
    everything = Ranking(["x"], [4.0], without_photo=frozenset({"x"}))
    assert IMPUTED not in fuse({"text": everything, "image": Ranking(["d"], [0.9])}, PLAIN).votes


def test_a_product_whose_photo_has_just_come_has_its_own_vote() -> None:
    text = Ranking(["a", "x"], [4.0, 3.0], without_photo=frozenset({"x"}))
    fused = fuse({"text": text, "image": Ranking(["x", "a"], [0.9, 0.8])}, PLAIN)
    assert fused.votes["image"]["x"] == pytest.approx(0.5)
    assert IMPUTED not in fused.votes


def _rankings_of(low: float, high: float) -> st.SearchStrategy[Ranking]:
    """Rankings with scores in a range, some of them equal, and some products without a photo."""
    hits = st.dictionaries(st.integers(0, 40).map(str), st.floats(low, high), max_size=30)

    def ranking(found: dict[str, float], dark: frozenset[str]) -> Ranking:
        ids = sorted(found, key=lambda name: (-found[name], name))
        return Ranking(ids, [found[name] for name in ids], without_photo=dark & set(ids))

    dark = st.frozensets(st.integers(0, 40).map(str))
    return st.builds(ranking, hits, dark if low == 0 else st.just(frozenset()))


_texts, _images = _rankings_of(0.0, 30.0), _rankings_of(-1.0, 1.0)
_ids = st.lists(st.integers(0, 40).map(str), unique=True, max_size=30)
_fusions = st.builds(
    Fusion,
    st.sampled_from(METHODS),
    k=st.integers(1, 1000),
    weights=st.fixed_dictionaries({"text": st.floats(0.01, 10.0), "image": st.floats(0.01, 10.0)}),
)


@given(_texts, _images, _fusions)
def test_votes_add_up_to_a_score_of_0_to_1(text: Ranking, image: Ranking, fusion: Fusion) -> None:
    fused = fuse({"text": text, "image": image}, fusion)
    assert set(fused.scores) == {*text.ids, *image.ids}
    for product_id, score in fused.scores.items():
        votes = [given[product_id] for given in fused.votes.values() if product_id in given]
        assert math.fsum(votes) == pytest.approx(score, abs=1e-12)
        assert -1e-9 <= score <= 1 + 1e-9


@given(_texts, _images, _fusions)
def test_a_lone_retriever_keeps_its_order(text: Ranking, image: Ranking, fusion: Fusion) -> None:
    for name, ranking in {"text": text, "image": image}.items():
        scores = fuse({name: ranking}, fusion).scores
        found = [scores[product_id] for product_id in ranking.ids]
        assert found == sorted(found, reverse=True)


@given(_texts, _images, _fusions, st.floats(0.0, 1.0), st.booleans(), st.randoms())
def test_a_final_score_is_its_votes_in_the_frame(
    text: Ranking, image: Ranking, fusion: Fusion, share: float, minmax: bool, random: Random
) -> None:
    rankings = {"text": text, "image": image}
    fused = fuse(rankings, fusion)
    if not fused.scores:
        return
    tastes = [random.random() for _ in fused.scores]
    if minmax:
        unit = fused_unit(list(rankings), fusion)
        frame = minmax_frame(fused.scores, [8 * each - 4 for each in tastes], share, unit=unit)
    else:
        frame = taste_frame(tastes, share)
    scores = final_scores(fused.scores, frame)
    for taste, (product_id, score) in zip(frame.taste, scores.items(), strict=True):
        votes = [given.get(product_id, 0.0) for given in fused.votes.values()]
        parts = [*(frame.scale * vote for vote in votes), frame.offset, taste]
        assert math.fsum(parts) == pytest.approx(score, abs=1e-9)
        assert -1e-9 <= score <= 1 + 1e-9


@given(_ids, _ids, _fusions)
def test_the_order_is_total_and_ignores_who_came_first(
    text: list[str], image: list[str], fusion: Fusion
) -> None:
    one = order(scores_of({"text": text, "image": image}, fusion))
    assert sorted(one) == sorted({*text, *image})
    scores = scores_of({"text": text, "image": image}, fusion)
    assert one == sorted(scores, key=lambda name: (-scores[name], name))


@given(_ids, _fusions)
def test_share_zero_keeps_the_fused_order(text: list[str], fusion: Fusion) -> None:
    fused = scores_of({"text": text}, fusion)
    tastes = [1 / (2 + place) for place in range(len(fused))]
    assert order(final_scores(fused, taste_frame(tastes, 0.0))) == order(
        final_scores(fused, Frame())
    )
