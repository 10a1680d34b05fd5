"""Promises of one search, over small stages that answer, fail, hang and change their minds."""

import asyncio
import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.crop import Crop
from runtime.errors import (
    DeadlineExceeded,
    InvalidArgument,
    Overloaded,
    ServiceError,
    Unavailable,
)
from services.gateway.answer import Answer
from services.gateway.parts import Example, Part, Photo, StoredPhoto, Words, words
from services.gateway.query import Fusion
from services.gateway.query_options import Rerank
from tests.gateway_fakes import FakeImage, FakeRanking, FakeText, House, ask, down, product, terms

MANY = [f"p-{place:03}" for place in range(300)]
FAST = 60  # milliseconds for a search of which a stage never answers


def ids(answer: Answer) -> list[str]:
    return [hit.product.id for hit in answer.hits]


def house(**likings: float) -> House:
    text, image = FakeText(["a", "b", "c"]), FakeImage(["c", "b", "d"])
    return House(text, image, FakeRanking({"u-1": likings}, {"a": {"d": 1.0, "b": 0.1}}))


async def test_best_first_with_ranks_from_one() -> None:
    answer = await house().pipeline.search(ask())
    assert ids(answer) == ["c", "b", "a", "d"]
    assert [hit.rank for hit in answer.hits] == [1, 2, 3, 4]
    assert [hit.score for hit in answer.hits] == sorted(
        (hit.score for hit in answer.hits), reverse=True
    )
    assert (answer.total.value, answer.total.relation) == (4, "eq")
    assert not answer.degraded
    assert answer.coverage == {
        "text": "ok", "image": "ok", "ranking": "skipped", "taste": "skipped",
    }  # fmt: skip
    assert {name: found.seq for name, found in answer.generations.items()} == {
        "text": 5,
        "image": 6,
    }
    assert answer.release == "r-000001"


async def test_the_page_is_cut_after_taste() -> None:
    liked = MANY[45]
    rooms = House(FakeText(MANY), FakeImage(MANY), FakeRanking({"u-1": {liked: 1.0, "p-000": 0}}))
    stranger = await rooms.pipeline.search(ask(page_size=10))
    assert liked not in ids(stranger)
    answer = await rooms.pipeline.search(ask(page_size=10, user_id="u-1", personalization=1.0))
    assert ids(answer)[0] == liked
    assert rooms.ranking.scored == [("r-1", 200)]


@pytest.mark.parametrize(
    ("factor", "size", "depth"), [(10, 24, 240), (1, 1, 200), (100, 100, 1000)]
)
async def test_depth_is_bounded(factor: int, size: int, depth: int) -> None:
    rooms = house()
    await rooms.pipeline.search(ask(page_size=size, candidate_factor=factor))
    assert rooms.text.asked == [("red dress", depth)]
    assert rooms.image.searched[0][1] == depth


async def test_personalization_zero_equals_the_stranger() -> None:
    rooms = house(d=1.0)
    anonymous = await rooms.pipeline.search(ask())
    known = await rooms.pipeline.search(ask(user_id="u-1", personalization=0.0))
    assert known.hits == anonymous.hits
    assert rooms.ranking.looked_up == []
    assert known.coverage["taste"] == "skipped"


async def test_user_then_session_then_cold() -> None:
    rooms = house(d=1.0, a=0.0)
    modes = {}
    shoppers = {
        "user": ask(explain=True, user_id="u-1"),
        "session": ask(explain=True, user_id="u-unknown", session_product_ids=("a",)),
        "cold": ask(explain=True, user_id="u-unknown", session_product_ids=("unheard-of",)),
    }
    for name, query in shoppers.items():
        answer = await rooms.pipeline.search(query)
        modes[name] = {term.mode for hit in answer.hits for term in terms(hit) if term.mode}
        assert not answer.degraded
    assert modes == {"user": {"user"}, "session": {"session"}, "cold": {"cold"}}


async def test_a_cold_shopper_sees_what_a_stranger_sees() -> None:
    rooms = house()
    stranger = await rooms.pipeline.search(ask())
    cold = await rooms.pipeline.search(ask(user_id="nobody", personalization=0.9))
    assert ids(cold) == ids(stranger)
    assert [hit.score for hit in cold.hits] == [hit.score for hit in stranger.hits]


async def test_a_user_who_knows_none_of_the_candidates_falls_back_to_the_session() -> None:
    rooms = house(elsewhere=1.0)
    query = ask(user_id="u-1", session_product_ids=("a",), explain=True)
    answer = await rooms.pipeline.search(query)
    assert terms(answer.hits[0])[-1].mode == "session"
    assert ids(answer) != ids(await rooms.pipeline.search(ask()))


async def test_taste_of_nothing_known_is_cold() -> None:
    rooms = house(elsewhere=1.0)
    answer = await rooms.pipeline.search(ask(user_id="u-1", explain=True))
    assert {terms(hit)[-1].mode for hit in answer.hits} == {"cold"}
    assert ids(answer) == ids(await rooms.pipeline.search(ask()))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(MANY[:40]), unique=True, max_size=30),
    st.lists(st.sampled_from(MANY[:40]), unique=True, max_size=30),
    st.floats(0, 1),
    st.sampled_from(["taste", "minmax"]),
    st.floats(0.1, 10),
)
def test_terms_add_up_to_the_score(
    text: list[str], image: list[str], share: float, blend: str, weight: float
) -> None:
    likings = {name: (place * 7 % 11) / 10 for place, name in enumerate(MANY[:20])}
    rooms = House(FakeText(text), FakeImage(image), FakeRanking({"u-1": likings}))
    fusion = Fusion(k=20, weights={"image": weight})
    query = ask(user_id="u-1", personalization=share, blend=blend, fusion=fusion, explain=True)
    answer = asyncio.run(rooms.pipeline.search(query))
    assert {*ids(answer)} <= {*text, *image}
    assert len(answer.hits) >= min(24, len(text or image)), "pictures go, words never"
    for hit in answer.hits:
        total = sum(term.value for term in terms(hit))
        assert total == pytest.approx(hit.score, abs=1e-9)


@pytest.mark.parametrize("lost", ["text", "image"])
@pytest.mark.parametrize("kind", [Unavailable, DeadlineExceeded, Overloaded])
async def test_losing_a_retriever_equals_asking_only_the_other(
    lost: str, kind: type[ServiceError]
) -> None:
    left = {"text": "image", "image": "text"}[lost]
    weights = Fusion(weights={"text": 3.0, "image": 0.5})
    alone = await house(d=1.0).pipeline.search(
        ask(retrievers=(left,), fusion=weights, user_id="u-1", explain=True)
    )
    rooms = house(d=1.0)
    rooms.stage(lost).error = down(kind)
    answer = await rooms.pipeline.search(ask(fusion=weights, user_id="u-1", explain=True))
    assert answer.hits == alone.hits
    assert answer.total == alone.total
    assert answer.degraded_reasons[0] == f"{lost}_unavailable"
    assert answer.coverage[lost] == {
        Unavailable: "error", DeadlineExceeded: "timeout", Overloaded: "shed",
    }[kind]  # fmt: skip
    assert alone.coverage[lost] == "skipped"
    assert not alone.degraded


async def test_a_retriever_that_hangs_is_given_up() -> None:
    rooms = house()
    rooms.image.hangs = True
    answer = await rooms.pipeline.search(ask(budget_ms=FAST))
    assert answer.degraded_reasons == ["image_unavailable", "timeout_partial"]
    assert answer.coverage["image"] == "timeout"
    assert len(asyncio.all_tasks()) == 1


async def test_no_retriever_left_fails_fast_and_says_when_to_come_back() -> None:
    rooms = house()
    rooms.text.error = down(Unavailable)
    with pytest.raises(Unavailable) as caught:
        await rooms.pipeline.search(ask(retrievers=("text",), user_id="u-1"))
    assert caught.value.retry_after_s == 1.0
    assert rooms.image.searched == []
    assert len(asyncio.all_tasks()) == 1


async def test_nothing_in_time_is_a_missed_deadline() -> None:
    rooms = house()
    rooms.text.hangs = rooms.image.hangs = True
    with pytest.raises(DeadlineExceeded):
        await rooms.pipeline.search(ask(budget_ms=FAST))


@pytest.mark.parametrize("stage", ["text", "image", "ranking"])
async def test_partial_answers_can_be_refused(stage: str) -> None:
    rooms = house()
    rooms.stage(stage).error = down(Unavailable)
    with pytest.raises(Unavailable) as caught:
        await rooms.pipeline.search(ask(user_id="u-1", allow_partial=False))
    assert caught.value.retry_after_s


@pytest.mark.parametrize("hangs", [False, True])
async def test_losing_the_ranking_stage_equals_no_personalization(hangs: bool) -> None:
    rooms = house(d=1.0)
    plain = await rooms.pipeline.search(ask(user_id="u-1", personalization=0.0))
    rooms.ranking.hangs, rooms.ranking.error = hangs, None if hangs else down(Unavailable)
    answer = await rooms.pipeline.search(ask(user_id="u-1", budget_ms=FAST))
    assert answer.hits == plain.hits
    assert answer.degraded_reasons[0] == "ranking_unavailable"


async def test_losing_the_scores_alone_equals_no_personalization() -> None:
    rooms = house(d=1.0)
    plain = await rooms.pipeline.search(ask())
    rooms.ranking.score_error = down(Overloaded)
    answer = await rooms.pipeline.search(ask(user_id="u-1"))
    assert answer.hits == plain.hits
    assert answer.degraded_reasons == ["ranking_unavailable", "overload_reduced"]
    assert (answer.coverage["taste"], answer.coverage["ranking"]) == ("ok", "shed")


async def test_factors_of_a_closed_generation_are_fetched_once_more() -> None:
    rooms = house(d=1.0)
    fresh = await rooms.pipeline.search(ask(user_id="u-1"))
    rooms.ranking.closed = {"r-1"}
    rooms.ranking.coming = ["r-1", "r-2"]
    answer = await rooms.pipeline.search(ask(user_id="u-1"))
    assert answer.hits == fresh.hits
    assert answer.generations["ranking"].name == "r-2"
    assert not answer.degraded


async def test_factors_that_no_open_generation_matches_leave_the_fused_order() -> None:
    rooms = house(d=1.0)
    plain = await rooms.pipeline.search(ask())
    rooms.ranking.closed = {"r-1"}
    answer = await rooms.pipeline.search(ask(user_id="u-1"))
    assert answer.hits == plain.hits
    assert answer.degraded_reasons == ["personalization_unavailable"]
    assert len(rooms.ranking.looked_up) == 2


async def test_deleted_winners_are_dropped_and_filled() -> None:
    rooms = House(FakeText(MANY), FakeImage(MANY), gone=set(MANY[:5]) | set(MANY[8:60]))
    answer = await rooms.pipeline.search(ask(page_size=5))
    assert ids(answer) == [*MANY[5:8], *MANY[60:62]]
    assert [hit.rank for hit in answer.hits] == [1, 2, 3, 4, 5]


async def test_documents_are_read_for_the_winners_only_and_once() -> None:
    rooms = House(FakeText(MANY), FakeImage(MANY))
    for _ in range(3):
        await rooms.pipeline.search(ask(page_size=7))
    assert rooms.products.reads == [tuple(MANY[:7])]


async def test_a_changed_catalogue_is_read_again() -> None:
    rooms = house()
    await rooms.pipeline.search(ask())
    rooms.products.products["c"] = product("c")
    del rooms.products.products["b"]
    rooms.products.token += 1
    assert ids(await rooms.pipeline.search(ask())) == ["c", "a", "d"]


async def test_negative_words_reach_the_picture_side_only() -> None:
    rooms = house()
    parts = [words("long", "parts[0]"), words("red", "parts[1]", -0.5)]
    await rooms.pipeline.search(ask("dress", parts=parts))
    assert rooms.text.asked[0][0] == "dress long"
    said = [part.source for parts in rooms.image.encoded for part in parts]
    assert [each.text for each in said if isinstance(each, Words)] == ["dress", "long", "red"]


async def test_a_query_without_words_leaves_the_text_retriever_alone() -> None:
    rooms = house()
    answer = await rooms.pipeline.search(ask("", parts=[Part(Photo(b"jpeg"), "parts[0]")]))
    assert rooms.text.asked == []
    assert answer.coverage["text"] == "skipped"
    assert not answer.degraded
    with pytest.raises(InvalidArgument) as caught:
        await rooms.pipeline.search(
            ask("", parts=[Part(Photo(b"jpeg"), "parts[0]")], retrievers=("text",))
        )
    assert caught.value.field == "retrievers"


async def test_a_retriever_of_weight_zero_is_not_asked() -> None:
    rooms = house()
    answer = await rooms.pipeline.search(ask(fusion=Fusion(weights={"text": 0.0})))
    assert rooms.text.asked == []
    assert ids(answer) == ["c", "b", "d"]


async def test_examples_are_no_answers_to_themselves() -> None:
    rooms = house()
    answer = await rooms.pipeline.search(ask(parts=[Part(Example("c"), "parts[0]")]))
    assert "c" not in ids(answer)
    assert rooms.image.searched[0][2] == ("c",)


async def test_the_same_query_is_encoded_once() -> None:
    photo = b"a photo"
    sha = hashlib.sha256(photo).hexdigest()
    rooms = House(FakeText(), FakeImage(["a"]), photos={sha: photo})
    sent = Part(Photo(photo), "parts[0]")
    stored = Part(StoredPhoto(sha), "parts[0]")
    for part in (sent, sent, stored):
        await rooms.pipeline.search(ask("", parts=[part]))
    assert len(rooms.image.encoded) == 1
    await rooms.pipeline.search(
        ask("", parts=[Part(Photo(photo), "parts[0]", crop=Crop(0, 0, 0.5, 1))])
    )
    assert len(rooms.image.encoded) == 2
    await rooms.pipeline.search(
        ask("", parts=[Part(Photo(photo), "parts[0]", remove_background=True)])
    )
    assert len(rooms.image.encoded) == 3


async def test_a_photo_is_encoded_once_whatever_is_said_about_it() -> None:
    rooms = House(FakeText(["a"]), FakeImage(["a"]))
    photo = Part(Photo(b"a photo"), "parts[0]")
    for query in (ask("", parts=[photo]), ask("red", parts=[photo])):
        await rooms.pipeline.search(query)
    again = replace(photo, weight=2.0)
    await rooms.pipeline.search(ask("red", parts=[again], rerank=Rerank(0.7, 0.9)))
    said = [part.source for parts in rooms.image.encoded for part in parts]
    assert said == [Photo(b"a photo"), Words("red")]
    assert [depth for _, _, depth in rooms.image.ordered] == [0, 1200, 1200]


async def test_examples_come_when_they_are_asked_for() -> None:
    example = Part(Example("a"), "parts[0]")
    for asked, found in ((False, {"b"}), (True, {"a", "b"})):
        rooms = House(FakeText(["a", "b"]), FakeImage(["a", "b"]))
        answer = await rooms.pipeline.search(ask("red", parts=[example], include_examples=asked))
        assert {hit.product.id for hit in answer.hits} == found
        assert rooms.image.ordered[0][0] is not asked, "look-alikes go with their example"


async def test_what_looks_like_an_example_is_not_brought_back_by_its_words() -> None:
    rooms = House(FakeText(["double", "b"]), FakeImage(["b"], look_alikes=frozenset({"double"})))
    answer = await rooms.pipeline.search(ask("red", parts=[Part(Example("a"), "parts[0]")]))
    assert [hit.product.id for hit in answer.hits] == ["b"]


async def test_a_background_that_was_kept_is_told() -> None:
    rooms = House(FakeText(), FakeImage(["a"], keeps_background=True))
    photo = Part(Photo(b"a photo"), "parts[0]", remove_background=True)
    for _ in range(2):  # from the encoder, then from what was kept
        answer = await rooms.pipeline.search(ask("", parts=[photo]))
        assert answer.degraded_reasons == ["background_kept"]
        assert answer.coverage["image"] == "ok"


async def test_a_photo_that_was_never_uploaded_is_the_callers_fault() -> None:
    with pytest.raises(InvalidArgument) as caught:
        await house().pipeline.search(ask(parts=[Part(StoredPhoto("0" * 64), "parts[0]")]))
    assert caught.value.field == "parts[0]"


async def test_what_a_retriever_calls_malformed_is_told_to_the_caller() -> None:
    rooms = house()
    rooms.image.error = InvalidArgument("not a photo", field="parts[0]")
    with pytest.raises(InvalidArgument):
        await rooms.pipeline.search(ask())


async def test_a_bug_in_a_stage_is_not_a_degraded_answer() -> None:
    rooms = house()
    rooms.text.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await rooms.pipeline.search(ask())


async def test_a_new_encoder_makes_kept_vectors_new() -> None:
    rooms = house()
    await rooms.pipeline.search(ask())
    rooms.image.encoder = rooms.image.index_of = "enc-2"
    answer = await rooms.pipeline.search(ask())
    assert not answer.degraded
    assert [fingerprint for fingerprint, _, _ in rooms.image.searched] == [
        "enc-1", "enc-1", "enc-2",
    ]  # fmt: skip
    await rooms.pipeline.search(ask())
    assert len(rooms.image.encoded) == 2


async def test_an_index_of_another_encoder_is_never_searched() -> None:
    rooms = house()
    rooms.image.index_of = "enc-2"
    answer = await rooms.pipeline.search(ask())
    assert answer.degraded_reasons == ["image_unavailable"]
    assert ids(answer) == ["a", "b", "c"]


async def test_words_that_no_one_knows_find_nothing() -> None:
    rooms = House(FakeText([]), FakeImage(["a"], knows_words=False))
    answer = await rooms.pipeline.search(ask("zzzz", user_id="u-1"))
    assert answer.hits == []
    assert (answer.total.value, answer.total.relation) == (0, "eq")
    assert not answer.degraded
    assert answer.coverage["image"] == "ok"


async def test_total_says_when_there_may_be_more() -> None:
    rooms = House(FakeText(MANY), FakeImage([]))
    answer = await rooms.pipeline.search(ask(page_size=3))
    assert (answer.total.value, answer.total.relation) == (200, "gte")


async def test_a_caller_who_leaves_leaves_nothing_behind() -> None:
    rooms = house()
    rooms.text.hangs = rooms.image.hangs = rooms.ranking.hangs = True
    search = asyncio.create_task(rooms.pipeline.search(ask(user_id="u-1")))
    await rooms.text.was_asked.wait()
    search.cancel()
    await asyncio.gather(search, return_exceptions=True)
    assert len(asyncio.all_tasks()) == 1


async def test_minmax_leaves_a_cold_list_as_it_is() -> None:
    rooms = house()
    answer = await rooms.pipeline.search(ask(user_id="nobody", blend="minmax"))
    assert answer.hits == (await rooms.pipeline.search(ask())).hits
