"""Promises of the artifact store: whole or not there, checked to the last bit."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from runtime import manifest
from runtime.artifacts import Artifact, ArtifactRefused, ArtifactStore
from runtime.errors import SetupError

GENERATION = "000001-00000000"


def fill(folder: Path) -> Mapping[str, object]:
    (folder / "vectors.bin").write_bytes(bytes(range(256)) * 8)
    (folder / "deep").mkdir()
    (folder / "deep" / "ids.txt").write_text("0001\n0002\n")
    (folder / "deep" / "twin.txt").write_text("0003\n0004\n")
    return {"products": 2, "recall": 0.99}


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def artifact(store: ArtifactStore) -> Artifact:
    return store.publish(
        "text", format=1, seq=7, write=fill, inputs={"catalog": "c1"}, parents={"encoder": "e"}
    )


def test_an_artifact_opens_as_it_was_published(store: ArtifactStore, artifact: Artifact) -> None:
    opened = store.open("text", artifact.generation, format=1)
    assert opened == artifact
    assert (opened.seq, opened.inputs, opened.parents) == (7, {"catalog": "c1"}, {"encoder": "e"})
    assert opened.facts == {"products": 2, "recall": 0.99}
    assert (opened.folder / "deep" / "ids.txt").read_text() == "0001\n0002\n"


def test_an_artifact_can_be_read_by_another_user(artifact: Artifact) -> None:
    below = (artifact.folder, *artifact.folder.rglob("*"))
    assert all(path.stat().st_mode & 0o004 for path in below)
    assert all(path.stat().st_mode & 0o001 for path in below if path.is_dir())
    assert all(not path.stat().st_mode & 0o222 for path in below if path.is_file())


def test_an_empty_lock_that_a_reader_leaves_is_no_content(
    store: ArtifactStore, artifact: Artifact
) -> None:
    (artifact.folder / "deep" / ".reader.lock").touch()
    assert store.open("text", artifact.generation, format=1) == artifact


def flip(path: Path, rng: random.Random) -> None:
    raw = bytearray(path.read_bytes())
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    replace(path, bytes(raw))


def truncate(path: Path, rng: random.Random) -> None:
    raw = path.read_bytes()
    replace(path, raw[: rng.randrange(len(raw))])


def replace(path: Path, raw: bytes) -> None:
    path.unlink()
    path.write_bytes(raw)


@pytest.mark.parametrize("damage", [flip, truncate])
def test_any_damaged_byte_is_refused(
    artifact: Artifact, tmp_path: Path, damage: Callable[[Path, random.Random], None]
) -> None:
    for seed in range(60):
        root = tmp_path / str(seed)
        shutil.copytree(artifact.folder.parent.parent, root)
        folder = root / "text" / artifact.generation
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        damage(files[seed % len(files)], random.Random(seed))
        with pytest.raises(ArtifactRefused) as caught:
            ArtifactStore(root).open("text", artifact.generation, format=1)
        reason = caught.value.reason
        assert reason.removeprefix("file_") in {"digest", "size"} or reason.startswith("manifest_")


def remove(folder: Path) -> None:
    (folder / "vectors.bin").unlink()


def add(folder: Path) -> None:
    (folder / "deep" / "more.txt").write_text("x")


def swap(folder: Path) -> None:
    one, two = folder / "deep" / "ids.txt", folder / "deep" / "twin.txt"
    one.rename(folder / "aside")
    two.rename(one)
    (folder / "aside").rename(two)


def link_file(folder: Path) -> None:
    (folder / "vectors.bin").rename(folder.parent / "elsewhere.bin")
    (folder / "vectors.bin").symlink_to(folder.parent / "elsewhere.bin")


def link_folder(folder: Path) -> None:
    (folder / "deep").rename(folder.parent / "deep")
    (folder / "deep").symlink_to(folder.parent / "deep")


def link_generation(folder: Path) -> None:
    folder.rename(folder.parent / "away")
    folder.symlink_to(folder.parent / "away")


def link_manifest(folder: Path) -> None:
    (folder / "manifest.json").rename(folder.parent / "m.json")
    (folder / "manifest.json").symlink_to(folder.parent / "m.json")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def garbage_manifest(folder: Path) -> None:
    replace(folder / "manifest.json", b"\x00\xff" * 50)


def deep_manifest(folder: Path) -> None:
    replace(folder / "manifest.json", b"[" * 100_000)


def gone(folder: Path) -> None:
    folder.rename(folder.parent / "gone")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (remove, "file_missing"),
        (add, "file_extra"),
        (swap, "file_digest"),
        (link_file, "not_a_file"),
        (link_folder, "not_a_file"),
        (link_generation, "generation_missing"),
        (link_manifest, "not_a_file"),
        (pipe, "not_a_file"),
        (no_manifest, "manifest_missing"),
        (garbage_manifest, "manifest_garbage"),
        (deep_manifest, "manifest_garbage"),
        (gone, "generation_missing"),
    ],
)
def test_a_folder_that_is_not_what_was_published_is_refused(
    store: ArtifactStore, artifact: Artifact, damage: Callable[[Path], None], reason: str
) -> None:
    damage(artifact.folder)
    with pytest.raises(ArtifactRefused) as caught:
        store.open("text", artifact.generation, format=1)
    assert caught.value.reason == reason


def forge(folder: Path, change: Mapping[str, object]) -> str:
    """Seals a changed manifest anew, as an attacker would, and returns its generation."""
    body, _ = manifest.unsealed(folder / "manifest.json")
    body |= change
    replace(folder / "manifest.json", manifest.sealed(body))
    name = f"000001-{manifest.digest_of(body)[:8]}"
    folder.rename(folder.parent / name)
    return name


def file(path: str) -> dict[str, object]:
    return {"path": path, "size": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"files": [file("../../CURRENT")]}, "path_unsafe"),
        ({"files": [file("/etc/passwd")]}, "path_unsafe"),
        ({"files": [file("deep//ids.txt")]}, "path_unsafe"),
        ({"files": [file("manifest.json")]}, "path_unsafe"),
        ({"files": "all"}, "manifest_garbage"),
        ({"files": [{"path": 3, "size": 1, "sha256": ""}]}, "manifest_garbage"),
        ({"format": "1"}, "manifest_garbage"),
        ({"format": True}, "manifest_garbage"),
        ({"seq": -1}, "manifest_garbage"),
        ({"inputs": {"a": 1}}, "manifest_garbage"),
        ({"surprise": 1}, "manifest_garbage"),
        ({"kind": "image"}, "generation_name"),
        ({"format": 2}, "format"),
    ],
    ids=str,
)
def test_a_forged_manifest_is_refused(
    store: ArtifactStore, artifact: Artifact, change: Mapping[str, object], reason: str
) -> None:
    generation = forge(artifact.folder, change)
    with pytest.raises(ArtifactRefused) as caught:
        store.open("text", generation, format=1)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("kind", "generation"),
    [("../text", GENERATION), ("text", "../x"), ("text", "."), ("text", ""), ("", GENERATION)],
)
def test_a_name_cannot_lead_out_of_the_store(
    store: ArtifactStore, kind: str, generation: str
) -> None:
    with pytest.raises(ArtifactRefused) as caught:
        store.open(kind, generation, format=1)
    assert caught.value.reason == "generation_name"


def test_equal_inputs_are_found_and_others_are_not(
    store: ArtifactStore, artifact: Artifact
) -> None:
    assert store.find("text", format=1, inputs={"catalog": "c1"}) == artifact
    assert store.find("text", format=1, inputs={"catalog": "c2"}) is None
    assert store.find("text", format=2, inputs={"catalog": "c1"}) is None
    assert store.find("image", format=1, inputs={"catalog": "c1"}) is None


def test_a_damaged_generation_is_not_found(store: ArtifactStore, artifact: Artifact) -> None:
    remove(artifact.folder)
    assert store.find("text", format=1, inputs={"catalog": "c1"}) is None


def test_generations_are_numbered_and_old_ones_removed(
    store: ArtifactStore, artifact: Artifact
) -> None:
    store.release({"text": artifact.generation}, seq=7)
    made = [store.publish("text", format=1, seq=n, write=fill) for n in range(6)]
    kept = store.generations("text")
    assert kept == [artifact.generation, *(m.generation for m in made[-3:])]
    assert [name.split("-")[0] for name in kept] == ["000001", "000005", "000006", "000007"]


def test_the_parent_of_a_kept_generation_is_kept(store: ArtifactStore) -> None:
    encoder = store.publish("encoder", format=1, seq=0, write=fill)
    store.publish("image", format=1, seq=0, write=fill, parents={"encoder": encoder.generation})
    for number in range(6):
        store.publish("encoder", format=1, seq=number, write=fill)
    assert encoder.generation in store.generations("encoder")


def test_a_failed_build_leaves_nothing(store: ArtifactStore, artifact: Artifact) -> None:
    def fail(folder: Path) -> Mapping[str, object]:
        fill(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.publish("text", format=1, seq=8, write=fail)
    assert store.generations("text") == [artifact.generation]
    assert not list(artifact.folder.parent.glob(".scratch*"))


def on_full_disk(folder: Path) -> Mapping[str, object]:
    with Path("/dev/full").open("wb", buffering=0) as disk:
        disk.write(b"x")
    return {}


def in_a_library(folder: Path) -> Mapping[str, object]:
    raise ValueError("commit failed: No space left on device (os error 28)")


@pytest.mark.parametrize("write", [on_full_disk, in_a_library])
def test_a_full_disk_is_one_sentence(
    store: ArtifactStore, write: Callable[[Path], Mapping[str, object]]
) -> None:
    with pytest.raises(SetupError, match=r"^no space left for .*: free some and run this again$"):
        store.publish("text", format=1, seq=1, write=write)
    assert store.generations("text") == []


def test_two_programs_cannot_publish_one_kind_at_once(store: ArtifactStore) -> None:
    def meanwhile(folder: Path) -> Mapping[str, object]:
        store.publish("text", format=1, seq=1, write=fill)
        return {}

    with pytest.raises(SetupError, match="another program is publishing"):
        store.publish("text", format=1, seq=1, write=meanwhile)


def test_facts_that_are_not_json_are_refused(store: ArtifactStore) -> None:
    with pytest.raises(ValueError):
        store.publish("text", format=1, seq=1, write=lambda _: {"recall": float("nan")})


def test_there_is_no_release_before_the_first(store: ArtifactStore) -> None:
    assert store.current() is None
    assert store.previous() is None


def test_a_release_names_the_generations_together(store: ArtifactStore, artifact: Artifact) -> None:
    first = store.release({"text": artifact.generation}, seq=7)
    assert (first.name, first.seq, first.generations) == (
        "r-000001",
        7,
        {"text": artifact.generation},
    )
    assert store.current() == first
    assert store.release({"text": artifact.generation}, seq=7) == first
    second = store.release({"text": artifact.generation}, seq=8)
    assert (store.current(), store.previous()) == (second, first)


def test_a_release_of_what_is_not_there_is_refused(
    store: ArtifactStore, artifact: Artifact
) -> None:
    first = store.release({"text": artifact.generation}, seq=7)
    with pytest.raises(ArtifactRefused):
        store.release({"text": GENERATION}, seq=8)
    assert store.current() == first


@pytest.mark.parametrize(
    "raw",
    [b"", b"r-000001", b"r-000009\n", b"../x\n", b"r-000001\nr-000002\n", b"\xff\xfe\n", b"x" * 99],
)
def test_a_garbled_pointer_is_refused_and_the_next_release_heals_it(
    store: ArtifactStore, artifact: Artifact, raw: bytes
) -> None:
    store.release({"text": artifact.generation}, seq=7)
    (artifact.folder.parent.parent / "CURRENT").write_bytes(raw)
    with pytest.raises(ArtifactRefused):
        store.current()
    healed = store.release({"text": artifact.generation}, seq=7)
    assert store.current() == healed


def test_any_flipped_bit_of_a_release_is_refused(store: ArtifactStore, artifact: Artifact) -> None:
    store.release({"text": artifact.generation}, seq=7)
    path = artifact.folder.parent.parent / "releases" / "r-000001.json"
    raw = path.read_bytes()
    for seed in range(100):
        flip(path, random.Random(seed))
        with pytest.raises(ArtifactRefused) as caught:
            store.current()
        assert caught.value.reason == "release_garbage"
        path.write_bytes(raw)


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from runtime.artifacts import ArtifactStore

STEPS = {"open", "os.rename", "os.mkdir", "os.chmod", "os.remove", "os.rmdir"}
root, left = Path(sys.argv[1]), 0

def count(event, arguments):
    global left
    if event in STEPS:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def write(folder):
    (folder / "a.bin").write_bytes(b"new")
    return {}

def publish(folder, step):
    global left
    store, left = ArtifactStore(folder), step
    sys.addaudithook(count)
    made = store.publish("text", format=1, seq=2, write=write)
    store.release({"text": made.generation}, seq=2)
    left = 0

for step in range(1, 200):
    folder = root.parent / str(step)
    shutil.copytree(root, folder)
    child = os.fork()
    if child == 0:
        publish(folder, step)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


def test_a_publisher_killed_at_any_step_leaves_a_whole_release(
    store: ArtifactStore, artifact: Artifact
) -> None:
    root = artifact.folder.parent.parent
    before = store.release({"text": artifact.generation}, seq=7)
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", KILLED, str(root)], env=path, check=True)
    folders = sorted((p for p in root.parent.iterdir() if p.name.isdecimal()), key=lambda p: p.name)
    seen = set()
    for folder in folders:
        after = ArtifactStore(folder)
        current = after.current()
        assert current is not None
        assert current == before or current.seq == 2
        assert after.open("text", current.generations["text"], format=1)
        seen.add(current.seq)
        after.publish("text", format=1, seq=3, write=fill)
        assert not list(folder.rglob(".scratch*"))
    assert len(folders) > 20
    assert seen == {2, 7}


def test_a_manifest_is_json_that_a_person_can_read(artifact: Artifact) -> None:
    body = json.loads((artifact.folder / "manifest.json").read_text())
    assert body["kind"] == "text"
    assert [f["path"] for f in body["files"]] == ["deep/ids.txt", "deep/twin.txt", "vectors.bin"]
