"""A publisher whose disk fills up says so in one sentence, changes nothing, and can try again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Runs on a small file system of its own, and leaves a little more room each time.
ON_A_SMALL_DISK = """
import json, subprocess, sys
from pathlib import Path
from runtime.artifacts import ArtifactStore
from runtime.errors import SetupError

PAGE = 4096
disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
store = ArtifactStore(disk / "artifacts")

def publish(number):
    made = {}
    for kind in ("text", "image"):
        def write(folder):
            (folder / "deep").mkdir()
            (folder / "deep" / "ids.txt").write_text(str(number))
            (folder / "vectors.bin").write_bytes(bytes([number % 256]) * 45_000)
            return {"number": number}
        made[kind] = store.publish(kind, format=1, seq=number, write=write).generation
    return store.release(made, seq=number)

def whole(release):
    return all(
        store.open(kind, generation, format=1).facts["number"] == release.seq
        for kind, generation in release.generations.items()
    )

publish(0)
for number in range(1, 60):
    before = store.current()
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(PAGE))
        except OSError:
            file.truncate(max(0, file.tell() // PAGE - number + 1) * PAGE)
    problem = ""
    try:
        publish(number)
    except SetupError as error:
        problem = str(error)
    after = store.current()
    left = [path.name for path in disk.rglob(".scratch*")]
    kept = after == before if problem else after.seq == number
    ballast.unlink()
    again = publish(1000 + number)
    print(json.dumps({
        "problem": problem, "kept": kept, "left": left, "whole": whole(after),
        "again": store.current() == again and whole(again),
    }))
    if not problem:
        break
"""


def test_a_disk_that_is_full_at_any_point_keeps_the_release_and_the_next_try_works(
    tmp_path: Path,
) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    (tmp_path / "disk").mkdir()
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no file system of its own can be mounted here (unshare is refused)")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path / "disk")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tries = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(tries) > 8
    assert not tries[-1]["problem"]
    for each in tries[:-1]:
        assert each["problem"].startswith("no space left for ")
        assert each["problem"].endswith(": free some and run this again")
        assert "\n" not in each["problem"]
    for each in tries:
        assert each["kept"]
        assert each["whole"]
        assert each["again"]
        assert each["left"] == []


# As a quota on the size of a file refuses: the error number is another.
OVER_A_QUOTA = """
import resource, signal, sys
from pathlib import Path
from runtime.artifacts import ArtifactStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
def write(folder):
    (folder / "vectors.bin").write_bytes(bytes(50_000))
    return {}
ArtifactStore(Path(sys.argv[1])).publish("text", format=1, seq=1, write=write)
"""


def test_a_quota_is_a_full_disk_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OVER_A_QUOTA, str(tmp_path / "artifacts")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("runtime.errors.SetupError: no space left for ")
    assert not list((tmp_path / "artifacts").rglob(".scratch*"))
