"""Promises of recommendations: by taste, session or the crowd; never what was bought."""

import asyncio
import itertools
import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog.interaction import Interaction
from catalog.journal import DECISIONS, Learned
from catalog.product import Product, SizeStock
from catalog.product_filter import Condition, admits
from runtime.errors import (
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    PreconditionFailed,
    ServiceError,
    Unavailable,
)
from services.gateway.alike import LikenessFinder
from services.gateway.answer import Because, Generation
from services.gateway.coverage import HistoryUnavailable
from services.gateway.proposal_page import on_page
from services.gateway.proposals import (
    MAX_RECENT,
    WEIGHTS,
    Asked,
    Proposals,
    ProposedList,
    Recent,
    blend,
)
from services.gateway.proposing import Sources
from services.gateway.recommend_query import RecommendQuery, within_left
from services.gateway.recommending import Recommended, Recommender
from services.gateway.shopper_past import Past, PastReader
from services.gateway.taste import TasteFinder
from tests.gateway_fakes import FakeImage, FakeRanking, FakeText, House, down
from tests.shop import shop

WARES = [
    replace(each, sizes=(SizeStock("M", 2),), added_seq=at) for at, each in enumerate(shop(200), 1)
]
NAMES = [each.id for each in WARES]
SHOP = {each.id: each for each in WARES}
UNLIKE = [replace(each, kind=each.id) for each in WARES]  # each of a kind of its own
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class FakeProposals:
    """Proposes fixed lists, less what must not be proposed."""

    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    because: Mapping[str, int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    error: Exception | None = None
    asked: list[Asked] = field(default_factory=list)

    async def propose(self, asked: Asked, *, timeout_s: float) -> Proposals:
        assert timeout_s > 0
        self.asked.append(asked)
        if self.error is not None:
            raise self.error
        if asked.factors is not None and asked.factors.generation in self.closed:
            raise PreconditionFailed("another generation is open", field="generation")
        found = []
        for source, names in self.lists.items():
            if source == "taste" and asked.factors is None:
                continue
            if source == "bought_together" and not asked.recent.ids:
                continue
            ids = [name for name in names if self._may(name, asked)][: asked.count]
            because = [self.because.get(name, -1) for name in ids]
            is_told = source in ("taste", "bought_together")
            scores = [1.0 / (place + 1) for place in range(len(ids))]
            found.append(ProposedList(source, ids, scores, because if is_told else ()))
        return Proposals([each for each in found if each.ids], Generation("r-1", 5))

    def _may(self, name: str, asked: Asked) -> bool:
        product = SHOP.get(name)
        if product is None:
            return True
        is_fit = asked.filter is None or admits(asked.filter, product)
        is_free = product.style_id not in asked.excluded_styles
        return is_fit and is_free and name not in asked.excluded_ids


@dataclass
class FakePasts:
    """Tells the same past of each shopper that it knows."""

    known: Mapping[str, Past] = field(default_factory=dict)
    error: ServiceError | None = None

    async def of(self, user_id: str) -> Past:
        if self.error is not None:
            raise self.error
        return self.known.get(user_id, Past())


def mixed(seed: int) -> list[str]:
    names = NAMES.copy()
    random.Random(seed).shuffle(names)
    return names


@dataclass
class Salon:
    """A recommender over small stages."""

    stage: FakeProposals = field(
        default_factory=lambda: FakeProposals(
            {
                "taste": mixed(1),
                "bought_together": mixed(2)[:40],
                "popular": mixed(3),
                "new": NAMES[::-1][:20],
            }
        )
    )
    ranking: FakeRanking = field(
        default_factory=lambda: FakeRanking({"u-1": {"x": 1.0}}, {NAMES[3]: {"x": 1.0}})
    )
    pasts: FakePasts = field(
        default_factory=lambda: FakePasts({"u-1": Past(Recent([NAMES[5], NAMES[6]], [2.0, 1.0]))})
    )
    text: FakeText = field(default_factory=FakeText)
    image: FakeImage = field(default_factory=FakeImage)
    wares: Sequence[Product] = field(default_factory=lambda: WARES)

    def __post_init__(self) -> None:
        self.house = House(self.text, self.image, self.ranking, shop=self.wares)
        self.recommender = Recommender(
            Sources(self.stage, TasteFinder(self.ranking, self.ranking), self.pasts, self.text),
            self.house.documents,
            LikenessFinder(self.image, self.house.documents),
            lambda: "r-000001",
        )

    def recommend(self, **asked: Any) -> Recommended:
        return asyncio.run(self.recommender.recommend(RecommendQuery(**asked)))


PLAIN = {"diversity": 0.0, "new_share": 0.0, "quotas": {"style": 100}}


def names(found: Recommended) -> list[str]:
    return [hit.product.id for hit in found.hits]


def test_a_shopper_a_session_and_a_stranger_are_told_apart() -> None:
    for asked, mode in (
        ({"user_id": "u-1"}, "user"),
        ({"session_product_ids": (NAMES[3],)}, "session"),
        ({"user_id": "nobody", "session_product_ids": (NAMES[3],)}, "session"),
        ({"session_product_ids": ("p-unknown",)}, "session"),
        ({"user_id": "nobody"}, "cold"),
        ({}, "cold"),
    ):
        found = Salon().recommend(**asked)
        assert found.mode == mode
        assert len(found.hits) == 24
        assert not found.degraded
        assert found.coverage["ranking"] == "ok"
        assert found.coverage["taste"] == ("ok" if asked else "skipped")
        assert (found.release, found.generations["ranking"].name) == ("r-000001", "r-1")


@pytest.mark.parametrize("mode", ["user", "session", "cold"])
def test_the_order_is_that_of_the_blend_and_its_terms_add_up(mode: str) -> None:
    salon = Salon(wares=UNLIKE)
    asked: dict[str, dict[str, Any]] = {
        "user": {"user_id": "u-1"},
        "session": {"session_product_ids": (NAMES[3],)},
        "cold": {},
    }
    found = salon.recommend(**asked[mode], **PLAIN, explain=True, page_size=100)
    weights = {name: w for name, w in WEIGHTS[mode].items() if name != "new"}
    excluded = salon.stage.asked[0].excluded_ids
    ranks = {
        source: {name: at for at, name in enumerate(each for each in ids if each not in excluded)}
        for source, ids in salon.stage.lists.items()
        if source in weights
    }
    total = sum(weights[source] for source in ranks)
    count = salon.stage.asked[0].count
    scores = {
        name: sum(
            weights[source] * 61 / (61 + places[name]) / total
            for source, places in ranks.items()
            if places.get(name, count) < count
        )
        for name in NAMES
    }
    order = sorted(NAMES, key=lambda name: (-scores[name], name))
    assert names(found) == order[:100]
    for hit in found.hits:
        assert hit.explanation is not None
        assert math.isclose(
            sum(term.value for term in hit.explanation.terms), hit.score, abs_tol=1e-6
        )
        assert hit.score == pytest.approx(scores[hit.product.id], abs=1e-9)
        assert hit.explanation.moves == []


def test_moves_lead_from_the_place_by_score_to_the_rank() -> None:
    found = Salon().recommend(
        user_id="u-1", explain=True, diversity=0.5, new_share=0.3, page_size=40
    )
    plain = Salon().recommend(user_id="u-1", diversity=0.0, quotas={"style": 100}, page_size=100)
    by_score = {hit.product.id: hit.rank for hit in plain.hits}
    moved = 0
    for hit in found.hits:
        assert hit.explanation is not None
        moves = hit.explanation.moves
        moved += len(moves)
        for before, after in itertools.pairwise(moves):
            assert before.end == after.start
        assert (moves[-1].end if moves else by_score[hit.product.id]) == hit.rank
        assert all(move.start != move.end for move in moves)
    assert {
        move.stage for hit in found.hits if hit.explanation for move in hit.explanation.moves
    } == {
        "diversity",
        "new",
        "quotas",
    }
    assert moved


def test_a_page_holds_one_product_of_a_style_unless_asked_otherwise() -> None:
    found = Salon().recommend(user_id="u-1", page_size=40)
    styles = [hit.product.style_id for hit in found.hits]
    assert len(set(styles)) == len(styles) == 40
    free = Salon().recommend(user_id="u-1", page_size=100, quotas={"style": 3, "brand": 9})
    brands = [hit.product.brand for hit in free.hits]
    assert max(map(brands.count, brands)) == 9
    many = [hit.product.style_id for hit in free.hits]
    assert 1 < max(map(many.count, many)) <= 3


def test_several_kinds_are_shown_as_far_as_there_are_any() -> None:
    dresses = [name for name in NAMES if SHOP[name].kind == "dress"]
    coats = [name for name in NAMES if SHOP[name].kind == "coat"]
    salon = Salon(FakeProposals({"popular": [*dresses, *coats]}))
    shown = salon.recommend(**PLAIN, page_size=20, explain=True)
    kinds = [hit.product.kind for hit in shown.hits]
    assert (kinds.count("dress"), kinds.count("coat")) == (10, 10)
    last = shown.hits[-1].explanation
    assert last is not None
    assert [move.stage for move in last.moves] == ["quotas"]
    assert "10 of one kind" in last.moves[0].why
    alone = salon.recommend(**PLAIN, page_size=20, filter=Condition("kind", ("dress",)))
    assert names(alone) == dresses[:20]
    known = FakeProposals({"taste": [*dresses, *coats]})
    theirs = names(Salon(known).recommend(user_id="u-1", **PLAIN, page_size=20))
    assert theirs == [*dresses[:10], *coats[:10]], "half a page may be of what somebody likes most"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("diversity", [0.0, 0.4])
def test_every_beginning_of_a_page_holds_its_share_of_new_arrivals(
    share: float, diversity: float
) -> None:
    salon = Salon()
    new = set(salon.stage.lists["new"])
    found = salon.recommend(
        user_id="u-1", new_share=share, diversity=diversity, page_size=25, quotas={"style": 9}
    )
    arrivals = 0
    for place, name in enumerate(names(found), 1):
        arrivals += name in new
        assert arrivals >= min(math.floor(share * place + 1e-9), len(new))
    if share == 0:
        kinds = {reason.kind for hit in found.hits for reason in hit.because}
        assert "new" not in kinds


def test_because_names_the_product_that_speaks_loudest_first() -> None:
    stage = FakeProposals(
        {"taste": [NAMES[10], NAMES[20]], "bought_together": [NAMES[20]], "popular": [NAMES[30]]},
        {NAMES[10]: 1, NAMES[20]: 0},
    )
    found = Salon(stage).recommend(user_id="u-1", **PLAIN)
    told = {hit.product.id: list(hit.because) for hit in found.hits}
    assert told == {
        NAMES[10]: [Because("liked", NAMES[6])],
        NAMES[20]: [Because("liked", NAMES[5]), Because("bought_together", NAMES[5])],
        NAMES[30]: [Because("popular")],
    }
    session = Salon(stage).recommend(session_product_ids=(NAMES[1], NAMES[3]), **PLAIN)
    told = {hit.product.id: list(hit.because) for hit in session.hits}
    assert told[NAMES[10]] == [Because("session", NAMES[1])]
    assert told[NAMES[20]] == [Because("bought_together", NAMES[3]), Because("session", NAMES[3])]


def test_what_is_gone_is_not_named_as_a_reason() -> None:
    stage = FakeProposals({"taste": [NAMES[10], NAMES[11]]}, {NAMES[10]: 0})
    past = FakePasts({"u-1": Past(Recent(["p-long-gone"], [1.0]))})
    found = Salon(stage, pasts=past).recommend(user_id="u-1", **PLAIN)
    assert [list(hit.because) for hit in found.hits] == [[Because("liked")], [Because("liked")]]


def test_what_is_gone_sold_out_or_outside_the_filter_is_not_shown() -> None:
    sold_out = (SizeStock("M", 0),)
    wares = [
        replace(each, sizes=sold_out) if at % 3 == 0 else each for at, each in enumerate(UNLIKE)
    ]
    salon = Salon(FakeProposals({"popular": ["p-nobody", *NAMES]}), wares=wares)
    shown = names(salon.recommend(**PLAIN, page_size=50))
    assert shown == [name for at, name in enumerate(NAMES) if at % 3][:50]
    salon = Salon(salon.stage)
    narrow = Condition("kind", ("dress",))
    salon.stage._may = lambda name, asked: True  # type: ignore[method-assign]  # a stage behind
    found = salon.recommend(**PLAIN, page_size=50, filter=narrow)
    assert {hit.product.kind for hit in found.hits} == {"dress"}


def test_what_is_excluded_reaches_the_stage_and_is_not_shown_if_it_comes_all_the_same() -> None:
    past = Past(
        Recent([NAMES[5]], [1.0]), frozenset(NAMES[:7]), frozenset({SHOP[NAMES[50]].style_id})
    )
    salon = Salon(FakeProposals({"taste": NAMES}), pasts=FakePasts({"u-1": past}))
    salon.stage._may = lambda name, asked: True  # type: ignore[method-assign]
    shown = names(salon.recommend(user_id="u-1", **PLAIN, page_size=100))
    [asked] = salon.stage.asked
    assert list(asked.excluded_ids) == sorted(past.excluded_ids)
    assert list(asked.excluded_styles) == sorted(past.excluded_styles)
    assert not past.excluded_ids & set(shown)
    assert not past.excluded_styles & {SHOP[name].style_id for name in shown}


def test_without_the_ranking_stage_new_arrivals_are_shown() -> None:
    salon = Salon(FakeProposals(error=down(Unavailable)), wares=UNLIKE)
    found = salon.recommend(user_id="u-1", **PLAIN)
    assert found.mode == "cold"
    assert names(found) == NAMES[::-1][:24]
    assert found.degraded_reasons == ["ranking_unavailable"]
    assert found.coverage["ranking"] == "error"
    assert found.coverage["text"] == "ok"
    assert {reason.kind for hit in found.hits for reason in hit.because} == {"new"}


def test_without_anybody_it_is_an_error() -> None:
    salon = Salon(FakeProposals(error=down(Unavailable)), text=FakeText(error=down(Unavailable)))
    with pytest.raises(Unavailable):
        salon.recommend()


def test_a_history_that_cannot_be_read_leaves_the_session() -> None:
    salon = Salon(pasts=FakePasts(error=HistoryUnavailable("down")))
    salon.ranking.users = {}
    found = salon.recommend(user_id="u-1", session_product_ids=(NAMES[3],))
    assert found.mode == "session"
    assert found.degraded_reasons == ["personalization_unavailable"]
    assert found.coverage["taste"] == "error"
    assert list(salon.stage.asked[0].recent.ids) == [NAMES[3]]


def test_factors_of_another_generation_are_had_anew_and_else_done_without() -> None:
    salon = Salon()
    salon.stage.closed = {"r-0"}
    salon.ranking.coming = ["r-0", "r-1"]
    found = salon.recommend(user_id="u-1")
    assert (found.mode, found.degraded) == ("user", False)
    assert [each.factors and each.factors.generation for each in salon.stage.asked] == [
        "r-0",
        "r-1",
    ]
    lost = Salon()
    lost.stage.closed = {"r-1"}
    found = lost.recommend(user_id="u-1")
    assert found.mode == "user"  # by what was bought together, which needs no factors
    assert found.degraded_reasons == ["personalization_unavailable"]
    assert "taste" not in {
        voice for hit in found.hits for voice in (reason.kind for reason in hit.because)
    }


def test_a_bug_of_a_stage_is_no_lack_of_taste() -> None:
    with pytest.raises(ZeroDivisionError):
        Salon(FakeProposals(error=ZeroDivisionError())).recommend()


def test_the_picture_side_is_asked_how_alike_hits_are_and_missed_where_it_is_away() -> None:
    assert Salon().recommend().coverage["image"] == "ok"
    assert Salon().recommend(diversity=0.0).coverage["image"] == "skipped"
    found = Salon(image=FakeImage(error=down(Unavailable))).recommend()
    assert found.degraded_reasons == ["image_unavailable"]
    assert len(found.hits) == 24


@pytest.mark.parametrize(
    ("field_name", "asked"),
    [
        ("page_size", {"page_size": 0}),
        ("page_size", {"page_size": 101}),
        ("user_id", {"user_id": "x" * 129}),
        ("session_product_ids", {"session_product_ids": ("x",) * 101}),
        ("new_share", {"new_share": 1.1}),
        ("new_share", {"new_share": math.nan}),
        ("diversity", {"diversity": -0.1}),
        ("quotas", {"quotas": {"kind": 1}}),
        ("budget_ms", {"budget_ms": 49}),
        ("filter.field", {"filter": Condition("nothing", ("x",))}),
    ],
)
def test_a_malformed_query_is_refused_by_its_field(field_name: str, asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        RecommendQuery(**asked)
    assert caught.value.field == field_name


def test_a_query_has_no_more_time_than_its_caller() -> None:
    assert within_left(RecommendQuery(), None).total_budget_ms == 1000
    assert within_left(RecommendQuery(), 0.2).total_budget_ms == 200
    with pytest.raises(DeadlineExceeded):
        within_left(RecommendQuery(), 0.01)


def test_a_page_that_runs_dry_is_short() -> None:
    blended = blend([ProposedList("popular", NAMES[:30], [0.0] * 30)], "cold")
    placed = on_page(
        blended, list(range(30)), SHOP, page_size=24, limits={"brand": 2},
        new_share=0.5,
    )  # fmt: skip
    brands = [SHOP[each.proposal.product_id].brand for each in placed]
    assert {brands.count(brand) for brand in brands} <= {1, 2}
    assert len(placed) < 24
    assert [each.rank for each in placed] == list(range(1, len(placed) + 1))


@dataclass
class FakeJournal:
    """The events of one shopper."""

    events: Sequence[Interaction] = ()
    error: ServiceError | None = None

    def learned(self, user_id: str, limit: int) -> Learned:
        if self.error is not None:
            raise self.error
        mine = [each for each in self.events if each.user_id == user_id]
        return Learned(mine[-limit:], "mark")

    def decided(self, user_id: str, limit: int) -> Sequence[Interaction]:
        mine = [each for each in self.events if each.user_id == user_id]
        return [each for each in mine if each.kind in DECISIONS][-limit:]

    def styles_of(self, product_ids: Collection[str]) -> frozenset[str]:
        shop = {each.id: each.style_id for each in [*WARES, *SOCKS]}
        return frozenset(shop[name] for name in product_ids if name in shop)


def event(kind: str, product_id: str, days: float, *, value: float | None = None) -> Interaction:
    """Something done so many days ago."""
    at = NOW - timedelta(days=days)
    return Interaction(f"{kind}-{product_id}-{days}", "u-1", product_id, kind, at, value)


def past_of(*events: Interaction, kinds: Sequence[str] = ("socks",)) -> Past:
    told = sorted(events, key=lambda each: each.at)
    house = House(shop=[*WARES, *SOCKS])
    reader = PastReader(
        lambda: FakeJournal(told), house.documents, replenishable_kinds=frozenset(kinds),
        now=lambda: NOW,
    )  # fmt: skip
    return asyncio.run(reader.of("u-1"))


SOCKS = [
    Product(id=f"sock-{at}", style_id=f"socks-{at}", title="Socks", kind="Socks", added_seq=1)
    for at in range(3)
]


def test_what_was_bought_rules_out_its_style_and_what_was_disliked_itself() -> None:
    past = past_of(
        event("purchase", NAMES[0], 100),
        event("return", NAMES[10], 90),
        event("dislike", NAMES[20], 3),
        event("purchase", "p-gone", 5),
    )
    assert past.excluded_styles == {SHOP[NAMES[0]].style_id, SHOP[NAMES[10]].style_id}
    assert past.excluded_ids >= {NAMES[0], NAMES[10], NAMES[20], "p-gone"}
    assert NAMES[20] not in past.recent.ids


def test_no_number_of_views_lets_what_was_bought_or_disliked_be_forgotten() -> None:
    looks = [event("view", NAMES[30 + at % 5], 1 + at / 1e4) for at in range(1200)]
    past = past_of(event("purchase", NAMES[0], 100), event("dislike", NAMES[20], 90), *looks)
    assert past.excluded_ids >= {NAMES[0], NAMES[20]}
    assert past.excluded_styles == {SHOP[NAMES[0]].style_id}


def test_what_is_bought_again_is_offered_again_after_thirty_days() -> None:
    past = past_of(
        event("purchase", "sock-0", 31),
        event("purchase", "sock-1", 29),
        event("purchase", "sock-2", 400),
        event("purchase", "sock-2", 2),
    )
    assert past.excluded_ids == {"sock-1", "sock-2"}
    assert past.excluded_styles == {"socks-1", "socks-2"}
    never = past_of(event("purchase", "sock-0", 400), kinds=())
    assert never.excluded_styles == {"socks-0"}


def test_the_latest_comes_first_and_counts_by_its_confidence() -> None:
    past = past_of(
        event("view", NAMES[1], 9), event("like", NAMES[2], 5), event("view", NAMES[1], 1),
        event("view", NAMES[3], 3),
    )  # fmt: skip
    assert list(past.recent.ids) == [NAMES[1], NAMES[3], NAMES[2]]
    assert past.recent.confidences[2] > past.recent.confidences[0] > past.recent.confidences[1] > 0
    assert past.excluded_ids == {NAMES[1], NAMES[2], NAMES[3]}


def test_a_session_comes_before_the_history() -> None:
    past = past_of(event("like", NAMES[1], 2), event("like", NAMES[2], 1))
    both = past.in_session([NAMES[7], NAMES[1], NAMES[7]])
    assert list(both.recent.ids) == [NAMES[7], NAMES[1], NAMES[2]]
    assert both.excluded_ids == {NAMES[7], NAMES[1], NAMES[2]}
    long = past.in_session(NAMES[:MAX_RECENT])
    assert len(long.recent.ids) == len(long.recent.confidences) == MAX_RECENT


def test_a_store_that_does_not_answer_is_no_ranking_stage_that_does_not() -> None:
    journal = FakeJournal(error=down(Unavailable))
    reader = PastReader(lambda: journal, House(shop=WARES).documents)
    with pytest.raises(HistoryUnavailable):
        asyncio.run(reader.of("u-1"))


def test_an_answer_that_makes_no_sense_is_an_internal_error_of_the_stage() -> None:
    found = Salon(FakeProposals(error=Internal("nonsense"))).recommend()
    assert found.degraded_reasons == ["ranking_unavailable"]
