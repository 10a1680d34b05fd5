"""Two hundred ways to spoil the artifacts of a release, and not one of them is opened."""

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from offline.layout import DataDir
from offline.publish import formats
from runtime import manifest
from runtime.artifacts import Artifact, ArtifactStore, Release
from runtime.generations import Follower
from runtime.metrics import Metrics

KINDS = ("text", "image", "encoder", "ranking")
MUTATIONS_A_KIND = 50


def flip_a_bit(files: list[Path], older: Path, rng: random.Random) -> None:
    path = rng.choice([path for path in files if path.stat().st_size])
    raw = bytearray(path.read_bytes())
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    rewrite(path, bytes(raw))


def truncate(files: list[Path], older: Path, rng: random.Random) -> None:
    path = rng.choice([path for path in files if path.stat().st_size])
    raw = path.read_bytes()
    rewrite(path, raw[: rng.randrange(len(raw))])


def grow(files: list[Path], older: Path, rng: random.Random) -> None:
    path = rng.choice(files)
    rewrite(path, path.read_bytes() + rng.randbytes(1 + rng.randrange(64)))


def blank(files: list[Path], older: Path, rng: random.Random) -> None:
    """Zeros in the middle, as a file that was never fully written has after a crash."""
    path = rng.choice([path for path in files if any(path.read_bytes()[-64:])])
    raw = path.read_bytes()
    keep = rng.randrange(max(1, len(raw) - 64))
    rewrite(path, raw[:keep] + bytes(len(raw) - keep))


def remove(files: list[Path], older: Path, rng: random.Random) -> None:
    rng.choice(files).unlink()


def add(files: list[Path], older: Path, rng: random.Random) -> None:
    place = rng.choice(files).parent
    (place / f"more-{rng.randrange(100)}.bin").write_bytes(rng.randbytes(rng.randrange(64)))


def rename(files: list[Path], older: Path, rng: random.Random) -> None:
    path = rng.choice(files)
    path.rename(path.with_name(f"{path.name}.old"))


def swap(files: list[Path], older: Path, rng: random.Random) -> None:
    """Two files with each other's content; where all are equal, one with another generation's."""
    one = rng.choice(files)
    others = [path for path in files if path.read_bytes() != one.read_bytes()]
    other = rng.choice(others)
    content, theirs = one.read_bytes(), other.read_bytes()
    rewrite(one, theirs)
    rewrite(other, content)


def take_the_place_of(files: list[Path], older: Path, rng: random.Random) -> None:
    """A whole and well-formed generation of the kind under the name of another."""
    folder = next(path for path in files if path.name == "manifest.json").parent
    shutil.rmtree(folder)
    shutil.copytree(older, folder)


def link(files: list[Path], older: Path, rng: random.Random) -> None:
    path = rng.choice(files)
    aside = older.parent.parent / f"aside-{path.name}"
    shutil.copyfile(path, aside)
    path.unlink()
    path.symlink_to(aside)


def edit_the_manifest(files: list[Path], older: Path, rng: random.Random) -> None:
    """A field of the manifest changed and sealed anew, as somebody with intent would."""
    path = next(path for path in files if path.name == "manifest.json")
    body, _ = manifest.unsealed(path)
    edits: list[Callable[[], object]] = [
        lambda: body.update(seq=rng.randrange(1000) + 1000),
        lambda: body.update(format=99),
        lambda: body.update(kind="image" if body["kind"] != "image" else "text"),
        lambda: body.update(facts={"fingerprint": "0" * 64, "dim": 3}),
        lambda: body.update(files=[]),
        lambda: body.update(surprise=1),
        lambda: body.update(parents={"encoder": "000009-00000000"}),
    ]
    rng.choice(edits)()
    rewrite(path, manifest.sealed(body))


MUTATIONS = (
    flip_a_bit,
    truncate,
    grow,
    blank,
    remove,
    add,
    rename,
    swap,
    take_the_place_of,
    link,
    edit_the_manifest,
)


def rewrite(path: Path, raw: bytes) -> None:
    path.unlink()
    path.write_bytes(raw)


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@dataclass
class Stage:
    """A stage that follows releases as all do: it opens through the store, or not at all."""

    store: ArtifactStore
    kind: str
    metrics: Metrics = field(default_factory=lambda: Metrics("any"))
    states: list[tuple[bool, str]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def follower(self) -> Follower[Artifact]:
        return Follower(
            self.store,
            self.load,
            poll_s=5.0,
            on_state=lambda ready, why: self.states.append((ready, why)),
            metrics=self.metrics,
            kinds=(self.kind,),
        )

    def load(self, release: Release) -> Artifact:
        generation = release.generations[self.kind]
        artifact = self.store.open(self.kind, generation, format=formats()[self.kind])
        self.opened.append(release.name)
        return artifact

    def failures(self) -> int:
        lines = self.metrics.render().decode().splitlines()
        name = "hemline_release_load_failures_total{"
        return int(sum(float(line.split()[-1]) for line in lines if line.startswith(name)))


@pytest.fixture(scope="module")
def artifacts(world: DataDir, tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    """Real artifacts of each kind, those of the small world, in two generations."""
    source = ArtifactStore(world.artifacts)
    store = ArtifactStore(tmp_path_factory.mktemp("mutations") / "artifacts")
    release = source.current()
    assert release is not None
    for kind in KINDS:
        artifact = source.open(kind, release.generations[kind], format=formats()[kind])
        for number in (1, 2):
            publish_again(store, artifact, number)
    return store


def publish_again(store: ArtifactStore, artifact: Artifact, number: int) -> None:
    def write(folder: Path) -> dict[str, object]:
        shutil.copytree(artifact.folder, folder, dirs_exist_ok=True)
        (folder / "manifest.json").unlink()
        return dict(artifact.facts)

    store.publish(artifact.kind, format=artifact.format, seq=artifact.seq + number, write=write)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_mutation_is_refused_and_the_old_generation_serves_on(
    artifacts: ArtifactStore, kind: str
) -> None:
    root, stage = artifacts.releases.home.parent, Stage(artifacts, kind)
    old, new = artifacts.generations(kind)
    artifacts.release({kind: old}, seq=1)
    follower = stage.follower()
    await follower.poll()
    whole = root / "whole"
    (root / kind / new).rename(whole)
    reasons = set()
    for seed in range(MUTATIONS_A_KIND):
        rng = random.Random(seed)
        folder = root / kind / new
        shutil.copytree(whole, folder)
        release = artifacts.release({kind: new}, seq=100 + seed)
        MUTATIONS[seed % len(MUTATIONS)](files_of(folder), root / kind / old, rng)
        await follower.poll()
        assert follower.value is not None, seed
        assert follower.value.generation == old, seed
        assert stage.failures() == seed + 1
        ready, why = stage.states[-1]
        assert ready
        assert why.startswith("serving r-"), why
        assert release.name in why
        reasons.add(refused_for(stage.metrics))
        shutil.rmtree(folder)
    # The first was opened; of the others not one.
    assert len(stage.opened) == 1
    assert len(reasons) >= 6, reasons
    whole.rename(root / kind / new)
    artifacts.release({kind: new}, seq=1000)
    await follower.poll()
    assert follower.value is not None
    assert follower.value.generation == new
    assert stage.states[-1] == (True, "")


def refused_for(metrics: Metrics) -> str:
    """The one reason for which the release in force is refused now."""
    shown = metrics.render().decode()
    found = re.findall(r'^hemline_release_refused\{reason="(\w+)"\} 1.0$', shown, re.MULTILINE)
    assert len(found) == 1
    return str(found[0])
