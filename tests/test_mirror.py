"""Promises of the copy that a pod serves from."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from offline.copy_artifacts import copy_artifacts, follow
from runtime.artifacts import ArtifactRefused, ArtifactStore
from runtime.mirror import mirror


@pytest.fixture
def source(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "source")


def publish(store: ArtifactStore, kind: str, text: str) -> str:
    def write(folder: Path) -> Mapping[str, object]:
        (folder / "deep").mkdir()
        (folder / "deep" / "words.txt").write_text(text)
        return {}

    return store.publish(kind, format=1, seq=3, write=write).generation


def release(store: ArtifactStore, text: str) -> dict[str, str]:
    generations = {kind: publish(store, kind, text) for kind in ("text", "image")}
    store.release(generations, seq=3)
    return generations


def test_the_copy_is_the_same_release_with_the_kinds_asked_for(
    source: ArtifactStore, tmp_path: Path
) -> None:
    generations = release(source, "one")
    target = ArtifactStore(tmp_path / "target")
    assert mirror(tmp_path / "source", tmp_path / "target", ["text"]) == source.current()
    assert target.current() == source.current()
    assert target.open("text", generations["text"], format=1).seq == 3
    assert target.generations("image") == []


def test_current_and_previous_are_kept_and_older_ones_removed(
    source: ArtifactStore, tmp_path: Path
) -> None:
    made = []
    for text in ("one", "two", "three"):
        made.append(release(source, text)["text"])
        mirror(tmp_path / "source", tmp_path / "target", ["text"])
    target = ArtifactStore(tmp_path / "target")
    assert target.generations("text") == made[1:]
    assert target.previous() == source.previous()


def test_going_back_is_followed(source: ArtifactStore, tmp_path: Path) -> None:
    first = release(source, "one")
    release(source, "two")
    mirror(tmp_path / "source", tmp_path / "target", ["text"])
    source.release(first, seq=3)
    mirror(tmp_path / "source", tmp_path / "target", ["text"])
    assert ArtifactStore(tmp_path / "target").current() == source.current()


def test_what_is_damaged_at_the_source_is_refused_and_the_copy_stays(
    source: ArtifactStore, tmp_path: Path
) -> None:
    release(source, "one")
    mirror(tmp_path / "source", tmp_path / "target", ["text"])
    target = ArtifactStore(tmp_path / "target")
    before = target.current()
    generation = release(source, "two")["text"]
    path = tmp_path / "source" / "text" / generation / "deep" / "words.txt"
    path.unlink()
    path.write_text("twa")
    with pytest.raises(ArtifactRefused) as caught:
        mirror(tmp_path / "source", tmp_path / "target", ["text"])
    assert caught.value.reason == "file_digest"
    assert target.current() == before
    path.unlink()
    with pytest.raises(ArtifactRefused):
        mirror(tmp_path / "source", tmp_path / "target", ["text"])
    assert target.current() == before


def test_a_link_at_the_source_is_not_followed(source: ArtifactStore, tmp_path: Path) -> None:
    generation = release(source, "one")["text"]
    path = tmp_path / "source" / "text" / generation / "deep" / "words.txt"
    path.rename(tmp_path / "words.txt")
    path.symlink_to(tmp_path / "words.txt")
    with pytest.raises(ArtifactRefused):
        mirror(tmp_path / "source", tmp_path / "target", ["text"])
    assert ArtifactStore(tmp_path / "target").current() is None


def test_what_is_damaged_at_the_target_is_copied_again(
    source: ArtifactStore, tmp_path: Path
) -> None:
    generation = release(source, "one")["text"]
    mirror(tmp_path / "source", tmp_path / "target", ["text"])
    path = tmp_path / "target" / "text" / generation / "deep" / "words.txt"
    path.unlink()
    path.write_text("damaged")
    mirror(tmp_path / "source", tmp_path / "target", ["text"])
    assert path.read_text() == "one"


def test_nothing_published_yet_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    run = subprocess.run(
        [sys.executable, "-m", "offline.copy_artifacts", tmp_path / "source", tmp_path / "target"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == f"no release is published in {tmp_path / 'source'} yet\n"


def test_a_follower_copies_what_comes_and_says_it_once(
    source: ArtifactStore, tmp_path: Path
) -> None:
    said: list[str] = []
    texts = iter(["", "one", ""])

    def wait() -> bool:
        text = next(texts, None)
        if text:
            release(source, text)
        return text is None

    follow(
        lambda recheck: copy_artifacts(
            tmp_path / "source", tmp_path / "target", ["text"], recheck=recheck
        ),
        wait,
        said.append,
    )
    assert [sentence.split(" is ")[0] for sentence in said] == ["no release", "release r-000001"]
