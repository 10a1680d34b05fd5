"""Promises of the rooms that know shoppers: rounds, generations, histories, the watch on clicks."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.confidence import ConfidenceRules
from catalog.interaction import Interaction
from catalog.journal import Learned
from catalog.product import Product
from runtime.artifacts import ArtifactRefused, ArtifactStore, Release
from runtime.errors import PermissionDenied, PreconditionFailed, Unavailable
from services.gateway.answer import Answer, Total
from services.gateway.budget import Deadline
from services.gateway.click_watch import LONGEST_S, MOST, ClickWatch
from services.gateway.coverage import HistoryUnavailable
from services.gateway.factor_cache import UncachedFactors
from services.gateway.keys import ACT_AS_USER, ADMIN, ERASE, READ, WRITE, Caller
from services.gateway.main_shoppers import ClickedSearch
from services.gateway.query import Query
from services.gateway.ranking_generations import KIND, RULES, RankingGenerations
from services.gateway.rounds import Rounds
from services.gateway.shopper_factors import FoldedShoppers
from services.gateway.shoppers import DemoShoppers
from services.gateway.stages import UserFactors
from services.gateway.taste import TasteFinder
from tests.gateway_fakes import FakeRanking, FakeText, House, ask

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
VIEW = Interaction("e-1", "u-1", "p-1", "view", NOON)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_who_comes_during_a_round_is_given_the_next_and_all_share_it() -> None:
    rounds: Rounds[int] = Rounds()
    begun: list[asyncio.Event] = []

    async def work() -> int:
        begun.append(asyncio.Event())
        number = len(begun)
        await begun[-1].wait()
        return number

    async def asks(count: int) -> "list[asyncio.Task[int]]":
        tasks = [asyncio.create_task(rounds.ask("a", work)) for _ in range(count)]
        for _ in range(5):
            await asyncio.sleep(0)
        return tasks

    first = await asks(2)
    late = await asks(3)
    assert len(begun) == 1
    begun[0].set()
    assert await asyncio.gather(*first) == [1, 1]
    for _ in range(5):
        await asyncio.sleep(0)
    latest = await asks(1)
    begun[1].set()
    assert await asyncio.gather(*late) == [2, 2, 2]
    for _ in range(5):
        await asyncio.sleep(0)
    begun[2].set()
    assert await latest[0] == 3
    assert not rounds.is_asked("a")


async def test_a_round_that_fails_fails_those_who_share_it_and_no_others() -> None:
    rounds: Rounds[int] = Rounds()
    gate, calls = asyncio.Event(), 0

    async def work() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            await gate.wait()
            raise Unavailable("gone")
        return calls

    first = asyncio.create_task(rounds.ask("a", work))
    while not calls:  # noqa: ASYNC110  # it begins at once
        await asyncio.sleep(0)
    second = asyncio.create_task(rounds.ask("a", work))
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(Unavailable):
        await first
    assert await second == 2


async def test_one_who_gives_up_ends_no_round() -> None:
    rounds: Rounds[int] = Rounds()
    gate = asyncio.Event()

    async def work() -> int:
        await gate.wait()
        return 7

    first, second = (asyncio.create_task(rounds.ask("a", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()
    assert await second == 7


class Published:
    """Releases of factors that hold nothing but their rules."""

    def __init__(self, root: Path) -> None:
        self.store = ArtifactStore(root)

    def factors(self, name: str, facts: dict[str, object]) -> str:
        def write(folder: Path) -> dict[str, object]:
            (folder / "name").write_text(name)
            return facts

        return self.store.publish(KIND, format=1, seq=1, write=write).generation

    def release(self, generation: str) -> Release:
        return self.store.release({KIND: generation} if generation else {}, seq=1)


def test_the_generation_before_is_known_also_to_who_was_not_there(tmp_path: Path) -> None:
    published = Published(tmp_path)
    one, two, three = (published.factors(name, {}) for name in ("one", "two", "three"))
    known = RankingGenerations(published.store)
    assert (list(known()), known.in_use) == ([], "")
    known.follow(published.release(one))
    assert list(known()) == [one]
    known.follow(published.release(two))
    assert list(known()) == [two, one]
    again = RankingGenerations(published.store)
    current = published.store.current()
    assert current is not None
    again.follow(current)
    assert list(again()) == [two, one]
    # A release of the same factors changes nothing, and a rollback turns the two around.
    known.follow(published.release(two))
    known.follow(published.release(one))
    assert list(known()) == [one, two]
    known.follow(published.release(three))
    assert list(known()) == [three, one]
    known.follow(published.release(""))
    assert (list(known()), known.in_use) == ([], "")


def test_each_generation_has_the_rules_by_which_it_learned(tmp_path: Path) -> None:
    published = Published(tmp_path)
    rules = ConfidenceRules(view=2.0, half_life_days=7.0)
    one = published.factors("one", {})
    two = published.factors("two", {RULES: rules.facts()})
    known = RankingGenerations(published.store)
    known.follow(published.release(one))
    assert known.rules("") == known.rules(one) == ConfidenceRules()
    known.follow(published.release(two))
    assert (known.rules(""), known.rules(two), known.rules(one)) == (
        rules, rules, ConfidenceRules(),
    )  # fmt: skip


@pytest.mark.parametrize("facts", [{"zq9secret": 1.0}, {"view": -1.0}, [1], {"view": "much"}])
def test_factors_by_rules_that_nobody_knows_are_refused(tmp_path: Path, facts: object) -> None:
    published = Published(tmp_path)
    known = RankingGenerations(published.store)
    one = published.factors("one", {})
    known.follow(published.release(one))
    with pytest.raises(ArtifactRefused) as caught:
        known.follow(published.release(published.factors("bad", {RULES: facts})))
    assert caught.value.reason == "confidence_rules"
    assert known.in_use == one


class Store:
    """A history, or none that answers."""

    def __init__(self, events: Sequence[Interaction] = (VIEW,), *, is_down: bool = False) -> None:
        self.events = events
        self.is_down = is_down

    def mark(self, user_id: str, limit: int) -> str:
        return self.learned(user_id, limit).mark

    def learned(self, user_id: str, limit: int) -> Learned:
        if self.is_down:
            raise Unavailable("the database is gone")
        return Learned(self.events, f"{len(self.events)}.0.0")


class Folding(FakeRanking):
    """Notes what it is asked to fold in."""

    asked: tuple[list[str], list[float], str] = ([], [], "")

    async def fold_in(
        self,
        product_ids: Sequence[str],
        *,
        timeout_s: float,
        confidences: Sequence[float] = (),
        generation: str = "",
    ) -> UserFactors | None:
        self.asked = list(product_ids), list(confidences), generation
        return UserFactors(generation, b"u-1")


async def test_a_history_is_folded_in_by_the_rules_of_the_generation_asked_for() -> None:
    rules = {"r-1": ConfidenceRules(view=2.0), "r-2": ConfidenceRules(view=5.0)}
    ranking, store = Folding(), Store()
    known = FoldedShoppers(lambda: store, ranking, UncachedFactors(), rules.__getitem__)
    weighed = []
    for name in ("r-1", "r-2"):
        assert await known.factors("u-1", generation=name) == UserFactors(name, b"u-1")
        product_ids, weights, generation = ranking.asked
        assert (product_ids, generation) == (["p-1"], name)
        weighed += weights
    # The event is of long ago: it fades by the same share under both.
    assert weighed == [pytest.approx(2.0 * weighed[1] / 5.0), weighed[1]]
    assert 0.3 <= weighed[1] / 5.0 <= 1.0


async def test_of_somebody_who_did_nothing_the_ranking_stage_is_asked_nothing() -> None:
    ranking, store = Folding(), Store([replace(VIEW, kind="impression")])
    known = FoldedShoppers(lambda: store, ranking, UncachedFactors())
    assert await known.factors("u-1") is None
    assert ranking.asked == ([], [], "")


async def test_a_history_that_cannot_be_read_costs_the_personal_order_and_is_told() -> None:
    rooms = House(FakeText(["a", "b"]), ranking=FakeRanking())
    store = Store(is_down=True)
    known = FoldedShoppers(lambda: store, rooms.ranking, UncachedFactors())
    with pytest.raises(HistoryUnavailable):
        await known.factors("u-1")
    pipeline = replace(rooms.pipeline, taste=TasteFinder(rooms.ranking, known))
    answer = await pipeline.search(ask(user_id="u-1", budget_ms=5000))
    assert [hit.product.id for hit in answer.hits] == ["a", "b"]
    assert answer.degraded_reasons == ["personalization_unavailable"]
    assert answer.coverage["taste"] == "error"


class Generations(FakeRanking):
    """Replicas of which some generations are open, to fold in and to score."""

    foldable: frozenset[str] = frozenset()
    scorable: frozenset[str] = frozenset()

    async def factors(
        self, user_id: str, *, generation: str = "", fresh: bool = False
    ) -> UserFactors | None:
        self.looked_up.append(generation)
        if generation not in self.foldable:
            raise PreconditionFailed("not open")
        self.closed = {generation} - self.scorable
        return UserFactors(generation, user_id.encode())


@pytest.mark.parametrize(
    ("foldable", "scorable", "looked_up", "used"),
    [
        ("ab", "ab", ["a"], "a"),
        ("b", "b", ["a", "b"], "b"),  # no replica swapped yet
        ("ab", "b", ["a", "b"], "b"),  # the one that is asked to score did not
        ("a", "b", ["a", "b"], ""),
        ("", "", ["a", "b"], ""),
    ],
)
async def test_the_generation_before_is_asked_for_where_the_newest_is_not_open(
    foldable: str, scorable: str, looked_up: list[str], used: str
) -> None:
    ranking = Generations({"u-1": {"b": 1.0, "a": 0.0}})
    ranking.foldable, ranking.scorable = frozenset(foldable), frozenset(scorable)
    rooms = House(FakeText(["a", "b"]), ranking=ranking)
    taste = TasteFinder(ranking, ranking, lambda: ("a", "b"))
    answer = await replace(rooms.pipeline, taste=taste).search(
        ask(user_id="u-1", personalization=1.0)
    )
    assert ranking.looked_up == looked_up
    if used:
        assert answer.generations["ranking"].name == used
        assert (answer.degraded_reasons, answer.hits[0].product.id) == ([], "b")
    else:
        assert answer.degraded_reasons == ["personalization_unavailable"]
        assert answer.hits[0].product.id == "a"


async def test_an_attempt_after_the_last_one_fails() -> None:
    ranking = FakeRanking({"u-1": {}})
    taste = TasteFinder(ranking, ranking)
    deadline, query = Deadline(1e9, lambda: 0.0), Query(parts=(), user_id="u-1")
    first = await taste.shopper(query, deadline)
    assert first is not None
    second = await taste.shopper(query, deadline, after=first)
    assert second is not None
    with pytest.raises(PreconditionFailed):
        await taste.shopper(query, deadline, after=second)


def test_a_click_is_timed_until_the_first_answer_that_was_asked_for_after_it() -> None:
    clock, seen = Clock(), list[float]()
    watch = ClickWatch(seen.append, clock=clock)
    asked_before = clock.now
    clock.now += 1
    watch.acknowledged(["u-1"])
    clock.now += 0.5
    watch.answered("u-1", asked_before)  # it may not know the click
    watch.answered("u-2", clock.now)  # nobody clicked
    assert seen == []
    # A minute without a question is no waiting.
    clock.now += 60
    asked = clock.now
    watch.asked("u-1", asked)
    clock.now += 0.25
    watch.acknowledged(["u-1"])  # the first of several clicks is timed
    watch.asked("u-1", clock.now)
    clock.now += 0.25
    watch.answered("u-1", asked)
    assert seen == [0.5]
    watch.answered("u-1", clock.now)
    assert seen == [0.5]


def test_the_watch_keeps_a_bounded_number_of_clicks_for_a_bounded_time() -> None:
    clock, seen = Clock(), list[float]()
    watch = ClickWatch(seen.append, clock=clock)
    watch.acknowledged([f"u-{number}" for number in range(MOST + 1)])
    watch.answered("u-0", clock.now)
    assert seen == []
    watch.answered("u-1", clock.now)
    assert seen == [0.0]
    clock.now += LONGEST_S + 1
    watch.asked("u-2", clock.now)
    watch.answered("u-2", clock.now)
    watch.forget("u-3")
    watch.answered("u-3", clock.now)
    assert seen == [0.0]


class Answering:
    """Answers each search with this coverage after half a second."""

    def __init__(self, clock: Clock, coverage: dict[str, str]) -> None:
        self.clock = clock
        self.coverage = coverage

    async def search(self, query: Query) -> Answer:
        self.clock.now += 0.5
        return Answer([], Total(0, "eq"), [], self.coverage, "", {}, 1, 1, {})


WHOLE = {"text": "ok", "image": "ok", "ranking": "ok", "taste": "ok"}


@pytest.mark.parametrize(
    ("coverage", "query", "seen"),
    [
        (WHOLE, ask(user_id="u-1"), [0.5]),
        (WHOLE | {"ranking": "skipped"}, ask(user_id="u-1"), [0.5]),  # of a stranger
        (WHOLE | {"ranking": "error"}, ask(user_id="u-1"), []),
        (WHOLE | {"taste": "timeout"}, ask(user_id="u-1"), []),
        (WHOLE, ask(), []),
        (WHOLE, ask(user_id="u-2"), []),
        (WHOLE, ask(user_id="u-1", page_token="token"), []),
        (WHOLE | {"taste": "skipped"}, ask(user_id="u-1", personalization=0.0), []),
    ],
)
async def test_only_a_whole_first_page_shows_a_click(
    coverage: dict[str, str], query: Query, seen: list[float]
) -> None:
    clock, timed = Clock(), list[float]()
    watch = ClickWatch(timed.append, clock=clock)
    watch.acknowledged(["u-1"])
    await ClickedSearch(Answering(clock, coverage), watch).search(query)
    assert timed == seen


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        ([ADMIN], True),
        ([WRITE, ACT_AS_USER], True),
        ([READ, WRITE], False),
        ([READ, ACT_AS_USER], False),
        ([], False),
    ],
)
def test_to_forget_a_shopper_takes_an_admin_or_a_writer_who_acts_for_him(
    scopes: list[str], may: bool
) -> None:
    caller = Caller("k", frozenset(scopes))
    if may:
        caller.require(ERASE)
    else:
        with pytest.raises(PermissionDenied):
            caller.require(ERASE)


class Purchases:
    """A catalogue whose purchases a test changes."""

    def __init__(self) -> None:
        self.users = ["u-1", "u-2"]

    def interactions(self, *, kinds: Sequence[str] = ()) -> list[Interaction]:
        return [Interaction(name, name, "p", "purchase", NOON) for name in self.users]

    def get_many(self, ids: Sequence[str]) -> dict[str, Product]:
        return {}


async def test_an_erased_shopper_is_no_longer_shown_as_one_of_the_demo() -> None:
    clock, source = Clock(), Purchases()
    here, elsewhere = (DemoShoppers(source, clock=clock) for _ in range(2))
    for shown in (here, elsewhere):
        assert [each.user_id for each in await shown.sample(9)] == ["u-1", "u-2"]
    source.users = ["u-2"]
    here.forget("u-1")
    assert [each.user_id for each in await here.sample(9)] == ["u-2"]
    clock.now += 61
    assert [each.user_id for each in await elsewhere.sample(9)] == ["u-2"]


def test_the_facts_of_an_artifact_are_read_without_its_files(tmp_path: Path) -> None:
    published = Published(tmp_path)
    name = published.factors("one", {"alpha": 1})
    assert published.store.facts(KIND, name) == {"alpha": 1}
    manifest = tmp_path / KIND / name / "manifest.json"
    changed = json.loads(manifest.read_text())
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(changed | {"seq": 2}))
    for bad in (name, "000009-00000000"):
        with pytest.raises(ArtifactRefused):
            published.store.facts(KIND, bad)
