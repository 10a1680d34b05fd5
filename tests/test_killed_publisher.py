"""Whoever kills a publisher, and whenever: a whole release is in force, and none is lost."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.artifacts import ArtifactStore

ROUNDS = 50
KINDS = ("text", "image")

# One process forks a publisher a round and kills it by SIGKILL from within, at a point that is
# counted, not timed: the first half at each call that reaches the disk, the others anywhere.
PUBLISHER = """
import json, os, random, signal, sys
from pathlib import Path
from runtime.artifacts import ArtifactStore

DISK = {"fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "chmod", "write", "close"}
EACH = 3  # releases of a publisher that nobody kills
root, rounds, kinds = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(",")
counted = {"all": 0, "disk": 0}

def publish(number, acknowledged):
    store = ArtifactStore(root)
    made = {}
    for kind in kinds:
        def write(folder):
            (folder / "deep").mkdir()
            (folder / "deep" / "ids.txt").write_text(f"{kind} {number}")
            (folder / "vectors.bin").write_bytes(os.urandom(5000))
            return {"number": number}
        made[kind] = store.publish(kind, format=1, seq=number, write=write).generation
    release = store.release(made, seq=number)
    os.write(acknowledged, f"{release.name}\\n".encode())

def watched(limit, counter):
    def count(frame, event, argument):
        counted["all"] += 1
        if event == "c_call" and argument.__name__ in DISK:
            counted["disk"] += 1
        if counted[counter] == limit:
            os.kill(os.getpid(), signal.SIGKILL)
    return count

def run(number, limit, counter):
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        sys.setprofile(watched(limit, counter))
        for place in range(EACH):
            publish(EACH * number + place, theirs)
        sys.setprofile(None)
        os.write(theirs, json.dumps(counted).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        said = pipe.read().splitlines()
    return os.waitpid(child, 0)[1], said

status, said = run(0, -1, "all")
most = json.loads(said.pop())
print(json.dumps({"killed": status != 0, "acknowledged": said, "most": most}), flush=True)
sys.stdin.readline()
rng = random.Random(7)
for number in range(1, rounds + 1):
    at_disk = number <= rounds // 2
    counter = "disk" if at_disk else "all"
    step = rng.randrange(1, most["all"])
    if at_disk:
        step = 1 + (number - 1) * most["disk"] // (rounds // 2)
    status, said = run(number, step, counter)
    said = [line for line in said if line.startswith("r-")]
    print(json.dumps({"killed": status == signal.SIGKILL, "acknowledged": said}), flush=True)
    sys.stdin.readline()
"""


@dataclass(frozen=True)
class Round:
    killed: bool
    acknowledged: list[str]


class Publisher:
    """Publishes and dies once a round; between the rounds the store lies still."""

    def __init__(self, root: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(root), str(ROUNDS), ",".join(KINDS)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def next_round(self) -> Round:
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        body = json.loads(self._process.stdout.readline())
        return Round(body["killed"], body["acknowledged"])

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    started = Publisher(tmp_path / "artifacts")
    yield started
    started.close()


def test_fifty_killed_publishers_leave_a_whole_release_in_force_and_lose_none(
    publisher: Publisher, tmp_path: Path
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    first = publisher.next_round()
    assert not first.killed
    acknowledged = list(first.acknowledged)
    killed = 0
    for _ in range(ROUNDS):
        publisher.go_on()
        latest = publisher.next_round()
        killed += latest.killed
        acknowledged += latest.acknowledged
        check(store, acknowledged)
    assert killed == ROUNDS
    # Some died before they were heard and some after; both were seen.
    assert 10 < len(acknowledged) < 3 * ROUNDS
    for kind in KINDS:
        store.publish(kind, format=1, seq=0, write=lambda folder: {})
    assert not list((tmp_path / "artifacts").rglob(".scratch*"))


def check(store: ArtifactStore, acknowledged: list[str]) -> None:
    current = store.current()
    assert current is not None
    # In force is the last that was acknowledged, or one that was whole before it could be.
    assert current.name >= acknowledged[-1]
    for kind, generation in current.generations.items():
        assert store.open(kind, generation, format=1).facts["number"] == current.seq
    assert set(current.generations) == set(KINDS)
    # What was in force before can be gone back to.
    before = store.previous()
    if before is not None:
        for kind, generation in before.generations.items():
            store.open(kind, generation, format=1)
    for name in acknowledged:
        assert store.releases.read(name).name == name
