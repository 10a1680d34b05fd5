"""Promises of the roster: who is in rotation, who is picked, who is taken out."""

from collections import Counter
from collections.abc import Iterator

import grpc
import pytest

from runtime.budgets import Budget, Rolling, longest_wait_s
from runtime.errors import SetupError, Unavailable
from runtime.metrics import Metrics
from runtime.replica import Replica
from runtime.roster import PoolSettings, Roster
from runtime.targets import Dns, Static, parse


class Stub:
    """A stage without methods."""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Moved:
    def __init__(self) -> None:
        self.times = 0

    def move(self) -> None:
        self.times += 1


Pool = tuple[Roster[Stub], list[Replica[Stub]], Clock]


def make(count: int) -> Pool:
    clock = Clock()
    ejections = Metrics("gateway").counter("ejections", "", ("stage",)).labels("text")
    roster: Roster[Stub] = Roster("text", PoolSettings(), ejections, clock=clock)
    for number in range(count):
        address = f"127.0.0.1:{number + 1}"
        roster.replicas.append(Replica(address, lambda _: Stub(), max_message_mib=1))
    roster.refresh()
    return roster, roster.replicas, clock


@pytest.fixture
async def two() -> Pool:
    return make(2)


@pytest.fixture
async def four() -> Pool:
    return make(4)


def fail(roster: Roster[Stub], replica: Replica[Stub], times: int = 3) -> None:
    for _ in range(times):
        roster.failed(replica, 0.5)


def picks(roster: Roster[Stub], times: int = 2000) -> Iterator[Replica[Stub]]:
    return (roster.pick() for _ in range(times))


async def test_even_replicas_share_the_calls(four: Pool) -> None:
    roster, replicas, _ = four
    shares = Counter(replica.address for replica in picks(roster))
    assert min(shares.values()) > 0.2 * 2000
    assert len(shares) == len(replicas)


async def test_the_one_with_less_to_do_is_picked(two: Pool) -> None:
    roster, (one, other), _ = two
    one.outstanding = 1
    assert all(replica is other for replica in picks(roster))


async def test_a_slow_replica_gets_at_most_a_tenth_yet_some(two: Pool) -> None:
    roster, (slow, fast), _ = two
    slow.enter(0.3)
    fast.enter(0.01)
    share = sum(replica is slow for replica in picks(roster)) / 2000
    assert 0 < share <= 0.1


async def test_failing_fast_attracts_no_calls(two: Pool) -> None:
    roster, (broken, sound), _ = two
    roster.answered(sound, 0.03)
    roster.shed(broken, 0.5)
    assert sum(replica is broken for replica in picks(roster)) / 2000 <= 0.1


async def test_three_failures_in_a_row_take_a_replica_out(two: Pool) -> None:
    roster, (one, other), _ = two
    fail(roster, one, 2)
    roster.answered(one, 0.01)
    fail(roster, one, 2)
    assert one in roster.rotation
    fail(roster, one, 1)
    assert roster.rotation == [other]


async def test_refusals_take_nobody_out(two: Pool) -> None:
    roster, (one, _), _ = two
    for _ in range(50):
        roster.shed(one, 0.5)
    assert one in roster.rotation


async def test_a_replica_returns_by_a_good_word_after_its_time(two: Pool) -> None:
    roster, (one, _), clock = two
    for seconds in (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        fail(roster, one)
        clock.now += seconds - 0.01
        roster.judge(one, serves=True)
        assert one not in roster.rotation
        clock.now += 0.02
        roster.judge(one, serves=False)
        assert one not in roster.rotation
        roster.judge(one, serves=True)
        assert one in roster.rotation


async def test_long_good_conduct_is_rewarded(two: Pool) -> None:
    roster, (one, _), clock = two
    for _ in range(4):
        fail(roster, one)
        clock.now += 31
        roster.judge(one, serves=True)
    clock.now += 31
    fail(roster, one)
    clock.now += 1.1
    roster.judge(one, serves=True)
    assert one in roster.rotation


@pytest.mark.parametrize(("count", "stay"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
async def test_half_of_the_replicas_stay_whatever_fails(count: int, stay: int) -> None:
    roster, replicas, _ = make(count)
    for replica in replicas:
        fail(roster, replica, 10)
    assert len(roster.rotation) == stay


async def test_all_are_used_when_none_says_it_serves(two: Pool) -> None:
    roster, replicas, _ = two
    for replica in replicas:
        roster.judge(replica, serves=False)
    assert roster.rotation == replicas


async def test_those_that_cannot_be_reached_get_nothing(four: Pool) -> None:
    roster, replicas, _ = four
    for replica in replicas[:3]:
        roster.lose(replica)
    assert roster.rotation == replicas[3:]
    roster.lose(replicas[3])
    with pytest.raises(Unavailable) as caught:
        roster.pick()
    assert caught.value.retry_after_s == 1.0


async def test_the_calls_of_a_lost_replica_are_moved(two: Pool) -> None:
    roster, (one, other), _ = two
    call, unharmed = Moved(), Moved()
    one.calls.add(call)
    other.calls.add(unharmed)
    roster.lose(one)
    roster.lose(one)
    assert (call.times, unharmed.times) == (1, 0)


async def test_another_is_never_the_same(two: Pool) -> None:
    roster, (one, other), _ = two
    assert all(roster.pick_other(one) is other for _ in range(50))
    roster.lose(other)
    assert roster.pick_other(one) is None


async def test_one_that_is_out_is_better_than_a_failed_call(two: Pool) -> None:
    roster, (one, other), _ = two
    fail(roster, other)
    assert roster.rotation == [one]
    assert roster.pick_other(one) is other
    roster.lose(other)
    assert roster.pick_other(one) is None


def test_a_budget_is_a_share_of_the_calls_and_a_burst() -> None:
    clock = Clock()
    budget = Budget(0.1, 0.0, 2, clock=clock)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    for _ in range(19):
        budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]


def test_a_budget_grows_with_time() -> None:
    clock = Clock()
    budget = Budget(0.0, 3.0, 2, clock=clock)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    clock.now += 0.4
    assert [budget.spend() for _ in range(2)] == [True, False]
    clock.now += 1000
    assert [budget.spend() for _ in range(3)] == [True, True, False]


def test_a_rolling_percentile_follows_the_last_values() -> None:
    rolling = Rolling(0.06)
    for _ in range(15):
        rolling.add(0.01)
    assert rolling.p95 == 0.06
    rolling.add(0.01)
    assert rolling.p95 == 0.01
    for value in range(128):
        rolling.add(value / 100)
    assert rolling.p95 == pytest.approx(1.20)


def test_targets_are_read() -> None:
    assert parse("static:a:1, b:2,a:1") == Static(("a:1", "b:2"))
    assert parse("dns:text.hemline.svc:50051") == Dns("text.hemline.svc", 50051)


@pytest.mark.parametrize(
    "text", ["", "a:1", "static:", "static:a", "static:a:0", "dns:a:1,b:2", "dns:a:x", "srv:a:1"]
)
def test_other_targets_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(SetupError, match="give static:host:port,host:port or dns:name:port"):
        parse(text)


async def test_a_name_is_resolved_to_addresses() -> None:
    assert "127.0.0.1:50051" in await Dns("localhost", 50051).resolve()


async def test_an_unknown_name_resolves_to_nothing() -> None:
    assert await Dns("nobody.invalid", 50051).resolve() == ()


async def test_a_channel_goes_to_its_own_address() -> None:
    replica = Replica("127.0.0.1:9", lambda channel: channel, max_message_mib=1)
    assert isinstance(replica.stub, grpc.aio.Channel)
    assert await replica.check(timeout_s=5) is grpc.StatusCode.UNAVAILABLE
    await replica.close()


@pytest.mark.parametrize(
    ("left_s", "wait_s"),
    [(5, 4), (0.6, 0.48), (0.25, 0.2), (0.1, 0.05), (0.05, 0), (0.01, 0), (-1, 0)],
)
def test_a_wait_leaves_a_fifth_of_the_time_and_50_ms_at_least(left_s: float, wait_s: float) -> None:
    assert longest_wait_s(left_s) == pytest.approx(wait_s)
