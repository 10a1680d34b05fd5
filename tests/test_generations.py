"""Promises of the follower: a stage swaps to what is whole and keeps what it has otherwise."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runtime.artifacts import ArtifactStore, Release
from runtime.generations import Follower
from runtime.metrics import Metrics


@dataclass
class World:
    """A store, and a stage that serves the text of its artifact."""

    store: ArtifactStore
    root: Path
    metrics: Metrics = field(default_factory=lambda: Metrics("text"))
    states: list[tuple[bool, str]] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def follower(self, *kinds: str) -> Follower[str]:
        return Follower(
            self.store,
            self.load,
            poll_s=5.0,
            on_state=lambda ready, reason: self.states.append((ready, reason)),
            metrics=self.metrics,
            kinds=kinds,
        )

    def load(self, release: Release) -> str:
        self.loads.append(release.name)
        artifact = self.store.open("text", release.generations["text"], format=1)
        text = (artifact.folder / "words.txt").read_text()
        if text == "poison":
            raise MemoryError("cannot allocate")
        return text

    def publish(self, kind: str, text: str) -> str:
        def write(folder: Path) -> Mapping[str, object]:
            (folder / "words.txt").write_text(text)
            return {}

        return self.store.publish(kind, format=1, seq=0, write=write).generation

    def release(self, text: str) -> str:
        """Publishes and releases a text; returns its generation."""
        generation = self.publish("text", text)
        self.store.release({"text": generation}, seq=1)
        return generation

    def damage(self, generation: str) -> None:
        path = self.root / "text" / generation / "words.txt"
        path.unlink()
        path.write_text("damaged")

    def failures(self, reason: str) -> bool:
        line = f'hemline_release_load_failures_total{{reason="{reason}"}} 1.0'
        return line in self.metrics.render().decode()

    def refusing(self) -> list[str]:
        shown = self.metrics.render().decode()
        return re.findall(r'^hemline_release_refused\{reason="(\w+)"\} 1.0$', shown, re.MULTILINE)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(ArtifactStore(tmp_path / "artifacts"), tmp_path / "artifacts")


async def test_without_a_release_the_stage_is_not_ready_and_says_why(world: World) -> None:
    follower = world.follower()
    await follower.poll()
    assert follower.value is None
    assert world.states == [(False, "no release is published yet: run hemline build")]


async def test_the_first_release_makes_the_stage_ready(world: World) -> None:
    follower = world.follower()
    await follower.poll()
    world.release("one")
    await follower.poll()
    assert follower.value == "one"
    assert world.states[-1] == (True, "")
    assert follower.release == world.store.current()


async def test_a_newer_release_is_swapped_in(world: World) -> None:
    follower = world.follower()
    world.release("one")
    await follower.poll()
    generation = world.release("two")
    await follower.poll()
    assert follower.value == "two"
    shown = world.metrics.render().decode()
    assert shown.count("hemline_generation_info{") == 1
    assert f'hemline_generation_info{{generation="{generation}",kind="text"}} 1.0' in shown


async def test_a_release_is_loaded_once(world: World) -> None:
    follower = world.follower()
    world.release("one")
    for _ in range(3):
        await follower.poll()
    assert world.loads == ["r-000001"]


async def test_a_damaged_release_keeps_the_old_one_in_service(world: World) -> None:
    follower = world.follower()
    world.release("one")
    await follower.poll()
    world.damage(world.release("two"))
    await follower.poll()
    assert follower.value == "one"
    ready, remark = world.states[-1]
    assert ready
    assert remark.startswith("serving r-000001: release r-000002: ")
    assert re.search(r"words\.txt has \d+ bytes instead of \d+$", remark)
    assert world.failures("file_size")
    assert world.refusing() == ["file_size"]
    world.release("three")
    await follower.poll()
    assert world.states[-1] == (True, "")
    assert world.refusing() == []


async def test_a_release_that_cannot_be_opened_keeps_the_old_one(world: World) -> None:
    follower = world.follower()
    world.release("one")
    await follower.poll()
    world.release("poison")
    await follower.poll()
    assert follower.value == "one"
    assert world.failures("open_failed")


async def test_a_bad_release_is_tried_again_less_and_less_often(world: World) -> None:
    follower = world.follower()
    world.release("poison")
    tries = []
    for _ in range(40):
        await follower.poll()
        tries.append(len(world.loads))
    assert [tries[at] for at in (0, 1, 2, 3, 4, 7)] == [1, 2, 2, 3, 3, 4]
    assert tries[-1] < 10


async def test_a_good_release_after_a_bad_one_is_taken_at_once(world: World) -> None:
    follower = world.follower()
    world.damage(world.release("one"))
    await follower.poll()
    assert world.states[-1][0] is False
    assert "words.txt" in world.states[-1][1]
    world.release("two")
    await follower.poll()
    assert follower.value == "two"
    assert world.states[-1] == (True, "")


async def test_a_garbled_pointer_keeps_the_old_one(world: World) -> None:
    follower = world.follower()
    world.release("one")
    await follower.poll()
    (world.root / "CURRENT").write_text("garbage")
    await follower.poll()
    assert follower.value == "one"
    assert world.failures("current_garbage")


async def test_going_back_is_a_release_like_any_other(world: World) -> None:
    follower = world.follower()
    first = world.release("one")
    world.release("two")
    await follower.poll()
    world.store.release({"text": first}, seq=1)
    await follower.poll()
    assert follower.value == "one"


async def test_a_release_of_the_same_generations_is_named_and_not_loaded(world: World) -> None:
    follower = world.follower()
    generation = world.release("one")
    await follower.poll()
    world.store.release({"text": generation}, seq=9)
    await follower.poll()
    assert world.loads == ["r-000001"]
    assert follower.release == world.store.current()


async def test_a_release_of_other_kinds_is_not_loaded(world: World) -> None:
    follower = world.follower("text")
    text = world.release("one")
    await follower.poll()
    world.store.release({"text": text, "image": world.publish("image", "x")}, seq=2)
    await follower.poll()
    assert world.loads == ["r-000001"]


async def test_a_release_without_our_kind_is_refused(world: World) -> None:
    follower = world.follower("text")
    world.store.release({"image": world.publish("image", "x")}, seq=1)
    await follower.poll()
    assert follower.value is None
    assert world.failures("kind_missing")
    assert world.loads == []


async def test_following_goes_on_until_it_is_cancelled(world: World) -> None:
    world.release("one")
    follower = world.follower()
    following = asyncio.create_task(follower.run())
    while follower.value is None:  # noqa: ASYNC110  # the load runs in a thread
        await asyncio.sleep(0.005)
    assert not following.done()
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
