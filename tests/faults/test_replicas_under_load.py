"""One of two replicas may die, freeze or restart under load, and no request fails."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from offline import run_state
from offline.house import UpOptions
from offline.layout import DataDir
from offline.readiness import answers
from offline.run_state import Member
from offline.up import down, up_detached
from tests.ports import two_ports
from tests.running import Running
from tests.waiting import eventually

pytestmark = pytest.mark.fault
REPLICAS = {"text": 2, "image": 2, "ranking": 2}


@pytest.fixture(scope="module")
def doubled(world: DataDir) -> Iterator[Running]:
    """The small world with two replicas of each stage."""
    running = Running(world)
    if run_state.read(world) is not None:
        down(world)
    up_detached(world, UpOptions(port=two_ports(), replicas=REPLICAS))
    yield running
    down(world)


@dataclass
class Load:
    """What came of the requests that were sent while something happened."""

    statuses: list[int] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)


async def under_load(url: str, happening: Callable[[], None], *, after: int, requests: int) -> Load:
    """Sends searches from four clients; ``happening`` runs once ``after`` of them were answered."""
    load = Load()
    upcoming = iter(range(requests))
    asked = asyncio.Event()

    async def client() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            for number in upcoming:
                body = {
                    "text": f"{'red' if number % 2 else 'blue'} shirt",
                    "user_id": "u-0001",
                    "budget_ms": 5000,
                }
                answer = await http.post("/v1/search", json=body)
                load.statuses.append(answer.status_code)
                if answer.status_code == 200:
                    load.degraded.extend(answer.json()["degraded_reasons"])
                if len(load.statuses) == after:
                    asked.set()

    async def fault() -> None:
        await asked.wait()
        await asyncio.to_thread(happening)

    await asyncio.gather(fault(), *(client() for _ in range(4)))
    return load


def check(load: Load, requests: int) -> None:
    assert load.statuses == [200] * requests
    assert load.degraded == []


@pytest.mark.parametrize("stage", ["text", "image"])
def test_f01_a_killed_replica_costs_no_request(doubled: Running, stage: str) -> None:
    victim = doubled.members(stage)[0]
    with doubled.unattended():
        load = asyncio.run(
            under_load(
                doubled.rest_url,
                lambda: os.kill(victim.pid, signal.SIGKILL),
                after=100,
                requests=800,
            )
        )
    doubled.await_whole()
    check(load, 800)


@pytest.mark.parametrize("stage", ["text", "image"])
def test_f03_a_frozen_replica_costs_no_request(doubled: Running, stage: str) -> None:
    victim = doubled.members(stage)[1]
    try:
        load = asyncio.run(
            under_load(
                doubled.rest_url,
                lambda: os.kill(victim.pid, signal.SIGSTOP),
                after=100,
                requests=800,
            )
        )
    finally:
        os.kill(victim.pid, signal.SIGCONT)
    doubled.await_whole()
    check(load, 800)


def in_rotation(running: Running, stage: str) -> float:
    """How many replicas of a stage the gateway calls."""
    wanted = f'hemline_pool_rotation{{stage="{stage}"}} '
    lines = running.get("/metrics").text.splitlines()
    return next(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


def test_f12_a_rolling_restart_costs_no_request(doubled: Running) -> None:
    def restart(member: Member) -> None:
        os.kill(member.pid, signal.SIGTERM)
        eventually(
            lambda: any(
                now.name == member.name and now.pid != member.pid and answers(now.readiness)
                for now in doubled.state.members
            ),
            within_s=120,
        )
        # As a rollout waits before it goes on (minReadySeconds): until callers know it again.
        eventually(lambda: in_rotation(doubled, member.stage) == REPLICAS[member.stage])

    def roll() -> None:
        for stage in REPLICAS:
            for member in doubled.members(stage):
                restart(member)

    async def until_rolled() -> Load:
        load = Load()
        rolling = asyncio.create_task(asyncio.to_thread(roll))

        async def client() -> None:
            async with httpx.AsyncClient(base_url=doubled.rest_url, timeout=20) as http:
                while not rolling.done():
                    answer = await http.post(
                        "/v1/search", json={"text": "shirt", "budget_ms": 5000}
                    )
                    load.statuses.append(answer.status_code)
                    load.degraded.extend(answer.json()["degraded_reasons"])
                    await asyncio.sleep(0.01)

        await asyncio.gather(rolling, client(), client())
        return load

    load = asyncio.run(until_rolled())
    doubled.await_whole()
    check(load, len(load.statuses))
    assert len(load.statuses) > 100
